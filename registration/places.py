"""Understanding American places as people write them: states, cities, ZIP codes, regions.

`resolve` takes a short text that is meant to be a place, typos allowed. `find_places` looks for
places in a whole sentence and is careful there: most American town names are also words or people's
names, and two-letter state codes are the commonest words of the language. Nothing here knows of
classes or chat; names are in `registration/place_tables.py`, towns and ZIP codes in
`registration/gazetteer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice, product
from pathlib import Path
from typing import Literal

from rapidfuzz import process
from rapidfuzz.distance import OSA

from registration import place_tables as tables
from registration.gazetteer import ABBREVIATIONS, Town, gazetteer, key
from registration.place_tables import STATE_NAMES, word_set

__all__ = [
    "STATE_NAMES",
    "AmbiguousPlace",
    "ForeignPlace",
    "Place",
    "PlaceMention",
    "find_places",
    "neighbours",
    "resolve",
]


@dataclass(frozen=True)
class Place:
    kind: Literal["state", "city", "zip", "region", "country", "several"]
    name: str
    """Canonical text: `resolve(name)` gives this place again."""
    label: str
    """How to say it in a sentence: "Austin, Texas"."""
    state: str | None
    """USPS code; `None` for a region, the country or several places."""
    states: tuple[str, ...]
    """The states it lies in or covers; empty for the whole country."""
    latitude: float | None
    longitude: float | None
    parts: tuple[Place, ...] = ()
    """The places that several are; empty for a single one."""

    @property
    def each(self) -> tuple[Place, ...]:
        """The places that several are, or the single one."""
        return self.parts or (self,)


@dataclass(frozen=True)
class AmbiguousPlace:
    text: str
    """The name as one would write it; `resolve(text)` gives this question again."""
    options: tuple[Place, ...]


@dataclass(frozen=True)
class ForeignPlace:
    name: str
    country: str


Reading = Place | AmbiguousPlace | ForeignPlace


@dataclass(frozen=True)
class PlaceMention:
    start: int
    end: int
    text: str
    value: str
    """Canonical text for `resolve`."""


DOMINANT = 4
"""A city at least this many times as large as its next namesake is meant without asking: Columbus,
Ohio (4.4 times Columbus, Georgia) but not Kansas City, Missouri (3.3 times the one in Kansas)."""

NEGLIGIBLE = 10
"""A namesake is offered as an option down to this fraction of the largest; capitals always are."""

MOST_OPTIONS = 4

MOST_TOGETHER = 5
"""So many places are searched at once; of a longer list, the first."""

TOGETHER = "; "
"""Stands between the names of places that are meant together: "Texas; Oklahoma"."""

FOREIGN_GIANT = 20
"""A foreign city is meant rather than its American namesake from this many times its size on,
unless the American one has `LARGE` inhabitants: Paris and London, but Birmingham, Alabama."""

LARGE = 100_000
"""From this size on a city's name is taken for the city in any sentence."""

HAMLET = 3_000
"""Below this size a name that is one letter off a state or a large city is more likely that."""

KNOWN = 15_000
"""From this size on a name that is no word of the language is taken for the town."""

SHORT = 16
"""Words of a message that may be nothing but a place and small words around it."""

MOST_GUESSES = 40
"""So many words of a message are tried as misspelt places; a long one holds no more answers."""

COMMON_WORDS = 20_000
"""So many of the most frequent words are never taken for a misspelt place. More would stop "Huston"
and "Tuscon", fewer would turn rare words into towns (tests/unit/tables/places.yml)."""


def neighbours(state: str) -> tuple[str, ...]:
    """USPS codes of the states that share a border with this one."""
    return tables.STATE_NEIGHBOURS[state]


# What a name means -------------------------------------------------------------------------------

UNITED_STATES = Place("country", "United States", "the United States", None, (), None, None)


def _state(code: str) -> Place:
    name = STATE_NAMES[code]
    label = name
    if code == "WA":  # "Washington" alone would be asked about again
        name = label = "Washington State"
    elif code == "NY":
        label = "New York State"
    elif code in ("DC", "VI", "MP"):
        label = f"the {name}"
    return Place("state", name, label, code, (code,), None, None)


def _city(town: Town) -> Place:
    name = f"{town.name}, {town.state}"
    if town.state == "DC" and town.name == "Washington":
        label = "Washington, D.C."
    elif town.state == "NY" and town.name == "New York":
        label = "New York City"
    else:
        label = f"{town.name}, {STATE_NAMES[town.state]}"
    return Place("city", name, label, town.state, (town.state,), town.latitude, town.longitude)


def _zip(code: str) -> Place | None:
    found = gazetteer().zip_code(code)
    if found is None:
        return None
    latitude, longitude, town = found
    label = f"ZIP code {code} ({_city(town).label})"
    return Place("zip", code, label, town.state, (town.state,), latitude, longitude)


def _is_capital(town: Town) -> bool:
    return key(tables.CAPITALS[town.state]) == key(town.name)


def _is_known_by_name_alone(town: Town) -> bool:
    return _is_capital(town) or tables.LARGEST_CITY_NOT_CAPITAL.get(town.state) == town.name


