"""SAMPLE data: made-up classes and members for a demonstration, and any number of them for benchmarks.

Nothing here is real, and everything says so: hosts are "Sample ...", links lead to example.org, and
e-mail addresses end in example.org. The same day gives the same data; dates are relative to today.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from registration import models
from registration.catalogue import CATALOGUE
from registration.database import Database
from registration.models import (
    A_COURSE,
    Certificate,
    Evaluation,
    Member,
    Registration,
    TrainingClass,
)
from registration.places import STATE_NAMES, Place, resolve

Progress = Callable[[int, int], None]
"""Told how many rows of how many are there."""

SEED = 2026
"""Of chance: the same day gives the same data."""

BEGINS, ENDS = time(8), time(17)
"""Class hours, in local time."""

DAYS = {
    "basic": 5,
    "advanced": 3,
    "supervisors": 3,
    "cpted": 3,
    "sso": 2,
    "amht": 1,
    "unite": 1,
    "conference": 6,
}
LARGEST_ROOM = 50
"""Seats; the conference has more."""

BATCH = 10_000

# City, state, zone: 38 states and territories. The others have no class, so that "none found" can
# be seen; among them Arkansas, Idaho, Maine, Montana, Vermont and Wyoming.
PLACES = (
    ("Birmingham", "AL", "America/Chicago"),
    ("Anchorage", "AK", "America/Anchorage"),
    ("Phoenix", "AZ", "America/Phoenix"),
    ("Sacramento", "CA", "America/Los_Angeles"),
    ("San Diego", "CA", "America/Los_Angeles"),
    ("Denver", "CO", "America/Denver"),
    ("Hartford", "CT", "America/New_York"),
    ("Miami", "FL", "America/New_York"),
    ("Orlando", "FL", "America/New_York"),
    ("Tampa", "FL", "America/New_York"),
    ("Atlanta", "GA", "America/New_York"),
    ("Savannah", "GA", "America/New_York"),
    ("Hagatna", "GU", "Pacific/Guam"),
    ("Honolulu", "HI", "Pacific/Honolulu"),
    ("Chicago", "IL", "America/Chicago"),
    ("Indianapolis", "IN", "America/Indiana/Indianapolis"),
    ("Des Moines", "IA", "America/Chicago"),
    ("Louisville", "KY", "America/Kentucky/Louisville"),
    ("Baton Rouge", "LA", "America/Chicago"),
    ("Baltimore", "MD", "America/New_York"),
    ("Boston", "MA", "America/New_York"),
    ("Grand Rapids", "MI", "America/Detroit"),
    ("Minneapolis", "MN", "America/Chicago"),
    ("Kansas City", "MO", "America/Chicago"),
    ("Omaha", "NE", "America/Chicago"),
    ("Las Vegas", "NV", "America/Los_Angeles"),
    ("Newark", "NJ", "America/New_York"),
    ("Albuquerque", "NM", "America/Denver"),
    ("Albany", "NY", "America/New_York"),
    ("Charlotte", "NC", "America/New_York"),
    ("Cleveland", "OH", "America/New_York"),
    ("Columbus", "OH", "America/New_York"),
    ("Tulsa", "OK", "America/Chicago"),
    ("Portland", "OR", "America/Los_Angeles"),
    ("Harrisburg", "PA", "America/New_York"),
    ("San Juan", "PR", "America/Puerto_Rico"),
    ("Charleston", "SC", "America/New_York"),
    ("Nashville", "TN", "America/Chicago"),
    ("Austin", "TX", "America/Chicago"),
    ("Dallas", "TX", "America/Chicago"),
    ("Fort Worth", "TX", "America/Chicago"),
    ("Houston", "TX", "America/Chicago"),
    ("San Antonio", "TX", "America/Chicago"),
    ("Salt Lake City", "UT", "America/Denver"),
    ("Richmond", "VA", "America/New_York"),
    ("Seattle", "WA", "America/Los_Angeles"),
    ("Milwaukee", "WI", "America/Chicago"),
)

# What there is most of: about half of all classes are Basic.
COURSES = ("basic",) * 6 + ("advanced",) * 2 + ("supervisors", "cpted", "sso", "amht", "unite")


NEVER_OFFERED = (
    ("cancelled", "public", 30),
    ("cancelled", "public", 60),
    ("postponed", "public", 45),
    ("scheduled", "contract", 30),
    ("scheduled", "contract", 50),
    ("scheduled", "contract", 70),
    ("scheduled", "public", -400),
    ("scheduled", "public", -120),
    ("scheduled", "public", -60),
    ("scheduled", "public", -30),
    ("scheduled", "public", -17),
)
"""Classes off, under contract, over: status, visibility, and the day from which on they begin."""

# One member for every situation that a certificate can be in: (class, situation) pairs.
SITUATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "upcoming": (("SAMPLE-001", "registered"),),
    "not-recorded": (("SAMPLE-OTHER-11", "registered"),),
    "no-evaluation": (("SAMPLE-OTHER-10", "attended"),),
    "ready": (("SAMPLE-OTHER-09", "certified"),),
    "cancelled": (("SAMPLE-002", "cancelled"),),
    "transferred": (("SAMPLE-004", "transferred"),),
    "several": (
        ("SAMPLE-OTHER-07", "certified"),
        ("SAMPLE-OTHER-08", "certified"),
        ("SAMPLE-OTHER-10", "attended"),
        ("SAMPLE-005", "registered"),
    ),
    "nothing": (),
    "called-off": (("SAMPLE-OTHER-01", "registered"),),
    "postponed": (("SAMPLE-OTHER-03", "registered"),),
}

MADE_UP = ("SAMPLE-", "BULK-")
"""What external ids begin with here, and nowhere else."""


def may_be_filled(db: Database, *, today: date) -> bool:
    """Whether samples may be loaded: no class is real, and no made-up course lies ahead any more.

    Raises:
        RegistrationUnavailable: The database can't be used.
    """
    table = models.classes
    is_ahead = sa.and_(sa.text(A_COURSE), table.c.starts_on > today)
    return not db.rows(sa.select(table.c.id).where(~_is_made_up(table) | is_ahead).limit(1))


def load_sample(db: Database, *, today: date) -> None:
    """Loads about 60 classes and members in every situation, in place of all that was made up before.

    Raises:
        RegistrationUnavailable: The database can't be used.
    """
    chance = random.Random(SEED)
    classes = {
        row["external_id"]: TrainingClass(**row)
        for row in (*_offered_classes(today, chance), *_other_classes(today, chance))
    }
    fillers = [Member(**_member(n, f"filler-{n}")) for n in range(1, LARGEST_ROOM + 1)]
    with db.session() as session:
        _remove_made_up(session.connection())
        session.add_all(classes.values())
        for number, training_class in enumerate(classes.values()):
            if training_class.starts_on > today:
                taken = _taken(number, min(training_class.capacity, LARGEST_ROOM), chance)
                session.add_all(
                    Registration(
                        external_id=f"{training_class.external_id}-{seat}",
                        member=filler,
                        training_class=training_class,
                        registered_at=_morning(today - timedelta(days=20)),
                    )
                    for seat, filler in enumerate(fillers[:taken], start=1)
                )
        for number, (name, situations) in enumerate(SITUATIONS.items(), start=1001):
            member = Member(**_member(number, name))
            if number % 2:
                member.membership, member.member_until = "Regular", today + timedelta(days=200)
            session.add(member)
            session.add_all(
                _registration(member, classes[class_id], situation)
                for class_id, situation in situations
            )


def generate(
    db: Database,
    *,
    classes: int,
    registrations: int,
    today: date,
    progress: Progress | None = None,
) -> None:
    """Adds any number of made-up classes and registrations, for benchmarks.

    The classes begin within the two years around today, five sixths of them later than today, and
    a tenth of them is off or under contract. A member is registered in twenty, or in all there are.

    Raises:
        ValueError: There are registrations, but no classes.
        RegistrationUnavailable: The database can't be used.
    """
    if registrations and not classes:
        raise ValueError("registrations need classes")
    chance = random.Random(SEED)
    each = min(20, classes)
    members = -(-registrations // each) if registrations else 0
    total = classes + members + registrations
    done = 0
    with db.transaction() as connection:

        def add(table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
            nonlocal done
            while batch := list(islice(rows, BATCH)):
                connection.execute(sa.insert(table), batch)
                done += len(batch)
                if progress:
                    progress(done, total)

        add(models.classes, _many_classes(classes, today, chance))
        add(models.members, (_member(n, f"bulk-{n}") for n in range(members)))
        class_ids = _bulk_ids(connection, models.classes)
        member_ids = _bulk_ids(connection, models.members)
        add(
            models.registrations,
            _many_registrations(registrations, each, class_ids, member_ids, today, chance),
        )
        connection.execute(sa.text("ANALYZE"))


def _offered_classes(today: date, chance: random.Random) -> Iterator[dict[str, Any]]:
    for number, (city, state, zone) in enumerate(PLACES, start=1):
        course = "basic" if number % 3 else chance.choice(COURSES)
        first = _monday(today + timedelta(days=10 + 37 * number % 240))
        yield _class(f"SAMPLE-{number:03}", course, city, state, zone, first, chance)
    july = date(today.year if today.month < 7 else today.year + 1, 7, 1)
    yield _class(
        "SAMPLE-CONFERENCE", "conference", "Denver", "CO", "America/Denver", _monday(july), chance
    )


def _other_classes(today: date, chance: random.Random) -> Iterator[dict[str, Any]]:
    for number, (status, visibility, days) in enumerate(NEVER_OFFERED, start=1):
        city, state, zone = PLACES[(7 * number) % len(PLACES)]
        first = _monday(today + timedelta(days=days))
        row = _class(f"SAMPLE-OTHER-{number:02}", "basic", city, state, zone, first, chance)
        yield {**row, "status": status, "visibility": visibility}


def _class(
    external_id: str,
    course: str,
    city: str,
    state: str,
    zone: str,
    first: date,
    chance: random.Random,
) -> dict[str, Any]:
    place = resolve(f"{city}, {state}")
    assert isinstance(place, Place), f"{city}, {state} is not a place"
    last = first + timedelta(days=DAYS[course] - 1)
    return {
        "external_id": external_id,
        "course_code": course,
        "city": city,
        "state": state,
        "venue": f"Sample Training Center, {city}",
        "latitude": place.latitude,
        "longitude": place.longitude,
        "starts_at": datetime.combine(first, BEGINS, ZoneInfo(zone)),
        "ends_at": datetime.combine(last, ENDS, ZoneInfo(zone)),
        "starts_on": first,
        "ends_on": last,
        "timezone": zone,
        "capacity": 1500 if course == "conference" else chance.choice((35, 40, 45, LARGEST_ROOM)),
        "status": "scheduled",
        "visibility": "public",
        "register_url": f"https://example.org/sample-classes/{external_id.lower()}",
        "host": f"Sample Agency of {STATE_NAMES[state]}",
    }


def _taken(number: int, seats: int, chance: random.Random) -> int:
    """How many seats are taken: of six classes one is full, one nearly, one empty."""
    return {0: seats, 1: seats - 1 - number // 6 % 3, 2: 0}.get(
        number % 6, chance.randrange(1, seats - 3)
    )


def _member(number: int, name: str) -> dict[str, Any]:
    return {
        "external_id": f"SAMPLE-{name}",
        "email": f"{name}@example.org",
        "name": f"Sample Member {number}",
        "state": "TX",
    }


def _registration(member: Member, training_class: TrainingClass, situation: str) -> Registration:
    is_certified = situation == "certified"
    afterwards = training_class.ends_at + timedelta(days=2)
    return Registration(
        external_id=f"{member.external_id}-{training_class.external_id}",
        member=member,
        training_class=training_class,
        status="attended" if is_certified else situation,
        registered_at=training_class.starts_at - timedelta(days=300),
        evaluation=Evaluation(completed_at=afterwards) if is_certified else None,
        certificate=Certificate(issued_at=afterwards) if is_certified else None,
    )


def _morning(day: date) -> datetime:
    return datetime.combine(day, BEGINS, timezone.utc)


def _many_classes(number: int, today: date, chance: random.Random) -> Iterator[dict[str, Any]]:
    codes = [entry.code for entry in CATALOGUE if entry.kind == "course"]
    prototypes = [
        _class("", course, city, state, zone, today, chance)
        for city, state, zone in PLACES
        for course in codes
    ]
    for n in range(number):
        row = chance.choice(prototypes)
        shift = timedelta(days=chance.randrange(-120, 600))
        yield {
            **row,
            "external_id": f"BULK-{n}",
            "latitude": row["latitude"] + chance.uniform(-1, 1),
            "longitude": row["longitude"] + chance.uniform(-1, 1),
            "starts_at": row["starts_at"] + shift,
            "ends_at": row["ends_at"] + shift,
            "starts_on": row["starts_on"] + shift,
            "ends_on": row["ends_on"] + shift,
            "status": "cancelled" if n % 20 == 7 else "scheduled",
            "visibility": "contract" if n % 20 == 13 else "public",
        }


def _many_registrations(
    number: int,
    each: int,
    class_ids: list[int],
    member_ids: list[int],
    today: date,
    chance: random.Random,
) -> Iterator[dict[str, Any]]:
    moment = _morning(today)
    for n in range(number):
        # One member after the other takes the next so many classes: as there are no fewer, no pair
        # comes twice.
        yield {
            "external_id": f"BULK-{n}",
            "member_id": member_ids[n // each],
            "class_id": class_ids[n % len(class_ids)],
            "status": chance.choice(("registered", "registered", "registered", "cancelled")),
            "registered_at": moment,
        }


def _bulk_ids(connection: Connection, table: sa.Table) -> list[int]:
    is_bulk = table.c.external_id.startswith("BULK-") | table.c.external_id.startswith(
        "SAMPLE-bulk-"
    )
    return list(connection.execute(sa.select(table.c.id).where(is_bulk)).scalars())


def _is_made_up(table: sa.Table) -> Any:
    return sa.or_(*(table.c.external_id.startswith(start) for start in MADE_UP))


def _remove_made_up(connection: Connection) -> None:
    """Removes the classes and members of earlier, and what belongs to either."""
    members, classes, registrations = models.members, models.classes, models.registrations
    gone = sa.select(registrations.c.id).where(
        registrations.c.member_id.in_(sa.select(members.c.id).where(_is_made_up(members)))
        | registrations.c.class_id.in_(sa.select(classes.c.id).where(_is_made_up(classes)))
    )
    for table in (models.evaluations, models.certificates):
        connection.execute(sa.delete(table).where(table.c.registration_id.in_(gone)))
    connection.execute(sa.delete(registrations).where(registrations.c.id.in_(gone)))
    for table in (members, classes):
        connection.execute(sa.delete(table).where(_is_made_up(table)))


def _monday(day: date) -> date:
    """The first Monday from a day on: classes begin with the week."""
    return day + timedelta(days=-day.weekday() % 7)
