"""The database itself: its migrations, and what happens while it can't be reached."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.sql.elements import TextClause

from bot.action_endpoint import TIMEOUT
from registration import models
from registration.catalogue import CATALOGUE
from registration.database import MIGRATIONS, Database
from registration.errors import RegistrationError, RegistrationUnavailable
from registration.queries import upcoming_classes
from tests.running_server import free_port, wait_until
from tests.services.given import a_class
from tests.services.postgres import PostgresServer

NOW = datetime(2027, 2, 1, tzinfo=timezone.utc)
PATIENCE = 8.0
"""Seconds that somebody may wait for a database that doesn't answer."""


def found(db: Database) -> list[str]:
    return [c.id for c in upcoming_classes(db, now=NOW, place=None).classes]


# Migrations --------------------------------------------------------------------------------------


def can_be_compared(_: Any, name: str, kind: str, *__: Any) -> bool:
    """Alembic reads no index of expressions; that these are there and used, `EXPLAIN` tests elsewhere."""
    return kind != "index" or name not in {
        index.name
        for index in models.classes.indexes
        if any(isinstance(column, TextClause) for column in index.expressions)
    }


# SQLAlchemy says so of each, whoever asks, and has no switch for it.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_migrations_make_what_the_models_say(url: str) -> None:
    db = Database(url)
    db.upgrade()

    with db.engine.connect() as connection:
        options = {"compare_type": True, "include_object": can_be_compared}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, models.metadata) == []
    db.dispose()


def test_migrations_go_back_and_forth(url: str) -> None:
    db = Database(url)
    db.upgrade()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    with db.upgrading() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    db.upgrade()

    assert found(db) == []
    db.dispose()


def test_nobody_who_writes_waits_for_an_index(
    postgres: PostgresServer, postgres_db: Database
) -> None:
    a_class(postgres_db, "A")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with postgres_db.upgrading() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    making = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'"

    with ThreadPoolExecutor(1) as thread:
        # An index isn't ready before those have ended who wrote when it was begun.
        with postgres_db.engine.begin() as writing:
            writing.execute(sa.update(models.classes).values(capacity=20))
            upgrading = thread.submit(postgres_db.upgrade)
            wait_until(lambda: postgres.ask(making) == 1)
            a_class(postgres_db, "B")
            assert not upgrading.done()
        upgrading.result()

    assert found(postgres_db) == ["A", "B"]


def test_upgrading_again_changes_nothing(db: Database) -> None:
    a_class(db, "A")

    db.upgrade()

    assert found(db) == ["A"]
    assert len(db.rows(sa.select(models.courses))) == len(CATALOGUE)


def test_a_changed_catalogue_is_written_at_the_next_upgrade(db: Database) -> None:
    with db.transaction() as connection:
        connection.execute(
            sa.update(models.courses).where(models.courses.c.code == "basic").values(title="Old")
        )
        connection.execute(sa.delete(models.courses).where(models.courses.c.code == "unite"))

    db.upgrade()

    titles = dict(db.rows(sa.select(models.courses.c.code, models.courses.c.title)))
    assert titles == {entry.code: entry.title for entry in CATALOGUE}