def _among(towns: Sequence[Town]) -> Place | AmbiguousPlace:
    """The town that is meant by its name alone, or the question which one."""
    largest = towns[0]
    rivals = [
        town
        for town in towns[1:]
        if town.population * DOMINANT > largest.population or _is_known_by_name_alone(town)
    ]
    if not rivals:
        return _city(largest)
    options = [largest]
    options += [
        town
        for town in towns[1:]
        if town.population * NEGLIGIBLE >= largest.population or town in rivals
    ]
    # What everybody knows must not fall off the end of a short list.
    options = sorted(options, key=lambda t: not (t is largest or _is_known_by_name_alone(t)))
    options = sorted(options[:MOST_OPTIONS], key=lambda t: -t.population)
    return AmbiguousPlace(largest.name, tuple(_city(town) for town in options))


@dataclass(frozen=True)
class _Name:
    """A name as the tables know it, with how freely it may be taken for a place in a sentence."""

    reading: Reading
    needs: Literal["nothing", "cue", "strong cue", "capital", "state"]
    population: int = 0


_DIRECTIONS = word_set("""
    north south east west northern southern eastern western central upstate downstate upper lower
    northeast northwest southeast southwest northeastern northwestern southeastern southwestern
    coastal rural mid
    """)


@lru_cache(maxsize=8192)
def _lookup(phrase: str) -> _Name | None:
    """What a key names on its own."""
    if phrase in tables.COUNTRYWIDE:
        return _Name(UNITED_STATES, "nothing")
    if phrase in tables.REGIONS:
        name, states = tables.REGIONS[phrase]
        is_word = phrase.removeprefix("the ") in tables.NEVER_PLACES
        region = Place("region", name, name, None, states, None, None)
        return _Name(region, "state" if is_word else "nothing")
    if phrase in tables.AMBIGUOUS_NAMES:
        return _ambiguous_by_hand(phrase)
    code = _state_codes().get(phrase)
    if code:
        short = phrase in tables.ONLY_WHOLE_MESSAGE_ALIASES
        return _Name(_state(code), "strong cue" if short else "nothing")
    if phrase in tables.CITY_ALIASES:
        name, code = tables.CITY_ALIASES[phrase]
        return _Name(_city(_town_in(key(name), code)), "nothing", LARGE)  # type: ignore[arg-type]
    first, _, rest = phrase.partition(" ")
    if first in _DIRECTIONS:
        rest = rest.removeprefix("east ").removeprefix("west ")  # "north east Ohio"
        if rest in _state_codes():
            return _Name(_state(_state_codes()[rest]), "nothing")
    if phrase in tables.FOREIGN_ALIASES:
        return _Name(ForeignPlace(*tables.FOREIGN_ALIASES[phrase]), "nothing")
    return _town_or_foreign(phrase)


def _ambiguous_by_hand(phrase: str) -> _Name:
    options = tuple(
        _state(code) if name is None else _city(_town_in(key(name), code))  # type: ignore[arg-type]
        for code, name in tables.AMBIGUOUS_NAMES[phrase]
    )
    text = phrase.title()
    if len(phrase) == 2:  # "LA" would be the code of one of the options
        named = {option.name.rsplit(",")[0] for option in options}
        text = named.pop() if len(named) == 1 else phrase
    return _Name(AmbiguousPlace(text, options), "cue" if len(phrase) == 2 else "nothing")


def _town_or_foreign(phrase: str) -> _Name | None:
    towns = _towns(phrase)
    foreign = gazetteer().foreign.get(phrase)
    if foreign and (
        not towns
        or (
            towns[0].population < LARGE
            and foreign.population >= FOREIGN_GIANT * towns[0].population
            and phrase not in tables.U_S_TOWNS_FIRST
        )
    ):
        place = ForeignPlace(foreign.name, foreign.country)
        if foreign.is_word or phrase in tables.PERSON_NAMES:
            return _Name(place, "capital")
        is_country = foreign.name == foreign.country
        return _Name(place, "nothing" if is_country else "cue", foreign.population)
    if not towns:
        return None
    reading = _among(towns) if towns[0].population >= HAMLET else _hamlet(phrase, towns)
    return _Name(reading, _town_needs(phrase, towns), towns[0].population)


def _hamlet(phrase: str, towns: Sequence[Town]) -> Reading:
    """A tiny place's name may as well be a misspelt state or large city: "Huston", "Indian"."""
    spelling = phrase.replace(" ", "")
    edits, states = _nearest_states(spelling)
    if edits == 1 and len(spelling) >= 5:
        return states[0] if len(states) == 1 else _question(phrase, states)
    edits, names = _nearest_cities(spelling, _city_spellings()[0])
    if edits <= 1 and _towns(names[0]):
        cities = [_among(_towns(name)) for name in names if _towns(name)]
        return _question(towns[0].name, [*cities, _among(towns)])
    return _among(towns)


def _town_needs(
    phrase: str, towns: Sequence[Town]
) -> Literal["nothing", "cue", "strong cue", "capital", "state"]:
    words = phrase.split()
    population = towns[0].population
    is_famous = population >= LARGE or any(_is_known_by_name_alone(town) for town in towns)
    if phrase in tables.NEVER_PLACES or phrase in tables.NEVER_PHRASES:
        return "state"
    if len(words) > 1:
        is_plain = all(word in common_words() for word in words)
        return "nothing" if is_famous or (population >= KNOWN and not is_plain) else "cue"
    if towns[0].is_word and phrase not in tables.PLACE_FIRST_WORDS:
        return "capital"
    if phrase in tables.PERSON_NAMES:
        return "nothing" if population >= 2 * LARGE and _one_reading(towns) else "strong cue"
    if is_famous or (population >= KNOWN and phrase not in common_words()):
        return "nothing"
    return "strong cue" if population < LARGE / 2 and phrase in common_words() else "cue"


