"""Rasa's side of the conversations database: its tracker store, and the promise that it is durable.

`ConversationTrackerStore` keeps Rasa's events in the database that also holds the web chat's
history (`bot.webchat.database`). It differs from the stock SQL store where that one would hurt a
server: it works off the event loop, opens a handful of connections instead of 150, doesn't block
a starting server until the database is there, can forget a conversation, and can hold a turn's
events back until they are stored in one transaction with what was said.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sqlalchemy as sa
from rasa.core.agent import Agent
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import FailSafeTrackerStore, SQLTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException
from sqlalchemy.engine import Connection
from sqlalchemy.orm import sessionmaker

from bot.staff import consumer as outcomes
from bot.staff.outcome_tables import METADATA as OUTCOMES
from bot.webchat.database import METADATA, ConversationDatabase, off_loop
from identity.settings import conversations_url

EVENTS = SQLTrackerStore.SQLEvent.__table__


@dataclass
class HeldEvents:
    """Events of a running turn that are not stored yet."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def write(self, connection: Connection) -> None:
        if self.rows:
            connection.execute(EVENTS.insert(), self.rows)


class ConversationTrackerStore(SQLTrackerStore):
    """Rasa's trackers in the conversations database.

    In endpoints.yml: `tracker_store: {type: bot.conversations.ConversationTrackerStore}`.
    """

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        url: str | None = None,
        host: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Describes the store; the database is opened when it is first needed.

        Args:
            url: SQLAlchemy URL; without one, NASRO_CONVERSATIONS_URL, or a file in `var`.
            host: Rasa's name for the `url` of endpoints.yml.
            kwargs: Nothing else is understood; Rasa passes unknown keys of endpoints.yml here.
        """
        # The stock constructor connects at once and retries for ever, so it is left out.
        TrackerStore.__init__(self, domain, event_broker, **kwargs)
        self.database = ConversationDatabase(
            url or host or conversations_url(os.environ),
            metadata=(METADATA, SQLTrackerStore.Base.metadata, OUTCOMES),
        )
        self._held: dict[str, HeldEvents] = {}

    async def keys(self) -> list[str]:
        """Ids of all conversations that have events."""
        return await off_loop(self._keys)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Stores, or holds back, the events that are not stored yet."""
        await self.stream_events(tracker)
        rows = await off_loop(self._new_rows, tracker)
        held = self._held.get(tracker.sender_id)
        if held is None:
            await off_loop(self._insert, rows)
        else:
            # Rasa may save more than once in a turn; each time all that is new since the turn
            # began, so the last time is the whole.
            held.rows = rows

    async def delete(self, sender_id: str) -> None:
        """Erases every event of a conversation."""
        await off_loop(self._delete, sender_id)

    def erase(self, connection: Connection, sender_id: str) -> None:
        """The same as `delete`, as a part of the caller's transaction; outcomes keep their numbers."""
        outcomes.erase(connection, sender_id)
        connection.execute(EVENTS.delete().where(EVENTS.c.sender_id == sender_id))

    @contextmanager
    def hold_back(self, sender_id: str) -> Iterator[HeldEvents]:
        """While this lasts, what is saved for `sender_id` goes into the result instead.

        The caller writes it, with `HeldEvents.write`. One turn per conversation at a time.
        """
        held = self._held[sender_id] = HeldEvents()
        try:
            yield held
        finally:
            del self._held[sender_id]

    async def _retrieve(
        self, sender_id: str, fetch_events_from_all_sessions: bool
    ) -> DialogueStateTracker | None:
        events = await off_loop(self._events, sender_id, fetch_events_from_all_sessions)
        if held := self._held.get(sender_id):
            # A turn may have several parts, and each goes on where the last one ended.
            events += [json.loads(row["data"]) for row in held.rows]
        if not events:
            return None
        # DialogueStateTracker.from_dict does the same, but looks for each event's class among all
        # subclasses again and again: with 60 turns behind it that took half of a turn's time.
        restored = (_event_class(event["event"])._from_parameters(event) for event in events)
        return DialogueStateTracker.from_events(sender_id, list(restored), self.domain.slots)

    def _keys(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.execute(sa.select(EVENTS.c.sender_id).distinct()).scalars())

    def _events(self, sender_id: str, of_all_sessions: bool) -> list[dict[str, Any]]:
        with self.database.reading() as connection:
            query = self._event_query(sessionmaker(connection)(), sender_id, of_all_sessions)
            return [json.loads(event.data) for event in query]

    def _new_rows(self, tracker: DialogueStateTracker) -> list[dict[str, Any]]:
        with self.database.reading() as connection:
            events = self._additional_events(sessionmaker(connection)(), tracker)
        return [_row(tracker.sender_id, event.as_dict()) for event in events]

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            with self.database.writing() as connection:
                HeldEvents(rows).write(connection)

    def _delete(self, sender_id: str) -> None:
        with self.database.writing() as connection:
            self.erase(connection, sender_id)


def _row(sender_id: str, event: dict[str, Any]) -> dict[str, Any]:
    """An event in the columns of Rasa's table, filled as the stock store fills them.

    Of what the assistant said only the response's name is kept: the dialogue needs no more, and the words
    may be about a member. They stand in the web chat's history alone.
    """
    if event["event"] == BotUttered.type_name:
        event = {**event, "text": None, "data": {}}
    return {
        "sender_id": sender_id,
        "type_name": event["event"],
        "timestamp": event.get("timestamp"),
        "intent_name": event.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": event.get("name"),
        "data": json.dumps(event),
    }


@cache
def _event_class(type_name: str) -> type[Event]:
    return Event.resolve_by_type(type_name)


class WrongTrackerStore(RasaException):
    """The agent was given a store that can't keep what the web chat promises."""

    def __str__(self) -> str:
        return (
            "The web chat needs the conversations tracker store. Write in endpoints.yml: "
            "tracker_store: {type: bot.conversations.ConversationTrackerStore}"
        )


def require_durable(agent: Agent) -> ConversationTrackerStore:
    """Makes a failing tracker store an error instead of a conversation that is lost later.

    Rasa wraps every store in a FailSafeTrackerStore, which goes on in memory when the database
    fails: the person is answered, and at the next restart or working database the conversation
    has a hole. This takes the wrapping off, in the agent and in the processor that is at work.

    Raises:
        WrongTrackerStore: The agent's store is another one.
    """
    store = agent.tracker_store
    while isinstance(store, FailSafeTrackerStore):
        store = store._tracker_store
    if not isinstance(store, ConversationTrackerStore):
        raise WrongTrackerStore
    agent.tracker_store = store
    if agent.processor is not None:
        agent.processor.tracker_store = store
    return store
