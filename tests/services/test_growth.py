"""A look-up among many classes reads what one among few does: the databases themselves say what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registration import models
from registration.database import Database
from registration.distance import miles_between
from registration.members import account, attendances
from registration.models import OFFERED, TrainingClass
from registration.queries import (
    MOST_COUNTED,
    NEARBY_MILES,
    classes_by_id,
    neighbouring_states_with_classes,
    upcoming_classes,
)
from registration.sample import generate
from tests.services.given import place

TODAY = date(2027, 2, 1)
NOW = datetime(2027, 2, 1, 12, tzinfo=timezone.utc)
FEW, MANY = 5_000, 25_000
SPRING = (date(2027, 3, 1), date(2027, 5, 31))


def upcoming(where: str | None = None, **asked: Any) -> Callable[[Database], Any]:
    somewhere = place(where) if where else None
    return lambda db: upcoming_classes(db, now=NOW, place=somewhere, **asked)


LOOK_UPS: dict[str, tuple[Callable[[Database], Any], str]] = {
    "everywhere": (upcoming(), "ix_classes_by_date"),
    "a course everywhere": (upcoming(course="cpted"), "ix_classes_by_course"),
    "a season": (upcoming(period=SPRING), "ix_classes_by_date"),
    "a state": (upcoming("Texas"), "ix_classes_by_state"),
    "a course in a state": (upcoming("Texas", course="unite"), "ix_classes_by_state_and_course"),
    "a season in a state": (upcoming("Texas", period=SPRING), "ix_classes_by_state"),
    "a state without classes": (upcoming("Maine"), "ix_classes_by_state"),
    "a region": (upcoming("Midwest"), "ix_classes_by_state"),
    "a city": (upcoming("Dallas, TX"), "ix_classes_by_cell"),
    "a course near a city": (upcoming("Dallas, TX", course="unite"), "ix_classes_by_cell_and_"),
    "a course in a town that the map doesn't know": (
        upcoming("Dallas, TX", course="unite"),
        "ix_classes_by_town_and_course",
    ),
    "the edge of a circle": (upcoming("Boston, MA"), "ix_classes_by_small_cell"),
    "several cities": (
        upcoming("Dallas, TX; Houston, TX; Chicago, IL; Atlanta, GA; Denver, CO"),
        "ix_classes_by_small_cell",
    ),
    "a city without classes": (upcoming("Bangor, ME"), "ix_classes_by_cell"),
    "a city that the map doesn't know": (upcoming("Dallas, TX"), "ix_classes_by_town"),
    "several places": (upcoming("Dallas, TX; Ohio"), "ix_classes_by_cell"),
    "a later page": (upcoming("Texas", offset=50), "ix_classes_by_state"),
    "the conference": (upcoming(course="conference"), "ix_classes_by_course"),
    "classes of a list": (
        lambda db: classes_by_id(db, ["BULK-3", "BULK-5"], now=NOW),
        "sqlite_autoindex_classes_1",
    ),
    "states beside": (
        lambda db: neighbouring_states_with_classes(db, states=["MO"], now=NOW),
        "ix_classes_by_state",
    ),
    "an account": (
        lambda db: account(db, email="sample-bulk-3@example.org"),
        "sqlite_autoindex_members_1",
    ),
    "a member's classes": (
        lambda db: attendances(db, email="sample-bulk-3@example.org", now=NOW),
        "ix_registrations_member_id",
    ),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def dbs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, Database]]:
    """Databases with few and with many classes; PostgreSQL's planner has seen the rows."""
    folder: Path = tmp_path_factory.mktemp("growth")
    filled = []
    for size in (FEW, MANY):
        url = f"sqlite:///{folder / f'{size}.sqlite'}"
        if request.param == "postgresql":
            postgres = request.getfixturevalue("postgres")
            postgres.execute(f"CREATE DATABASE growth_{size}")
            url = postgres.url(f"growth_{size}")
        db = Database(url)
        db.upgrade()
        generate(db, classes=size, registrations=size, today=TODAY)
        if not db.is_sqlite:
            # Also notes which pages every transaction sees, so that an index alone can answer.
            with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                connection.execute(sa.text("VACUUM ANALYZE"))
        filled.append(db)
    yield filled[0], filled[1]
    for db in filled:
        db.dispose()


@contextmanager
def statements_of(db: Database, prefix: str = "") -> Iterator[list[Any]]:
    """Has the database explain each statement, with `prefix`, before it answers it."""
    explained: list[Any] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            cursor.execute(f"{prefix} {statement}", parameters)
            explained.append(cursor.fetchall())

    sa.event.listen(db.engine, "before_cursor_execute", explain)
    yield explained
    sa.event.remove(db.engine, "before_cursor_execute", explain)