def _one_reading(towns: Sequence[Town]) -> bool:
    return isinstance(_among(towns), Place)


@lru_cache(maxsize=1)
def _state_codes() -> dict[str, str]:
    """USPS codes by every name of a state, "Washington" excepted, which has two readings."""
    names = {key(name): code for code, name in STATE_NAMES.items()} | {
        key(alias): code for alias, code in tables.STATE_ALIASES.items()
    }
    del names["washington"]
    return names


@lru_cache(maxsize=8192)
def _towns(phrase: str) -> tuple[Town, ...]:
    return tuple(gazetteer().named(phrase))


def _town_in(phrase: str, state: str) -> Town | None:
    return next((town for town in _towns(phrase) if town.state == state), None)


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """The most frequent English words, from the list that symspellpy brings along."""
    spec = find_spec("symspellpy")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).with_name("frequency_dictionary_en_82_765.txt")
    with path.open(encoding="utf-8-sig") as lines:
        return frozenset(line.split(" ", 1)[0] for line in islice(lines, COMMON_WORDS))


# Typos -------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _state_spellings() -> dict[str, Reading]:
    """States (and what is spelt like them) by name without spaces: "northcarolina"."""
    spellings: dict[str, Reading] = {
        key(name).replace(" ", ""): _state(code) for code, name in STATE_NAMES.items()
    }
    spellings["washington"] = _lookup("washington").reading  # type: ignore[union-attr]
    spellings["washingtonstate"] = _state("WA")
    return spellings


@lru_cache(maxsize=1)
def _city_spellings() -> tuple[dict[str, str], dict[str, str]]:
    """Keys by key without spaces, of large cities and of all of some size."""
    large: dict[str, str] = {}
    known: dict[str, str] = {}
    for name_key in gazetteer().names():
        population = gazetteer().named(name_key)[0].population
        if population < KNOWN:
            break  # keys come in the order of size
        known[name_key.replace(" ", "")] = name_key
        if population >= LARGE:
            large[name_key.replace(" ", "")] = name_key
    for alias in tables.CITY_ALIASES:
        if len(alias) > 5:
            large[key(alias).replace(" ", "")] = known[key(alias).replace(" ", "")] = key(alias)
    return large, known


def _edits_allowed(name: str, *, is_state: bool) -> int:
    """How many typos a name may carry. Fewer letters tell less; there are only 57 states."""
    length = len(name)
    if is_state:
        return 0 if length < 4 else 1 if length < 7 else 2 if length < 11 else 3
    return 0 if length < 5 else 1 if length < 9 else 2


