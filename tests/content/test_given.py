"""The classes that conversations are given, whatever day it is."""

from __future__ import annotations

from calendar import month_name
from datetime import date, datetime, timedelta

import pytest

from bot.content.given import ZONE, class_row
from bot.nlu.entities import TODAY_IS_IN
from bot.nlu.periods import find_periods

CLASS = {"id": "A", "course": "basic", "city": "Atlanta", "state": "GA", "seats": 1}


@pytest.mark.parametrize("month", range(1, 13))
def test_a_class_of_a_month_is_in_what_the_month_is_understood_as(month: int) -> None:
    for days in range(2 * 365):
        today = date(2027, 1, 1) + timedelta(days=days)
        (said,) = find_periods(f"any classes in {month_name[month]}", today)

        row = class_row({**CLASS, "month": month}, today)

        first, last = said.value.split("/")
        begins, ends = row["starts_on"], row["ends_on"]
        assert first <= begins.isoformat() <= ends.isoformat() <= last, today
        assert row["starts_at"] > datetime(today.year, today.month, today.day, 23, tzinfo=ZONE)
        assert row["starts_at"] < row["ends_at"]


def test_days_are_counted_where_the_assistant_counts_them() -> None:
    assert ZONE == TODAY_IS_IN
