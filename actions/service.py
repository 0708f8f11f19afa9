"""The registration service as actions ask it: off the event loop, opened by the first question."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import TypeVar

from actions.search import Search
from registration import members, queries
from registration.database import Database
from registration.members import Account, Attendance
from registration.queries import ClassPage
from registration.settings import registration_url

Answer = TypeVar("Answer")

PAGE_SIZE = 5
"""Classes a message shows at once."""


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


class RegistrationService:
    """Questions to the registration database.

    Args:
        database: The database to ask; by default the one that the environment names.
        now: Tells the time (UTC), so that a test can stop the clock.

    Every method raises `registration.errors.RegistrationUnavailable` when the database can't be
    reached.
    """

    def __init__(
        self, database: Database | None = None, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._now = now

    @cached_property
    def _db(self) -> Database:
        return self._database or Database(registration_url(os.environ))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        # SQLAlchemy's session blocks: a slow database must not stop everybody's conversation.
        return ThreadPoolExecutor(max_workers=4, thread_name_prefix="registration")

    async def upcoming_classes(
        self, search: Search, *, offset: int = 0, limit: int = PAGE_SIZE
    ) -> ClassPage:
        """The classes that the search finds, from `offset` on, nearest dates first."""
        return await self._ask(
            queries.upcoming_classes,
            now=self._now(),
            place=search.place,
            course=search.course,
            period=search.period,
            offset=offset,
            limit=limit,
        )

    async def classes_by_id(self, ids: Sequence[str]) -> ClassPage:
        """The classes with these ids, in their order, without those no longer offered."""
        return await self._ask(queries.classes_by_id, ids=ids, now=self._now())

    async def neighbors_with_classes(self, search: Search) -> Sequence[tuple[str, int]]:
        """States beside the searched ones that have such classes: (USPS code, number of them)."""
        states = [part.state for part in search.place.each if part.state] if search.place else []
        if not states:
            return ()
        return await self._ask(
            queries.neighbouring_states_with_classes,
            states=states,
            now=self._now(),
            course=search.course,
            period=search.period,
        )

    async def account(self, email: str) -> Account | None:
        """The account with this address."""
        return await self._ask(members.account, email=email)

    async def attendances(self, email: str) -> Sequence[Attendance]:
        """The registrations of the account with this address, newest class first."""
        return await self._ask(members.attendances, email=email, now=self._now())

    def now(self) -> datetime:
        return self._now()

    async def _ask(self, question: Callable[..., Answer], **arguments: object) -> Answer:
        answer = partial(question, **arguments)
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: answer(self._db)
        )
