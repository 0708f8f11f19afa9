"""Rasa's side of the conversations database: its tracker store, and the promise that it is durable.

`ConversationTrackerStore` keeps Rasa's events in the database that also holds the web chat's
history (`bot.webchat.database`). It differs from the stock SQL store where that one would hurt a
server: it works off the event loop, opens a handful of connections instead of 150, doesn't block
a starting server until the database is there, can forget a conversation, can hold a turn's events
back until they are stored in one transaction with what was said, and reads of a long conversation
only what the next turn may ask for (docs/decisions/0008-a-turn-reads-the-end-of-its-conversation.md).
"""

import copy
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
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
from bot.staff.content_tables import METADATA as CONTENT
from bot.staff.outcome_tables import METADATA as OUTCOMES
from bot.webchat.database import METADATA, ConversationDatabase, off_loop
from identity.settings import conversations_url

EVENTS = SQLTrackerStore.SQLEvent.__table__
# Rasa looks for each event's class among all subclasses, again and again.
Event.resolve_by_type = staticmethod(cache(Event.resolve_by_type))

# Rasa's own index names the conversation alone, and a conversation may be long.
sa.Index("ix_events_sender_id_id", EVENTS.c.sender_id, EVENTS.c.id)
sa.Index(
    "ix_events_latest", EVENTS.c.sender_id, EVENTS.c.type_name, EVENTS.c.action_name, EVENTS.c.id
)

_INSERT = EVENTS.insert()

KEPT_OF_RESPONSES = ("utter_action", "total")
"""Of what Rasa notes with a response. With it come the values of all that is filled into its text."""

TURNS_READ = 5
"""So many of the latest turns are read whole. Rules look one message back, actions two."""


class StoredTracker(DialogueStateTracker):
    """A tracker that knows how many of its events are stored: what follows them is new."""

    stored = 0

    def copy(self) -> "StoredTracker":
        """A tracker in the same state; Rasa's replays the conversation, several times a turn."""
        other = copy.copy(self)
        other.events = self.events.copy()
        other.slots = {name: copy.copy(slot) for name, slot in self.slots.items()}
        other.active_loop = copy.copy(self.active_loop)
        return other


@dataclass
class HeldEvents:
    """Events of a running turn that are not stored yet, and those that it goes on from, as stored."""

    stored: list[str]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def write(self, connection: Connection) -> None:
        if self.rows:
            connection.execute(_INSERT, self.rows)


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
            metadata=(METADATA, SQLTrackerStore.Base.metadata, OUTCOMES, CONTENT),
        )
        self._held: dict[str, HeldEvents] = {}

    def beside(self) -> "ConversationTrackerStore":
        """A store on the same database for another agent, whose domain may be another."""
        other = copy.copy(self)
        other._held = {}
        return other

    async def keys(self) -> list[str]:
        """Ids of all conversations that have events."""
        return await off_loop(self._keys)

    def init_tracker(self, sender_id: str) -> StoredTracker:
        """A tracker of a conversation of which nothing is stored."""
        return StoredTracker(sender_id, self.domain.slots)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Stores, or holds back, the events that are not stored yet."""
        await self.stream_events(tracker)
        events: Iterable[Event] = (
            islice(tracker.events, tracker.stored, None)
            if isinstance(tracker, StoredTracker)
            else await off_loop(self._not_stored, tracker)
        )
        rows = [_row(tracker.sender_id, event.as_dict()) for event in events]
        held = self._held.get(tracker.sender_id)
        if held:
            # Rasa may save more than once in a turn; each time all that is new since the turn
            # began, so the last time is the whole.
            held.rows = rows
        elif rows:
            await off_loop(self._insert, rows)
            if isinstance(tracker, StoredTracker):
                tracker.stored = len(tracker.events)

    async def delete(self, sender_id: str) -> None:
        """Erases every event of a conversation."""
        await off_loop(self._delete, sender_id)

    def erase(self, connection: Connection, sender_id: str) -> None:
        """The same as `delete`, as a part of the caller's transaction; outcomes keep their numbers."""
        outcomes.erase(connection, sender_id)
        connection.execute(EVENTS.delete().where(EVENTS.c.sender_id == sender_id))

    @contextmanager
    def hold_back(self, sender_id: str, stored: list[str]) -> Iterator[HeldEvents]:
        """While this lasts, what is saved for `sender_id` goes into the result instead.

        The caller writes it, with `HeldEvents.write`. One turn per conversation at a time.

        Args:
            stored: What a turn reads, see `read`; it isn't read again.
        """
        held = self._held[sender_id] = HeldEvents(stored)
        try:
            yield held
        finally:
            del self._held[sender_id]

    async def _retrieve(
        self, sender_id: str, fetch_events_from_all_sessions: bool
    ) -> DialogueStateTracker | None:
        held = self._held.get(sender_id)
        if held and not fetch_events_from_all_sessions:
            stored = held.stored
        else:
            read = self._read_all if fetch_events_from_all_sessions else self.read
            stored = await off_loop(read, sender_id)
        # A turn may have several parts, and each goes on where the last one ended.
        new = [row["data"] for row in held.rows] if held else []
        events = [json.loads(data) for data in (*stored, *new)]
        if not events:
            return None
        tracker = StoredTracker.from_dict(sender_id, events, self.domain.slots)
        tracker.stored = len(stored)
        return tracker

    def read(self, sender_id: str) -> list[str]:
        """The events, as they are stored, that the next turn may ask for; to be called in a thread."""
        return self._data(_FOR_A_TURN, sender=sender_id, turns=TURNS_READ)

    def _read_all(self, sender_id: str) -> list[str]:
        return self._data(_ALL, sender=sender_id)

    def _data(self, query: sa.sql.elements.TextClause, **values: Any) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.execute(query, values).scalars())

    def _keys(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.execute(sa.select(EVENTS.c.sender_id).distinct()).scalars())

    def _not_stored(self, tracker: DialogueStateTracker) -> list[Event]:
        with self.database.reading() as connection:
            return list(self._additional_events(sessionmaker(connection)(), tracker))

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        with self.database.writing() as connection:
            connection.execute(_INSERT, rows)

    def _delete(self, sender_id: str) -> None:
        with self.database.writing() as connection:
            self.erase(connection, sender_id)


