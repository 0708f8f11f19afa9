"""The tables of identity, in the conversations database, and the connections to it.

No address and no code is stored in clear: addresses are sealed (to be mailed, to be looked up while a
sign-in lasts) or hashed (to be counted), codes are hashed.
"""

from __future__ import annotations

import select
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError

METADATA = sa.MetaData()

BUSY_TIMEOUT = 5
"""Seconds that SQLite waits for another writer."""
CONNECT_TIMEOUT = 3
"""Seconds; a person is waiting for the answer."""
UNANSWERED_TIMEOUT = 5
"""Seconds until a connection to a PostgreSQL server that has gone silent is given up."""
POOL_SIZE = 15
"""Connections at most."""
POOL_TIMEOUT = 10
"""Seconds that somebody waits for a free connection."""
STATEMENT_TIMEOUT = 5
"""Seconds until PostgreSQL gives up a statement, which may be waiting for a lock."""
TABLES_LOCK = 716254
"""Number of PostgreSQL's advisory lock that whoever makes tables takes."""


class IdentityUnavailable(Exception):
    """Nobody can be signed in now: the database doesn't answer."""


class UtcDateTime(sa.types.TypeDecorator):
    """A moment, aware in Python and in UTC in the database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Any) -> datetime | None:
        return value.astimezone(timezone.utc) if value else None

    def process_result_value(self, value: datetime | None, _: Any) -> datetime | None:
        return value.replace(tzinfo=value.tzinfo or timezone.utc) if value else None


codes = sa.Table(
    "identity_codes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("conversation_id", sa.String(64), nullable=False),
    sa.Column("address", sa.String(64), nullable=False, comment="keyed hash"),
    sa.Column("client", sa.String(64), nullable=False, comment="keyed hash"),
    sa.Column("email", sa.Text, nullable=False, comment="sealed; empty when the code is dead"),
    sa.Column("code", sa.String(64), nullable=False, comment="keyed hash"),
    sa.Column("requested_at", UtcDateTime, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("is_open", sa.Boolean, nullable=False, default=True),
    sa.Index("ix_identity_codes_conversation", "conversation_id"),
    sa.Index("ix_identity_codes_address", "address", "requested_at"),
    sa.Index("ix_identity_codes_client", "client", "requested_at"),
    sa.Index("ix_identity_codes_requested_at", "requested_at"),
)

mails = sa.Table(
    "identity_mails",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("content", sa.Text, nullable=False, comment="address and code, sealed"),
    sa.Column("written_at", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", UtcDateTime, nullable=False, index=True),
)

sign_ins = sa.Table(
    "identity_sign_ins",
    METADATA,
    sa.Column("conversation_id", sa.String(64), primary_key=True),
    sa.Column("address", sa.String(64), nullable=False, index=True, comment="keyed hash"),
    sa.Column("email", sa.Text, nullable=False, comment="sealed"),
    sa.Column("method", sa.String(10), nullable=False),
    sa.Column("signed_in_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime, nullable=False, index=True),
)

owners = sa.Table(
    "identity_owners",
    METADATA,
    sa.Column("conversation_id", sa.String(64), primary_key=True),
    sa.Column("address", sa.String(64), nullable=False, index=True, comment="keyed hash"),
    sa.Column("since", UtcDateTime, nullable=False, index=True),
)
"""Whose a conversation is, also after they have signed out: as long as there is a conversation."""

renewals = sa.Table(
    "identity_renewals",
    METADATA,
    sa.Column("conversation_id", sa.String(64), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""The latest sign-in whose renewed session token was used: older tokens open nothing any more."""

