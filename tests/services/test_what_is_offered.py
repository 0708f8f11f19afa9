"""Which classes are offered, in which order, and with how many seats."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from registration.database import Database
from registration.queries import (
    ClassPage,
    classes_by_id,
    neighbouring_states_with_classes,
    upcoming_classes,
)
from tests.services.given import a_class, place, registrations

NOW = datetime(2027, 2, 1, 12, tzinfo=timezone.utc)


def upcoming(db: Database, where: str | None = None, **asked: Any) -> ClassPage:
    return upcoming_classes(
        db, **{"now": NOW, "place": place(where) if where else None, "limit": 50, **asked}
    )


def ids(page: ClassPage) -> list[str]:
    return [found.id for found in page.classes]


@pytest.mark.parametrize(
    ("capacity", "taken", "left"),
    [
        (40, {}, 40),
        (40, {"registered": 3}, 37),
        (40, {"attended": 2}, 38),
        (3, {"registered": 1, "attended": 1}, 1),
        (3, {"registered": 3}, 0),
        (3, {"registered": 5}, 0),  # never below zero
        (3, {"cancelled": 2}, 3),
        (3, {"transferred": 2}, 3),
        (3, {"registered": 2, "cancelled": 4, "transferred": 1}, 1),
    ],
)
def test_seats_left_are_the_capacity_less_the_active_registrations(
    db: Database, capacity: int, taken: dict[str, int], left: int
) -> None:
    a_class(db, "A", capacity=capacity)
    a_class(db, "OTHER")
    registrations(db, "A", **taken)
    registrations(db, "OTHER", registered=7)

    seats = {found.id: found.seats_left for found in upcoming(db).classes}

    assert seats == {"A": left, "OTHER": 33}
    assert classes_by_id(db, ["A"], now=NOW).classes[0].seats_left == left


@pytest.mark.parametrize(
    ("columns", "is_offered"),
    [
        ({}, True),
        ({"status": "cancelled"}, False),
        ({"status": "postponed"}, False),
        ({"visibility": "contract"}, False),
        ({"visibility": "contract", "status": "cancelled"}, False),
        ({"starts_on": date(2027, 1, 4)}, False),  # over
        ({"starts_on": date(2027, 1, 30)}, False),  # under way
        ({"starts_on": date(2027, 2, 2)}, True),
    ],
)
def test_what_is_off_under_contract_or_begun_is_not_offered(
    db: Database, columns: dict[str, Any], is_offered: bool
) -> None:
    a_class(db, "A", **columns)

    assert ids(upcoming(db)) == ["A"] * is_offered
    assert ids(upcoming(db, "Texas")) == ["A"] * is_offered
    assert ids(upcoming(db, "Austin, TX")) == ["A"] * is_offered
    assert ids(classes_by_id(db, ["A"], now=NOW)) == ["A"] * is_offered


@pytest.mark.parametrize(
    ("where", "zone", "begins_utc"),
    [
        # Eight in the morning of March 1 is still February 28 in UTC on Guam.
        ("Hagåtña, GU", "Pacific/Guam", datetime(2027, 2, 28, 22)),
        ("Honolulu, HI", "Pacific/Honolulu", datetime(2027, 3, 1, 18)),
        ("Austin, TX", "America/Chicago", datetime(2027, 3, 1, 14)),
    ],
)
def test_a_class_is_offered_until_it_begins_where_it_is(
    db: Database, where: str, zone: str, begins_utc: datetime
) -> None:
    a_class(db, "A", where, zone=zone)
    begins = begins_utc.replace(tzinfo=timezone.utc)

    assert ids(upcoming(db, now=begins - timedelta(seconds=1))) == ["A"]
    assert ids(upcoming(db, now=begins)) == []


@pytest.mark.parametrize(
    ("where", "zone"), [("Hagåtña, GU", "Pacific/Guam"), ("Honolulu, HI", "Pacific/Honolulu")]
)
@pytest.mark.parametrize(
    ("first", "last", "is_found"),
    [
        (date(2027, 3, 1), date(2027, 3, 1), True),
        (date(2027, 3, 1), date(2027, 3, 31), True),
        (date(2027, 2, 1), date(2027, 3, 1), True),
        (date(2027, 2, 1), date(2027, 2, 28), False),
        (date(2027, 3, 2), date(2027, 3, 31), False),
    ],
)
def test_a_period_is_of_days_where_the_class_is(
    db: Database, where: str, zone: str, first: date, last: date, is_found: bool
) -> None:
    a_class(db, "A", where, zone=zone, starts_on=date(2027, 3, 1))

    assert ids(upcoming(db, period=(first, last))) == ["A"] * is_found


def test_the_nearest_date_comes_first(db: Database) -> None:
    a_class(db, "MAY", starts_on=date(2027, 5, 3))
    a_class(db, "MARCH", "Boise, ID", starts_on=date(2027, 3, 1))
    a_class(db, "APRIL", "Dallas, TX", starts_on=date(2027, 4, 5))

    assert ids(upcoming(db)) == ["MARCH", "APRIL", "MAY"]


def test_pages_are_parts_of_one_list(db: Database) -> None:
    for n in range(7):
        a_class(db, f"C{n}", starts_on=date(2027, 3, 1) + timedelta(days=n // 2))

    pages = [upcoming(db, offset=offset, limit=3) for offset in (0, 3, 6)]

    assert [ids(page) for page in pages] == [["C0", "C1", "C2"], ["C3", "C4", "C5"], ["C6"]]
    assert [page.total for page in pages] == [7, 7, 7]
    assert [page.has_more for page in pages] == [True, True, False]


def test_past_the_end_there_is_nothing_but_the_total(db: Database) -> None:
    a_class(db, "A")

    page = upcoming(db, offset=5)

    assert (page.classes, page.total, page.has_more) == ((), 1, False)


def test_a_state_finds_what_is_in_it(db: Database) -> None:
    a_class(db, "TX", "El Paso, TX")
    a_class(db, "NM", "Las Cruces, NM")

    assert ids(upcoming(db, "Texas")) == ["TX"]
    assert upcoming(db, "Texas").classes[0].distance_miles is None


def test_a_city_finds_what_is_near_it_whatever_the_state(db: Database) -> None:
    a_class(db, "TX", "El Paso, TX", starts_on=date(2027, 3, 1))
    a_class(db, "NM", "Las Cruces, NM", starts_on=date(2027, 3, 2))
    a_class(db, "FAR", "Austin, TX", starts_on=date(2027, 3, 3))

    page = upcoming(db, "El Paso, TX")

    assert ids(page) == ["TX", "NM"]
    assert page.total == 2
    # By road it is 46 miles; as the crow flies a little less.
    assert page.classes[0].distance_miles == 0
    assert 35 <= (page.classes[1].distance_miles or 0) <= 46


def test_a_zip_code_finds_what_is_near_it(db: Database) -> None:
    a_class(db, "A", "Austin, TX")
    a_class(db, "D", "Denver, CO")

    assert ids(upcoming(db, "78701")) == ["A"]


def test_a_class_that_the_map_does_not_know_is_found_by_the_name_of_its_town(db: Database) -> None:
    a_class(db, "A", "Austin, TX", on_the_map=False)

    page = upcoming(db, "Austin, TX")

    assert ids(page) == ["A"]
    assert page.classes[0].distance_miles is None
    assert ids(upcoming(db, "78701")) == ["A"]
    assert ids(upcoming(db, "Dallas, TX")) == []


def test_several_places_find_what_any_of_them_finds_once(db: Database) -> None:
    a_class(db, "DAL", "Dallas, TX", starts_on=date(2027, 3, 1))
    a_class(
        db, "FTW", "Fort Worth, TX", starts_on=date(2027, 3, 2)
    )  # near Dallas and near Fort Worth
    a_class(db, "HOU", "Houston, TX", starts_on=date(2027, 3, 3))
    a_class(db, "TUL", "Tulsa, OK", starts_on=date(2027, 3, 4))
    a_class(db, "LA", "Baton Rouge, LA", starts_on=date(2027, 3, 5))

    assert ids(upcoming(db, "Texas; Oklahoma")) == ["DAL", "FTW", "HOU", "TUL"]
    assert ids(upcoming(db, "Louisiana; Tulsa, OK")) == ["TUL", "LA"]

    page = upcoming(db, "Dallas, TX; Fort Worth, TX; Houston, TX", limit=2)
    assert (ids(page), page.total) == (["DAL", "FTW"], 3)
    assert [found.distance_miles for found in page.classes] == [0, 0]


def test_only_one_course_when_it_is_named(db: Database) -> None:
    a_class(db, "B")
    a_class(db, "A", course_code="advanced")

    assert ids(upcoming(db, course="advanced")) == ["A"]
    assert ids(upcoming(db, course="sso")) == []


def test_the_conference_is_no_class_unless_it_is_asked_for(db: Database) -> None:
    a_class(db, "B")
    a_class(db, "CONFERENCE", course_code="conference", starts_on=date(2027, 7, 5))

    assert ids(upcoming(db)) == ["B"]
    assert ids(upcoming(db, "Texas")) == ["B"]
    assert ids(upcoming(db, course="conference")) == ["CONFERENCE"]
    assert upcoming(db, course="conference").classes[0].kind == "conference"


def test_classes_by_id_come_in_the_order_they_were_asked_for(db: Database) -> None:
    for id_ in "ABC":
        a_class(db, id_)

    assert ids(classes_by_id(db, ["C", "nothing", "A"], now=NOW)) == ["C", "A"]


def test_neighbouring_states_with_most_classes_first(db: Database) -> None:
    for n in range(3):
        a_class(db, f"OK{n}", "Tulsa, OK")
    a_class(db, "LA", "Baton Rouge, LA")
    a_class(db, "NM", "Las Cruces, NM", status="cancelled")
    a_class(db, "TX", "Austin, TX")
    a_class(db, "CO", "Denver, CO")  # not beside Texas

    def beside(**asked: Any) -> dict[str, int]:
        asked = {"states": ["TX"], **asked}
        return dict(neighbouring_states_with_classes(db, now=NOW, **asked))

    assert beside() == {"OK": 3, "LA": 1}
    assert list(beside()) == ["OK", "LA"]
    assert beside(limit=1) == {"OK": 3}
    assert beside(states=["TX", "OK"]) == {"CO": 1, "LA": 1}
    assert beside(course="advanced") == {}
    assert beside(period=(date(2027, 4, 1), date(2027, 4, 30))) == {}
