"""What is counted of each system's rankings: the same for all of them.

A message's score is the highest confidence that a system gives to an intent that has an answer; where
what no topic answers was trained as intents of its own, those are in the running but score nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from bench.nlu.data import FAR, NEAR, Dataset

ACCEPTED = 0.95
"""Share of the messages in scope that are accepted where what is rejected of the others is counted."""

BINS = 10
"""Of the reliability diagram."""

Ranking = dict[str, float]
"""Confidences by intent."""


@dataclass(frozen=True)
class Figures:
    accuracy: float
    """Share of the messages in scope whose likeliest topic is the right one."""
    macro_f1: float
    near_auroc: float
    far_auroc: float
    near_rejected: float
    """Share of near messages out of scope that are rejected, where `ACCEPTED` is."""
    far_rejected: float
    calibration_error: float
    """Expected calibration error (Guo et al. 2017, arXiv:1706.04599) of the score."""
    reliability: tuple[tuple[float, float], ...]
    """Mean score and share of right answers of each bin that holds anything."""


def figures(dataset: Dataset, rankings: Sequence[Ranking]) -> Figures:
    """The figures of one system; NaN where the data has nothing to count."""
    intents = np.array([intent for _, intent in dataset.test])
    best = [_best(ranking) for ranking in rankings]
    predicted = np.array([name for name, _ in best])
    scores = np.array([score for _, score in best])
    is_in_scope = ~np.isin(intents, (NEAR, FAR))
    is_right = predicted == intents
    threshold = np.quantile(scores[is_in_scope], 1 - ACCEPTED)

    def outside(intent: str) -> tuple[float, float]:
        is_outside = intents == intent
        if not is_outside.any():
            return float("nan"), float("nan")
        both = is_in_scope | is_outside
        auroc = roc_auc_score(is_in_scope[both], scores[both])
        return float(auroc), float((scores[is_outside] < threshold).mean())

    near, far = outside(NEAR), outside(FAR)
    error, reliability = _calibration(scores, is_right)
    return Figures(
        accuracy=float(is_right[is_in_scope].mean()),
        macro_f1=float(
            f1_score(
                intents[is_in_scope],
                predicted[is_in_scope],
                average="macro",
                labels=np.unique(intents[is_in_scope]),
            )
        ),
        near_auroc=near[0],
        far_auroc=far[0],
        near_rejected=near[1],
        far_rejected=far[1],
        calibration_error=error,
        reliability=reliability,
    )


def _best(ranking: Ranking) -> tuple[str, float]:
    topics = {name: score for name, score in ranking.items() if name not in (NEAR, FAR)}
    if not topics:
        return "", 0.0
    name = max(topics, key=topics.__getitem__)
    return name, topics[name]


def _calibration(
    scores: np.ndarray, is_right: np.ndarray
) -> tuple[float, tuple[tuple[float, float], ...]]:
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    points, error = [], 0.0
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            mean, right = float(scores[inside].mean()), float(is_right[inside].mean())
            points.append((mean, right))
            error += inside.mean() * abs(mean - right)
    return float(error), tuple(points)
