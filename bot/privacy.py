"""Forgetting: the conversations and sign-ins of an address, or of long ago (docs/privacy.md)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.conversations import ConversationTrackerStore
from bot.settings import Settings
from bot.webchat.history import History
from identity.service import IdentityService


def erase_email(settings: Settings, email: str, now: datetime) -> int:
    """Forgets an address, and the conversations in which it ever signed in; how many those were.

    Raises:
        IdentityUnavailable: The conversations database can't be used.
    """
    identity = settings.identity_service()
    conversations = identity.conversations_of(email)
    _erase(settings, identity, conversations, now)
    identity.erase_email(email)
    return len(conversations)


def purge(settings: Settings, before: datetime, now: datetime) -> int:
    """Forgets the conversations that began before a moment; how many those were."""
    identity = settings.identity_service()
    conversations = _history(settings)[0].begun_before(before)
    _erase(settings, identity, conversations, now)
    identity.purge(owners_before=before)
    return len(conversations)


def _history(settings: Settings) -> tuple[History, ConversationTrackerStore]:
    store = ConversationTrackerStore(url=settings.conversations_url)
    return History(store.database), store


def _erase(
    settings: Settings, identity: IdentityService, conversations: Iterable[str], now: datetime
) -> None:
    history, store = _history(settings)
    for id_ in conversations:
        history.end(id_, now, lambda connection, id_=id_: store.erase(connection, id_))  # type: ignore[misc]
        identity.forget(id_)
