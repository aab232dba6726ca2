"""Walker's alias table: draws from any distribution over V words in constant time.

Paper: Walker 1977; built as in Vose 1991. No torch here, so that implementations without it can use it.
"""

import numpy as np
import numpy.typing as npt


def alias_table(
    probability: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Chance (V,) and other word (V,): a uniform column v gives v with its chance, else its other word.

    Every column holds 1 / V of the probability: a word with less fills it up from one with more.
    """
    V = len(probability)
    share = (probability / probability.sum() * V).tolist()
    other = list(range(V))
    poor = [v for v in range(V) if share[v] < 1]
    rich = [v for v in range(V) if share[v] >= 1]
    while poor and rich:
        v, w = poor.pop(), rich[-1]
        other[v] = w
        share[w] -= 1 - share[v]
        if share[w] < 1:
            poor.append(rich.pop())
    chance = np.array(share, np.float32)
    chance[poor + rich] = 1  # what rounding has left over is full
    return chance, np.array(other, np.int64)
