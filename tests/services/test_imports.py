"""Previews, the trace of what is loaded, and taking the newest file back: on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registration import models
from registration.database import Database
from registration.errors import ImportRejected, UndoRefused
from registration.importers import Change, import_file, preview_file
from registration.imports import recent, undo
from tests.services.given import a_class

NOW = datetime(2027, 2, 1, tzinfo=timezone.utc)
CLASSES = "id,course,city,state,starts_on,ends_on,capacity,status\n"
MEMBERS = "id,email,name\n"
REGISTRATIONS = "id,member,class,registered_on,status,evaluated_on,certificate_on\n"
A, B, N = (f"{id_},basic,Austin,TX,2027-03-01,2027-03-05," for id_ in "ABN")

FILES = {
    "a new class": ("classes", CLASSES + N + "40,\n"),
    "more seats, cancelled and new": (
        "classes",
        CLASSES + A + "45,\n" + B + "40,cancelled\n" + N + "40,\n",
    ),
    "many classes": (
        "classes",
        CLASSES + "".join(f"N{n}" + N[1:] + "40,\n" for n in range(1100)) + A + "41,\n",
    ),
    "nothing new": ("classes", CLASSES + A + "40,\n"),
    "a new member": ("members", MEMBERS + "M3,m3@example.org,José\n"),
    "each member takes the address that the one before gives up": (
        "members",
        MEMBERS + "M1,new@example.org,One\nM2,m1@example.org,Two\nM3,m2@example.org,Three\n",
    ),
    "a registration with a certificate": (
        "registrations",
        REGISTRATIONS + "R1,M2,A,2027-01-04,attended,2027-03-08,2027-03-09\n",
    ),
    "a seat given up and taken": (
        "registrations",
        REGISTRATIONS
        + "R0,M1,A,2027-01-04,cancelled,,\nR1,M1,A,2027-01-05,registered,,\n"
        + "R2,M2,A,2027-01-05,attended,2027-03-08,\n",
    ),
    "another day and a certificate": (
        "registrations",
        REGISTRATIONS + "R0,M1,A,2027-01-04,attended,2027-03-09,2027-03-10\n",
    ),
}
"""On top of the classes A and B, the members M1 and M2, and M1's registration R0 for A."""
A_CLASS, SEVERAL, MANY, CHAIN = (
    FILES[name][1]
    for name in (
        "a new class",
        "more seats, cancelled and new",
        "many classes",
        "each member takes the address that the one before gives up",
    )
)

any_file = pytest.mark.parametrize(("kind", "text"), FILES.values(), ids=FILES)


