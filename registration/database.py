"""Connections to the registration database: SQLite embedded, PostgreSQL in production.

Whatever keeps it from answering (not there, locked, corrupt, without its tables) is one error,
`RegistrationUnavailable`, and nothing needs a restart when it is back.
"""

from __future__ import annotations

import select
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from registration.catalogue import CATALOGUE
from registration.errors import RegistrationError, RegistrationUnavailable, TablesMissing
from registration.models import Course

MIGRATIONS = Path(__file__).parent / "migrations"
CONNECT_TIMEOUT = 3
"""Seconds; a person is waiting for the answer."""
UNANSWERED_TIMEOUT = 5
"""Seconds until a connection to a server that has gone silent is given up."""
READ_TIMEOUT = 5
"""Seconds until PostgreSQL gives up a question, which may be waiting for a lock. With the time for
connecting it is less than an action may take, so that people are told where else to look."""
BUSY_TIMEOUT = 5
"""Seconds that SQLite waits for another writer."""
POOL_SIZE = 15
"""Connections at most, none closed after use: a new one costs PostgreSQL some 40 ms of the processor."""
WRITERS_LOCK = 716253
"""Number of PostgreSQL's advisory lock that writers of this database take."""
UPGRADE_LOCK = 716255
"""And of the one that whoever brings its tables up to date takes."""


class Database:
    """A registration database.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database. Nothing is opened yet.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        options: dict[str, Any] = {
            "future": True,
            "hide_parameters": True,
            "pool_size": POOL_SIZE,
            "max_overflow": 0,
            "pool_use_lifo": True,  # no more of them than are needed at once
        }
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            options["poolclass"] = sa.pool.QueuePool
            # A value is handed over once, however often a statement has it.
            options["paramstyle"] = "named"
            options["connect_args"] = {"check_same_thread": False, "timeout": BUSY_TIMEOUT}
        else:
            options["connect_args"] = {
                "connect_timeout": CONNECT_TIMEOUT,
                "tcp_user_timeout": UNANSWERED_TIMEOUT * 1000,
                "options": f"-c statement_timeout={int(READ_TIMEOUT * 1000)} "
                f"{parsed.query.get('options', '')}",
            }
        self.engine = sa.create_engine(parsed, **options)
        self._writing = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        if self.is_sqlite:
            _care_for_sqlite(self.engine, Path(parsed.database or ""))
        else:
            sa.event.listen(self.engine, "checkout", _care_for_postgres)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that may write: committed at the end, rolled back when something goes wrong.

        Writers take turns, so that what one has checked still holds when it writes.

        Raises:
            RegistrationUnavailable: The database can't be used.
        """
        with self._or_unavailable(), self._writing.begin() as connection:
            if not self.is_sqlite:
                # Imports and migrations take as long as they take.
                connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS_LOCK)))
            yield connection

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The same for entities.

        Raises:
            RegistrationUnavailable: The database can't be used.
        """
        with self.transaction() as connection, Session(connection, future=True) as session:
            yield session
            session.flush()

    def rows(self, question: Any, **values: Any) -> list[Any]:
        """The rows of one select, with values for its parameters.

        Raises:
            RegistrationUnavailable: The database can't be asked.
        """
        with self._or_unavailable(), self.engine.connect() as connection:
            if not self.is_sqlite:
                # A question alone needs no transaction, whose beginning and end are two round trips.
                connection.connection.dbapi_connection.autocommit = True
            return list(connection.execute(question, values))

    def ping(self) -> None:
        """Returns when the database answers.

        Raises:
            RegistrationUnavailable: It doesn't.
        """
        self.rows(sa.select(Course.code).limit(1))

    def upgrade(self) -> None:
        """Brings the tables and the catalogue up to date; costs next to nothing when they are.

        Of two programs that start at once the second waits, and finds nothing to do.

        Raises:
            RegistrationUnavailable: The database can't be used.
            RegistrationError: The database is newer than this program.
        """
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.upgrading() as connection:
            newest = ScriptDirectory.from_config(config).get_current_head()
            current = MigrationContext.configure(connection).get_current_revision()
            if not self.is_sqlite:
                connection.rollback()
            if current != newest:
                config.attributes["connection"] = connection
                try:
                    command.upgrade(config, "head")
                except CommandError as error:
                    raise RegistrationError(
                        f"the database's tables aren't of this version: {error}"
                    ) from error
            if self.is_sqlite:
                _write_catalogue(connection)
            else:
                with self.transaction() as writing:
                    _write_catalogue(writing)

    @contextmanager
    def upgrading(self) -> Iterator[Connection]:
        """A connection for migrations, which one program at a time has.

        SQLite's is in a transaction. PostgreSQL's isn't: an index of many rows is made in several, while
        others write.

        Raises:
            RegistrationUnavailable: The database can't be used.
        """
        if self.is_sqlite:
            with self.transaction() as connection:
                yield connection
            return
        with self._or_unavailable(), self.engine.connect() as connection:
            try:
                connection.execute(sa.text("SET statement_timeout = 0"))
                connection.commit()
                take = sa.select(sa.func.pg_try_advisory_lock(UPGRADE_LOCK))
                while not connection.execute(take).scalar_one():
                    # Who waited within a statement would be waited for by an index being made.
                    connection.rollback()
                    time.sleep(0.1)
                connection.commit()
                yield connection
            finally:
                connection.invalidate()  # its lock and its patience end with it

    def dispose(self) -> None:
        """Closes all connections; a later question opens new ones."""
        self.engine.dispose()

    @contextmanager
    def _or_unavailable(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sa.exc.TimeoutError) as error:
            if not _is_outage(error):
                raise
            # An old connection may hold a file or a server that has been replaced since.
            self.engine.dispose()
            unavailable = TablesMissing if _lacks_tables(error) else RegistrationUnavailable
            raise unavailable(reason(error)) from error


def _is_outage(error: Exception) -> bool:
    if isinstance(
        error, OperationalError | InterfaceError | ProgrammingError | sa.exc.TimeoutError
    ):
        return True
    # SQLite calls a file that is no database a plain DatabaseError.
    return type(error) is sa.exc.DatabaseError or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def _lacks_tables(error: Exception) -> bool:
    # PostgreSQL has codes for undefined tables and columns, SQLite has words.
    code = getattr(getattr(error, "orig", None), "pgcode", None)
    return code in ("42P01", "42703") or reason(error).startswith(
        ("no such table", "no such column")
    )


def reason(error: BaseException) -> str:
    """The database's own words, without the statement and its values."""
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]


