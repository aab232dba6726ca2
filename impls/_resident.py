"""What the resident files share: the windowed step as a program of the device, which the host never awaits.

`_windowed` masks its text, so that the host waits once a segment, and launches every operation of a step
from Python. Here each section of the text (`_device`) is drawn into a *page*: tensors as large as the largest
section needs, at addresses that stay. The number of the next step lies on the device as well, and so do the
rates. A *strip* of STRIP steps cuts its bands out of the page at that number, trains on them and moves it on:
always the same launches with the same arguments, recorded once as a CUDA graph and replayed. A step is the
windowed file's own, on other bands.

The n chunks of a step do not follow each other as in `Windowed.bands`: they are from n places of the
section, equally far apart, and each place moves on by a chunk a step. A text repeats its words where it has
used them, and rows that receive all of this from one point overshoot: in skip-gram on enwiki2015-100mb, 256
consecutive centres of hierarchical softmax that nothing holds back diverge within 2 M words, and those of
16 places do not.

How many words of a section are kept is known to the device alone, and the host has to know how many strips
to queue: as many as hold the expected kept words and DEVIATIONS standard deviations more. A section has more
with a probability of 1e-9, and the words behind that would be no centres. Places behind the kept words have
no context, so that training on them changes nothing: some 10 of the 2,340 steps of a section of
enwiki2015-100mb with 783,000 kept words and 336 centres a step.

What a step costs is its launches, some two microseconds each from start to start within a graph (an
estimate), and the rows that it moves; each file says how many. A strip adds 19 launches of its own, two a
step. Replaying a strip takes the host some ten microseconds and the device hundreds, so that the host is not
the limit; drawing a section is 80 launches. A page takes 16 bytes a kept word and 8 K' / C for its noise:
45 MB a section with K' = 40 and C = 8.

On CPU tensors the same code runs without a graph, for its tests.
"""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import pad

from bench.contract import Config, Corpus, Resources, Tick
from impls._device import DeviceText, KeptSection, Queue, Section
from impls._graph import recorded
from impls._law import Kept
from impls._windowed import Band, Windowed, gather

STRIP = 8  # steps a graph: many for the host, few to be left empty at a section's end
DEVIATIONS = 6  # of the kept words of a section; 1e-9 of a normal distribution lie above


@dataclass(frozen=True)
class Page:
    """A section cut into chunks, in its front; a page of zeros is text without contexts."""

    words: Tensor  # (chunks C + 2W,) int64 kept words, from place W on; word 0 before and behind them
    which: Tensor  # (chunks, C) int64 rows of the table of windows
    noise: Tensor  # (chunks, K') int64
    rates: Tensor  # (steps,) float32 minus the learning rate
    steps: Tensor  # (1,) int64 steps that the section takes
    step: Tensor  # (1,) int64 the one that comes next


def most_kept(keep: npt.NDArray[np.float64]) -> int:
    """So many words are kept at most, each with its probability; up to one section in 1e9."""
    likely = keep.sum() + DEVIATIONS * sqrt((keep * (1 - keep)).sum())
    return min(len(keep), ceil(likely))


class Resident(Windowed):
    """Stands before a windowed class among the bases: replaces its text and its walk, not its step."""

    text: DeviceText

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        super().prepare(corpus, config, resources)
        self.text = DeviceText(corpus, config, self.device)
        keep = corpus.keep_probability(config.subsample)
        most = {  # words that are kept of a section, by where it begins
            section.begin: most_kept(keep[corpus.ids[section.begin : section.end]])
            for section in self.text.sections()
            if section.words_before == section.begin  # in the first epoch
        }
        self.strips = {begin: ceil(words / (STRIP * self.n * self.C)) for begin, words in most.items()}
        self.page = self._blank(STRIP * max(self.strips.values()))

    def _blank(self, steps: int) -> Page:
        chunks, C, W = steps * self.n, self.C, self.config.window
        shared = self.noise_words(0, self.text.generator).shape[1]  # K'

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.int64, device=self.device)

        rates = torch.zeros(steps, device=self.device)
        words, which, noise = zeros(chunks * C + 2 * W), zeros(chunks, C), zeros(chunks, shared)
        return Page(words, which, noise, rates, zeros(1), zeros(1))

    def compile(self) -> None:
        """Record a strip, on the blank page: nothing is trained."""
        if self.inputs.is_cuda:
            self.strip = recorded(self.strip, self.device)

    @torch.no_grad()
    def train(self, tick: Tick) -> None:
        queue = Queue(self.device, tick)
        for section in self.text.sections():
            self.fill(section)
            for _ in range(self.strips[section.begin]):
                self._visits += self.strip()
            queue.handed_over(section.words_before + section.words)
        queue.finish()

    def fill(self, section: Section) -> None:
        """Draw a section into the page, and begin at its first step."""
        C, W, page = self.C, self.config.window, self.page
        steps = STRIP * self.strips[section.begin]
        chunks, places = steps * self.n, steps * self.n * C
        kept = self.text.draw(section)
        is_text = kept.is_text()[:-1]
        ids, left, right = (
            torch.where(is_text, x[:-1], 0).long() for x in (kept.ids, kept.left, kept.right)
        )  # (raw words,) what lies behind the text may be anything
        page.words[: places + 2 * W].copy_(pad(ids, (W, places + W - len(ids))))  # padded or cut
        reach = pad(left * (W + 1) + right, (0, places - len(ids))).view(chunks, C)
        page.which[:chunks].copy_(torch.arange(C, device=self.device) * (W + 1) ** 2 + reach)
        page.noise[:chunks].copy_(self.noise_words(chunks, self.text.generator))
        page.rates[:steps].copy_(-self._rates(section, kept, steps))
        page.steps.fill_(steps)
        page.step.zero_()
        self._tally(Kept(ids, left, right, section.words_before, section.words), kept.count)

    def _rates(self, section: Section, kept: KeptSection, steps: int) -> Tensor:
        """(steps,) what `learning_rate` gives after the words of the steps before each."""
        at = torch.arange(steps, device=self.device) * self.n * self.C  # kept words before it
        count = kept.count.long()
        done = section.words_before + section.words * torch.minimum(at, count) // count.clamp(min=1)
        return self.config.learning_rate * (1 - done.double() / self.text.words_total).clamp(min=1e-4)

    def strip(self) -> int:
        """Train on the next STRIP steps of the page; returns how many rows were read and written."""
        C, W, page = self.C, self.config.window, self.page
        steps, lanes, centre, near = (
            torch.arange(x, device=self.device) for x in (STRIP, self.n, C, C + 2 * W)
        )
        steps += page.step  # (STRIP,)
        chunks = steps[:, None] + page.steps * lanes  # (STRIP, n)
        first = C * chunks[:, :, None]  # (STRIP, n, 1)
        centres, halo = page.words[first + W + centre], page.words[first + near]  # (STRIP, n, C), (..., H)
        inside = gather(self.windows, page.which[chunks])  # (STRIP, n, C, H)
        bands = zip(centres, halo, inside, page.noise[chunks], page.rates[steps], strict=True)
        visits = sum(self.step(Band(*band)) for band in bands)
        page.step.add_(STRIP).remainder_(len(page.rates))  # the page's front comes after its end
        return visits

    def _tally(self, kept: Kept, count: Tensor) -> None:
        """On the device: whoever wants the numbers waits for them."""
        self._kept = self._kept + count[0].long()
        self._pairs = self._pairs + (kept.left + kept.right).sum()
        self._scored = self._scored + self.scored(kept)  # nothing for words behind the text

    def work(self) -> dict[str, int]:
        return {name: int(number) for name, number in super().work().items()}
