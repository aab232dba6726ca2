"""Times a step in turn with the reference kernel; prints ratios; compares them to an earlier session."""

from pathlib import Path

import pytest
import torch

from tests.micro import ratios
from tests.micro.reference import reference_kernel, seconds

ROUNDS = 20
ROUND_S = 0.03  # of a benchmark; long enough for the clock, short enough to meet the reference's moment
REFERENCE_CALLS = 10
measured = pytest.StashKey[dict[str, dict]]()  # by benchmark: its extra_info
then = pytest.StashKey[ratios.Ratios]()  # of the session to compare to


def pytest_addoption(parser):
    parser.addoption(
        "--compare",
        metavar="FILE",
        type=Path,
        help=f"an earlier session's JSON; exit status 1 if a ratio grew by more than {ratios.MARGIN:.0%}",
    )


def pytest_configure(config):
    config.stash[measured] = {}
    if path := config.getoption("compare", None):
        try:
            config.stash[then] = ratios.read(path)
        except ValueError as error:
            raise pytest.UsageError(f"{error}\n  remedy: name a file that `nox -s micro` saved") from error


@pytest.fixture(scope="session")
def reference():
    torch.set_num_threads(1)
    return reference_kernel()


@pytest.fixture
def measure(benchmark, reference, request):
    """measure(step, words): time `step`, which takes `words` words, in turn with the reference kernel."""

    def run(step, words, unit="words"):
        calls = max(1, round(ROUND_S / max(seconds(step, 2), 1e-7)))
        reference_s = []
        benchmark.pedantic(
            lambda: seconds(step, calls),
            setup=lambda: reference_s.append(seconds(reference, REFERENCE_CALLS)),
            rounds=ROUNDS,
            warmup_rounds=1,
        )
        if benchmark.disabled:
            return
        step_s = [round_s / calls for round_s in benchmark.stats.stats.data]
        benchmark.extra_info |= {
            **ratios.extra_info(step_s, reference_s[-ROUNDS:], words, unit),
            "steps_per_round": calls,
        }
        request.config.stash[measured][request.node.name] = benchmark.extra_info

    return run


def pytest_sessionfinish(session):
    if any(change.verdict == "slower" for change in changes(session.config)):
        session.exitstatus = 1


def changes(config):
    """What has changed since the session to compare to; nothing without one."""
    now = {name: info["ratios"] for name, info in config.stash.get(measured, {}).items()}
    return ratios.compare(now, config.stash.get(then, {}))


def pytest_terminal_summary(terminalreporter, config):
    if not config.stash.get(measured, {}):
        return
    changed = {change.name: change for change in changes(config)}
    terminalreporter.section("steps in units of the reference kernel, with 95 % intervals")
    for name, info in config.stash[measured].items():
        terminalreporter.write_line(line(name, info) + beside(changed.get(name)))
    if then in config.stash:
        terminalreporter.write_line(
            f"now ÷ then with 90 % intervals; an alarm is an interval beyond {1 + ratios.MARGIN:g}"
        )


def line(name, info):
    ratio = f"{info['ratio']:.3g} [{info['ratio_low']:.3g}, {info['ratio_high']:.3g}]"
    step = f"{1e6 * info['step_s']:,.0f} µs"
    return f"{name:<66} {ratio:<24} {step:>12} {info['words_per_s']:>13,.0f} {info['unit']}/s"


def beside(change):
    if change is None:
        return ""
    return f"   {change.value:.2f} [{change.low:.2f}, {change.high:.2f}] {change.verdict}"