seen_tokens = sa.Table(
    "identity_seen_tokens",
    METADATA,
    sa.Column("token", sa.String(64), primary_key=True, comment="keyed hash of its jti"),
    sa.Column("conversation_id", sa.String(64), nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)


def conversations_engine(url: URL, at_most: int, settings: str = "") -> Engine:
    """An engine of the conversations database, with which nobody waits for ever.

    Its transactions may write; of a connection that won't, `only_reads` says so.

    Args:
        url: Of SQLite or PostgreSQL.
        at_most: Connections.
        settings: PostgreSQL's options of these connections, besides.
    """
    options: dict[str, Any] = {
        "future": True,
        # An SQL error would otherwise repeat what the person wrote, in the log.
        "hide_parameters": True,
        # Each connection that was opened is kept: one that overflows a pool is closed after its first
        # question, and a new one costs PostgreSQL some 40 ms of the processor until it has read its
        # catalogues.
        "pool_size": at_most,
        "max_overflow": 0,
        "pool_timeout": POOL_TIMEOUT,
        "pool_use_lifo": True,  # no more connections than are needed at once
    }
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, options)
    # The server itself gives up what waits for a lock. Where there is no server any more, the others end
    # the wait: for what was sent, and for an answer that is still to come.
    options["connect_args"] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "tcp_user_timeout": UNANSWERED_TIMEOUT * 1000,
        "keepalives_idle": UNANSWERED_TIMEOUT,
        "keepalives_interval": UNANSWERED_TIMEOUT,
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT * 1000} "
        f"{url.query.get('options', '')} {settings}",
    }
    engine = sa.create_engine(url, **options)

    @sa.event.listens_for(engine, "checkout")
    def notice_closed(connection: Any, *_: Any) -> None:
        # A server that has gone has said so; asking each time whether it is there is a round trip.
        socket = select.poll()
        socket.register(connection, select.POLLIN)
        if socket.poll(0):
            raise sa.exc.DisconnectionError
        connection.autocommit = False

    return engine


def _sqlite_engine(url: URL, options: dict[str, Any]) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    options["poolclass"] = sa.pool.QueuePool
    options["connect_args"] = {"check_same_thread": False, "timeout": BUSY_TIMEOUT}
    engine = sa.create_engine(url, **options)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # The driver's own guessing of when a transaction begins is switched off; `begin` says it.
        connection.isolation_level = None
        # SQLite doesn't wait here. Who is writing has switched the file by then, or the next one will.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that begins by reading can't always go on to write; so it says at once that it will.
        options = connection.get_execution_options()
        connection.exec_driver_sql(options.get("sqlite_begin", "BEGIN IMMEDIATE"))

    return engine


def only_reads(connection: Connection) -> None:
    """Lets a connection wait for nobody who writes, and spares PostgreSQL a transaction."""
    if connection.dialect.name == "postgresql":
        dbapi_connection: Any = connection.connection.dbapi_connection
        dbapi_connection.autocommit = True
    else:
        connection.execution_options(sqlite_begin="BEGIN")


def insert(connection: Connection, table: sa.Table) -> Any:
    """An INSERT that may say what happens ON CONFLICT: of two at once, neither must fail."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def create_tables(engine: Engine, *metadata: sa.MetaData) -> None:
    """Makes the tables and indexes that are missing. Of several processes that begin, one does."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Looking and making are two steps there, and the second to make one fails.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(TABLES_LOCK)))
        for tables in metadata:
            tables.create_all(connection)
            # Of tables that were there already, that creates no index.
            for table in tables.sorted_tables:
                for index in table.indexes:
                    index.create(connection, checkfirst=True)


class IdentityDatabase:
    """Connections, opened when first needed.

    Args:
        url: SQLAlchemy URL of the conversations database: SQLite or PostgreSQL.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._opening = threading.Lock()
        self._engine: Engine | None = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that only reads, and so waits for nobody who writes.

        Raises:
            IdentityUnavailable: The database can't be used.
        """
        try:
            with self._open().connect() as connection:
                only_reads(connection)
                yield connection
        except (DBAPIError, sa.exc.TimeoutError, OSError) as error:
            raise IdentityUnavailable(type(error).__name__) from error

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that may write; writers of one conversation take turns.

        Raises:
            IdentityUnavailable: The database can't be used.
        """
        try:
            with self._open().begin() as connection:
                yield connection
        except (DBAPIError, sa.exc.TimeoutError, OSError) as error:
            raise IdentityUnavailable(type(error).__name__) from error

    def dispose(self) -> None:
        with self._opening:
            if self._engine:
                self._engine.dispose()
                self._engine = None

    def _open(self) -> Engine:
        with self._opening:
            if self._engine is None:
                engine = conversations_engine(self._url, POOL_SIZE)
                create_tables(engine, METADATA)
                self._engine = engine
            return self._engine
