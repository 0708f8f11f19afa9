"""Loading CSV files: what is reported, what is loaded, and that nothing is lost or doubled."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from registration import models
from registration.database import Database
from registration.errors import ImportRejected
from registration.importers import ImportReport, import_file
from registration.members import attendances
from tests.services.given import a_class

EXAMPLES = yaml.safe_load(Path(__file__).with_name("importers.yml").read_text(encoding="utf-8"))
TABLES = {
    "classes": models.classes,
    "members": models.members,
    "registrations": models.registrations,
}
CLASSES = "id,course,city,state,starts_on,ends_on,capacity,zip,timezone,starts_at\n"


@pytest.fixture
def loaded_db(db: Database) -> Database:
    """With the members M1 and M2 and the classes C1 and C2."""
    for id_ in ("C1", "C2"):
        a_class(db, id_)
    with db.transaction() as connection:
        for n in (1, 2):
            connection.execute(
                sa.insert(models.members).values(
                    external_id=f"M{n}", email=f"m{n}@example.org", name=f"Member {n}"
                )
            )
    return db


def load(db: Database, kind: str, file: Path, **options: Any) -> ImportReport:
    """The report, of a file that was loaded or refused."""
    try:
        return import_file(db, kind, file, by="a test", **options)
    except ImportRejected as rejected:
        return rejected.report


def ids(db: Database, kind: str) -> list[str]:
    return [row[0] for row in db.rows(sa.select(TABLES[kind].c.external_id))]


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "file.csv"
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
def test_a_file(loaded_db: Database, tmp_path: Path, example: dict[str, Any]) -> None:
    file = write(tmp_path, example["file"])

    report = load(loaded_db, example["kind"], file, keep_good=example.get("keep_good", False))

    expected = example.get("problems", [])
    found = [(problem.line, problem.column, problem.message) for problem in report.errors]
    assert [problem[:2] for problem in found] == [tuple(problem[:2]) for problem in expected]
    for (*_, message), (*_, part) in zip(found, expected, strict=True):
        assert part in message
    assert sorted(ids(loaded_db, example["kind"])) == example["loaded"]


def test_a_file_loaded_again_changes_only_what_has_changed(db: Database, tmp_path: Path) -> None:
    rows = [f"N{n},basic,Austin,TX,2027-03-01,2027-03-05,40,,,\n" for n in range(1200)]
    first = load(db, "classes", write(tmp_path, CLASSES + "".join(rows)))
    again = load(db, "classes", write(tmp_path, CLASSES + "".join(rows)))
    rows[700] = rows[700].replace(",40,", ",45,")
    changed = load(db, "classes", write(tmp_path, CLASSES + "".join(rows)))

    def numbers(report: ImportReport) -> tuple[int, int, int, int]:
        return report.rows, report.created, report.updated, report.unchanged

    assert numbers(first) == (1200, 1200, 0, 0)
    assert numbers(again) == (1200, 0, 0, 1200)
    assert numbers(changed) == (1200, 0, 1, 1199)
    assert len(ids(db, "classes")) == 1200
    assert db.rows(
        sa.select(models.classes.c.external_id).where(models.classes.c.capacity == 45)
    ) == [("N700",)]


def test_evaluations_and_certificates_come_with_registrations(
    loaded_db: Database, tmp_path: Path
) -> None:
    def load_row(outcome: str) -> tuple[int, int, int]:
        head = "id,member,class,registered_on,status,evaluated_on,certificate_on\n"
        text = f"{head}R1,M1,C1,2027-01-04,attended,{outcome}\n"
        report = load(loaded_db, "registrations", write(tmp_path, text))
        assert report.errors == []
        return report.created, report.updated, report.unchanged

    def state() -> str:
        now = datetime(2027, 6, 1, tzinfo=timezone.utc)
        [attendance] = attendances(loaded_db, email="m1@example.org", now=now)
        return f"{attendance.certificate} {attendance.issued_on}"

    assert load_row(",") == (1, 0, 0)
    assert state() == "evaluation_missing None"
    assert load_row("2027-03-08,") == (0, 1, 0)
    assert state() == "ready None"
    assert load_row("2027-03-08,2027-03-09") == (0, 1, 0)
    assert state() == "ready 2027-03-09"
    assert load_row("2027-03-08,2027-03-10") == (0, 1, 0)
    assert load_row(",") == (0, 0, 1)
    assert state() == "ready 2027-03-10"


def test_a_bad_row_at_the_end_takes_back_all_before_it(db: Database, tmp_path: Path) -> None:
    rows = [f"N{n},basic,Austin,TX,2027-03-01,2027-03-05,40,,,\n" for n in range(1100)]
    file = write(tmp_path, CLASSES + "".join(rows) + "N1,basic,Austin,TX,?,?,40,,,\n")

    report = load(db, "classes", file)

    assert {problem.line for problem in report.errors} == {1102}
    assert ids(db, "classes") == []


def test_progress_rises_to_the_size_of_the_file(db: Database, tmp_path: Path) -> None:
    rows = [f"N{n},basic,Austin,TX,2027-03-01,2027-03-05,40,,,\n" for n in range(2100)]
    file = write(tmp_path, CLASSES + "".join(rows))
    told: list[tuple[int, int]] = []

    load(db, "classes", file, progress=lambda done, total: told.append((done, total)))

    size = file.stat().st_size
    assert len(told) >= 4
    assert told == sorted(told)
    assert told[-1] == (size, size)
    assert {total for _, total in told} == {size}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_accents_survive_whatever_saved_the_file(
    db: Database, tmp_path: Path, encoding: str
) -> None:
    text = "id,email,name\nN1,n1@example.org,José Muñoz\n"

    report = load(db, "members", write(tmp_path, text, encoding))

    assert report.errors == []
    assert db.rows(sa.select(models.members.c.name)) == [("José Muñoz",)]


@pytest.mark.parametrize(
    ("row", "zone", "begins"),
    [
        ("basic,Austin,TX,2027-03-01,2027-03-05,40,78701,,", "America/Chicago", (3, 1, 14)),
        # Daylight saving time has begun; it hasn't in Arizona.
        ("basic,Austin,TX,2027-04-05,2027-04-09,40,78701,,", "America/Chicago", (4, 5, 13)),
        ("basic,Phoenix,AZ,2027-04-05,2027-04-09,40,85001,,", "America/Phoenix", (4, 5, 15)),
        ("basic,El Paso,TX,2027-03-01,2027-03-05,40,79901,,", "America/Denver", (3, 1, 15)),
        ("basic,Hagatna,GU,2027-03-01,2027-03-05,40,,,", "Pacific/Guam", (2, 28, 22)),
        ("basic,Boise,ID,2027-03-01,2027-03-05,40,,,09:30", "America/Boise", (3, 1, 16, 30)),
        ("basic,Boston,MA,2027-03-01,2027-03-05,40,2108,,", "America/New_York", (3, 1, 13)),
        ("basic,Austin,TX,2027-03-01,2027-03-05,40,,UTC,", "UTC", (3, 1, 8)),
    ],
)
def test_a_class_begins_by_the_clock_where_it_is(
    db: Database, tmp_path: Path, row: str, zone: str, begins: tuple[int, ...]
) -> None:
    report = load(db, "classes", write(tmp_path, f"{CLASSES}N1,{row}\n"))

    assert report.errors == []
    (stored,) = db.rows(sa.select(models.classes.c.timezone, models.classes.c.starts_at))
    assert stored == (zone, datetime(2027, *begins, tzinfo=timezone.utc))


def test_no_address_stands_in_a_report_or_a_log(
    loaded_db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    text = "id,email,name,state\nN1,someone@private.example,New,Nowhere\nN2,m1@example.org,Two,\nN3,@x y@,,\n"

    report = load(loaded_db, "members", write(tmp_path, text))

    assert len(report.errors) == 4
    assert "@" not in str(report.errors)
    assert "private.example" not in caplog.text