def everything(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows but those of the trace."""
    return {
        table.name: sorted(tuple(row) for row in db.rows(sa.select(table)))
        for table in models.metadata.sorted_tables
        if table not in (models.imports, models.import_changes)
    }


@pytest.fixture
def load(db: Database, tmp_path: Path) -> Any:
    def load(kind: str, text: str, **options: Any) -> Any:
        return import_file(db, kind, write(tmp_path, text), by="jane@example.org", **options)

    load("classes", CLASSES + A + "40,\n" + B + "40,\n")
    load("members", MEMBERS + "M1,m1@example.org,One\nM2,m2@example.org,Two\n")
    load("registrations", REGISTRATIONS + "R0,M1,A,2027-01-04,attended,2027-03-08,\n")
    return load


@pytest.fixture
def filled(db: Database, load: Any) -> Database:
    assert load
    return db


def write(folder: Path, text: str) -> Path:
    file = folder / "calendar.csv"
    file.write_text(text, encoding="utf-8")
    return file


@any_file
def test_a_file_is_looked_at_loaded_and_taken_back_exactly(
    db: Database, load: Any, tmp_path: Path, kind: str, text: str
) -> None:
    before, loaded = everything(db), recent(db)

    preview = preview_file(db, kind, write(tmp_path, text))
    assert (everything(db), recent(db)) == (before, loaded)
    assert preview.import_id is None

    report = load(kind, text)
    assert preview == replace(report, import_id=None)
    assert (everything(db) == before) == (report.unchanged == report.rows)

    done = undo(db, report.import_id, by="john@example.org", at=NOW)
    assert everything(db) == before
    assert (done.kind, done.loaded_by, done.undone_by) == (
        kind,
        "jane@example.org",
        "john@example.org",
    )
    assert not recent(db)[0].can_be_undone
    assert db.rows(sa.select(models.import_changes)) == []


def test_a_preview_tells_each_change(filled: Database, tmp_path: Path) -> None:
    file = write(tmp_path, SEVERAL)

    preview = preview_file(filled, "classes", file)

    assert (preview.created, preview.updated, preview.cancelled, preview.unchanged) == (1, 2, 1, 0)
    assert preview.changes[:2] == [
        Change("A", False, (("capacity", "40", "45"),)),
        Change("B", False, (("status", "scheduled", "cancelled"),)),
    ]
    assert ("city", "", "Austin") in preview.changes[2].columns
    assert ("starts_at", "", "08:00") in preview.changes[2].columns


def test_nothing_about_members_stands_in_a_report(filled: Database, tmp_path: Path) -> None:
    preview = preview_file(filled, "members", write(tmp_path, CHAIN))

    assert [change.id for change in preview.changes] == ["M1", "M2", "M3"]
    assert "@" not in str(preview.changes)


def test_a_preview_of_a_bad_file_says_what_is_bad(filled: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRejected) as rejected:
        preview_file(filled, "classes", write(tmp_path, CLASSES + A + "none,\n"))

    assert [problem.column for problem in rejected.value.report.errors] == ["capacity"]


def test_what_tells_changes_apart_is_the_same_for_the_same_file_on_the_same_rows(
    db: Database, load: Any, tmp_path: Path
) -> None:
    def seen(text: str) -> str:
        return preview_file(db, "classes", write(tmp_path, text)).seen

    several = seen(SEVERAL)

    assert seen(SEVERAL) == several
    assert seen(A_CLASS) != several
    load("classes", CLASSES + A + "43,\n")
    assert seen(SEVERAL) != several


def object_to(_: Any) -> None:
    raise ValueError("no")


def test_an_objection_takes_everything_back(db: Database, load: Any) -> None:
    before, loaded = everything(db), recent(db)

    with pytest.raises(ValueError, match="no"):
        load("classes", SEVERAL, confirm=object_to)

    assert (everything(db), recent(db)) == (before, loaded)
    report = load("classes", SEVERAL)
    before, loaded = everything(db), recent(db)
    with pytest.raises(ValueError, match="no"):
        undo(db, report.import_id, by="john@example.org", at=NOW, confirm=object_to)
    assert (everything(db), recent(db)) == (before, loaded)


# Refusals ----------------------------------------------------------------------------------------


def change(db: Database, table: sa.Table, external_id: str, **values: Any) -> None:
    with db.transaction() as connection:
        connection.execute(
            sa.update(table).where(table.c.external_id == external_id).values(**values)
        )


def refused(db: Database, import_id: int) -> str:
    before = everything(db)
    with pytest.raises(UndoRefused) as refusal:
        undo(db, import_id, by="john@example.org", at=NOW)
    assert everything(db) == before
    return str(refusal.value)


def test_only_the_newest_can_be_undone_and_only_once(db: Database, load: Any) -> None:
    first = load("classes", A_CLASS)
    second = load("classes", SEVERAL)

    assert "Another file has been loaded since" in refused(db, first.import_id)
    undo(db, second.import_id, by="john@example.org", at=NOW)
    assert "undone already" in refused(db, second.import_id)
    assert "Another file" in refused(db, first.import_id)


def test_a_row_that_changed_since_is_named(db: Database, load: Any) -> None:
    report = load("classes", SEVERAL)
    change(db, models.classes, "A", capacity=50)

    assert refused(db, report.import_id) == "Something has changed since: class A has changed."


def test_a_row_that_is_gone_is_named(db: Database, load: Any) -> None:
    report = load("members", CHAIN)
    with db.transaction() as connection:
        connection.execute(sa.delete(models.members).where(models.members.c.external_id == "M2"))

    assert refused(db, report.import_id).endswith("member M2 has changed.")


def test_a_class_that_somebody_registered_for_since_stays(db: Database, load: Any) -> None:
    report = load("classes", A_CLASS)
    with db.transaction() as connection:
        ids = [
            connection.execute(
                sa.select(table.c.id).where(table.c.external_id == external_id)
            ).scalar_one()
            for table, external_id in ((models.members, "M2"), (models.classes, "N"))
        ]
        connection.execute(
            sa.insert(models.registrations).values(
                external_id="R9",
                member_id=ids[0],
                class_id=ids[1],
                status="registered",
                registered_at=NOW,
            )
        )

    assert refused(db, report.import_id).endswith("class N has a registration.")


def test_many_changes_are_counted(db: Database, load: Any) -> None:
    report = load("classes", MANY)
    with db.transaction() as connection:
        connection.execute(sa.update(models.classes).values(capacity=50))

    assert refused(db, report.import_id).endswith(", and 1096 more.")


def test_rows_that_the_file_left_alone_may_change(db: Database, load: Any) -> None:
    report = load("classes", A_CLASS)
    change(db, models.classes, "A", capacity=50)
    a_class(db, "C")
    before = everything(db)

    undo(db, report.import_id, by="john@example.org", at=NOW)

    assert {row[1] for row in before["classes"]} - {
        row[1] for row in everything(db)["classes"]
    } == {"N"}
