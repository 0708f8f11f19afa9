"""Who is speaking, as actions ask it: off the event loop, opened by the first question."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from rasa_sdk import Tracker

from identity.codes import NoCode, Right, Sent, TooMany, Wrong
from identity.database import IdentityDatabase
from identity.service import Identity, IdentityService
from identity.settings import IdentityConfig, conversations_url

Answer = TypeVar("Answer")


class Members:
    """Questions about the person in a conversation.

    Args:
        service: Whom to ask; by default the one that the environment describes.

    Every method raises `identity.database.IdentityUnavailable` when the database can't be used.
    """

    def __init__(self, service: IdentityService | None = None) -> None:
        self._given = service

    @cached_property
    def _service(self) -> IdentityService:
        return self._given or IdentityService(
            IdentityDatabase(conversations_url(os.environ)),
            IdentityConfig.from_environment(os.environ),
        )

    @property
    def sends_codes(self) -> bool:
        """Whether somebody can sign in by a code at all."""
        return self._service.config.sends_codes

    def heard(self, tracker: Tracker, sealed: str) -> str | None:
        """An address or code that was typed in this conversation, in clear."""
        return self._service.unseal(tracker.sender_id, sealed)

    async def current(self, tracker: Tracker) -> Identity | None:
        return await self._ask(self._service.current, tracker.sender_id)

    async def request_code(self, tracker: Tracker, email: str) -> Sent | TooMany:
        # Set by the channel, from where the message came; nothing of a client's own is in it.
        client = str((tracker.latest_message.get("metadata") or {}).get("client", ""))
        return await self._ask(self._service.request_code, tracker.sender_id, email, client)

    async def submit_code(self, tracker: Tracker, code: str) -> Right | Wrong | NoCode:
        return await self._ask(self._service.submit_code, tracker.sender_id, code)

    async def sign_out(self, tracker: Tracker) -> bool:
        return await self._ask(self._service.sign_out, tracker.sender_id)

    async def _ask(self, question: Callable[..., Answer], *arguments: str) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(None, question, *arguments)


MEMBERS = Members()
"""One service, and one pool of connections, for all actions of the process."""
