"""Puts the rows that a conversation is given into the registration database.

    given:
      classes:
      - {id: A, course: basic, city: Austin, state: TX, in_days: 30, seats: 4}
      members:
      - email: jane@example.org
        membership: Regular            # its type
        until_in_days: -3              # the membership's last day; 100 by default
        state: TX
        registrations:
        - {class: A, status: attended, evaluated: true, issued: true}

`in_days` counts from today to the first day; `month: 3` means the first Monday of the next March that
isn't over, or tomorrow in a March whose first Monday is over, and tonight on its last day; `month: -3` the
first Monday of last year's March, or of this year's where that is over. Either ends in that month, too.
`days` is the length (5), `capacity` 40, and `seats` what is left of it.
"""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from registration import models
from registration.database import Database
from registration.members import LAST_DAY_ENDS_IN
from registration.places import Place, resolve

ZONE = LAST_DAY_ENDS_IN
"""Where it is today: as `bot.nlu.entities` counts days, so that "in March" means the same one."""
CAPACITY = 40


def put(db: Database, given: dict[str, Any]) -> None:
    """Replaces whatever is in the database by what a conversation is given.

    Raises:
        ValueError: A class is given at no place of the gazetteer.
    """
    now = datetime.now(timezone.utc)
    today = now.astimezone(ZONE).date()
    rows = [class_row(row, today) for row in given.get("classes", [])]
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
        for member in given.get("members", []):
            _put_member(connection, member, now)


def _put_member(connection: Connection, member: dict[str, Any], now: datetime) -> None:
    email = member["email"]
    id_ = connection.execute(
        sa.insert(models.members).values(
            external_id=email,
            email=email,
            name="A member",
            state=member.get("state"),
            membership=member.get("membership"),
            member_until=now.date() + timedelta(days=member.get("until_in_days", 100))
            if "membership" in member
            else None,
        )
    ).inserted_primary_key[0]
    for place, registration in enumerate(member.get("registrations", [])):
        class_id = connection.execute(
            sa.select(models.classes.c.id).where(
                models.classes.c.external_id == registration["class"]
            )
        ).scalar_one()
        number = connection.execute(
            sa.insert(models.registrations).values(
                external_id=f"{email}-{place}",
                class_id=class_id,
                member_id=id_,
                status=registration.get("status", "registered"),
                registered_at=now,
            )
        ).inserted_primary_key[0]
        for model, key, column in (
            (models.Evaluation, "evaluated", "completed_at"),
            (models.Certificate, "issued", "issued_at"),
        ):
            if registration.get(key):
                row = {"registration_id": number, column: now}
                connection.execute(sa.insert(model.__table__).values(**row))


def class_row(row: dict[str, Any], today: date) -> dict[str, Any]:
    """The columns of a class, and its `seats` left."""
    place = resolve(f"{row['city']}, {row['state']}")
    if not isinstance(place, Place):
        raise ValueError(f"{row['city']}, {row['state']} is no place")
    first = first_day(row, today)
    last = first + timedelta(days=row.get("days", 5) - 1)
    if "month" in row:
        last = min(last, _end_of_month(first))
    begins, ends = (time(23, 58), time(23, 59)) if first == today else (time(8), time(17))
    return {
        "external_id": row["id"],
        "course_code": row["course"],
        "city": row["city"],
        "state": row["state"],
        "latitude": place.latitude,
        "longitude": place.longitude,
        "starts_on": first,
        "ends_on": last,
        "starts_at": datetime.combine(first, begins, ZONE),
        "ends_at": datetime.combine(last, ends, ZONE),
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
    month = abs(row["month"])
    if row["month"] > 0:
        earliest, year = today + timedelta(days=1), today.year + (month < today.month)
    else:
        earliest, year = date.min, today.year - (month >= today.month)
    first = date(year, month, 1)
    monday = first + timedelta(days=(calendar.MONDAY - first.weekday()) % 7)
    return max(monday, min(earliest, _end_of_month(first)))


def _end_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
