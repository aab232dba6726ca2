"""Everything a person or a machine does with this project; `nox -l` explains each session."""

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True
PROJECT = nox.project.load_toml("pyproject.toml")["project"]


def install(session: nox.Session, *extras: str) -> None:
    """The project itself, editable, at the pinned versions."""
    wanted = f".[{','.join(extras)}]" if extras else "."
    session.install("-c", "constraints.txt", "-e", wanted)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the fast tests (minutes); arguments go to pytest."""
    install(session, "dev", "reference", "gpu")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """Run the slow tests: whole trainings, README commands, a killed benchmark."""
    install(session, "dev", "reference")
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Drive the report's page in the system's headless Chromium; downloads no browser."""
    install(session, "dev", "browser")
    session.run("pytest", "-m", "slow", "tests/test_browser.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style with ruff and types with mypy."""
    install(session, "dev")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Run the main job and write results/ and reports/; arguments go to `w2vbench run`."""
    install(session, "reference")
    session.run("w2vbench", "run", *session.posargs, success_codes=[0, 1])
    session.run("w2vbench", "report")


@nox.session(default=False)
def micro(session: nox.Session) -> None:
    """Time the parts of training one by one; `-- --compare FILE` exits with 1 if any became slower.

    Saved as JSON under .benchmarks/, which is what FILE names. Other arguments go to pytest:
    `-k huffman` picks some, `-m 'not slow'` leaves out what torch.compile takes minutes to build.
    """
    install(session, "dev")
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    session.run("pytest", "-c", "tests/micro/pytest.ini", "tests/micro", *session.posargs, env=one_thread)


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """Render reports/ from results/; arguments go to `w2vbench report`."""
    install(session)
    session.run("w2vbench", "report", *session.posargs)


@nox.session(default=False)
def regress(session: nox.Session) -> None:
    """Race this tree against the committed baseline, 3 minutes; arguments go to `w2vbench regress`."""
    install(session, "reference")
    session.run("w2vbench", "regress", *session.posargs)
