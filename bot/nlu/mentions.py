"""What the finders of courses, periods and references share: a mention, words, spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA

from registration.places import common_words

_WORD = re.compile(
    r"\d+|\b[^\W\d_](?:(?:\. ?| )[^\W\d_]\b){2,}\.?|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[^\w\s]"
)
_SPELLABLE = re.compile(r"\bb4\b|[a-z]{2,}")

ANY = "any"
"""The value of a course or time that is taken back: "any month is fine"."""

NAMED = re.compile(r"\b(?:name is|name's|named|called|call me)\s+$")
"""Before a name that is a person's: "my name is April"."""


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


class Respelt:
    """A text in lower case, some of its words spelt otherwise, that knows where they stood.

    Args:
        text: The text as typed.
        spell: Gives a word of it, in lower case, as it is meant.
    """

    def __init__(self, text: str, spell: Callable[[str], str]) -> None:
        low = lowered(text)
        parts: list[str] = []
        self._places: list[int] = []  # of each letter, in the text as typed
        end = 0
        for match in _SPELLABLE.finditer(low):
            word = spell(match.group())
            if word != match.group():
                parts += low[end : match.start()], word
                self._places += [*range(end, match.start()), *[match.start()] * len(word)]
                end = match.end()
        self.text = "".join(parts) + low[end:]
        self._places += range(end, len(low) + 1)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of `text` stands in the text as typed."""
        return self._places[start], self._places[end]


def words_of(text: str) -> list[Word]:
    """The words of a text, lower case, with their places in it.

    Letters that are said one by one are a word: "c.p.t.e.d.", "s s o".
    """
    return [
        Word(_joined(match[0]).lower().replace("\u2019", "'"), match.start(), match.end())
        for match in _WORD.finditer(text)
    ]


def _joined(word: str) -> str:
    return re.sub(r"[. ]", "", word) if len(word) > 1 else word


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


class Ground:
    """The stretches of a text that are spoken for; each belongs to the first who claims it.

    Args:
        size: How many letters (or words) there are.
    """

    def __init__(self, size: int) -> None:
        self._marks = bytearray(size)

    def claim(self, start: int, end: int) -> bool:
        """Takes a stretch and says so, unless a part of it is taken."""
        if self._marks.find(1, start, end) >= 0:
            return False
        self._marks[start:end] = b"\1" * (end - start)
        return True
