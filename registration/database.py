"""Connections to the registration database: SQLite embedded, PostgreSQL in production.

Whatever keeps it from answering (not there, locked, corrupt, without its tables) is one error,
`RegistrationUnavailable`, and nothing needs a restart when it is back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError

from registration.catalogue import CATALOGUE
from registration.errors import RegistrationUnavailable
from registration.models import classes, courses

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
CONNECT_TIMEOUT = 3
"""Seconds; a person is waiting for the answer."""
BUSY_TIMEOUT = 5
"""Seconds that SQLite waits for another writer."""
POOL_SIZE = 5


class Database:
    """A registration database.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database. Nothing is opened yet.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        options: dict[str, Any] = {"future": True, "hide_parameters": True, "pool_size": POOL_SIZE}
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            options["poolclass"] = sa.pool.QueuePool
            options["connect_args"] = {"check_same_thread": False, "timeout": BUSY_TIMEOUT}
        else:
            options["pool_pre_ping"] = True
            options["connect_args"] = {"connect_timeout": CONNECT_TIMEOUT}
        self.engine = sa.create_engine(parsed, **options)
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction: committed at the end, rolled back when something goes wrong.

        Raises:
            RegistrationUnavailable: The database can't be used.
        """
        with _as_unavailable(), self.engine.begin() as connection:
            yield connection

    def rows(self, question: Any) -> list[Any]:
        """The rows of one select.

        Raises:
            RegistrationUnavailable: The database can't be asked.
        """
        with _as_unavailable(), self.engine.connect() as connection:
            return list(connection.execute(question))

    def ping(self) -> None:
        """Returns when the database answers.

        Raises:
            RegistrationUnavailable: It doesn't.
        """
        self.rows(sa.select(courses.c.code).limit(1))

    def is_empty(self) -> bool:
        """Whether there is no class yet."""
        return not self.rows(sa.select(classes.c.id).limit(1))

    def upgrade(self) -> None:
        """Brings the tables and the catalogue up to date; costs next to nothing when they are.

        Raises:
            RegistrationUnavailable: The database can't be used.
        """
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.transaction() as connection:
            if not self.is_sqlite:
                # Two servers that start at once: the second waits, and finds nothing to do.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(716253)"))
            newest = ScriptDirectory.from_config(config).get_current_head()
            if MigrationContext.configure(connection).get_current_revision() != newest:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            _write_catalogue(connection)

    def dispose(self) -> None:
        """Closes all connections; a later question opens new ones."""
        self.engine.dispose()


def _write_catalogue(connection: Connection) -> None:
    known = {row.code: row for row in connection.execute(sa.select(courses))}
    for entry in CATALOGUE:
        if entry.code not in known:
            connection.execute(sa.insert(courses).values(**asdict(entry)))
        elif known[entry.code] != (entry.code, entry.title, entry.hours, entry.kind):
            connection.execute(
                sa.update(courses).where(courses.c.code == entry.code).values(**asdict(entry))
            )


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError, sa.exc.TimeoutError) as error:
        raise RegistrationUnavailable(_reason(error)) from error
    except DBAPIError as error:
        # SQLite calls a file that is no database a plain DatabaseError.
        if error.connection_invalidated or type(error) is sa.exc.DatabaseError:
            raise RegistrationUnavailable(_reason(error)) from error
        raise


def _reason(error: Exception) -> str:
    """The database's own words, without the statement and its values."""
    return str(getattr(error, "orig", error)).strip().splitlines()[0]


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
