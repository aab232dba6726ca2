"""The exact full softmax as Triton kernels: two passes over the vocabulary, no score ever leaves the chip.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 2; scores kept on the chip as in FlashAttention (Dao
et al. 2022, arXiv 2205.14135). Adds to `softmax_windowed`: a text on the device (`_device`), kernels instead
of products with what is done between them, and steps of hundreds of centres that do not overshoot.

With x the vectors of the P centres of a step, m how many contexts each has, and p its distribution over the
words, the gradients of the step's log likelihood are

    of x:  sum of its contexts' u  -  m E[u]            E[u] = sum of p(w) u_w over all words
    of u:  sum of the x that it is a context of  -  sum of m p x

E[u] is attention: x asks, and the output vectors are both keys and values. So the first pass over the
vocabulary finds log Z and E[u] together, and the second forms the scores again and moves each word's row.

    take    per place: x, and the number of its contexts
    attend  per T places and part of the vocabulary: greatest score, sum and E[u] of that part
    move    per place: the parts together; x moves, and what draws its contexts' rows is summed
    leave   per K words: rows are drawn and pushed away, and rounded for the next step

Factors of the products are rounded to bfloat16, sums are float32, parameters stay float32. All of a step is
computed from one point: `attend` and `leave` read rounded copies, which `leave` alone replaces.

From one point, 512 centres overshoot: a word of 1 % among them receives 30 gradients that single steps would
have let die away, and training diverges on any text. So each row's change is scaled to what single steps
would come to, were its loss a parabola of that curvature along their way:

    u: (1 - exp(-z)) / z           z from rate / 2 (sum of m p |x|^2), at most rate / 2 (sum of |x|^2 where it
                                   is a context) where those would raise p so far
    x: (1 - (1 - z)^k) / (k z)     z = rate m (E|u|^2 - |E[u]|^2), k times its word is centre of this step

The half: x points in all directions, and curvature along one is less than their sum. Both factors are 1
for what comes once or is improbable. The same steps written in PyTorch, 0.9 M words of the wiki slice: a loss
of 6.92 with 512 centres and these factors, 6.95 with 32 and none, no number left with 512 and none.
The squares ride along in padding that no score sees: SQUARE_U of u, where x is 0, and SQUARE_X of x,
where u is 0.

Work of a centre: 8 V B operations of tensor cores, B the dimension padded to a power of two: 70 M with
V = 68 K and D = 100. 5 epochs of enwiki2015-100mb keep 60 M words: 4.2 × 10^15, 5 s at 790 TFLOP/s, 10 at
half of that.
Bytes a step of 512: 64 places at a time ask for the rounded matrix (17 MB) and 64 words for the rounded x
(131 KB), 2 × 140 MB from the second-level cache, 50 us if it gives 5.5 TB/s; outputs there and back and
rounded (105 MB) and what parts hand on (17 MB), 28 us at 4.3 TB/s. Both beside 90 us of products. These are
estimates.
With D = 100 two programs of four warps share a multiprocessor, in registers (192 and 255 of 255) and shared
memory (112 and 81 KiB of 227, as compiled for Hopper): while one takes exponentials, the other multiplies.

Options: `positions` P a step; `factors` of the products (`bf16`; `fp16`: three bits more, but what moves a
row by less than 6e-8 of x is lost; `fp32`: exact, slow); `splits` of the vocabulary in `attend`, so that
P / T × splits programs fill a GPU.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import triton
import triton.language as tl
from torch.nn.functional import pad

from bench.contract import Config, Corpus, Implementation, Resources, Spec, Tick
from impls._device import DeviceText, KeptSection, Queue
from impls._graph import recorded
from impls._law import learning_rate, starting_vectors
from impls._triton import LEAST, power_of_two

STEPS_A_REPLAY = 32  # steps of a CUDA graph: 3 ms of the device for some 10 us of the host
TILE = 16_384  # numbers of a streamed tile of x or u: 128 rows of 128, 32 KB as bfloat16
HELD = 64  # rows that a program holds while the others stream by: what four warps of Hopper multiply at once
RIDING = 2  # columns of padding that the squares take
FACTORS = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


@triton.jit
def take(
    inputs,  # (V, B) float32, zeros past the dimension
    ids,  # (n,) int32: the kept text
    left,  # (n,) int32
    right,  # (n,) int32
    count,  # (1,) int32: how many of the n are text
    base,  # (1,) int32: where the text of these steps begins
    ahead,  # words from there to this step
    x,  # (P, B) float32: written
    x_rounded,  # (P, B) of the factors: written
    m,  # (P,) float32: written
    B: tl.constexpr,
):
    """The vector of one centre with its square, and how many contexts it has; zeros behind the text."""
    SQUARE_X: tl.constexpr = B - 2
    row, d = tl.program_id(0), tl.arange(0, B)
    at = tl.load(base) + ahead + row
    known = at < tl.load(count)
    word = tl.load(ids + at, mask=known, other=0).to(tl.int64)
    v = tl.load(inputs + word * B + d, mask=d < tl.where(known, B, 0), other=0.0)
    v = tl.where(d == SQUARE_X, tl.sum(v * v, axis=0), v)
    contexts = tl.load(left + at, mask=known, other=0) + tl.load(right + at, mask=known, other=0)
    tl.store(x + row * B + d, v)
    tl.store(x_rounded + row * B + d, v.to(x_rounded.dtype.element_ty))
    tl.store(m + row, contexts.to(tl.float32))


@triton.jit
def attend(
    x_rounded,
    u_rounded,  # (whole blocks of K, B) of the factors; zeros behind the V words
    count,
    base,
    ahead,
    top,  # (splits, P) float32: greatest score of a part, as a power of two: written
    total,  # (splits, P) float32: sum of 2^(score - top): written
    drawn,  # (splits, P, B) float32: sum of 2^(score - top) u: written
    V,
    blocks_each,  # of a part
    T: tl.constexpr,  # places of a tile
    K: tl.constexpr,  # words of a block
    P: tl.constexpr,
    B: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """T places over one part of the vocabulary; nothing where the places are behind the text.

    No loop stands outside the condition: where it might not run at all, Hopper's assembler has every product
    wait for the one before (its warning C7515).
    """
    LOG2_E: tl.constexpr = 1.4426950408889634
    row, word, d = tl.program_id(0) * T + tl.arange(0, T), tl.arange(0, K), tl.arange(0, B)
    live = tl.load(base) + ahead + tl.program_id(0) * T < tl.load(count)
    first = tl.program_id(1) * blocks_each
    last = tl.where(live, tl.minimum(first + blocks_each, tl.cdiv(V, K)), first)
    if first < last:
        v = tl.load(x_rounded + row[:, None] * B + d[None, :])  # (T, B)
        highest, sums = tl.full((T,), -float("inf"), tl.float32), tl.zeros((T,), tl.float32)
        expected = tl.zeros((T, B), tl.float32)
        u_rounded += first.to(tl.int64) * (K * B)
        for block in range(first, last):
            u = tl.load(u_rounded + word[:, None] * B + d[None, :])  # (K, B)
            u_rounded += K * B
            score = tl.dot(v, tl.trans(u), input_precision=PRECISION)  # (T, K)
            score = tl.where((block * K + word)[None, :] < V, score, -float("inf"))
            higher = tl.maximum(highest, tl.max(score, axis=1) * LOG2_E)
            share, calmed = tl.exp2(score * LOG2_E - higher[:, None]), tl.exp2(highest - higher)
            sums = sums * calmed + tl.sum(share, axis=1)
            expected = expected * calmed[:, None]
            expected += tl.dot(share.to(u.dtype), u, input_precision=PRECISION)
            highest = higher
        part = tl.program_id(1) * P + row
        tl.store(top + part, highest)
        tl.store(total + part, sums)
        tl.store(drawn + part[:, None].to(tl.int64) * B + d[None, :], expected)


@triton.jit
def move(
    inputs,
    u_rounded,
    pull,  # (V, B) float32: sum over the contexts of rate × x, zeros before
    ids,
    left,
    right,
    count,
    base,
    ahead,
    rates,  # (2,) float32: at the section's start and end
    x,
    m,
    top,
    total,
    drawn,
    log_sum,  # (P,) float32: log2 Z: written
    weight,  # (P,) float32: rate × m, 0 behind the text: written
    SPLITS: tl.constexpr,
    S: tl.constexpr,  # splits, padded to a power of two
    PLACES: tl.constexpr,  # P, padded to a power of two
    P: tl.constexpr,
    B: tl.constexpr,
    W: tl.constexpr,
):
    """One centre: what its distribution expects, where that moves it, and what it is to its contexts."""
    SQUARE_X: tl.constexpr = B - 2
    SQUARE_U: tl.constexpr = B - 1
    row, part, d = tl.program_id(0), tl.arange(0, S), tl.arange(0, B)
    start, words = tl.load(base) + ahead, tl.load(count)
    at = start + row
    contexts = tl.load(m + row)
    rate = tl.load(rates)
    rate += (tl.load(rates + 1) - rate) * at.to(tl.float32) / tl.maximum(words, 1)
    if (at < words) & (contexts > 0):
        there = part < SPLITS
        tops = tl.load(top + part * P + row, mask=there, other=-float("inf"))  # (S,)
        highest = tl.max(tops, axis=0)
        scale = tl.exp2(tops - highest)  # (S,)
        z = tl.sum(tl.load(total + part * P + row, mask=there, other=0.0) * scale, axis=0)
        at_part = drawn + (part[:, None].to(tl.int64) * P + row) * B + d[None, :]
        parts = tl.load(at_part, mask=there[:, None] & (d >= 0)[None, :], other=0.0)  # (S, B)
        expected = tl.sum(parts * scale[:, None], axis=0) / z  # (B,) E[u], and E|u|^2
        tl.store(log_sum + row, highest + tl.log2(z))
        tl.store(weight + row, rate * contexts)

        towards = tl.zeros((B,), tl.float32)
        v = rate * tl.load(x + row * B + d)
        before, behind = tl.load(left + at), tl.load(right + at)
        for offset in tl.static_range(-W, W + 1):
            if offset != 0:
                inside = (offset >= -before) & (offset <= behind)
                word = tl.load(ids + at + offset, mask=inside, other=0).to(tl.int64)
                row_inside = d < tl.where(inside, B, 0)
                towards += tl.load(u_rounded + word * B + d, mask=row_inside, other=0.0).to(tl.float32)
                tl.atomic_add(pull + word * B + d, v, mask=row_inside, sem="relaxed")

        vector = d < SQUARE_X
        centre = tl.load(ids + at)
        place = tl.arange(0, PLACES)
        others = tl.load(ids + start + place, mask=(place < P) & (start + place < words), other=-1)
        times = tl.sum((others == centre).to(tl.float32), axis=0)  # k
        spread = tl.sum(tl.where(d == SQUARE_U, expected, 0.0), axis=0)
        spread -= tl.sum(tl.where(vector, expected * expected, 0.0), axis=0)
        bend = tl.minimum(tl.maximum(rate * contexts * spread, 1e-4), 0.9)  # z
        calm = tl.where(times > 1, (1 - tl.exp(times * tl.log(1 - bend))) / (times * bend), 1.0)
        change = calm * rate * (towards - contexts * expected)
        tl.atomic_add(inputs + centre.to(tl.int64) * B + d, change, mask=vector, sem="relaxed")
    else:
        tl.store(log_sum + row, float("inf"))  # a probability of 0, however great the score
        tl.store(weight + row, 0.0)


@triton.jit
def leave(
    outputs,  # (V, B) float32
    u_rounded,
    pull,
    count,
    base,
    ahead,
    x_rounded,
    log_sum,
    weight,
    V,
    T: tl.constexpr,
    K: tl.constexpr,
    P: tl.constexpr,
    B: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """K words: towards the centres they were seen beside, away from all by how probable those think them."""
    LOG2_E: tl.constexpr = 1.4426950408889634
    SQUARE_U: tl.constexpr = B - 1
    SQUARE_X: tl.constexpr = B - 2
    words, place, d = tl.program_id(0) * K + tl.arange(0, K), tl.arange(0, T), tl.arange(0, B)
    begin = tl.program_id(0).to(tl.int64) * (K * B)
    outputs, u_rounded, pull = outputs + begin, u_rounded + begin, pull + begin
    at_word = tl.arange(0, K) * B  # (K,)
    at_words = at_word[:, None] + d[None, :]
    left_over = tl.minimum(tl.load(count) - tl.load(base) - ahead, P)
    if left_over > 0:
        u = tl.load(u_rounded + at_words)  # (K, B)
        push = tl.zeros((K, B), tl.float32)
        for first in range(0, left_over, T):
            rows = first + place
            v = tl.load(x_rounded + rows[:, None] * B + d[None, :])  # (T, B)
            score = tl.dot(u, tl.trans(v), input_precision=PRECISION) * LOG2_E  # (K, T)
            g = tl.exp2(score - tl.load(log_sum + rows)[None, :]) * tl.load(weight + rows)[None, :]
            push += tl.dot(g.to(v.dtype), v, input_precision=PRECISION)
        real = words < V
        seen = tl.load(pull + at_word + SQUARE_X, mask=real, other=0.0)  # (K,)
        was_seen = (seen > 0)[:, None] & (d >= 0)[None, :]
        change = tl.load(pull + at_words, mask=was_seen, other=0.0) - push  # (K, B)
        tl.debug_barrier()  # other threads have read what is now erased
        tl.store(pull + at_words, tl.zeros((K, B), tl.float32), mask=was_seen)

        by_p = 0.5 * tl.sum(tl.where((d == SQUARE_X)[None, :], push, 0.0), axis=1)
        by_sight = 0.5 * seen
        risen = tl.minimum(by_sight, by_p * tl.exp(tl.minimum(by_sight, 50.0)))
        bend = tl.maximum(tl.maximum(by_p, risen), 1e-4)  # z
        change *= ((1 - tl.exp(-bend)) / bend)[:, None]

        row_real = real[:, None] & (d >= 0)[None, :]  # whole rows: 16 bytes a thread
        moved = tl.load(outputs + at_words, mask=row_real, other=0.0)
        moved += tl.where((d < SQUARE_X)[None, :], change, 0.0)
        tl.store(outputs + at_words, moved, mask=row_real)
        square = tl.sum(moved * moved, axis=1)[:, None]
        tl.store(u_rounded + at_words, tl.where((d == SQUARE_U)[None, :], square, moved).to(u.dtype))


class Launch(NamedTuple):
    """A kernel, and how it is started."""

    kernel: triton.JITFunction
    grid: tuple[int, ...]
    arguments: tuple[Any, ...]  # in the order of the kernel's parameters
    warps: int
    stages: int = 2  # tiles of what streams by that are in shared memory


class FullSoftmaxTriton(Implementation):
    """Four launches a step, recorded as a CUDA graph; the host only draws sections and replays."""

    spec = Spec(
        name="softmax_triton",
        summary="exact full softmax on the GPU: Triton kernels, scores never leave the chip",
        objectives=("softmax",),
        architectures=("skipgram",),
        paper="mikolov2013b",
        needs=("torch", "cuda", "triton"),
        parent="full_softmax",
        options={"positions": 512, "factors": "bf16", "splits": 32},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        self.config, self.device = config, resources.device
        self.text = DeviceText(corpus, config, self.device)
        self.V, self.B = corpus.vocabulary_size, power_of_two(config.dim + RIDING)
        drawn = starting_vectors(self.V, self.V, config, self.device)
        self.inputs, self.outputs = (pad(matrix, (0, self.B - config.dim)) for matrix in drawn)  # (V, B)
        if self.inputs.is_cuda:
            torch.cuda.set_device(self.inputs.device)  # where Triton launches
        factors = FACTORS[str(self.options["factors"])]
        self.exact = factors == torch.float32  # without tensor cores
        self.held = LEAST if self.exact else max(LEAST, min(HELD, 2 * TILE // self.B))
        self.streamed = LEAST if self.exact else max(self.held, min(2 * HELD, TILE // self.B))
        self.P = -(-int(self.options["positions"]) // self.streamed) * self.streamed
        blocks = -(-self.V // self.streamed)
        self.blocks_each = -(-blocks // int(self.options["splits"]))
        self.splits = -(-blocks // self.blocks_each)  # none of them empty
        self._allocate(factors, blocks * self.streamed)
        kept = corpus.keep_probability(config.subsample) * corpus.counts
        self.kept_share = float(kept.sum() / corpus.counts.sum())
        self._kept = torch.zeros((), dtype=torch.int64, device=self.device)
        self._pairs, self._centres = torch.zeros_like(self._kept), torch.zeros_like(self._kept)

    def _allocate(self, factors: torch.dtype, rows: int) -> None:
        """What the kernels hand to each other, and a place for the section that a graph can know."""
        P, S, B, device = self.P, self.splits, self.B, self.device
        self.u_rounded = pad(self.outputs, (0, 0, 0, rows - self.V)).to(factors)  # (rows, B)
        self.pull = torch.zeros_like(self.outputs)
        self.x = torch.zeros(P, B, device=device)
        self.x_rounded = self.x.to(factors)
        self.m, self.log_sum, self.weight = torch.zeros(3, P, device=device)
        self.top, self.total = torch.zeros(2, S, P, device=device)
        self.drawn = torch.zeros(S, P, B, device=device)
        self.base = torch.zeros(1, dtype=torch.int32, device=device)
        self.rates = torch.zeros(2, device=device)
        longest = max(section.words for section in self.text.sections()) + 1
        ids, left, right = torch.zeros(3, longest, dtype=torch.int32, device=device)
        self.kept = KeptSection(ids, left, right, torch.zeros_like(self.base))

    def launches(self, ahead: int) -> Iterator[Launch]:
        """Of one step, on P places `ahead` words behind the base."""
        kept, P, B = self.kept, self.P, self.B
        at = (kept.count, self.base, ahead)
        text = (kept.ids, kept.left, kept.right, *at)
        sizes = (P, B, "ieee" if self.exact else "tf32")
        found, told = (self.top, self.total, self.drawn), (self.log_sum, self.weight)
        yield Launch(take, (P,), (self.inputs, *text, self.x, self.x_rounded, self.m, B), warps=1)
        asked = (self.x_rounded, self.u_rounded, *at, *found, self.V, self.blocks_each)
        grid, warps = (P // self.held, self.splits), max(4, B // 64)
        yield Launch(attend, grid, (*asked, self.held, self.streamed, *sizes), warps, 3 if B <= 128 else 2)
        padded = (power_of_two(self.splits, least=1), power_of_two(P))
        moved = (self.inputs, self.u_rounded, self.pull, *text, self.rates, self.x, self.m, *found, *told)
        yield Launch(move, (P,), (*moved, self.splits, *padded, P, B, self.config.window), warps=4)
        left = (self.outputs, self.u_rounded, self.pull, *at, self.x_rounded, *told, self.V)
        grid, warps = (-(-self.V // self.held),), min(8, max(4, B // 32))
        yield Launch(leave, grid, (*left, self.streamed, self.held, *sizes), warps)

    def step(self, ahead: int) -> None:
        """Train on P places; on none where the text has ended."""
        for kernel, grid, arguments, warps, stages in self.launches(ahead):
            kernel[grid](*arguments, num_warps=warps, num_stages=stages)

    def steps(self) -> None:
        """As many as a graph holds, and on to the next ones."""
        for number in range(STEPS_A_REPLAY):
            self.step(number * self.P)
        self.base += STEPS_A_REPLAY * self.P

    def compile(self) -> None:
        """Build the kernels and record the graph on a section without words: nothing is trained."""
        self.replay = recorded(self.steps, self.device) if self.inputs.is_cuda else self.steps

    def load(self, section: KeptSection, rates: tuple[float, float]) -> None:
        """Put a section where the steps look for it."""
        words = len(section.ids)
        for name in ("ids", "left", "right"):
            getattr(self.kept, name)[:words] = getattr(section, name)
        self.kept.count.copy_(section.count)
        self.base.zero_()
        for place, rate in enumerate(rates):
            self.rates[place].fill_(rate)  # a number in the launch: a copied tensor would be waited for

    @torch.no_grad()
    def train(self, tick: Tick) -> None:
        queue, total = Queue(self.device, tick), self.text.words_total
        stride = STEPS_A_REPLAY * self.P  # kept words of a replay
        for section in self.text.sections():
            kept = self.text.draw(section)
            ends = (section.words_before, section.words_before + section.words)
            first, last = (learning_rate(self.config, words, total) for words in ends)
            self.load(kept, (first, last))
            self._count(kept)
            for replay in range(1, -(-section.words // stride) + 1):  # the last ones find no text
                self.replay()
                done = min(section.words, int(replay * stride / self.kept_share))
                queue.handed_over(section.words_before + done)
        queue.finish()

    def _count(self, kept: KeptSection) -> None:
        """On the device: whoever wants the numbers waits for them."""
        contexts = kept.contexts()
        self._kept += kept.count[0]
        self._pairs += contexts.sum()
        self._centres += (contexts > 0).sum()

    def vectors(self) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(self.inputs[:, : self.config.dim].cpu().numpy())

    def model_bytes(self) -> int:
        return 4 * (self.inputs.numel() + self.outputs.numel())

    def work(self) -> dict[str, int]:
        return {
            "kept_words": int(self._kept),
            "pairs": int(self._pairs),
            "scored_outputs": self.V * int(self._centres),
        }
