"""The calendar as staff see it, on both databases."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from registration.calendar import calendar, states_in_calendar
from registration.database import Database
from tests.services.given import a_class, registrations


@pytest.fixture
def db_with_classes(db: Database) -> Database:
    a_class(db, "TX-1", starts_on=date(2027, 6, 1), venue="100 % Hall", capacity=4)
    a_class(db, "TX-2", "Dallas, TX", starts_on=date(2027, 7, 1), status="cancelled")
    a_class(db, "OH-1", "Columbus, OH", starts_on=date(2027, 5, 1), visibility="contract")
    registrations(db, "TX-1", registered=3, attended=2, cancelled=4)
    return db


CASES: list[tuple[dict[str, Any], list[str], int]] = [
    ({}, ["OH-1", "TX-1", "TX-2"], 3),
    ({"limit": 1, "offset": 1}, ["TX-1"], 3),
    ({"offset": 3}, [], 3),
    ({"state": "TX"}, ["TX-1", "TX-2"], 2),
    ({"text": "BASIC dallas"}, ["TX-2"], 1),
    ({"text": "%"}, ["TX-1"], 1),
    ({"from_day": date(2027, 6, 5)}, ["TX-1", "TX-2"], 2),
    ({"from_day": date(2027, 6, 6)}, ["TX-2"], 1),
]


def test_classes_are_found(db_with_classes: Database) -> None:
    for asked, ids, total in CASES:
        page = calendar(db_with_classes, **asked)

        assert ([class_.id for class_ in page.classes], page.total) == (ids, total), asked


def test_seats_are_counted_and_never_below_none(db_with_classes: Database) -> None:
    (class_,) = calendar(db_with_classes, text="tx-1").classes

    assert (class_.taken, class_.capacity, class_.seats_left) == (5, 4, 0)


def test_states_are_those_that_have_classes(db_with_classes: Database) -> None:
    assert states_in_calendar(db_with_classes) == ("OH", "TX")
