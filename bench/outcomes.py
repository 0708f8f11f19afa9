"""What outcomes, the queue and the reports cost, and where their two thresholds come from.

python -m bench.outcomes scores      answers below a score, and how many of them are wrong
python -m bench.outcomes clusters    what the queue would make of the held-out messages
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from bot.nlu.classifier import NEGATIVES
from bot.nlu.encoder import encoder
from bot.nlu.report import read_utterances, understand
from bot.staff import clusters
from bot.staff.redaction import redacted


def scores() -> None:
    """Of the held-out messages that are answered, how many are wrong by score."""
    answered = [u for u in understand(read_utterances()) if u.band == "answer"]
    print("score from  answered  of these wrong")
    steps = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01]
    for low, high in pairwise(steps):
        within = [u for u in answered if low <= u.score < high]
        wrong = sum(u.outcome == "wrong" for u in within)
        print(
            f"{low:>10.2f}  {len(within):>8}  {wrong:>6} ({100 * wrong / max(len(within), 1):.0f} %)"
        )


def cluster() -> None:
    """How pure clusters are, and how many messages share one, for several thresholds."""
    held_out = [u for u in read_utterances() if u.intent not in NEGATIVES]
    order = np.random.default_rng(0).permutation(len(held_out))
    vectors = encoder().encode([redacted(u.text) for u in held_out])
    print(f"{len(held_out)} messages of {len({u.intent for u in held_out})} topics")
    print("alike from  clusters  of the largest's topic  in clusters of 3 and more")
    for alike in (0.45, 0.5, 0.55, 0.58, 0.6, 0.62, 0.64, 0.66, 0.68, 0.7, 0.75, 0.8):
        clusters.ALIKE = alike
        known = clusters.Clusters(vectors.shape[1])
        members: list[list[int]] = []
        centers: list[np.ndarray] = []
        for n in order:
            number, _ = known.nearest(vectors[n])
            if number is None:
                number = len(members)
                members.append([])
                centers.append(vectors[n])
            centers[number] = clusters.moved(centers[number], len(members[number]), vectors[n])
            members[number].append(n)
            known.put([(number, centers[number])])
        of_largest = sum(
            Counter(held_out[n].intent for n in group).most_common(1)[0][1] for group in members
        )
        shared = sum(len(group) for group in members if len(group) >= 3)
        print(
            f"{alike:>10.2f}  {len(members):>8}  {100 * of_largest / len(order):>20.1f} %"
            f"  {100 * shared / len(order):>23.1f} %"
        )


COMMANDS: dict[str, Callable[[], None]] = {"scores": scores, "clusters": cluster}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]]()
