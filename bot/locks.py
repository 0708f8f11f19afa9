"""One turn of a conversation at a time, also across processes: a lock in the conversations database.

Rasa's own answer is tickets in Redis. They are read and written in two steps, so two processes can
draw the same ticket; a process that dies keeps its conversations waiting for as long as a ticket
lives; and the event loop waits for Redis. Here it is PostgreSQL's advisory lock: atomic, first come
first served, waited for without asking again and again, and gone in the moment its process is
(docs/decisions/0011-locks-in-postgresql.md).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from rasa.core.lock import TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, InMemoryLockStore
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import EndpointConfig
from sqlalchemy.engine import Connection, make_url

from bot.webchat.database import off_loop
from identity.database import conversations_engine
from identity.settings import conversations_url

AT_ONCE = 16
"""Conversations that a process holds or waits for; each has a connection for that time."""

WAIT_AT_MOST = 30
"""Seconds, as long as the turn that is waited for may take."""

GONE_AFTER = 5
"""Seconds of silence after which PostgreSQL asks whether a machine is there; the lock of one that has
lost its power is free after three times that. A process that was killed is noticed at once."""


class OneProcessOnly(RasaException):
    """Rasa takes a lock store that it doesn't know for one that is shared, and would start them all."""

    def __str__(self) -> str:
        return (
            "SANIC_WORKERS asks for several processes, which SQLite can't keep in order: name a "
            "PostgreSQL in NASRO_CONVERSATIONS_URL."
        )


class ConversationLockStore(InMemoryLockStore):
    """Rasa's lock store on the conversations database.

    On SQLite, which one process has to itself, it is Rasa's lock in memory. In endpoints.yml:
    `lock_store: {type: bot.locks.ConversationLockStore}`.
    """

    def __init__(
        self, endpoint_config: EndpointConfig | None = None, url: str | None = None
    ) -> None:
        """Describes the store; the database is opened when it is first needed.

        Args:
            endpoint_config: What endpoints.yml says; its `url` may name the database.
            url: SQLAlchemy URL; without one, NASRO_CONVERSATIONS_URL, or a file in `var`.

        Raises:
            OneProcessOnly: Several workers were asked for, on SQLite.
        """
        super().__init__()
        named = endpoint_config.url if endpoint_config else None
        parsed = make_url(url or named or conversations_url(os.environ))
        self._engine: sa.engine.Engine | None = None
        if parsed.get_backend_name() == "sqlite":
            if os.environ.get("SANIC_WORKERS", "1") != "1":
                raise OneProcessOnly
            return
        self._engine = conversations_engine(
            parsed,
            AT_ONCE,
            f"-c statement_timeout={WAIT_AT_MOST * 1000} -c tcp_keepalives_idle={GONE_AFTER}"
            f" -c tcp_keepalives_interval={GONE_AFTER} -c tcp_keepalives_count=2",
        )
        # Threads of their own: those of the turns must be free for the turns that hold the locks.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="locks")

    @asynccontextmanager
    async def lock(
        self,
        conversation_id: str,
        lock_lifetime: float = LOCK_LIFETIME,
        wait_time_in_seconds: float = 1,
    ) -> AsyncGenerator[TicketLock, None]:
        """Waits for the conversation's earlier turns, and keeps later ones waiting.

        Args:
            lock_lifetime, wait_time_in_seconds: Rasa's; only the lock in memory has a use for them.

        Raises:
            DBAPIError: The database can't be used, or a turn before took too long.
        """
        if self._engine is None:
            async with super().lock(conversation_id, lock_lifetime, wait_time_in_seconds) as ticket:
                yield ticket
            return
        taking = self._threads.submit(self._take, conversation_id)
        try:
            connection = await asyncio.wrap_future(taking)
        except asyncio.CancelledError:
            # A thread can't be called back: what it still gets, it gives back.
            taking.add_done_callback(_give_back)
            raise
        try:
            yield TicketLock(conversation_id)
        finally:
            await off_loop(connection.close)

    def _take(self, conversation_id: str) -> Connection:
        assert self._engine is not None
        connection = self._engine.connect()
        try:
            # For as long as the transaction: whoever closes the connection has given it back.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_number(conversation_id))))
        except BaseException:
            connection.close()
            raise
        return connection

    def dispose(self) -> None:
        """Closes the connections."""
        if self._engine is not None:
            self._engine.dispose()


def _give_back(taking: Future[Connection]) -> None:
    if not taking.cancelled() and taking.exception() is None:
        taking.result().close()


def _number(conversation_id: str) -> Any:
    """The conversation among PostgreSQL's numbers of locks, which have 64 bits."""
    digest = hashlib.blake2b(conversation_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
