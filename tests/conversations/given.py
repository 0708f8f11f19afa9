"""Puts the rows that a conversation is given into the registration database.

    given:
      classes:
      - {id: A, course: basic, city: Austin, state: TX, in_days: 30, seats: 4}

`in_days` counts from today to the first day; `month: 3` means the first Monday of the next March that
isn't over. `days` is the length (5), `capacity` 40, and `seats` what is left of it.
"""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from registration import models
from registration.database import Database
from registration.places import Place, resolve

ZONE = ZoneInfo("America/Chicago")
CAPACITY = 40


def put(db: Database, given: dict[str, Any]) -> None:
    """Replaces whatever is in the database by what a conversation is given."""
    now = datetime.now(timezone.utc)
    rows = [class_row(row, now.date()) for row in given.get("classes", [])]
    members = [
        {
            "id": number,
            "external_id": f"M{number}",
            "email": f"member-{number}@example.org",
            "name": f"Member {number}",
        }
        for number in range(1, CAPACITY + 1)
    ]
    registrations = [
        {
            "external_id": f"R{id_}-{member}",
            "class_id": id_,
            "member_id": member,
            "status": "registered",
            "registered_at": now,
        }
        for id_, row in enumerate(rows, start=1)
        for member in range(1, row["capacity"] - row.pop("seats") + 1)
    ]
    with db.transaction() as connection:
        for table in reversed(models.metadata.sorted_tables):
            if table is not models.courses:
                connection.execute(sa.delete(table))
        connection.execute(sa.insert(models.members), members)
        for id_, row in enumerate(rows, start=1):
            connection.execute(sa.insert(models.classes).values(id=id_, **row))
        if registrations:
            connection.execute(sa.insert(models.registrations), registrations)


def class_row(row: dict[str, Any], today: date) -> dict[str, Any]:
    """The columns of a class, and its `seats` left."""
    place = resolve(f"{row['city']}, {row['state']}")
    assert isinstance(place, Place), f"{row['city']}, {row['state']} is no place"
    first = first_day(row, today)
    last = first + timedelta(days=row.get("days", 5) - 1)
    return {
        "external_id": row["id"],
        "course_code": row["course"],
        "city": row["city"],
        "state": row["state"],
        "latitude": place.latitude,
        "longitude": place.longitude,
        "starts_on": first,
        "ends_on": last,
        "starts_at": datetime.combine(first, time(8), ZONE),
        "ends_at": datetime.combine(last, time(17), ZONE),
        "timezone": ZONE.key,
        "capacity": row.get("capacity", CAPACITY),
        "status": row.get("status", "scheduled"),
        "visibility": row.get("visibility", "public"),
        "register_url": f"https://example.org/{row['id']}",
        "seats": row["seats"],
    }


def first_day(row: dict[str, Any], today: date) -> date:
    """The first day of a class that a table gives by `in_days` or by `month`."""
    if "in_days" in row:
        return today + timedelta(days=row["in_days"])
    year = today.year if row["month"] > today.month else today.year + 1
    first = date(year, row["month"], 1)
    return first + timedelta(days=(calendar.MONDAY - first.weekday()) % 7)
