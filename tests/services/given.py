"""Rows for a test: each names only what it is about."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from registration import models
from registration.database import Database
from registration.places import Place, resolve

_numbers = count(1)


def place(text: str) -> Place:
    found = resolve(text)
    assert isinstance(found, Place), f"{text} is no place"
    return found


def a_class(
    db: Database,
    id_: str,
    where: str = "Austin, TX",
    *,
    starts_on: date = date(2027, 3, 1),
    days: int = 5,
    zone: str = "America/Chicago",
    on_the_map: bool = True,
    **columns: Any,
) -> None:
    """A public, scheduled Basic class of five days with 40 seats, unless told otherwise."""
    city, _, state = where.partition(", ")
    here = place(where) if on_the_map else None
    ends_on = starts_on + timedelta(days=days - 1)
    row = {
        "external_id": id_,
        "course_code": "basic",
        "city": city,
        "state": state,
        "latitude": here.latitude if here else None,
        "longitude": here.longitude if here else None,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "starts_at": datetime.combine(starts_on, time(8), ZoneInfo(zone)),
        "ends_at": datetime.combine(ends_on, time(17), ZoneInfo(zone)),
        "timezone": zone,
        "capacity": 40,
        "status": "scheduled",
        "visibility": "public",
        **columns,
    }
    with db.transaction() as connection:
        connection.execute(sa.insert(models.classes).values(**row))


def registrations(db: Database, class_id: str, **numbers: int) -> None:
    """So many registrations of each status, each of a member of its own."""
    with db.transaction() as connection:
        id_ = connection.execute(
            sa.select(models.classes.c.id).where(models.classes.c.external_id == class_id)
        ).scalar_one()
        for status, number in numbers.items():
            for _ in range(number):
                n = next(_numbers)
                member = connection.execute(
                    sa.insert(models.members).values(
                        external_id=f"M{n}", email=f"m{n}@example.org", name=f"Member {n}"
                    )
                ).inserted_primary_key[0]
                connection.execute(
                    sa.insert(models.registrations).values(
                        external_id=f"R{n}",
                        member_id=member,
                        class_id=id_,
                        status=status,
                        registered_at=datetime(2027, 1, 1, tzinfo=ZoneInfo("UTC")),
                    )
                )