def test_two_programs_may_upgrade_at_once(url: str) -> None:
    databases = [Database(url) for _ in range(4)]
    failures: list[Exception] = []

    def upgrade(db: Database) -> None:
        try:
            db.upgrade()
        except RegistrationError as error:
            failures.append(error)

    threads = [threading.Thread(target=upgrade, args=(db,)) for db in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert found(databases[0]) == []
    for db in databases:
        db.dispose()


def test_a_database_of_a_newer_program_is_left_alone(db: Database) -> None:
    with db.transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(RegistrationError, match="aren't of this version"):
        db.upgrade()


# What the tables refuse --------------------------------------------------------------------------


def test_a_moment_without_a_time_zone_is_refused(db: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="names no time zone"):
        a_class(db, "A", starts_at=datetime(2027, 3, 1, 8))


def test_moments_come_back_in_utc(db: Database) -> None:
    a_class(db, "A")

    ((starts_at,),) = db.rows(sa.select(models.classes.c.starts_at))

    assert starts_at == datetime(2027, 3, 1, 14, tzinfo=timezone.utc)
    assert starts_at.tzinfo is timezone.utc


@pytest.mark.parametrize(
    "columns",
    [
        {"capacity": 0},
        {"status": "maybe"},
        {"visibility": "secret"},
        {"course_code": "karate"},
        {"ends_at": datetime(2027, 2, 1, tzinfo=timezone.utc)},
        {"longitude": None},
    ],
)
def test_the_tables_hold_no_nonsense(db: Database, columns: dict[str, object]) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        a_class(db, "A", **columns)  # type: ignore[arg-type]
    assert found(db) == []


def test_a_transaction_that_fails_leaves_nothing(db: Database) -> None:
    a_class(db, "A")
    row = {"external_id": "M", "email": "m@example.org", "name": "M"}

    with pytest.raises(sa.exc.IntegrityError), db.transaction() as connection:
        connection.execute(sa.insert(models.members), [row, row])

    assert db.rows(sa.select(models.members)) == []


# Outages -----------------------------------------------------------------------------------------


def test_a_database_without_tables_is_unavailable_until_it_has_them(url: str) -> None:
    db = Database(url)
    with pytest.raises(RegistrationUnavailable):
        db.ping()

    Database(url).upgrade()

    db.ping()
    db.dispose()


def test_a_server_that_is_not_there_is_unavailable_at_once() -> None:
    db = Database(f"postgresql://nobody:secret@127.0.0.1:{free_port()}/nothing")
    start = time.monotonic()

    with pytest.raises(RegistrationUnavailable) as raised:
        found(db)

    assert time.monotonic() - start < PATIENCE
    assert "secret" not in str(raised.value)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        db = Database(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing")
        start = time.monotonic()

        with pytest.raises(RegistrationUnavailable):
            found(db)

        assert time.monotonic() - start < PATIENCE


def test_a_server_that_went_down_is_used_again_when_it_is_back() -> None:
    server = PostgresServer()
    db = Database(server.url("postgres"))
    db.upgrade()
    a_class(db, "A")
    # The rows must be on the disk before the machine goes down.
    server.execute("CHECKPOINT")
    assert found(db) == ["A"]

    server.stop()
    with pytest.raises(RegistrationUnavailable):
        found(db)
    server.start()

    assert found(db) == ["A"]
    db.dispose()
    server.remove()


@pytest.fixture
def file(empty_sqlite: Path, tmp_path: Path) -> Path:
    file = tmp_path / "registration.sqlite"
    file.write_bytes(empty_sqlite.read_bytes())
    return file


def remove(file: Path) -> None:
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


def test_a_file_that_is_deleted_is_unavailable_until_another_is_there(file: Path) -> None:
    db = Database(f"sqlite:///{file}")
    a_class(db, "A")
    assert found(db) == ["A"]

    remove(file)
    with pytest.raises(RegistrationUnavailable):
        found(db)
    other = Database(f"sqlite:///{file}")
    other.upgrade()
    a_class(other, "B")

    assert found(db) == ["B"]


def test_a_file_that_is_replaced_is_read_anew(file: Path, empty_sqlite: Path) -> None:
    db = Database(f"sqlite:///{file}")
    a_class(db, "A")

    copy = file.with_name("copy.sqlite")
    copy.write_bytes(empty_sqlite.read_bytes())
    other = Database(f"sqlite:///{copy}")
    a_class(other, "B")
    other.dispose()
    remove(file)
    os.replace(copy, file)

    assert found(db) == ["B"]


def test_a_file_that_is_no_database_is_unavailable(file: Path) -> None:
    db = Database(f"sqlite:///{file}")
    file.write_text("this is no database, though it is long enough to be taken for one " * 20)

    with pytest.raises(RegistrationUnavailable):
        found(db)


def test_a_folder_that_can_not_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RegistrationUnavailable):
        Database(f"sqlite:///{tmp_path / 'file/registration.sqlite'}").ping()


def test_readers_do_not_wait_for_a_writer(db: Database) -> None:
    a_class(db, "A")
    with db.transaction() as connection:
        connection.execute(sa.update(models.classes).values(status="cancelled"))
        assert found(db) == ["A"]
    assert found(db) == []


def test_writers_wait_for_each_other(db: Database) -> None:
    order: list[str] = []
    is_writing = threading.Event()

    def write_slowly() -> None:
        with db.transaction():
            is_writing.set()
            time.sleep(0.3)
            order.append("first")

    thread = threading.Thread(target=write_slowly)
    thread.start()
    is_writing.wait()
    with db.transaction():
        order.append("second")
    thread.join()

    assert order == ["first", "second"]


# Locks -------------------------------------------------------------------------------------------


def test_a_locked_table_is_unavailable_before_an_action_is_given_up(postgres_db: Database) -> None:
    a_class(postgres_db, "A")
    with ThreadPoolExecutor() as threads, postgres_db.transaction() as connection:
        connection.execute(sa.text("LOCK TABLE classes IN ACCESS EXCLUSIVE MODE"))

        with pytest.raises(RegistrationUnavailable):
            threads.submit(found, postgres_db).result(timeout=TIMEOUT)

    assert found(postgres_db) == ["A"]


def test_an_import_may_take_longer_than_a_question(
    postgres_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registration.database.READ_TIMEOUT", 0.1)
    db = Database(str(postgres_db.engine.url))

    with db.transaction() as connection:
        connection.execute(sa.text("SELECT pg_sleep(0.5)"))
    with pytest.raises(RegistrationUnavailable):
        db.rows(sa.text("SELECT pg_sleep(0.5)"))
    db.dispose()
