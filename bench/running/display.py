"""What a person sees while runs go on: a live table on a terminal, plain lines elsewhere."""

import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from bench.records.schema import Record
from bench.running.plan import Run

REPORT_S = 30.0  # between two plain lines of one run, where no terminal redraws them


def human_s(seconds: float) -> str:
    """`4.2 s`, `35 s` or `3:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def outcome(record: Record) -> str:
    """The end of a run in one line."""
    rate = record.throughput["raw_words_per_s"]
    speed = f"  {rate:>11,.0f} words/s" if rate else ""
    scores = {(s.set, s.part, s.metric): s.value for s in record.quality}
    quality = scores.get(("wordsim353", "all", "spearman"))
    shown = f"  WS353 {quality:.3f}" if quality is not None else ""
    reason = (record.reason or "").splitlines()[:1]
    why = f"  ({reason[0]})" if reason and record.status != "ok" else ""
    return f"{record.status:<11} {human_s(record.duration_s):>7}{speed}{shown}{why}"


class Plain:
    """One line when a run begins, now and then while it trains, and when it ends."""

    def __init__(self, console: Console):
        self.console, self.said, self.phase = console, 0.0, ""
        self.number = self.total = self.words_total = 0

    def building(self, message: str, done: int, total: int) -> None:
        if time.monotonic() - self.said > REPORT_S / 6 or message != self.phase:
            self.said, self.phase = time.monotonic(), message
            share = f" {done / total:.0%}" if total else ""
            self.console.print(f"corpus: {message}{share}", markup=False, highlight=False)

    def begin(self, run: Run, number: int, total: int, words_total: int) -> None:
        self.number, self.total, self.words_total, self.phase = number, total, words_total, ""
        self.cell, self.said = run.cell, time.monotonic()

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] == "start":
            self._say("started")
        elif event["event"] in ("tick", "step") and time.monotonic() - self.said > REPORT_S:
            self._say(progress(event, self.words_total))

    def end(self, record: Record, *, cached: bool) -> None:
        self.done(outcome(record), cached=cached)

    def done(self, text: str, *, cached: bool) -> None:
        """The end of a run that `text` tells of."""
        self._say("already finished" if cached else text)

    def _say(self, text: str) -> None:
        self.said = time.monotonic()
        line = f"[{self.number}/{self.total}] {self.cell:<42} {text}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def progress(tick: dict[str, Any], words_total: int) -> str:
    """`45 %  0.41 M words/s  12 s left` from one tick; `45 %  reading` from a step of something else."""
    if tick["event"] == "step":
        return f"{tick['done'] / tick['total']:4.0%}  {tick['what']}"
    done, elapsed_s = tick["words_done"], max(tick["elapsed_s"], 1e-9)
    rate = done / elapsed_s
    left = f"{human_s((words_total - done) / rate)} left" if rate else ""
    return f"{done / words_total:4.0%}  {rate:,.0f} words/s  {left}"


class Terminal(Plain):
    """Finished runs scroll by; the one that works is redrawn below them."""

    def __init__(self, console: Console):
        super().__init__(console)
        self.live = Live(console=console, refresh_per_second=8, transient=True)
        self.now = ""

    def __enter__(self) -> "Terminal":
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def building(self, message: str, done: int, total: int) -> None:
        self._draw("corpus", message, f"{done / total:.0%}" if total else "")

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] == "phase":
            self.phase, self.now = event["name"], ""
        elif event["event"] in ("tick", "step"):
            self.now = progress(event, self.words_total)
        self._draw(self.cell, self.phase, self.now)

    def _draw(self, cell: str, phase: str, now: str) -> None:
        table = Table("run", "cell", "phase", "progress", box=None, header_style="dim")
        table.add_row(f"{self.number}/{self.total}" if self.total else "", cell, phase, now)
        self.live.update(table)
