"""The sample data: never stale, the same each time, and with everything that can be seen in it."""

from __future__ import annotations

from datetime import date, datetime, time, timezone

import pytest
import sqlalchemy as sa

from registration import models
from registration.database import Database
from registration.models import ACTIVE
from registration.queries import ClassPage, upcoming_classes
from registration.sample import NEVER_OFFERED, SITUATIONS, generate, load_sample

TODAY = date(2026, 11, 24)


def offered(db: Database, today: date) -> ClassPage:
    now = datetime.combine(today, time(12), timezone.utc)
    return upcoming_classes(db, now=now, place=None, limit=1000)


@pytest.mark.parametrize(
    "today", [TODAY, date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1), date(2027, 7, 4)]
)
def test_there_is_always_something_to_see(db: Database, today: date) -> None:
    load_sample(db, today=today)

    page = offered(db, today)

    assert 45 <= page.total <= 60
    seats = [(c.seats_left, c.capacity) for c in page.classes]
    assert sum(left == 0 for left, _ in seats) >= 5, "full ones"
    assert sum(0 < left <= 4 for left, _ in seats) >= 3, "nearly full ones"
    assert sum(left == capacity for left, capacity in seats) >= 5, "empty ones"
    assert len({c.state for c in page.classes}) == 38
    assert len({c.starts_on.month for c in page.classes}) >= 7
    # Soon enough to be of use, and not all at once.
    assert (page.classes[0].starts_on - today).days <= 21
    conference = upcoming_classes(
        db, now=datetime.combine(today, time(12), timezone.utc), place=None, course="conference"
    )
    assert [c.starts_on.month for c in conference.classes] == [7]


def test_the_same_day_gives_the_same_data(db: Database) -> None:
    def everything() -> list[list[tuple[object, ...]]]:
        tables = models.metadata.sorted_tables
        return [[tuple(row) for row in db.rows(sa.select(table))] for table in tables]

    load_sample(db, today=TODAY)
    first = everything()
    with db.transaction() as connection:
        for table in reversed(models.metadata.sorted_tables):
            if table is not models.courses:
                connection.execute(sa.delete(table))
    load_sample(db, today=TODAY)

    def without_ids(tables: list[list[tuple[object, ...]]]) -> list[int]:
        return [len(rows) for rows in tables]

    assert without_ids(everything()) == without_ids(first)
    names = sa.select(models.classes.c.external_id, models.classes.c.starts_at)
    assert sorted(db.rows(names)) == sorted(
        (row[1], row[models.classes.c.keys().index("starts_at")])
        for row in first[models.metadata.sorted_tables.index(models.classes)]
    )


def test_it_is_labelled_as_a_sample(db: Database) -> None:
    load_sample(db, today=TODAY)

    for table in (models.classes, models.members):
        assert all(row[0].startswith("SAMPLE") for row in db.rows(sa.select(table.c.external_id)))
    assert all("Sample" in row[0] for row in db.rows(sa.select(models.classes.c.venue)))
    assert all(
        row[0].startswith("https://example.org/")
        for row in db.rows(sa.select(models.classes.c.register_url))
    )


def test_there_is_a_member_in_every_situation(db: Database) -> None:
    load_sample(db, today=TODAY)
    members, registrations, classes = models.members, models.registrations, models.classes
    rows = db.rows(
        sa.select(
            members.c.external_id,
            registrations.c.status,
            classes.c.ends_on,
            models.Evaluation.completed_at,
            models.Certificate.issued_at,
        )
        .select_from(
            members.outerjoin(registrations)
            .outerjoin(classes)
            .outerjoin(models.Evaluation)
            .outerjoin(models.Certificate)
        )
        .where(members.c.external_id.in_([f"SAMPLE-{name}" for name in SITUATIONS]))
    )
    found = {
        name: sorted(
            (row.status, row.ends_on < TODAY, bool(row.completed_at), bool(row.issued_at))
            for row in rows
            if row.external_id == f"SAMPLE-{name}" and row.status
        )
        for name in SITUATIONS
    }

    assert found == {
        "upcoming": [("registered", False, False, False)],
        "not-recorded": [("registered", True, False, False)],
        "no-evaluation": [("attended", True, False, False)],
        "ready": [("attended", True, True, True)],
        "cancelled": [("cancelled", False, False, False)],
        "transferred": [("transferred", False, False, False)],
        "several": [
            ("attended", True, False, False),
            ("attended", True, True, True),
            ("attended", True, True, True),
            ("registered", False, False, False),
        ],
        "nothing": [],
    }


def test_what_is_off_over_or_under_contract_is_there_and_not_offered(db: Database) -> None:
    load_sample(db, today=TODAY)

    there = db.rows(sa.select(sa.func.count()).select_from(models.classes))[0][0]

    assert there == offered(db, TODAY).total + len(NEVER_OFFERED) + 1  # the conference


def test_any_number_can_be_made_for_benchmarks(db: Database) -> None:
    load_sample(db, today=TODAY)
    before = offered(db, TODAY).total
    told: list[tuple[int, int]] = []

    generate(
        db,
        classes=600,
        registrations=6000,
        today=TODAY,
        progress=lambda done, total: told.append((done, total)),
    )

    def number(table: sa.Table) -> int:
        is_bulk = table.c.external_id.like("BULK-%")
        return db.rows(sa.select(sa.func.count()).select_from(table).where(is_bulk))[0][0]

    assert number(models.classes) == 600
    assert number(models.registrations) == 6000
    assert offered(db, TODAY).total - before > 300
    assert told[-1] == (6900, 6900)
    taken = sa.select(models.registrations.c.member_id, models.registrations.c.class_id).where(
        models.registrations.c.status.in_(ACTIVE),
        models.registrations.c.external_id.like("BULK-%"),
    )
    pairs = db.rows(taken)
    assert len(pairs) == len(set(pairs)), "nobody has two seats in one class"
