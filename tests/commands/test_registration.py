"""`nasro-chat db`, `sample-data` and `import`: what is said, what is loaded, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from registration import models
from registration.database import Database
from registration.sample import load_sample
from tests.commands.command import nasro_chat
from tests.services.given import a_class

TODAY = datetime.now(timezone.utc).date()
MEMBERS = """id,email,name
M1,jane@example.org,Jane
M2,john at example.org,John
M3,jane@example.org,Janet
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"NASRO_REGISTRATION_URL": f"sqlite:///{tmp_path / 'registration.sqlite'}"}


@pytest.fixture
def db(environment: dict[str, str]) -> Iterator[Database]:
    """With the tables of today and no rows."""
    database = Database(environment["NASRO_REGISTRATION_URL"])
    database.upgrade()
    yield database
    database.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "members.csv"
    file.write_text(MEMBERS)
    return file


def ids(db: Database, table: sa.Table) -> list[str]:
    return [row[0] for row in db.rows(sa.select(table.c.external_id))]


# Tables ------------------------------------------------------------------------------------------


def test_the_tables_are_made_and_made_again(environment: dict[str, str]) -> None:
    for _ in range(2):
        done = nasro_chat(environment, "db", "upgrade")

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "The registration database is up to date.\n"
    db = Database(environment["NASRO_REGISTRATION_URL"])
    db.ping()
    db.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("arguments", [["import", "members", "FILE"], ["sample-data"]])
def test_without_tables_the_command_that_makes_them_is_named(
    kind: str,
    arguments: list[str],
    environment: dict[str, str],
    file: Path,
    request: pytest.FixtureRequest,
) -> None:
    if kind == "postgresql":
        environment = {"NASRO_REGISTRATION_URL": request.getfixturevalue("postgres_url")}

    done = nasro_chat(environment, *(str(file) if a == "FILE" else a for a in arguments))

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].endswith("run 'nasro-chat db upgrade' first.")


def test_a_database_that_can_not_be_named_so_is_one_line() -> None:
    done = nasro_chat({"NASRO_REGISTRATION_URL": "registration.sqlite"}, "db", "upgrade")

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: NASRO_REGISTRATION_URL")


# Files -------------------------------------------------------------------------------------------


def test_a_bad_file_is_reported_by_its_lines_and_not_loaded(
    db: Database, environment: dict[str, str], file: Path
) -> None:
    done = nasro_chat(environment, "import", "members", str(file))

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "line 3, email: is not an e-mail address",
        "line 4, email: already belongs to member M1",
        "Error: Nothing was loaded.",
    ]
    assert "jane@" not in done.stdout
    assert ids(db, models.members) == []


def test_the_good_rows_are_loaded_when_that_is_asked_for(
    db: Database, environment: dict[str, str], file: Path
) -> None:
    done = nasro_chat(environment, "import", "members", str(file), "--keep-good")

    assert done.returncode == 0
    assert "line 3, email: is not an e-mail address" in done.stderr
    assert done.stdout.endswith("3 rows: 1 new, 0 changed, 0 unchanged, 2 not loaded.\n")
    assert ids(db, models.members) == ["M1"]


# Samples -----------------------------------------------------------------------------------------


def test_samples_are_loaded_into_an_empty_database_once(
    db: Database, environment: dict[str, str]
) -> None:
    first = nasro_chat(environment, "sample-data")
    again = nasro_chat(environment, "sample-data")
    if_empty = nasro_chat(environment, "sample-data", "--if-empty")

    assert (first.returncode, first.stderr) == (0, "")
    assert "Loaded SAMPLE classes" in first.stdout
    assert len(ids(db, models.classes)) == len(set(ids(db, models.classes))) > 50
    assert again.returncode == 1
    assert again.stderr == "Error: The database already holds classes; nothing was loaded.\n"
    assert (if_empty.returncode, if_empty.stdout) == (0, "")


def test_a_demonstration_that_starts_again_after_months_has_classes_to_come(
    db: Database, environment: dict[str, str]
) -> None:
    load_sample(db, today=TODAY - timedelta(days=260))

    done = nasro_chat(environment, "sample-data", "--if-empty")

    assert done.returncode == 0
    to_come = sa.select(models.classes.c.id).where(models.classes.c.starts_on > TODAY)
    assert len(db.rows(to_come)) > 40


def test_real_classes_are_left_alone_though_all_are_over(
    db: Database, environment: dict[str, str]
) -> None:
    load_sample(db, today=TODAY - timedelta(days=260))
    a_class(db, "TX-1", starts_on=TODAY - timedelta(days=30))
    before = ids(db, models.classes)

    done = nasro_chat(environment, "sample-data", "--if-empty")

    assert (done.returncode, done.stdout) == (0, "")
    assert ids(db, models.classes) == before


def test_any_number_of_classes_and_registrations_can_be_made(
    db: Database, environment: dict[str, str]
) -> None:
    done = nasro_chat(environment, "sample-data", "--classes", "10", "--registrations", "1000")

    assert done.returncode == 0, done.stderr
    for table, number in ((models.classes, 10), (models.registrations, 1000)):
        assert sum(id_.startswith("BULK-") for id_ in ids(db, table)) == number


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--registrations", "5"], "--registrations need --classes"),
        (["--classes", "-1"], "-1 is not in the range"),
    ],
)
def test_a_number_that_can_not_be_is_refused(
    db: Database, environment: dict[str, str], arguments: list[str], said: str
) -> None:
    done = nasro_chat(environment, "sample-data", *arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert ids(db, models.classes) == []
