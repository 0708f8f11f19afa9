"""Reports: what some days add up to, by day and week, and as CSV."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from bot.staff.consumer import Consumer
from bot.staff.outcomes import bucket, milliseconds_of
from bot.staff.reports import Figures, Rated, Report, report
from bot.staff.state_map import tiles
from bot.webchat.database import ConversationDatabase
from registration.place_tables import STATE_NAMES
from tests.outcomes.stream import Talk

MONDAY, FRIDAY, NEXT_MONDAY = date(2027, 3, 1), date(2027, 3, 5), date(2027, 3, 8)


@pytest.fixture
def stored(database: ConversationDatabase, consumer: Consumer) -> ConversationDatabase:
    for day in (MONDAY, FRIDAY, NEXT_MONDAY):
        at = datetime(day.year, day.month, day.day, 12, tzinfo=timezone.utc)
        talk = Talk(database, at)
        talk.turn("what is an sro", "faq_what_is_sro", "utter_faq_what_is_sro", took=0.02)
        talk.rate(day != FRIDAY)
        talk.turn("classes in ohio", "find_classes", "utter_classes_found", place="Ohio", total=3)
        talk.turn("classes in alaska", "find_classes", "utter_no_classes", place="Alaska", took=0.5)
        talk.turn("transfer fee", "not_covered", "utter_not_covered", score=0.1)
        talk.turn("hi", "greet", "utter_greet")
    consumer.catch_up()
    return database


def test_the_figures_of_some_days(stored: ConversationDatabase) -> None:
    total = report(stored, MONDAY, NEXT_MONDAY, by_week=False).total

    assert (total.of("conversations"), total.of("messages"), total.of("questions")) == (3, 15, 12)
    assert (total.answered_rate, total.fallback_rate, total.helpful_rate) == (0.75, 0.25, 2 / 3)
    assert total.by_key("topic") == [("find_classes", 6), ("faq_what_is_sro", 3)]
    assert dict(total.handed_over)["not_known"] == 3
    assert total.states == [("AK", 3, 3), ("OH", 3, 0)]
    assert (total.lookups, total.lookups_without_result) == (6, 3)
    assert total.milliseconds(0.5) == pytest.approx(40, rel=0.1)
    assert total.milliseconds(0.95) == pytest.approx(500, rel=0.1)


def test_topics_beside_the_days_before(stored: ConversationDatabase) -> None:
    found = report(stored, NEXT_MONDAY, NEXT_MONDAY + timedelta(days=6), by_week=True)

    assert found.topics == [("find_classes", 2, 4), ("faq_what_is_sro", 1, 2)]
    assert (found.before.first, found.before.last) == (MONDAY, NEXT_MONDAY - timedelta(days=1))
    assert (found.total.answered_rate, found.before.of("questions")) == (0.75, 8)
    asked = ["faq_what_is_sro", "faq_register", "greet", "not_covered", "find_classes"]
    assert found.never_asked(asked) == ["faq_register"]


@pytest.mark.parametrize(
    ("number", "before", "is_rising"),
    [(4, 0, True), (3, 0, False), (8, 2, False), (9, 2, True), (110, 90, False), (130, 90, True),
     (2, 9, False), (5, 5, False)],
)  # fmt: skip
def test_a_topic_rises_when_it_is_no_chance(number: int, before: int, is_rising: bool) -> None:
    days = [
        Figures(MONDAY, MONDAY, {("topic", "faq_register"): n, ("topic", "faq_hold_spot"): 5})
        for n in (number, before)
    ]

    rising = Report(*days, parts=()).rising

    assert rising == ([("faq_register", number, before)] if is_rising else [])


def test_the_topics_that_are_surely_worst_come_first() -> None:
    thumbs = {
        "one_of_one": (0, 1),
        "most": (5, 45),
        "half": (25, 25),
        "few": (1, 9),
        "good": (30, 1),
    }
    numbers = {
        (f"topic_{way}", topic): counts[n]
        for topic, counts in thumbs.items()
        for n, way in enumerate(("helpful", "unhelpful"))
    }

    rated = Figures(MONDAY, MONDAY, numbers).rated

    assert [one.topic for one in rated] == ["most", "few", "half", "one_of_one", "good"]
    assert [(one.helpful, one.unhelpful, one.rate) for one in rated[:2]] == [
        (5, 45, 0.1),
        (1, 9, 0.1),
    ]


def test_what_people_thought_is_counted_by_topic(stored: ConversationDatabase) -> None:
    (rated,) = report(stored, MONDAY, NEXT_MONDAY, by_week=True).total.rated

    assert rated == Rated("faq_what_is_sro", helpful=2, unhelpful=1)


def test_every_state_has_one_tile_and_the_most_asked_is_darkest() -> None:
    found = tiles([("TX", 100, 0), ("AK", 5, 5), ("WY", 1, 1)])

    assert sorted(tile.code for tile in found) == sorted(STATE_NAMES)
    assert len({(tile.column, tile.row) for tile in found}) == len(STATE_NAMES)
    assert {tile.code: (tile.number, tile.none, tile.step) for tile in found if tile.step} == {
        "TX": (100, 0, 4), "AK": (5, 5, 1), "WY": (1, 1, 1)
    }  # fmt: skip
    assert tiles([])[0].step == 0


def parts(found: Report) -> list[tuple[date, date, int]]:
    return [(part.first, part.last, part.of("conversations")) for part in found.parts]


def test_by_week_and_by_day(stored: ConversationDatabase) -> None:
    sunday = MONDAY - timedelta(days=1)
    assert parts(report(stored, sunday, NEXT_MONDAY, by_week=True)) == [
        (sunday, sunday, 0), (MONDAY, NEXT_MONDAY - timedelta(days=1), 2), (NEXT_MONDAY, NEXT_MONDAY, 1)
    ]  # fmt: skip
    assert parts(report(stored, FRIDAY, FRIDAY, by_week=False)) == [(FRIDAY, FRIDAY, 1)]


def test_days_without_anything_have_no_rates(stored: ConversationDatabase) -> None:
    total = report(stored, date(2020, 1, 1), date(2020, 1, 2), by_week=False).total

    assert (total.answered_rate, total.helpful_rate, total.milliseconds(0.5)) == (None, None, None)
    assert total.states == []


@pytest.mark.parametrize(
    ("first", "last"), [(NEXT_MONDAY, MONDAY), (date(2020, 1, 1), date(2027, 1, 1))]
)
def test_days_that_make_no_report(stored: ConversationDatabase, first: date, last: date) -> None:
    with pytest.raises(ValueError, match=r"after the last|three years"):
        report(stored, first, last, by_week=False)


def table(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_as_csv(stored: ConversationDatabase) -> None:
    found = report(stored, MONDAY, NEXT_MONDAY, by_week=True)

    first, second = table(found.as_csv())
    assert (first["from"], first["to"], first["questions"]) == ("2027-03-01", "2027-03-07", "8")
    assert (first["answered %"], first["helpful %"], second["helpful %"]) == (
        "75.0",
        "50.0",
        "100.0",
    )
    assert table(found.states_as_csv()) == [
        {"state": "AK", "look-ups": "3", "without any class": "3"},
        {"state": "OH", "look-ups": "3", "without any class": "0"},
    ]
    assert {"what": "topic", "which": "find_classes", "number": "6"} in table(found.counts_as_csv())


@pytest.mark.parametrize("milliseconds", [0, 1, 17, 100, 2_000, 30_000])
def test_response_times_are_exact_to_a_tenth(milliseconds: int) -> None:
    assert milliseconds <= milliseconds_of(bucket(milliseconds)) <= 1.1 * milliseconds + 1
