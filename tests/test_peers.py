"""What others have published: each figure with hardware and source, and what of ours stands beneath it."""

import html
import io
import random
import re
from dataclasses import replace

import pandas as pd
import pytest

from bench import reporting
from bench.analysis.peers import leaders, peers
from bench.analysis.rows import cells
from bench.reporting import peers as shown
from bench.reporting.citing import references
from bench.reporting.page import page
from bench.reporting.sections import tables
from bench.suites.published import TAGS
from tests.records_factory import demo, record

# FACTS of the field, section 1, written out a second time so that a slip in bench/peers.toml is seen.
KNOWN = [
    ("original C program", 64, "s"),
    ("gensim", 88, "s"),
    ("DL4J", 322, "s"),
    ("TensorFlow, CPU", 728, "s"),
    ("TensorFlow, GPU", 3161, "s"),
    ("accSGNS", 1.7e6, "words/s"),
    ("BlazingText", 43e6, "words/s"),
    ("FULL-W2V", 5.72, "×"),
    ("Word2Vec-PyCUDA (numba)", 257.5, "s"),
    ("Word2Vec-PyCUDA (numba)", 544.7, "s"),
]
TEXT8_WORDS = 17_005_207


def table(records):
    return shown.peer_table(tables(cells(records)))


def proven(name, seeds=5, **changes):
    return [record(name, seed=i, repetition=i, **changes) for i in range(seeds)]


def bigger(runs, tokens):
    """The same runs on another, longer text."""
    return [replace(r, data={**r.data, "name": "long", "sha256": "ef" * 32, "tokens": tokens}) for r in runs]


def test_every_published_figure_is_a_known_one_with_hardware_source_and_tag():
    found = []
    for peer in peers():
        assert peer.hardware
        assert peer.source
        assert peer.tag in TAGS
        assert not peer.key or (peer.key in references() and re.search(r"\d{4}", peer.key)[0] in peer.source)
        (figure,) = (
            (value, unit)
            for value, unit in ((peer.seconds, "s"), (peer.words_per_s, "words/s"), (peer.says, "×"))
            if value
        )
        value, unit = figure
        found.append((peer.system, float(value.partition("×")[0]) if unit == "×" else value, unit))
    assert found == KNOWN


def test_derived_figures_follow_from_the_stated_ones_and_are_marked():
    grid = table([]).figures
    rows = [dict(zip((head.text for head in grid.heads), row, strict=True)) for row in grid.rows]
    derived = [row for row in rows if row["words/s"].endswith(", derived")]
    assert [row["as stated"] for row in derived] == ["64 s", "88 s", "322 s", "728 s", "3161 s"]
    for row in derived:
        seconds, millions = (float(row[head].split()[0]) for head in ("as stated", "words/s"))
        epochs = int(re.search(r"(\d+) epochs", row["settings"])[1])
        assert millions == pytest.approx(TEXT8_WORDS * epochs / seconds / 1e6, rel=0.03)  # two digits
    stated = {row["system"]: row["words/s"] for row in rows if row not in derived}
    assert stated == {
        "accSGNS": "1.7 M",
        "BlazingText": "43 M",
        "FULL-W2V": "–",
        "Word2Vec-PyCUDA (numba)": "–",
    }


def test_ours_is_the_fastest_row_whose_quality_is_proven_with_its_hardware():
    runs = [
        *proven("gensim"),
        *proven("quick", speed=900e3),
        *proven("quicker", speed=2e6),
        *proven("careless", speed=9e6, ws353=0.4),
        record("once", speed=8e6),
    ]
    (row,) = (row for row in table(runs).figures.rows if row[0].startswith("ours"))
    assert row[:3] == ("ours: quicker", "Imaginary CPU @ 2.50GHz, 2 threads", "2.00 M")
    assert row[6] == "wiki-slice, 430 k words"
    assert "skip-gram NS, dim 100" in row[7]
    assert row[-1] == f"rows {tables(cells(runs))[0].hash}"


def test_each_model_and_device_has_its_own_and_the_longer_text_counts():
    spec = {"gpu": "NVIDIA H200"}
    here, there = proven("gensim", machine=spec), proven("kernel", speed=50e6, machine=spec)
    there = [
        replace(
            run,
            implementation={**run.implementation, "needs": ["torch", "cuda"]},
            resources={**run.resources, "device": "cuda"},
            memory={**run.memory, "cuda_peak_reserved_bytes": 3 << 30 if run.config["seed"] == 0 else None},
        )
        for run in there
    ]
    hs = proven("gensim", objective="hs", machine=spec)
    small = proven("gensim", speed=70e6)  # faster, on fewer words and another machine
    everywhere = cells([*here, *there, *hs, *bigger(here, 10**9), *bigger(there, 10**9)])
    found = [(cell.implementation, cell.objective, cell.section.dataset) for cell in leaders(everywhere)]
    assert found == [("gensim", "ns", "long"), ("kernel", "ns", "long"), ("gensim", "hs", "wiki-slice")]
    rows = [row for row in table([*here, *there, *small]).figures.rows if row[0].startswith("ours")]
    assert [row[1] for row in rows] == ["Imaginary CPU @ 2.50GHz, 2 threads"] * 2 + ["NVIDIA H200"]
    assert rows[-1][4].endswith("MiB, GPU 3.0 GiB")  # by one run of five: the others have no figure


def test_every_format_has_it_and_the_order_of_records_changes_nothing():
    runs = demo(5)
    files = reporting.documents(runs)
    random.Random(5).shuffle(runs)
    assert reporting.documents(runs) == files
    data = pd.read_csv(io.BytesIO(files["peers.csv"]))
    assert len(data) == len(table(runs).figures.rows)
    assert set(data["whose"]) == {"published", "ours"}
    assert data["hardware"].notna().all()
    text8 = data[data["derived"].astype(bool)]
    assert (text8["words"] * text8["epochs"] / text8["seconds"] == text8["raw_words_per_s"]).all()
    said = files["table.md"].decode()
    assert "### What others have published (other machines; never compared by us in one block)" in said
    found = tables(cells(runs))
    on_page = page(found, [[] for _ in found], others=shown.peer_table(found))
    (section,) = re.findall(r'<section id="others">(?s:.*?)</section>', on_page)
    assert '<a href="#others">' in on_page
    assert re.search(r'<div class="scroll grid"[^>]*>\s*<table class="plain">', section)  # scrolls inside
    for row in table(runs).figures.rows:
        assert all(text in html.unescape(re.sub(r"</?small>", "", section)) for text in row)
