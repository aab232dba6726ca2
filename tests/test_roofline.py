"""The roofline: its arithmetic by hand, its measurement in miniature, its verb as a user calls it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from bench.analysis.roofline import models, rooflines, threads
from bench.analysis.rows import cells
from bench.cli import main
from bench.errors import UserError
from bench.records import ceilings as saved
from bench.records import store
from bench.records.ceilings import Ceiling, Ceilings, GpuCeiling, RowRate
from bench.reporting.roofline import ceilings_text
from bench.running import gpu_ceilings
from bench.running.ceilings import Sizes, measure
from tests.records_factory import MACHINE, record, unfinished

V, D = 9_071, 100


def ceilings(sgemm=100e9, rows=10e9):
    """Of the factory's machine, with two threads: round figures."""
    two = Ceiling(2, 120e9, sgemm, 8e9, (RowRate(V, D, rows),))
    return Ceilings("2026-01-01T00:00:00+00:00", dict(MACHINE), {}, "cc", {}, (two,))


def counting(name="fused", architecture="skipgram", speed=1e6, visits=None, objective="ns", **work):
    """A run with 0.7 kept words, 4.2 pairs and 25.2 scored outputs a raw word: W 5, K 5, subsampled."""
    one = record(name, architecture=architecture, objective=objective, speed=speed)
    words = one.work["raw_words"]
    counts = {"kept_words": 0.7, "pairs": 4.2, "scored_outputs": 25.2, "row_visits": visits, **work}
    return replace(one, work={"raw_words": words} | {k: v and round(v * words) for k, v in counts.items()})


def only(*records, **known):
    (placed,), _ = rooflines(cells(records), ceilings(**known))
    return placed


def test_the_arithmetic_of_skipgram():
    """Per kept word 216 D operations and 336 D bytes, which is what word2vec.c moves."""
    row = only(counting())
    assert row.work.operations == pytest.approx(0.7 * 216 * D)
    assert row.work.most_bytes == pytest.approx(0.7 * 336 * D)
    assert row.work.least_bytes == pytest.approx(0.7 * 16 * D)
    assert row.flops_per_s == pytest.approx(15.12e9)
    assert row.arithmetic_share == pytest.approx(0.1512)
    assert row.row_share == pytest.approx((0.112, 2.352))
    assert row.intensity == pytest.approx((216 / 336, 216 / 16))
    assert row.headroom == pytest.approx(1 / 0.1512)


def test_cbow_forms_a_mean_and_hands_it_back():
    row = only(counting(architecture="cbow", scored_outputs=4.2))
    assert row.work.operations == pytest.approx(4.2 * 6 * D + 4.2 * 2 * D)
    assert row.work.most_bytes == pytest.approx(8 * D * (4.2 + 4.2))


def test_counted_row_visits_are_the_most_that_moves():
    """pWord2Vec's sharing: 6 contexts and 6 outputs a window, 96 D bytes a kept word."""
    row = only(counting(visits=12 * 0.7))
    assert row.work.most_bytes == pytest.approx(0.7 * 96 * D)
    assert row.work.least_bytes == pytest.approx(0.7 * 16 * D)


@pytest.mark.parametrize(
    ("speed", "visits", "sgemm", "rows", "limit"),
    [
        (1e5, None, 100e9, 10e9, "neither"),  # 1.5 % of arithmetic, at most 24 % of rows
        (1e6, 12 * 0.7, 20e9, 10e9, "arithmetic"),  # 76 %; at most 67 %
        (1e6, 2 * 0.7, 100e9, 1.2e9, "rows"),  # 15 %; exactly 93 %
        (1e6, None, 20e9, 10e9, "either"),  # 76 %; 11 % to 235 %
    ],
)
def test_what_the_limit_is(speed, visits, sgemm, rows, limit):
    assert only(counting(speed=speed, visits=visits), sgemm=sgemm, rows=rows).limit == limit


def test_a_program_that_does_not_count_is_set_beside_the_least_that_another_counted():
    known = [record("gensim", speed=2e5), counting("fused"), counting("dense", scored_outputs=60.0)]
    placed, left_out = rooflines(cells(known), ceilings())
    gensim = next(row for row in placed if row.cell.implementation == "gensim")
    assert left_out == []
    assert not gensim.work.own
    assert gensim.work.operations == pytest.approx(0.7 * 216 * D)
    assert gensim.flops_per_s == pytest.approx(0.2 * 15.12e9)


def test_nothing_disappears():
    """What cannot be placed is named with the reason. Other machines and failed runs are not asked for."""
    other = record("elsewhere", machine={"name": "otherbox"})
    failed = unfinished("failed", "broken", "ValueError")
    uncounted = record("full_softmax", objective="softmax")
    single = replace(counting("fused"), resources={**counting().resources, "threads": 1})
    placed, left_out = rooflines(cells([counting(), other, failed, uncounted, single]), ceilings())
    assert [row.cell.threads for row in placed] == [2]
    assert {(cell.implementation, why.split(":")[0].split(",")[0]) for cell, why in left_out} == {
        ("full_softmax", "its work was not counted"),
        ("fused", "no ceiling for 1 thread(s)"),
    }
    everything = cells([counting(), other, failed, uncounted, single])
    assert models(everything, "testbox") == [(V, D)]
    assert threads(everything, "testbox") == [1, 2]


