"""Negative sampling as a Triton kernel: programs walk the text on the device, a group of centres a step.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 4; noise words shared within a group of
neighbouring centres as in Ji et al. 2016 (arXiv 1604.04661). The kernel and what it costs: `_triton`;
the text on the device: `_device`. Adds to `ns_windowed`: one launch for a million words, context
rows held for their lifetime in the window, no step that all centres wait for.

Options: `programs` in flight, at most; `group` G centres a step; `negatives_a_group` K', each counted K / K'
times a pair; `updates`, the most gradients that the busiest output row receives from one point on average:
on a vocabulary of a few words fewer programs then run (0: never fewer); `precision` of the products
(`tf32`: tensor cores, 10 bits of each factor, sums in float32; `tf32x3`: nearly float32; `ieee`: float32);
`warps` a program (0: four, eight where rows are over 128 floats).

G + K' rows fill a block of 32 and G + 2W one of 16 with 6 and 26 and W = 5. Programs × G is what the
positions of a step are elsewhere: `ns_windowed` keeps its quality up to 512, loses it beyond 1,024.
"""

from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec
from impls._device import Section
from impls._law import Noise
from impls._textbook import most_frequent
from impls._triton import Walker


class NegativeSamplingTriton(Walker):
    """Noise is drawn for a section at a time, five words a centre or so."""

    spec = Spec(
        name="ns_triton",
        summary="negative sampling on the GPU: Triton programs that walk the text, noise shared by a group",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("torch", "cuda", "triton"),
        parent="negative_sampling",
        options={
            "programs": 96,
            "group": 6,
            "negatives_a_group": 26,
            "updates": 190,
            "precision": "tf32",
            "warps": 0,
        },
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        self.start(corpus, config, resources, outputs=corpus.vocabulary_size)
        self.shared = int(self.options["negatives_a_group"])  # K'
        self.columns = self.group + self.shared
        self.noise = Noise(corpus, config, self.device)
        self.tables = {
            "path_offsets": self._none,
            "turns": self._none,
            "calm": self._none,
            "share": config.negatives / self.shared,
            "L": 1,
            "NOISE": self.shared,
            "HIERARCHICAL": False,
        }
        if most := float(self.options["updates"]):
            drawn = config.negatives * float(corpus.noise_probability.max())
            predictions = config.window + 1 if config.architecture == "skipgram" else 1
            each = self.group * predictions * (most_frequent(corpus, config) + drawn)  # of one program
            self.programs = max(1, min(self.programs, int(most / each)))

    def noise_of(self, section: Section) -> Tensor:
        return self.noise.draw(-(-section.words // self.group), self.shared).int()

    def work(self) -> dict[str, int]:
        counted, G = super().work(), self.group
        kept = counted["kept_words"]
        predictors = kept * (G + 2 * self.config.window) // G  # each slot of the ring meets a group's noise
        if self.config.architecture == "cbow":
            predictors = kept
        predictions = counted["pairs"] if self.config.architecture == "skipgram" else kept
        return {
            **counted,
            "scored_outputs": predictions + self.shared * predictors,
            "row_visits": kept + kept * (G + self.shared) // G,
        }