def _write_catalogue(connection: Connection) -> None:
    known = {row.code: row for row in connection.execute(sa.select(Course.__table__))}
    for entry in CATALOGUE:
        if entry.code not in known:
            connection.execute(sa.insert(Course).values(**asdict(entry)))
        elif known[entry.code] != (entry.code, entry.title, entry.hours, entry.kind):
            connection.execute(
                sa.update(Course.__table__)
                .where(Course.__table__.c.code == entry.code)
                .values(**asdict(entry))
            )


def _care_for_postgres(connection: Any, *_: Any) -> None:
    # A server that has gone has said so; asking each time whether it is there is a round trip.
    socket = select.poll()
    socket.register(connection, select.POLLIN)
    if socket.poll(0):
        raise sa.exc.DisconnectionError
    connection.autocommit = False


def _care_for_sqlite(engine: Any, path: Path) -> None:
    """What SQLite needs on each connection, and pools don't know of files."""

    @sa.event.listens_for(engine, "do_connect")
    def make_folder(*_: Any) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RegistrationUnavailable(str(error)) from error

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        # The driver would begin no transaction before a table is made or a row read; `begin` does.
        connection.isolation_level = None
        cursor = connection.cursor()
        # SQLite doesn't wait here. Who is writing has switched the file by then, or the next one will.
        with suppress(sqlite3.OperationalError):
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()
        record.info["file"] = _identity(path)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    @sa.event.listens_for(engine, "checkout")
    def notice_replaced_file(_: Any, record: Any, __: Any) -> None:
        # A deleted file goes on answering on open connections, with figures of yesterday.
        if record.info["file"] != _identity(path):
            raise sa.exc.DisconnectionError


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