@pytest.mark.parametrize("look_up", LOOK_UPS)
def test_no_look_up_reads_a_whole_table(dbs: tuple[Database, Database], look_up: str) -> None:
    _, many = dbs
    ask, index = LOOK_UPS[look_up]

    with statements_of(many, "EXPLAIN QUERY PLAN" if many.is_sqlite else "EXPLAIN") as explained:
        ask(many)

    assert len(explained) == 1, "a look-up is one round trip"
    plan = "\n".join(str(row[-1]) for row in explained[0])
    print(plan)
    assert index in plan or not many.is_sqlite, "SQLite takes another index"
    for table in ("classes", "registrations", "members"):
        assert f"SCAN {table}\n" not in f"{plan}\n", "SQLite reads the whole table"
        assert f"SCAN {table} USING" not in plan, "SQLite reads a whole index"
        assert f"Seq Scan on {table}" not in plan, "PostgreSQL reads the whole table"
    if "registrations" in plan and look_up != "a member's classes":
        # Seats are counted from the index.
        assert "ix_registrations_class_id_status" in plan


@pytest.mark.parametrize("look_up", LOOK_UPS)
def test_a_look_up_among_five_times_as_many_classes_is_no_more_work(
    dbs: tuple[Database, Database], look_up: str
) -> None:
    few, many = dbs
    ask, _ = LOOK_UPS[look_up]

    work = [work_of(db, ask) for db in (few, many)]

    print(work)
    assert work[1] <= 1.5 * work[0] + 100


def test_no_more_are_counted_than_somebody_would_read(dbs: tuple[Database, Database]) -> None:
    _, many = dbs

    page = upcoming_classes(many, now=NOW, place=None)
    later = upcoming_classes(many, now=NOW, place=None, offset=2 * MOST_COUNTED)

    assert (page.total, page.has_more) == (MOST_COUNTED + 1, True)
    assert (later.total, later.has_more) == (2 * MOST_COUNTED + 5 + 1, True)
    beside = neighbouring_states_with_classes(many, states=["MO"], now=NOW)
    assert {number for _, number in beside} == {MOST_COUNTED + 1}


@pytest.mark.parametrize("where", ["Texas", "Midwest", "Dallas, TX", "Dallas, TX; Ohio", None])
@pytest.mark.parametrize("course", [None, "unite"])
def test_pages_one_after_the_other_are_all_that_is_there(
    dbs: tuple[Database, Database], where: str | None, course: str | None
) -> None:
    few, _ = dbs
    asked = {"now": NOW, "place": place(where) if where else None, "course": course}
    asked["period"] = (TODAY, TODAY + timedelta(days=150))

    at_once = upcoming_classes(few, **asked, limit=10_000)
    pages = []
    for offset in count(0, 40):
        page = upcoming_classes(few, **asked, offset=offset, limit=40)
        pages += page.classes
        if not page.has_more:
            break

    assert pages == list(at_once.classes)
    assert len(pages) == at_once.total > 2


@pytest.mark.parametrize(
    "where", ["Boston, MA", "Seattle, WA; Tulsa, OK; Dallas, TX", "Miami, FL; Texas"]
)
def test_all_that_is_near_is_found_and_nothing_else(
    dbs: tuple[Database, Database], where: str
) -> None:
    few, _ = dbs
    asked = place(where)
    states = {state for part in asked.each if part.latitude is None for state in part.states}
    middles = [(p.latitude, p.longitude) for p in asked.each if p.latitude and p.longitude]

    found = {c.id for c in upcoming_classes(few, now=NOW, place=asked, limit=10_000).classes}

    condition = sa.and_(sa.text(OFFERED), TrainingClass.starts_at > NOW)
    wanted = {
        row.external_id
        for row in few.rows(sa.select(models.classes).where(condition))
        if row.state in states
        or any(miles_between(*m, row.latitude, row.longitude) <= NEARBY_MILES for m in middles)
    }
    assert found == wanted
    assert len(found) > 20


def work_of(db: Database, ask: Callable[[Database], Any]) -> float:
    """How much a database does to answer: SQLite's steps, in hundreds, or rows that PostgreSQL reads."""
    ask(db)
    if not db.is_sqlite:
        with statements_of(db, "EXPLAIN (ANALYZE, FORMAT JSON)") as explained:
            ask(db)
        plan = explained[0][0][0]
        return rows_read(plan if isinstance(plan, list) else json.loads(plan))
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    def count_steps(_: Any, cursor: Any, *__: Any) -> None:
        cursor.connection.set_progress_handler(step, 100)

    sa.event.listen(db.engine, "before_cursor_execute", count_steps)
    ask(db)
    sa.event.remove(db.engine, "before_cursor_execute", count_steps)
    return steps


def rows_read(plans: list[dict[str, Any]]) -> float:
    """Rows that a plan's scans of tables read, given on or not."""
    rows = 0.0
    for wrapped in plans:
        plan = wrapped.get("Plan", wrapped)
        if "Relation Name" in plan:
            removed = plan.get("Rows Removed by Filter", 0)
            rows += plan["Actual Loops"] * (plan["Actual Rows"] + removed)
        rows += rows_read(plan.get("Plans", []))
    return rows
