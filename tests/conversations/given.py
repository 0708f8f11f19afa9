"""Puts the rows that a conversation is given into the registration database.

    given:
      classes:
      - {id: A, course: basic, city: Austin, state: TX, in_days: 30, seats: 4}

`in_days` counts from today to the first day; `month: 3` means the first Monday of the next March that
isn't over. `days` is the length (5), `capacity` 40, and `seats` what is left of it.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Any

from registration.database import Database


def first_day(row: dict[str, Any], today: date) -> date:
    """The first day of a class that a table gives by `in_days` or by `month`."""
    if "in_days" in row:
        return today + timedelta(days=row["in_days"])
    year = today.year if row["month"] > today.month else today.year + 1
    first = date(year, row["month"], 1)
    return first + timedelta(days=(calendar.MONDAY - first.weekday()) % 7)
