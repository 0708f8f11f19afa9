"""Messages that mean the same, put together: each goes to the nearest cluster, or begins one.

Leader clustering with means: one pass, so that a message's cluster is known as soon as it is read, and no
message ever has to be looked at again.
Source: Hartigan 1975, Clustering Algorithms, chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

ALIKE = 0.6
"""Cosine of a message and the mean of a cluster from which on it belongs there.

Of the held-out messages 83 % are then in a cluster most of which is of their topic, and 81 % share it with
two others or more; `python -m bench.outcomes clusters` prints it for other values.
"""

MOST = 10_000
"""Clusters that a new message is compared with, those used last: 15 MB, and a few milliseconds. As many
that come later are added before those used last are read again."""


class Clusters:
    """The centers of known clusters.

    Args:
        width: Numbers in a vector.
    """

    def __init__(self, width: int) -> None:
        self._centers = np.zeros((0, width), dtype=np.float32)
        self._ids: list[int] = []
        self._rows: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def put(self, known: Iterable[tuple[int, np.ndarray]]) -> None:
        """Adds clusters, or moves them: number and center of each; without one it is like nothing."""
        new = []
        for id_, center in known:
            if id_ in self._rows:
                self._centers[self._rows[id_]] = center if len(center) else 0
            elif not len(center):
                continue
            else:
                self._rows[id_] = len(self._ids)
                self._ids.append(id_)
                new.append(center)
        if new:
            self._centers = np.concatenate([self._centers, np.stack(new).astype(np.float32)])

    def nearest(self, vector: np.ndarray) -> tuple[int | None, float]:
        """The nearest cluster's number and its cosine; None where there is none that is alike."""
        if not self._ids:
            return None, 0.0
        # Centers are kept as means, not of length one: their length would count for nothing here.
        cosines = self._centers @ vector / np.maximum(np.linalg.norm(self._centers, axis=1), 1e-9)
        row = int(cosines.argmax())
        cosine = float(cosines[row])
        return (self._ids[row], cosine) if cosine >= ALIKE else (None, cosine)


def moved(center: np.ndarray, size: int, vector: np.ndarray) -> np.ndarray:
    """The mean of a cluster of `size` messages with another one."""
    return center + (vector - center) / (size + 1)


def packed(center: np.ndarray) -> bytes:
    """A center as it is stored."""
    return center.astype(np.float16).tobytes()


def unpacked(stored: bytes) -> np.ndarray:
    return np.frombuffer(stored, dtype=np.float16).astype(np.float32)