def _nearest_states(spelling: str) -> tuple[int, list[Reading]]:
    found = process.extract(
        spelling, _state_spellings().keys(), scorer=OSA.distance, score_cutoff=3, limit=5
    )
    close = [
        (int(edits), _state_spellings()[name])
        for name, edits, _ in found
        if edits <= min(_edits_allowed(name, is_state=True), len(spelling) * 2 // 5)
    ]
    if not close:
        return 99, []
    fewest = min(edits for edits, _ in close)
    return fewest, [reading for edits, reading in close if edits == fewest]


def _nearest_cities(spelling: str, names: dict[str, str]) -> tuple[int, list[str]]:
    found = process.extract(spelling, names.keys(), scorer=OSA.distance, score_cutoff=2, limit=8)
    close = [
        (int(edits), names[name])
        for name, edits, _ in found
        if edits <= _edits_allowed(name, is_state=False)
    ]
    if not close:
        return 99, []
    fewest = min(edits for edits, _ in close)
    return fewest, [name for edits, name in close if edits == fewest]


@lru_cache(maxsize=4096)
def _misspelt(phrase: str, *, strict: bool) -> Reading | None:
    """The place that a text with typos means; a question where two are as near.

    Args:
        phrase: the key of the text.
        strict: only states and large cities; for text that may not be a place at all.
    """
    spelling = phrase.replace(" ", "")
    if len(spelling) < 4 or len(spelling) > 30 or not any(c.isalpha() for c in spelling):
        return None
    words = phrase.split()
    if (strict or len(words) == 1) and all(word in common_words() for word in words):
        return None
    large, known = _city_spellings()
    state_edits, states = _nearest_states(spelling)
    city_edits, names = _nearest_cities(spelling, large if strict else known)
    if states and state_edits <= city_edits:
        return states[0] if len(states) == 1 else _question(phrase, states)
    if not names:
        return None
    sizes = {name: _towns(name) for name in names}
    names.sort(key=lambda name: -(sizes[name][0].population if sizes[name] else LARGE))
    readings = [found.reading for name in names if (found := _lookup(name))]
    if len(readings) > 1 and sizes[names[0]] and sizes[names[1]]:
        first, second = (sizes[name][0].population for name in names[:2])
        if first < DOMINANT * second:
            return _question(phrase, readings)
    return readings[0]


def _question(text: str, readings: Iterable[Reading]) -> AmbiguousPlace:
    options: dict[str, Place] = {}
    for reading in readings:
        for place in (reading,) if isinstance(reading, Place) else _options(reading):
            options.setdefault(place.name, place)
    return AmbiguousPlace(text, tuple(options.values())[:MOST_OPTIONS])


def _options(reading: Reading) -> tuple[Place, ...]:
    return reading.options if isinstance(reading, AmbiguousPlace) else ()


def _misspelt_in_state(phrase: str, state: str) -> Town | None:
    """A town of this state whose name is meant by a text with typos ("dalas tx")."""
    if len(phrase) < 4 or phrase in tables.NEVER_PLACES:
        return None
    _, known = _city_spellings()
    spelling = phrase.replace(" ", "")
    found = process.extract(spelling, known.keys(), scorer=OSA.distance, score_cutoff=2, limit=20)
    towns = [
        (edits, -town.population, town)
        for name, edits, _ in found
        if edits <= _edits_allowed(name, is_state=False)
        if (town := _town_in(known[name], state)) and town.population >= KNOWN
    ]
    return min(towns, key=lambda t: t[:2])[2] if towns else None


# Reading a text ----------------------------------------------------------------------------------

_DOTTED_CODES = "|".join(rf"{code[0]}\. ?{code[1]}" for code in STATE_NAMES)  # "N.C."
_TOKEN = re.compile(rf"\d+|(?<![\w.])(?i:{_DOTTED_CODES})\b\.?(?!\.?\w)|[^\W\d_]+")
_INSIDE_A_NAME = re.compile(r"[ \t]{1,4}|[-\u2013]|[ ]?['\u2019][ ]?|\.[ ]?")
_BEFORE_A_STATE = re.compile(r"\s{0,3}[,/(\[-]?\s{0,3}")
_BREAK = re.compile(r"[.?!;:,)\n\]]")
_ACCENTED = re.compile(r"[^\x00-\x7f]")


class _Text:
    """A text cut into words, with what the places of its parts depend on."""

    def __init__(self, text: str) -> None:
        self.text = text
        matches = list(_TOKEN.finditer(text))
        self.starts = [match.start() for match in matches]
        self.ends = [match.end() for match in matches]
        self.words = [re.sub(r"[. ]", "", match[0]) for match in matches]
        self._gaps = [
            text[end:start]
            for end, start in zip([0, *self.ends], [*self.starts, len(text)], strict=True)
        ]
        self.low = [key(w) if _ACCENTED.search(w) else w.lower() for w in self.words]
        letters = [w for w in self.words if w[0].isalpha()]
        capitals = sum(w[0].isupper() for w in letters)
        self.is_shouted = len(letters) > 1 and not any(c.islower() for c in text)
        # In A Title Every Word Is Capital, which then says nothing.
        self.has_telling_case = not self.is_shouted and (
            len(letters) < 4 or capitals <= 0.6 * len(letters)
        )

    def __len__(self) -> int:
        return len(self.words)

    def gap(self, index: int) -> str:
        """What stands before a word; for the one past the end, what follows the last."""
        return self._gaps[index]

    def is_upper(self, index: int) -> bool:
        return self.words[index].isupper() and not self.is_shouted

    def is_capital(self, index: int) -> bool:
        return self.words[index][0].isupper() and self.has_telling_case

    def ends_clause(self, index: int) -> bool:
        """Whether a clause ends before this word."""
        return index >= len(self) or bool(_BREAK.search(self.gap(index)))

    def phrases(self, start: int, most: int) -> list[str]:
        """The keys of a word, of it and the next, and so on while nothing keeps them apart."""
        joined = self.low[start]
        keys = [joined]
        for index in range(start + 1, min(start + most, len(self))):
            gap = self.gap(index)
            if not _INSIDE_A_NAME.fullmatch(gap) or (
                "." in gap and len(self.low[index - 1]) > 2 and self.low[index - 1] != "ste"
            ):
                break
            joined += self.low[index] if gap in ("'", "\u2019") else " " + self.low[index]
            first, _, rest = joined.partition(" ")
            is_short = rest and first in ABBREVIATIONS
            keys.append(f"{ABBREVIATIONS[first]} {rest}" if is_short else joined)
        return keys

    def phrase(self, start: int, end: int) -> str | None:
        """The key of some words, `None` where there are none or they are kept apart."""
        keys = self.phrases(start, end - start) if start < len(self) else []
        return keys[-1] if len(keys) == end - start else None


@lru_cache(maxsize=1)
def _longest_by_first_word() -> dict[str, int]:
    """How many words the longest name has that begins with a word."""
    longest: dict[str, int] = {}
    names = [
        *gazetteer().names(),
        *gazetteer().foreign,
        *_state_codes(),
        *tables.COUNTRYWIDE,
        *tables.REGIONS,
        *tables.AMBIGUOUS_NAMES,
        *map(key, tables.CITY_ALIASES),
        *tables.FOREIGN_ALIASES,
    ]
    names += [
        f"{direction} east {state}"
        for direction in _DIRECTIONS
        for state in [*_state_codes(), "washington"]
    ]
    for name in names:
        first, count = name.partition(" ")[0], name.count(" ") + 1
        if longest.get(first, 0) < count:
            longest[first] = count
    for short, full in ABBREVIATIONS.items():
        longest[short] = max(longest.get(short, 1), longest.get(full, 1))
    for name in gazetteer().spellings():
        if "'" in name:  # "Coeur d'Alene" is one word longer as typed
            words = [key(word) for word in _TOKEN.findall(name)]
            longest[words[0]] = max(longest.get(words[0], 1), len(words))
    return longest


@lru_cache(maxsize=1)
def _without_spaces() -> dict[str, str]:
    """Names of states and large cities typed without their spaces: "newyork", "sanantonio"."""
    names = [key(name) for name in STATE_NAMES.values()] + list(_city_spellings()[0].values())
    return {name.replace(" ", ""): name for name in names if " " in name}


@dataclass(frozen=True)
class _Found:
    end: int
    """The word after the last one."""
    reading: Reading
    needs: str
    value: str | None = None
    """Canonical text, where it isn't that of the reading."""
    is_town: bool = False
    is_code: bool = False


def _found_at(text: _Text, start: int, *, lenient: bool) -> Iterator[_Found]:
    """The places that may begin at a word, the longest first."""
    low = text.low[start]
    if low.isdigit():
        yield from _zip_at(text, start)
        if len(low) != 1 and not _longest_by_first_word().get(low):
            return
    yield from _half_of_two_states(text, start)
    phrases = text.phrases(start, _longest_by_first_word().get(low, 1))
    for count in range(len(phrases), 0, -1):
        end, phrase = start + count, phrases[count - 1]
        if count == 1 and not _towns(phrase):
            phrase = _without_spaces().get(phrase, phrase)
        yield from _with_state(text, end, phrase, lenient=lenient)
        yield from _with_country(text, end, phrase)
        name = _lookup(phrase)
        if name:
            is_town = name.population > 0 or name.needs in ("capital", "state", "strong cue")
            yield _Found(end, name.reading, name.needs, is_town=is_town)
    code = _code_alone(text, start, lenient=lenient)
    if code:
        yield code


def _half_of_two_states(text: _Text, start: int) -> Iterator[_Found]:
    """The North in "North and South Carolina"."""
    other = start + 1
    if text.low[start] not in ("north", "south") or other >= len(text):
        return
    if text.low[other] in tables.CONNECTORS:
        other += 1
    elif text.gap(other).strip() not in ("&", "/"):
        return
    if text.phrase(other, other + 2) in _state_codes():
        half = f"{text.low[start]} {text.low[other + 1]}"
        if half in _state_codes():
            yield _Found(start + 1, _state(_state_codes()[half]), "nothing")


def _zip_at(text: _Text, start: int) -> Iterator[_Found]:
    code, end = text.low[start], start + 1
    if len(code) != 5 or not _stands_alone(text, start):
        return
    before = text.low[start - 1] if start else ""
    after = text.low[end] if end < len(text) else ""
    if text.gap(end) == "-" and len(after) == 4 and after.isdigit():
        end += 1
        after = text.low[end] if end < len(text) else ""
    named = start - 2 if before == "is" else start - 1  # "my badge number is 78701"
    if named >= 0 and text.low[named] in tables.ZIP_LOOKALIKE_BEFORE:
        return
    if after in tables.ZIP_LOOKALIKE_AFTER:
        return
    if after == "is" and not tables.NUMBERED_THINGS.isdisjoint(text.low[end + 1 : end + 4]):
        return  # "78701 is my badge number"
    place = _zip(code)
    if place:
        yield _Found(end, place, "nothing")


def _stands_alone(text: _Text, index: int) -> bool:
    """Whether digits are a number of their own: no part of a phone number, a price or a code."""
    before, after = text.gap(index)[-1:], text.gap(index + 1)[:2]
    glued_before = index > 0 and (
        text.gap(index) == "" or (before in "-./_:" and text.low[index - 1].isdigit())
    )
    glued_after = index + 1 < len(text) and (
        after == ""
        or (after[:1] in (".", "_", "/", ",") and len(after) == 1 and text.low[index + 1].isdigit())
        or (after == "-" and len(text.low[index + 1]) != 4)
    )
    return not glued_before and not glued_after and before not in ("$", "#", "€", "£", "@")


def _with_state(text: _Text, end: int, phrase: str, *, lenient: bool) -> Iterator[_Found]:
    """A town with its state beside it: "Austin TX", "springfield, illinois 62701"."""
    if end >= len(text):
        return
    towns = {town.state: town for town in _towns(phrase)}
    if phrase in tables.CITY_ALIASES:
        name, state = tables.CITY_ALIASES[phrase]
        town = _town_in(key(name), state)
        towns = {**towns, state: town} if town else towns
    gap = text.gap(end)
    if text.low[end] == "in" and end + 1 < len(text):  # "Portland in Maine"
        for after, code, is_code in _states_at(text, end + 1, after_comma=False):
            if code in towns and not is_code:
                yield _Found(after, _city(towns[code]), "nothing")
                return
    if not towns or not _BEFORE_A_STATE.fullmatch(gap):
        return
    is_state_name = phrase in _state_codes()
    for after, code, is_code in _states_at(text, end, after_comma="," in gap or lenient):
        town = towns.get(code)
        if town is None:
            continue
        if is_state_name and not is_code and phrase != STATE_NAMES[code].lower():
            continue  # "california maryland" lists two states
        needs_comma = phrase in tables.NEVER_PLACES or phrase in tables.NEVER_PHRASES
        if phrase in tables.CALENDAR_WORDS and not lenient:
            is_address = "," in gap and text.is_upper(end)  # "Spring, TX"
            if not (is_address and town.population >= tables.WORD_TOWN_IN_SENTENCE):
                continue
        if needs_comma and not lenient and not ("," in gap or text.is_upper(end)):
            continue
        if (
            town.is_word
            and not lenient
            and is_code
            and text.low[end] in tables.CLAUSE_WORD_CODES
            and not (text.is_upper(end) or "," in gap)
        ):
            continue
        after = _after_zip(text, after)
        yield _Found(after, _city(town), "nothing")
        return


def _after_zip(text: _Text, index: int) -> int:
    """Past a ZIP code that ends an address."""
    is_zip = index < len(text) and len(text.low[index]) == 5 and text.low[index].isdigit()
    return index + 1 if is_zip and text.gap(index).strip(", ") == "" else index


def _states_at(text: _Text, index: int, *, after_comma: bool) -> Iterator[tuple[int, str, bool]]:
    """States named from a word on: the word after, the code, and whether a code stands there."""
    for count, phrase in reversed([*enumerate(text.phrases(index, 4), start=1)]):
        code = "WA" if phrase == "washington" else _state_codes().get(phrase)
        if code:
            yield index + count, code, False
            return
    word = text.low[index]
    if word == "d" and text.phrase(index, index + 2) == "d c":
        yield index + 2, "DC", True
    if len(word) != 2 or word.upper() not in STATE_NAMES:
        return
    is_conjunction = (
        word in tables.CLAUSE_WORD_CODES
        and not text.is_upper(index)
        and not (after_comma and word not in ("or", "in", "as"))
        and not text.ends_clause(index + 1)
    )
    if not is_conjunction:
        yield index + 1, word.upper(), True


def _with_country(text: _Text, end: int, phrase: str) -> Iterator[_Found]:
    """A foreign city or province with its country: "London, UK"."""
    foreign = gazetteer().foreign.get(phrase)
    is_part = phrase in tables.FOREIGN_PARTS
    if end >= len(text) or not (foreign or is_part) or not _BEFORE_A_STATE.fullmatch(text.gap(end)):
        return
    for count, country in reversed([*enumerate(text.phrases(end, 5), start=1)]):
        named = gazetteer().foreign.get(country)
        name = (
            tables.FOREIGN_PARTS.get(country)
            or tables.FOREIGN_ALIASES.get(country, ("", ""))[1]
            or (named.country if named and named.name == named.country else "")
        )
        if foreign and country == key(foreign.country):
            name = foreign.country  # also where it is an American state's name: Georgia
        if foreign and name == foreign.country and phrase != country:
            yield _Found(end + count, ForeignPlace(foreign.name, foreign.country), "nothing")
            return
        if is_part and name == tables.FOREIGN_PARTS[phrase] and phrase != country:
            yield _Found(end + count, ForeignPlace(phrase.title(), name), "nothing")
            return


def _code_alone(text: _Text, start: int, *, lenient: bool) -> _Found | None:
    """A state's two-letter code without a town before it."""
    word, code = text.low[start], text.words[start].upper()
    if word == "us" and text.is_upper(start):
        return _Found(start + 1, UNITED_STATES, "strong cue")
    if len(word) != 2 or code not in STATE_NAMES:
        return None
    if code == "LA":
        reading: Reading = _lookup("la").reading  # type: ignore[union-attr]
    else:
        reading = _state(code)
    if lenient and not (word in tables.CLAUSE_WORD_CODES and not text.is_upper(start)):
        return _Found(start + 1, reading, "nothing")
    if word in tables.WORD_CODES:
        if text.is_upper(start):
            is_commonest = code in ("OK", "HI", "ME", "AS", "ID")
            return _Found(
                start + 1, reading, "preposition" if is_commonest else "cue", is_code=True
            )
        if word in ("as", "hi", "in", "me", "or") or not _ends_phrase(text, start + 1):
            return None
        return _Found(start + 1, reading, "in")
    if text.is_upper(start) or word not in tables.OTHER_SHORT_WORDS:
        return _Found(start + 1, reading, "nothing")
    return _Found(start + 1, reading, "cue", is_code=True)


def _ends_phrase(text: _Text, index: int) -> bool:
    return text.ends_clause(index) or text.low[index] in tables.AFTER_A_PLACE


def _value_of(reading: Reading) -> str:
    if isinstance(reading, Place):
        return reading.name
    if isinstance(reading, AmbiguousPlace):
        return reading.text
    if reading.name == reading.country or _is_alias(reading):
        return reading.name
    return f"{reading.name}, {reading.country}"


def _is_alias(place: ForeignPlace) -> bool:
    return (place.name, place.country) in tables.FOREIGN_ALIASES.values()


# In a sentence -----------------------------------------------------------------------------------


def find_places(text: str) -> tuple[PlaceMention, ...]:
    """The places that a sentence names, in order, none overlapping."""
    words = _Text(text)
    mentions: list[PlaceMention] = []
    index = after_mention = guesses = 0
    while index < len(words):
        link = _link(words, after_mention, index) if mentions else None
        found = next(
            (
                found
                for found in _found_at(words, index, lenient=False)
                if _is_meant(words, index, found, link=link)
            ),
            None,
        )
        if found is None and guesses < MOST_GUESSES and _may_be_misspelt(words.low[index]):
            guesses += 1
            found = _misspelt_at(words, index, is_listed=link is not None)
        if found is None:
            index += 1
            continue
        start, end = words.starts[index], words.ends[found.end - 1]
        value = _value_of(found.reading)
        before = mentions[-1].value if mentions else ""
        is_beside_state = _joins(link) and before in STATE_NAMES.values()
        if value == "la" and (is_beside_state or _leads_to_state(words, found.end)):
            value = STATE_NAMES["LA"]
        if before == UNITED_STATES.name and _NARROWS.fullmatch(text, mentions[-1].end, start):
            mentions.pop()  # "anywhere in Texas"
        mentions.append(PlaceMention(start, end, text[start:end], value))
        index = after_mention = found.end
    return tuple(mentions)


_LINK = re.compile(r"(?:\b(?:and|or)\b|[\s,/&])*")
_NARROWS = re.compile(r"\s+(?:in|near|on|around|within|throughout)(?: the)?\s+", re.IGNORECASE)


def _link(text: _Text, start: int, end: int) -> str | None:
    """What stands between two words if it is nothing but "and", "or", commas; else `None`."""
    after, before = text.ends[start - 1], text.starts[end]
    between = text.text[after:before].lower() if before - after < 12 else "far"
    return between if _LINK.fullmatch(between) else None


def _joins(link: str | None) -> bool:
    return bool(link and link.strip(" ,"))


def _leads_to_state(text: _Text, index: int) -> bool:
    """Whether a state comes next in a list: "OH, IN, or KY", "md dc or va"."""
    after = index + (index < len(text) and text.low[index] in tables.CONNECTORS)
    if after >= len(text) or _link(text, index, after) is None:
        return False
    word = text.low[after]
    if word.upper() in STATE_NAMES:
        return text.is_upper(after) or word not in tables.WORD_CODES | tables.OTHER_SHORT_WORDS
    return any(_states_at(text, after, after_comma=False))


def _cue_before(text: _Text, index: int) -> str:
    """The preposition before a place: "in" for `in the greater Dallas`; empty for none."""
    back = index - 1
    while back >= 0 and text.low[back] in tables.BETWEEN_CUE_AND_PLACE:
        back -= 1
    return text.low[back] if back >= 0 and not text.ends_clause(back + 1) else ""


_INTRODUCES = {("name", "is"), ("i", "am"), ("i", "m")}


def _is_person(text: _Text, start: int, end: int) -> bool:
    """Whether a name is somebody's here: "officer Jackson", "my name is Virginia"."""
    if text.phrase(start, end) not in tables.PERSON_NAMES or not start or text.ends_clause(start):
        return False
    before = text.low[start - 1]
    return (
        before in tables.TITLES
        or before == "im"
        or tuple(text.low[start - 2 : start]) in _INTRODUCES
    )


def _is_meant(text: _Text, start: int, found: _Found, *, link: str | None) -> bool:
    """Whether the sentence lets a name be a place here.

    Args:
        link: What stands between it and the place before, where the two are listed.
    """
    if _is_person(text, start, found.end):
        return False
    following = text.low[found.end] if found.end < len(text) else ""
    is_town = found.is_town or isinstance(found.reading, AmbiguousPlace)
    if is_town and following in tables.NOT_A_TOWN_BEFORE and not text.ends_clause(found.end):
        return False
    if found.reading is UNITED_STATES and "anywhere" in text.low[start : found.end]:
        return not any(word in tables.NEGATIONS for word in text.low[:start])
    needs = found.needs
    if needs == "nothing":
        return True
    if needs == "state":
        return False
    cue = _cue_before(text, start)
    is_strong = cue in tables.STRONG_CUES or (
        following in tables.PLACE_NOUNS and not text.ends_clause(found.end)
    )
    is_whole = _has_only(text, start, found.end, tables.FILLERS)
    is_in_list = _joins(link) or (link is not None and _leads_to_state(text, found.end))
    if needs == "preposition":  # "in OK", "TX, OK, or AR", but never "OK"
        return is_in_list or cue in tables.STRONG_CUES or cue in tables.WEAK_CUES
    if needs == "in":
        return (
            is_in_list
            or cue in ("in", "near", "around")
            or (is_whole and text.low[start] not in ("ok", "oh"))
        )
    if needs == "capital":
        population = _population(found.reading)
        if is_whole and cue in ("", *tables.STRONG_CUES):
            return population >= tables.WORD_TOWN_WHOLE_MESSAGE
        return is_strong and text.is_capital(start) and population >= tables.WORD_TOWN_IN_SENTENCE
    if needs == "strong cue" and not _ends_phrase(text, found.end):
        is_strong = False  # "in mass casualty events"
    if is_strong or link is not None or is_whole:
        return True
    if needs == "cue" and found.is_code and _leads_to_state(text, found.end):
        return True
    if _has_only(text, start, found.end, tables.FILLERS_AND_TOPIC):
        return found.end - start > 1 or text.low[start] not in tables.CLAUSE_WORD_CODES
    return needs == "cue" and cue in tables.WEAK_CUES


def _has_only(text: _Text, start: int, end: int, allowed: frozenset[str]) -> bool:
    """Whether a short text has only such words around a place."""
    return len(text) <= SHORT and all(
        word in allowed for word in (*text.low[:start], *text.low[end:])
    )


def _population(reading: Reading) -> int:
    if isinstance(reading, ForeignPlace):
        return LARGE
    first = reading if isinstance(reading, Place) else reading.options[0]
    town = _town_in(key(first.name.rsplit(",", 1)[0]), first.state or "")
    return town.population if town else LARGE


def _may_be_misspelt(word: str) -> bool:
    return len(word) >= 3 and (word not in common_words() or word in tables.NAME_BEGINNINGS)


def _misspelt_at(text: _Text, start: int, *, is_listed: bool) -> _Found | None:
    """A misspelt state or large city, looked for only where a place is likely to stand."""
    cue = _cue_before(text, start)
    near_cue = cue in tables.STRONG_CUES or cue in tables.WEAK_CUES or is_listed
    for count in (3, 2, 1):
        end = start + count
        phrase = text.phrase(start, end)
        if phrase is None or any(
            word in common_words() and word not in tables.NAME_WORDS for word in text.low[start:end]
        ):
            continue
        for after, code, _ in _states_at(text, end, after_comma=True) if end < len(text) else ():
            town = _misspelt_in_state(phrase, code) if near_cue or len(text) <= 4 else None
            if town:
                return _Found(_after_zip(text, after), _city(town), "nothing")
        is_short = len(text) <= 3 or _has_only(text, start, end, tables.FILLERS_AND_TOPIC)
        if near_cue or is_short:
            reading = _misspelt(phrase, strict=True)
            if reading:
                return _Found(end, reading, "nothing")
    return None


# A text that is meant to be a place --------------------------------------------------------------


def resolve(text: str) -> Reading | None:
    """What place a short text means, typos allowed; a question when it may mean several.

    State codes count in capitals; in lower case not where they are words ("ok", "hi", "me").
    Several places are joined by `TOGETHER`; what is abroad or unknown among them is left out.
    """
    parts = text.split(TOGETHER, MOST_TOGETHER)[:MOST_TOGETHER]
    readings = [_resolve(part.strip()[:200]) for part in parts]
    return _together(readings) if len(readings) > 1 else readings[0]


def _together(readings: Iterable[Reading | None]) -> Reading | None:
    """Several places as one; if some are ambiguous, the question which are meant."""
    known = [reading for reading in readings if reading is not None]
    choices = [
        (reading,) if isinstance(reading, Place) else reading.options
        for reading in known
        if not isinstance(reading, ForeignPlace)
    ]
    if not choices:
        return known[0] if known else None
    options = [_several(places) for places in islice(product(*choices), 2 * MOST_OPTIONS)]
    if len(options) == 1:
        return options[0]
    names = [_value_of(reading) for reading in known if not isinstance(reading, ForeignPlace)]
    return AmbiguousPlace(TOGETHER.join(names), tuple(options))


def _several(places: Iterable[Place]) -> Place:
    parts = tuple(dict.fromkeys(places))
    if UNITED_STATES in parts or len(parts) == 1:
        return UNITED_STATES if UNITED_STATES in parts else parts[0]
    name = TOGETHER.join(part.name for part in parts)
    label = " or ".join(part.label for part in parts)
    states = dict.fromkeys(state for part in parts for state in part.states)
    return Place("several", name, label, None, tuple(states), None, None, parts)


@lru_cache(maxsize=2048)
def _resolve(text: str) -> Reading | None:
    if text in STATE_NAMES:
        return _state(text)
    words = _Text(text)
    start, end = 0, len(words)
    if not end:
        return None
    exact = _exactly(words, start, end)
    if exact:
        return exact
    # "the Dallas area", "in ohio please", "I live in Texas"
    while start < end - 1 and words.low[start] in tables.FILLERS | tables.STRONG_CUES:
        start += 1
        if exact := _exactly(words, start, end):
            return exact
    while start < end - 1 and words.low[end - 1] in tables.FILLERS | tables.PLACE_NOUNS:
        end -= 1
        if exact := _exactly(words, start, end):
            return exact
    if end - start <= 4:
        phrase = words.phrase(start, end)
        reading = _misspelt(phrase, strict=False) if phrase else None
        if reading:
            return reading
    reading = _town_of_state(words, start, end)
    if reading:
        return reading
    values = {mention.value for mention in find_places(text)}
    return resolve(values.pop()) if len(values) == 1 and values != {text} else None


def _exactly(text: _Text, start: int, end: int) -> Reading | None:
    """The place that these words name, all of them."""
    if end - start == 1 and text.low[start] in tables.CLAUSE_WORD_CODES:
        return None
    if end - start == 1 and text.low[start] in tables.CALENDAR_WORDS:
        return None
    part = _Text(text.text[text.starts[start] : text.ends[end - 1]])
    found = [found for found in _found_at(part, 0, lenient=True) if found.end == len(part)]
    if not found:
        return None
    return found[0].reading


def _town_of_state(text: _Text, start: int, end: int) -> Reading | None:
    """A town we don't know, or not so spelt, in a state that we do."""
    for split in range(end - 1, start, -1):
        for after, code, _ in _states_at(text, split, after_comma=True):
            if after != end:
                continue
            phrase = text.phrase(start, split)
            town = _misspelt_in_state(phrase, code) if phrase else None
            return _city(town) if town else _state(code)
    return None