# --- what is read

# Where the session began, where its latest turns do (each begins with the assistant listening), and
# the loop (a form) that was active there. What was taken back counts no more, and only the whole
# session tells which that is: so all of it is the latest then.
# Of what was before the latest turns: each slot's latest value, and of an active loop the turn that
# began it, its latest run and its latest rejection.
_FOR_A_TURN = sa.text(
    """
    WITH started AS (
      SELECT coalesce(max(id), 0) AS session FROM events
      WHERE sender_id = :sender AND type_name = 'session_started'
    ), bounds AS (
      SELECT session, CASE WHEN EXISTS (
        SELECT 1 FROM events
        WHERE sender_id = :sender AND id > session
          AND type_name IN ('rewind', 'undo', 'restart', 'reset_slots', 'pause', 'resume')
      ) THEN session ELSE coalesce((
        SELECT id FROM events
        WHERE sender_id = :sender AND type_name = 'action' AND action_name = 'action_listen'
          AND id > session
        ORDER BY id DESC LIMIT 1 OFFSET :turns - 1
      ), session) END AS latest FROM started
    ), places AS (
      SELECT session, latest, (
        SELECT CASE WHEN action_name IS NOT NULL THEN id END FROM events
        WHERE sender_id = :sender AND type_name = 'active_loop' AND id > session AND id < latest
        ORDER BY id DESC LIMIT 1
      ) AS loop FROM bounds
    )
    SELECT data FROM events WHERE id IN (
      SELECT id FROM events WHERE sender_id = :sender AND id >= (SELECT latest FROM places)
      UNION ALL
      SELECT max(id) FROM events
      WHERE sender_id = :sender AND type_name = 'slot'
        AND id > (SELECT session FROM places) AND id < (SELECT latest FROM places)
      GROUP BY action_name
      UNION ALL
      SELECT id FROM events
      WHERE sender_id = :sender AND id <= (SELECT loop FROM places) AND id >= (
        SELECT max(id) FROM events
        WHERE sender_id = :sender AND type_name = 'action' AND action_name = 'action_listen'
          AND id < (SELECT loop FROM places)
      )
      UNION ALL
      SELECT max(id) FROM events
      WHERE sender_id = :sender AND type_name IN ('action', 'action_execution_rejected')
        AND action_name = (SELECT action_name FROM events WHERE id = (SELECT loop FROM places))
        AND id > (SELECT loop FROM places) AND id < (SELECT latest FROM places)
      GROUP BY type_name
    )
    ORDER BY id
    """
)

_ALL = sa.text("SELECT data FROM events WHERE sender_id = :sender ORDER BY id")


def _row(sender_id: str, event: dict[str, Any]) -> dict[str, Any]:
    """An event in the columns of Rasa's table, filled as the stock store fills them.

    Of what the assistant said only the response's name is kept, and how many it told of: the dialogue and
    the outcomes need no more, and the words, and what was filled into them, may be about a member. They
    stand in the web chat's history alone.
    """
    if event["event"] == BotUttered.type_name:
        said = event.get("metadata") or {}
        kept = {name: said[name] for name in KEPT_OF_RESPONSES if name in said}
        event = {**event, "text": None, "data": {}, "metadata": kept}
    return {
        "sender_id": sender_id,
        "type_name": event["event"],
        "timestamp": event.get("timestamp"),
        "intent_name": event.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": event.get("name"),
        "data": json.dumps(event),
    }


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
