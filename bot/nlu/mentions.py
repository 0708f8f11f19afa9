"""What the finders of courses, periods and references share: a mention, words, spelling."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA

from registration.places import common_words

_WORD = re.compile(r"\d+|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[^\w\s]")


@dataclass(frozen=True)
class Mention:
    """A part of a text that means something, with its canonical value."""

    start: int
    end: int
    value: str


@dataclass(frozen=True)
class Word:
    text: str
    """Lower case; punctuation marks are words, too."""
    start: int
    end: int


def lowered(text: str) -> str:
    """The text in lower case and with straight apostrophes, every letter where it was.

    A few letters have two in lower case; those stay as they are.
    """
    low = text.lower()
    if len(low) != len(text):
        low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return low.replace("\u2019", "'")


def words_of(text: str) -> list[Word]:
    """The words of a text, lower case, with their places in it."""
    return [
        Word(match.group().lower().replace("\u2019", "'"), match.start(), match.end())
        for match in _WORD.finditer(text)
    ]


@lru_cache(maxsize=8192)
def corrected(word: str, vocabulary: tuple[str, ...]) -> str:
    """The word of a small vocabulary that a misspelt one means, or the word as it is.

    One slip from four letters on, two from eight on; a word that people use is never changed.
    """
    if len(word) < 4 or word in vocabulary or not word.isalpha() or word in common_words():
        return word
    slips = 1 if len(word) < 8 else 2
    distances = {known: OSA.distance(word, known, score_cutoff=slips) for known in vocabulary}
    nearest = min(distances, key=distances.__getitem__)
    long_enough = len(nearest) >= 5 and len(nearest) >= 4 * distances[nearest]
    return nearest if distances[nearest] <= slips and long_enough else word


def is_free(start: int, end: int, taken: Collection[Mention]) -> bool:
    """Whether a stretch of text overlaps none of the mentions."""
    return all(end <= mention.start or start >= mention.end for mention in taken)
