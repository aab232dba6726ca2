"""What the Triton files share: one kernel in which each program walks its own part of the kept text.

Papers: Mikolov et al. 2013b (arXiv 1310.4546), equations 3 and 4; context rows kept for their lifetime in
the window as in FULL-W2V (Randall, Allen, Ge 2021); noise shared by neighbours as in Ji et al. 2016.

A program takes its part in groups of G centres. For a group it holds the G + 2W input vectors of the
neighbourhood, R slots of a ring: place p of the text is in slot p mod R, so nothing moves when the group
moves on; G rows leave and G enter. A row is read once, trained by every group that sees it, and
what it gained is added to the matrix once, when it leaves. With X rows that predict and N output rows
of the group, a step is a small dense problem, all of it from one point:

    score = x u'                          (X, N)
    g     = rate (wanted - seen sigma(score))
    x    += g u          u += g' x        each row by atomic addition, in float32

skip-gram: x are the R context vectors, and each predicts the centres of whose windows it is part.
CBOW:      x are the G means of the windows; their gradient goes undivided to every context word.
ns:        u are the G centres and K' noise words of the group. A pair counts each of them K / K' times,
           and not at all where the noise word is its centre: both have the same u, so what does not count
           for the noise is taken off the target (as in `ns_windowed`).
hs:        u are the inner nodes on the paths of the G centres, L places for each.

Programs do not wait for each other. Rows come from the second-level cache, where atomics are done:
the first-level caches of the multiprocessors know nothing of each other. A program sees its own
additions: there is a barrier between a row's leaving and the next one's coming. The rate follows
the raw words that all programs together have done.

Cost of a kept word, ns, D floats padded to a multiple of 16: one input row and (G + K') / G output rows read,
and as many added to. D = 100, G = 6, K' = 26: 6.3 rows of 448 bytes each way. A step is three products of
16 x 32 x 128: 65,000 operations of tensor cores a word, of which 216 D would be enough. At 100 M raw words a
second, 75 M of them kept, that is 0.4 TB/s of 4.3, 5 TFLOP/s, and 53 G additions a second, four of them an
instruction (`red.v4.f32`). So none of the three is the limit. A step is a chain of latencies (numbers, rows,
products, 21 barriers; 1,200 instructions a warp as compiled for Hopper), one or two microseconds by
estimate, and speed is programs x G divided by it. What bounds the programs is quality: programs x G centres
are in flight at once.
"""

from abc import abstractmethod

import numpy as np
import numpy.typing as npt
import torch
import triton
import triton.language as tl
from torch import Tensor

from bench.contract import Config, Corpus, Implementation, Resources, Tick
from impls._device import DeviceText, KeptSection, Queue, Section
from impls._law import learning_rate, starting_vectors

LEAST = 16  # rows and columns that a product on tensor cores has at least
LINE_FLOATS = 16  # rows are padded to it: 16-byte accesses, and half a cache line


@triton.jit
def add_rows(matrix, rows, change, live, STRIDE: tl.constexpr, B: tl.constexpr):
    """matrix[rows] += change where `live`: one atomic addition a number, its old value not asked for."""
    d = tl.arange(0, B)
    at = matrix + rows[:, None].to(tl.int64) * STRIDE + d[None, :]
    tl.atomic_add(at, change, mask=live[:, None] & (d < STRIDE)[None, :], sem="relaxed")


@triton.jit
def read_rows(matrix, rows, live, STRIDE: tl.constexpr, B: tl.constexpr):
    """matrix[rows], zeros where not `live`; past the first-level cache, which misses others' additions."""
    d = tl.arange(0, B)
    at = matrix + rows[:, None].to(tl.int64) * STRIDE + d[None, :]
    return tl.load(at, mask=live[:, None] & (d < STRIDE)[None, :], other=0.0, cache_modifier=".cg")


