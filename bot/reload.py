"""Takes on what is published while the server runs: the next model, answers and contacts, between two turns.

Every process asks the database for the last publication. The model is loaded in a thread, beside the turns;
then the next turn gets the new agent, and the turns that have begun end on the one they began with. A model
that can't be loaded leaves the old one at work, and the database, which staff's pages read, says why
(docs/decisions/0015-how-changes-are-published.md).
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import hashlib
import logging
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Generic, TypeVar

from bot.staff.content_tables import Published, published, servers
from bot.webchat.database import ConversationDatabase, off_loop
from identity.database import insert

logger = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks at what is published."""

AGAIN = 30.0
"""Seconds until a model that couldn't be loaded is tried once more: it may only be late, on a disk that
several machines share."""

SWITCH = 0.0005
"""Seconds after which the thread that loads gives way to a turn. Python's 5 ms would be waited for several
times in each turn."""

NEVER = 1_000_000
"""Collections of the second kind that one of the whole waits for."""

KEPT = "published"
"""The folder, beside the model that a server starts with, that holds published models by their sha256."""

T = TypeVar("T")


class ModelMissing(Exception):
    """A published model isn't there, or is another file than the one that was published."""


class Reload(Generic[T]):
    """What a process serves, and the look at what it should serve.

    Args:
        database: The conversations database.
        file: The model that the process began with; published ones are kept beside it.
        sha256: Of that file when it was loaded.
        load: Makes what is served of a model's file. Called in a thread.
        put: Has the next turn use it, and gives what was used before. Called on the event loop.
        name: This process, among others.
    """

    def __init__(
        self,
        database: ConversationDatabase,
        file: Path,
        sha256: str,
        load: Callable[[Path], T],
        put: Callable[[T], T],
        name: str,
    ) -> None:
        self._database = database
        self._file = file
        self._sha256 = sha256
        self._load = load
        self._put = put
        self._name = name
        self._served: int | None = None
        self._old: weakref.ref[T] | None = None
        self._failed: tuple[int, float] | None = None

    async def step(self) -> bool:
        """Looks once, and takes on what is new; whether it did."""
        self._let_go()
        last = await off_loop(self._read)
        if self._served is None and await off_loop(self._began_with, last):
            await self._serves(last.number)
        if self._served == last.number or self._is_too_early(last.number):
            return False
        try:
            await self._take_on(last)
        except Exception as error:
            is_first = self._failed is None or self._failed[0] != last.number
            self._failed = (last.number, time.monotonic())
            if is_first:
                # Of a file of ours, so it quotes nobody.
                problem = f"{type(error).__name__}: {error}"
                logger.error("Publication %d can't be taken on: %s", last.number, problem)
                await off_loop(self._note, last.number, problem)
            return False
        await self._serves(last.number)
        return True

    async def end(self) -> None:
        """Says that this process serves no more."""
        await off_loop(self._forget)

    async def keep_up(self) -> None:
        """Looks again and again, until it is cancelled."""
        while True:
            try:
                await self.step()
            except Exception as error:
                logger.warning("What is published can't be read: %s", type(error).__name__)
            await asyncio.sleep(PAUSE)

    def _began_with(self, last: Published) -> bool:
        """Whether what was published last is older than the model that the process began with.

        That may be one that somebody trained by hand since. A publication while it was loaded has put
        another file in its place.
        """
        return last.model == self._sha256 or last.model != sha256_of(self._file)

    async def _serves(self, number: int) -> None:
        self._served, self._failed = number, None
        await off_loop(self._note, number, "")

    def _is_too_early(self, number: int) -> bool:
        return (
            self._failed is not None
            and self._failed[0] == number
            and time.monotonic() < self._failed[1] + AGAIN
        )

    async def _take_on(self, last: Published) -> None:
        began = time.perf_counter()
        thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
        # No full collection: it goes through all that is new, which stays anyway, and holds up every turn
        # meanwhile. The small ones find what loading throws away.
        gc.set_threshold(*thresholds[:2], NEVER)
        sys.setswitchinterval(SWITCH)
        try:
            new = await off_loop(self._loaded, last.model)
            self._old = weakref.ref(self._put(new))
            gc.freeze()
        finally:
            sys.setswitchinterval(interval)
            gc.set_threshold(*thresholds)
        took = time.perf_counter() - began
        logger.info("Publication %d is taken on, after %.1f s.", last.number, took)

    def _loaded(self, sha256: str) -> T:
        file = self._file.parent / KEPT / f"{sha256}.tar.gz"
        if not file.is_file():
            raise ModelMissing(f"its model isn't in {file.parent}")
        if sha256_of(file) != sha256:
            raise ModelMissing(f"{file} isn't the model that was published")
        return self._load(file)

    def _let_go(self) -> None:
        """Gives the memory of what was served before back to the system, once no turn needs it."""
        if self._old is not None and self._old() is None:
            self._old = None
            with suppress(OSError, AttributeError):  # only glibc's allocator keeps it to itself
                ctypes.CDLL(None).malloc_trim(0)

    def _read(self) -> Published:
        with self._database.reading() as connection:
            return published(connection)

    def _note(self, number: int, problem: str) -> None:
        state = {"publication": number, "problem": problem, "at": datetime.now(timezone.utc)}
        with self._database.writing() as connection:
            row = insert(connection, servers).values(name=self._name, **state)
            connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=state))

    def _forget(self) -> None:
        with self._database.writing() as connection:
            connection.execute(servers.delete().where(servers.c.name == self._name))


def sha256_of(file: Path) -> str:
    """The sha256 of a file."""
    with file.open("rb") as opened:
        digest = hashlib.sha256()
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
