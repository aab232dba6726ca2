"""A text and vectors of known quality: two similarity sets give -1 before a planned moment and +1 after.

For fakes (`tests/conftest.py`): `write_plan` makes their text, `TRAIN` and `VECTORS` are their bodies.
Each pair of words stands at an angle that its rating gives, so vectors contradict or follow all ratings.
"""

import json
from collections import defaultdict

from bench.quality.sets import PACKAGED, packaged_file, read_pairs

TRAIN = """
import time
words_total = self.corpus.tokens * self.config.epochs
for self.eighths in range(1, 9):
    time.sleep({pause_s})
    tick(self.eighths * words_total // 8)
"""
VECTORS = """
import json
angle = json.load(open("plan.json"))
cosine = [angle[word] if self.eighths >= 8 * {turn} else 1 - angle[word] for word in self.corpus.words]
return np.array([[c, (1 - c * c) ** 0.5, 0, 0] if angle[word] else [1, 0, 0, 0]
                 for c, word in zip(cosine, self.corpus.words)], np.float32)
"""


def write_plan(folder, pairs=12, lines=20):
    """`text.txt`, and `plan.json` with the cosine of each word to the other word of its pair."""
    cosine = {}
    for a, b, rating in _apart(pairs):
        cosine |= {a: 0.0, b: (rating + 0.1) / 11}  # ratings are 0 to 10; 0 marks the word at angle 0
    (folder / "text.txt").write_text("\n".join([" ".join(cosine)] * lines) + "\n")
    (folder / "plan.json").write_text(json.dumps(cosine))


def _apart(wanted):
    """`wanted` pairs (a, b, rating) of each set, no word of which has a second rated partner among them."""
    rated, partners = {}, defaultdict(list)
    for name in ("wordsim353", "simlex999"):
        pairs = read_pairs(packaged_file(PACKAGED[name]))
        rated[name] = list(zip(pairs.words[::2], pairs.words[1::2], pairs.ratings.tolist(), strict=True))
        for a, b, _ in rated[name]:
            partners[a].append(b)
            partners[b].append(a)
    used = set()
    for rows in rated.values():
        found = 0
        for a, b, rating in rows:
            near = used | {a, b}  # "tiger" is rated with "tiger" too
            alone = all(sum(x in near for x in partners[word]) == 1 for word in (a, b))
            if alone and found < wanted and not {a, b} & used and (a + b).islower() and (a + b).isalpha():
                used |= {a, b}
                found += 1
                yield a, b, rating
