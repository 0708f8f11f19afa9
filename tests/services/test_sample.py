"""The sample data: never stale, the same each time, and with everything that can be seen in it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import get_args

import pytest
import sqlalchemy as sa

from registration import models
from registration.database import Database
from registration.members import CertificateState, account, attendances
from registration.queries import ClassPage, upcoming_classes
from registration.sample import NEVER_OFFERED, SITUATIONS, generate, load_sample, may_be_filled
from tests.services.given import a_class

TODAY = date(2026, 11, 24)


def offered(db: Database, today: date) -> ClassPage:
    return upcoming_classes(db, now=noon(today), place=None, limit=1000)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), timezone.utc)


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
    conference = upcoming_classes(db, now=noon(today), place=None, course="conference")
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


def test_there_is_a_member_for_every_state_of_a_certificate(db: Database) -> None:
    load_sample(db, today=TODAY)

    found = {
        name: [a.certificate for a in attendances(db, email=f"{name}@example.org", now=noon(TODAY))]
        for name in SITUATIONS
    }

    assert {states[0] for states in found.values() if len(states) == 1} == set(
        get_args(CertificateState)
    )
    assert found["nothing"] == []
    assert found["several"] == ["class_not_over", "evaluation_missing", "ready", "ready"]


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

    assert number(db, models.classes) == 600
    assert number(db, models.registrations) == 6000
    assert offered(db, TODAY).total - before > 300
    assert told[-1] == (6900, 6900)
    assert_nobody_has_two_seats(db)


@pytest.mark.parametrize(("classes", "registrations"), [(10, 1000), (1, 7), (7, 1), (3, 0), (0, 0)])
def test_few_classes_may_have_many_registrations(
    db: Database, classes: int, registrations: int
) -> None:
    generate(db, classes=classes, registrations=registrations, today=TODAY)

    assert number(db, models.classes) == classes
    assert number(db, models.registrations) == registrations
    assert_nobody_has_two_seats(db)


def test_registrations_need_classes(db: Database) -> None:
    with pytest.raises(ValueError, match="registrations need classes"):
        generate(db, classes=0, registrations=1, today=TODAY)


def number(db: Database, table: sa.Table) -> int:
    is_bulk = table.c.external_id.like("BULK-%")
    return db.rows(sa.select(sa.func.count()).select_from(table).where(is_bulk))[0][0]


def assert_nobody_has_two_seats(db: Database) -> None:
    # Whatever becomes of them: nobody comes back to a class either.
    table = models.registrations
    pairs = db.rows(
        sa.select(table.c.member_id, table.c.class_id).where(table.c.external_id.like("BULK-%"))
    )
    assert len(pairs) == len(set(pairs))


def test_samples_take_the_place_of_those_of_months_ago(db: Database) -> None:
    load_sample(db, today=TODAY - timedelta(days=250))
    generate(db, classes=3, registrations=30, today=TODAY - timedelta(days=650))
    assert offered(db, TODAY).total == 0
    assert may_be_filled(db, today=TODAY)
    a_member = {"external_id": "M1", "email": "jane@nasro.org", "name": "Jane"}
    with db.transaction() as connection:
        connection.execute(sa.insert(models.members).values(**a_member))

    load_sample(db, today=TODAY)

    assert 45 <= offered(db, TODAY).total <= 60
    assert number(db, models.classes) == 0
    assert account(db, email="jane@nasro.org")
    assert not may_be_filled(db, today=TODAY)


def test_a_real_class_keeps_samples_out(db: Database) -> None:
    assert may_be_filled(db, today=TODAY)
    a_class(db, "TX-1", starts_on=TODAY - timedelta(days=400))

    assert not may_be_filled(db, today=TODAY)
