"""The conversations database: its connections and its tables.

The tables here are the web chat's own; Rasa's events live beside them in the same database (see
`bot.conversations`), so that a turn and what it changed are stored together or not at all.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from identity.database import UtcDateTime, conversations_engine, create_tables, only_reads

METADATA = sa.MetaData()

T = TypeVar("T")

POOL_SIZE = 10
"""Connections per process. Rasa's default of 50 + 100 would exhaust a PostgreSQL server."""

sessions = sa.Table(
    "webchat_sessions",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True, comment="the conversation's id"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, comment="ended by its owner, text erased"),
)

messages = sa.Table(
    "webchat_messages",
    METADATA,
    sa.Column(
        "number",
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
        primary_key=True,
        autoincrement=True,
        comment="the order of a conversation",
    ),
    sa.Column("conversation_id", sa.ForeignKey(sessions.c.id), nullable=False),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("turn", sa.String(32), nullable=False, comment="what was said in one exchange"),
    sa.Column("client_id", sa.String(36), comment="the sender's own id of a user's message"),
    sa.Column("sender", sa.String(9), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.UniqueConstraint("conversation_id", "client_id"),
    sa.Index("ix_webchat_messages_in_order", "conversation_id", "number"),
)

feedback = sa.Table(
    "webchat_feedback",
    METADATA,
    sa.Column("conversation_id", sa.ForeignKey(sessions.c.id), primary_key=True),
    sa.Column("message_id", sa.String(36), primary_key=True),
    sa.Column("helpful", sa.Boolean, nullable=False),
    sa.Column("comment", sa.Text),
    sa.Column("at", UtcDateTime, nullable=False),
)


class ConversationDatabase:
    """Connections to the conversations database.

    Nothing is opened before it is needed: a server may start while its database is still
    starting, says so in its readiness, and recovers by itself.
    """

    def __init__(self, url: str, *, metadata: Sequence[sa.MetaData] = (METADATA,)) -> None:
        """Describes the database.

        Args:
            url: SQLAlchemy URL of an SQLite file or a PostgreSQL database.
            metadata: The tables and indexes that are created where they are missing.
        """
        self.url = url
        self._metadata = metadata
        self._opening = threading.Lock()
        self._engine: Engine | None = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._open().connect() as connection:
            only_reads(connection)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: committed at the end, rolled back if anything goes wrong."""
        with self._open().begin() as connection:
            yield connection

    def ping(self) -> None:
        """Raises SQLAlchemyError, or OSError, where the database can't be used."""
        with self.reading() as connection:
            connection.execute(sa.select(sessions.c.id).limit(1)).all()

    def dispose(self) -> None:
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _open(self) -> Engine:
        with self._opening:
            if self._engine is None:
                engine = conversations_engine(make_url(self.url), POOL_SIZE)
                create_tables(engine, *self._metadata)
                self._engine = engine
            return self._engine


async def off_loop(function: Callable[..., T], *arguments: Any) -> T:
    """Runs what waits for a database in a thread."""
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)
