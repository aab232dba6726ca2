"""gensim's Word2Vec: Cython kernels, one thread a worker, no locks. The baseline of every block.

Řehůřek and Sojka 2010; https://radimrehurek.com/gensim/models/word2vec.html. Trains from a text
file (its faster mode), pair by pair, predicting the centre from each context word.

Differs from the law: input vectors start from U(-1/D, 1/D); a score beyond +-6 is skipped; a
negative that equals the target is skipped. `hs=1` must be given `negative=0`, or both are trained.
Deterministic with one thread only.
Not handled: progress and budget inside an epoch; both are looked at when an epoch ends.
"""

import numpy as np
import numpy.typing as npt
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec

from bench.contract import Config, Corpus, Implementation, Resources, Spec, Tick


class EpochTick(CallbackAny2Vec):
    """Reports the words done when an epoch ends."""

    def __init__(self, tick: Tick, words_per_epoch: int):
        self.tick, self.words_per_epoch, self.epochs = tick, words_per_epoch, 0

    def on_epoch_end(self, _model: Word2Vec) -> None:
        self.epochs += 1
        self.tick(self.epochs * self.words_per_epoch)


class Gensim(Implementation):
    """The reference for speed and for quality."""

    spec = Spec(
        name="gensim",
        summary="gensim's Cython word2vec, corpus_file mode: the reference",
        objectives=("ns", "hs"),
        architectures=("skipgram", "cbow"),
        paper="rehurek2010",
        needs=("gensim",),
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        self.corpus, self.epochs = corpus, config.epochs
        self.model = Word2Vec(
            vector_size=config.dim,
            window=config.window,
            sg=int(config.architecture == "skipgram"),
            hs=int(config.objective == "hs"),
            negative=config.negatives if config.objective == "ns" else 0,
            sample=config.subsample,
            alpha=config.learning_rate,
            min_alpha=config.learning_rate * 1e-4,
            min_count=1,  # the corpus has been cut already
            workers=resources.threads,
            seed=config.seed,
        )
        self.model.build_vocab_from_freq(dict(zip(corpus.words, corpus.counts.tolist(), strict=True)))

    def train(self, tick: Tick) -> None:
        self.model.train(
            corpus_file=str(self.corpus.text_path),
            total_words=self.corpus.tokens,
            total_examples=len(self.corpus.offsets) - 1,
            epochs=self.epochs,
            callbacks=[EpochTick(tick, self.corpus.tokens)],
        )

    def vectors(self) -> npt.NDArray[np.float32]:
        rows = [self.model.wv.key_to_index[word] for word in self.corpus.words]
        return self.model.wv.vectors[rows]

    def model_bytes(self) -> int:
        output = self.model.syn1neg if self.model.negative else self.model.syn1
        return self.model.wv.vectors.nbytes + output.nbytes