@triton.jit
def walk(
    inputs,  # (V, STRIDE) float32
    outputs,  # (V or V - 1, STRIDE) float32
    ids,  # (n,) int32: the kept text
    left,  # (n,) int32
    right,  # (n,) int32
    count,  # (1,) int32: how many of the n are text
    noise,  # (groups, NOISE) int32; ns only
    path_offsets,  # (V + 1,) int32; hs only, as all below
    turns,  # (path,) int32: 2 × inner node + code
    calm,  # (V - 1,) float32: factor on what a node receives
    rate_first,  # at the start of the section
    rate_last,  # and at its end
    share,  # K / K'
    STRIDE: tl.constexpr,
    B: tl.constexpr,  # floats of a row, padded to a power of two, as R, N and L
    W: tl.constexpr,
    G: tl.constexpr,
    R: tl.constexpr,  # slots
    N: tl.constexpr,  # output rows of a group
    C: tl.constexpr,  # centres of a group, padded; CBOW only
    L: tl.constexpr,  # places for a path; hs only
    NOISE: tl.constexpr,  # K'
    HIERARCHICAL: tl.constexpr,
    CBOW: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Train on one section of text; the grid is the number of programs in flight."""
    words = tl.load(count)
    steps_each = tl.cdiv(tl.cdiv(words, G), tl.num_programs(0))
    begin = tl.program_id(0) * steps_each * G
    end = tl.minimum(begin + steps_each * G, words)
    steps = tl.cdiv(tl.maximum(end - begin, 0), G)

    slot, column, row_of_mean = tl.arange(0, R), tl.arange(0, N), tl.arange(0, C)
    held = tl.full((R,), -1, tl.int32)  # the place in the text that a slot holds; -1: none
    word = tl.zeros((R,), tl.int32)
    v = tl.zeros((R, B), tl.float32)
    gained = tl.zeros((R, B), tl.float32)  # by v since it was read
    for step in range(steps):
        first = begin + step * G
        rate = rate_first + (rate_last - rate_first) * step / steps

        # the ring moves on
        low = first - W
        place = low + ((slot - low) & (R - 1))  # (R,) of the places from `low`, the one for each slot
        wanted = (place >= 0) & (place < words) & (place < first + G + W)
        changes = held != place
        add_rows(inputs, word, gained, changes & (held >= 0), STRIDE, B)
        tl.debug_barrier()
        comes = changes & wanted
        word = tl.where(comes, tl.load(ids + place, mask=comes, other=0), word)
        v = tl.where(comes[:, None], read_rows(inputs, word, comes, STRIDE, B), v)
        gained = tl.where(changes[:, None], 0.0, gained)
        held = tl.where(wanted, place, -1)

        # the output rows of this group, and whose centre's they are
        owner = column // L if HIERARCHICAL else column
        centre = first + owner
        predicted = (owner < G) & (centre < end)
        target = tl.load(ids + centre, mask=predicted, other=0)
        reach_left = tl.load(left + centre, mask=predicted, other=0)
        reach_right = tl.load(right + centre, mask=predicted, other=0)
        if HIERARCHICAL:
            path = tl.load(path_offsets + target, mask=predicted, other=0) + column % L
            behind = tl.load(path_offsets + target + 1, mask=predicted, other=0)
            live = predicted & (path < behind)
            turn = tl.load(turns + path, mask=live, other=0)
            row = turn >> 1
        else:
            drawn = (column >= G) & (column < G + NOISE)
            live = predicted | drawn
            word_drawn = tl.load(noise + first // G * NOISE + column - G, mask=drawn, other=0)
            row = tl.where(drawn, word_drawn, target)
        u = read_rows(outputs, row, live, STRIDE, B)  # (N, B)

        # what predicts what: (X, N)
        if CBOW:
            at = first + row_of_mean
            known = (row_of_mean < G) & (at < end)
            at_left = tl.load(left + at, mask=known, other=0)
            at_right = tl.load(right + at, mask=known, other=0)
            distance = place[None, :] - at[:, None]
            inside = known[:, None] & wanted[None, :] & (distance != 0)
            inside = inside & (distance >= -at_left[:, None]) & (distance <= at_right[:, None])
            contexts = (at_left + at_right)[:, None]  # 0 for a word alone in its sentence
            mean = tl.where(inside, 1.0 / tl.maximum(contexts, 1), 0.0)  # (C, R)
            x = tl.dot(mean, v, input_precision=PRECISION)  # (C, B)
            seen = (owner[None, :] == row_of_mean[:, None]) & predicted[None, :] & (contexts > 0)
        else:
            x = v
            distance = place[:, None] - centre[None, :]
            seen = wanted[:, None] & predicted[None, :] & (distance != 0)
            seen = seen & (distance >= -reach_left[None, :]) & (distance <= reach_right[None, :])
        seen = (seen & live[None, :]).to(tl.float32)

        score = tl.dot(x, tl.trans(u), input_precision=PRECISION)  # (X, N)
        sigma = 1 / (1 + tl.exp(-score))
        if HIERARCHICAL:
            g = seen * ((1 - (turn & 1))[None, :] - sigma)
        else:
            same = (row[None, :] == row[:, None]) & drawn[:, None]  # (N, N)
            again = share * tl.sum(same.to(tl.float32), axis=0)  # (N,) a target drawn as noise too
            predictions = share * tl.sum(seen, axis=1)  # (X,)
            g = seen * (1 - (1 - again)[None, :] * sigma)
            g -= tl.where(drawn[None, :], predictions[:, None] * sigma, 0.0)
        g *= rate

        dx = tl.dot(g, u, input_precision=PRECISION)  # (X, B)
        du = tl.dot(tl.trans(g), x, input_precision=PRECISION)  # (N, B)
        if HIERARCHICAL:
            du *= tl.load(calm + row, mask=live, other=0.0)[:, None]
        add_rows(outputs, row, du, live, STRIDE, B)
        if CBOW:
            dx = tl.dot(tl.trans(inside.to(tl.float32)), dx, input_precision=PRECISION)  # (R, B)
        v += dx
        gained += dx
    add_rows(inputs, word, gained, held >= 0, STRIDE, B)


def power_of_two(n: int, least: int = LEAST) -> int:
    """The smallest power of two that is neither less than n nor than `least`."""
    return max(least, triton.next_power_of_2(n))


class Walker(Implementation):
    """Programs without locks over shared matrices. An objective prepares tables and draws noise."""

    inputs: Tensor  # (V, stride) float32, zeros past the dimension
    outputs: Tensor  # (V or V - 1, stride) float32
    tables: dict[str, object]  # arguments of the kernel that depend on the objective; the same in every step
    columns: int  # output rows of a group

    def start(self, corpus: Corpus, config: Config, resources: Resources, outputs: int) -> None:
        """Upload the text and the starting vectors."""
        self.config, self.device = config, resources.device
        self.text = DeviceText(corpus, config, self.device)
        stride = -(-config.dim // LINE_FLOATS) * LINE_FLOATS
        drawn = starting_vectors(corpus.vocabulary_size, outputs, config, self.device)
        self.inputs, self.outputs = (torch.nn.functional.pad(x, (0, stride - config.dim)) for x in drawn)
        if self.inputs.is_cuda:
            torch.cuda.set_device(self.inputs.device)  # where Triton launches
        self.programs, self.group = int(self.options["programs"]), int(self.options["group"])
        self._none = torch.zeros(1, dtype=torch.int32, device=self.device)
        self._kept = torch.zeros((), dtype=torch.int64, device=self.device)
        self._pairs = torch.zeros((), dtype=torch.int64, device=self.device)

    @abstractmethod
    def noise_of(self, section: Section) -> Tensor:
        """Noise words (groups, K') int32 for a section of text; a placeholder where there are none."""

    def arguments(
        self, kept: KeptSection, noise: Tensor, rate_first: float, rate_last: float
    ) -> dict[str, object]:
        """Of the kernel, by name."""
        c, stride = self.config, self.inputs.shape[1]
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "ids": kept.ids,
            "left": kept.left,
            "right": kept.right,
            "count": kept.count,
            "noise": noise,
            "rate_first": rate_first,
            "rate_last": rate_last,
            "STRIDE": stride,
            "B": power_of_two(stride),
            "W": c.window,
            "G": self.group,
            "R": power_of_two(self.group + 2 * c.window),
            "N": power_of_two(self.columns),
            "C": power_of_two(self.group),
            "CBOW": c.architecture == "cbow",
            "PRECISION": str(self.options["precision"]),
            **self.tables,
        }

    def launch(self, kept: KeptSection, noise: Tensor, rate_first: float, rate_last: float) -> None:
        """Queue one section. One stage: rows must not be read ahead of the additions before them."""
        arguments = self.arguments(kept, noise, rate_first, rate_last)
        walk[(self.programs,)](**arguments, num_warps=self.warps(), num_stages=1)

    def warps(self) -> int:
        """Of a program: as many as keep the rows of a step in registers."""
        return int(self.options["warps"]) or (4 if self.inputs.shape[1] <= 128 else 8)

    def compile(self) -> None:
        """A section without words: nothing is trained."""
        nothing = torch.zeros(1, dtype=torch.int32, device=self.device)
        section = KeptSection(nothing, nothing, nothing, nothing)
        self.launch(section, nothing, self.config.learning_rate, self.config.learning_rate)

    @torch.no_grad()
    def train(self, tick: Tick) -> None:
        queue, total = Queue(self.device, tick), self.text.words_total
        for section in self.text.sections():
            kept = self.text.draw(section)
            done = section.words_before + section.words
            rates = (learning_rate(self.config, words, total) for words in (section.words_before, done))
            self.launch(kept, self.noise_of(section), *rates)
            self._count(kept)
            queue.handed_over(done)
        queue.finish()

    def _count(self, kept: KeptSection) -> None:
        """On the device: whoever wants the numbers waits for them."""
        self._kept += kept.count[0]
        self._pairs += kept.contexts().sum()

    def vectors(self) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(self.inputs[:, : self.config.dim].cpu().numpy())

    def model_bytes(self) -> int:
        return 4 * (self.inputs.numel() + self.outputs.numel())

    def work(self) -> dict[str, int]:
        return {"kept_words": int(self._kept), "pairs": int(self._pairs)}