def on_gpu(one, needs=("torch", "cuda", "triton")):
    """The same run, on a GPU's tensors if it needs one."""
    implementation = {**one.implementation, "needs": list(needs)}
    return replace(one, implementation=implementation, resources={**one.resources, "device": "cuda"})


def test_what_trains_on_a_gpu_is_set_beside_the_gpu():
    """gensim stays on the processor, whatever device the suite was given."""
    fast, host = on_gpu(counting("ns_triton", visits=5.0)), on_gpu(counting("gensim"), needs=("gensim",))
    known = replace(ceilings(), gpu=GpuCeiling("2026-01-01T00:00:00+00:00", 4e12, 8e14))
    placed, left_out = rooflines(cells([fast, host]), known)
    assert not left_out
    gpu, processor = sorted(placed, key=lambda row: not row.cell.on_gpu)
    assert gpu.arithmetic_share == pytest.approx(15.12e9 / 8e14)
    assert gpu.row_share[1] == pytest.approx(5 * 8 * D * 1e6 / 4e12)
    assert processor.arithmetic_share == pytest.approx(15.12e9 / 100e9)
    placed, ((left, why),) = rooflines(cells([fast, host]), ceilings())
    assert (left.implementation, why) == ("ns_triton", "no ceiling for its GPU: measure anew")


def test_a_gpu_alone_may_have_been_measured(tmp_path):
    rates = {"copy_bytes_per_s": 4e12, "bf16_flops_per_s": 8e14}
    card = {"name": "box", "cpu": "a processor", "gpu": "a GPU"}
    about = {"measured": "2026-01-01T00:00:00+00:00", "machine": card, "versions": {}, "schema": 1}
    gpu_ceilings.write({**about, **rates}, tmp_path)
    found = saved.read("box", tmp_path)
    assert found.gpu == GpuCeiling(about["measured"], **rates)
    assert not found.ceilings
    (line,) = ceilings_text(found, [])
    assert line.startswith("a GPU: product of bfloat16 matrices 800,000 GFLOP/s")


def test_measured_ceilings_are_positive_and_read_back(tmp_path):
    tiny = Sizes(rounds=2_000, matrix=32, stream_bytes=1 << 14, visits=500)
    found = measure([(60, 7), (40, 16)], [2, 1], tiny)
    assert [c.threads for c in found.ceilings] == [1, 2]
    for one in found.ceilings:
        rates = [one.fma_flops_per_s, one.sgemm_flops_per_s, one.stream_bytes_per_s]
        rates += [one.row_bytes_per_s(60, 7), one.row_bytes_per_s(40, 16)]
        assert np.isfinite(rates).all()
        assert min(rates) > 0
        assert one.row_bytes_per_s(60, 8) is None
    path = saved.write(found, tmp_path)
    assert saved.read(found.machine["name"], tmp_path) == found
    assert store.read_all(tmp_path) == []  # ceilings are no record
    path.write_text("{}")
    with pytest.raises(UserError, match="no ceilings"):
        saved.read(found.machine["name"], tmp_path)


def test_the_verb(tmp_path):
    store.write(record("gensim", speed=2e5), tmp_path)
    store.write(counting(), tmp_path)

    def call(*words):
        return CliRunner().invoke(
            main, ["roofline", "--results", str(tmp_path), "--machine", "testbox", *words]
        )

    refused = call()
    assert refused.exit_code == 2
    assert "roofline --measure" in refused.output
    assert call("--measure").exit_code == 2  # this machine is another
    saved.write(ceilings(), tmp_path)
    shown = call("--markdown", "--svg", str(tmp_path / "roofline.svg"))
    assert shown.exit_code == 0, shown.output
    assert shown.output == call("--markdown").output
    (line,) = [line for line in shown.output.splitlines() if line.startswith("| fused")]
    assert [f.strip() for f in line.split("|")[4:9]] == [
        "1.00 M",
        "15,120",
        "1,120–23,520",
        "0.64–14",
        "15.1",
    ]
    assert "| ~15,120 |" in shown.output.replace("\\~", "~")  # gensim's, borrowed
    drawn = (tmp_path / "roofline.svg").read_bytes()
    assert drawn.count(b"<svg") == 1
    call("--svg", str(tmp_path / "roofline.svg"))
    assert (tmp_path / "roofline.svg").read_bytes() == drawn
    assert "fused" in call().output
    assert call("--svg", str(tmp_path / "nowhere" / "roofline.svg")).exit_code == 2
    rows = json.loads(call("--json").output)["rows"]
    assert {r["implementation"]: r["limit"] for r in rows} == {
        "fused": "either",
        "gensim": "neither",
    }
