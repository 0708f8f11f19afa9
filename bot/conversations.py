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
from collections.abc import Callable, Iterator
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
# Rasa's own index names the conversation alone, and a conversation may be long.
sa.Index("ix_events_sender_id_id", EVENTS.c.sender_id, EVENTS.c.id)
sa.Index(
    "ix_events_latest", EVENTS.c.sender_id, EVENTS.c.type_name, EVENTS.c.action_name, EVENTS.c.id
)

TURNS_READ = 5
"""So many of the latest turns are read whole. Rules look one message back, actions two."""


class StoredTracker(DialogueStateTracker):
    """A tracker that knows how many of its events are stored: what follows them is new."""

    stored = 0


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

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Stores, or holds back, the events that are not stored yet."""
        await self.stream_events(tracker)
        rows = await off_loop(self._new_rows, tracker)
        held = self._held.get(tracker.sender_id)
        if held is None:
            await off_loop(self._insert, rows)
            if isinstance(tracker, StoredTracker):
                tracker.stored = len(tracker.events)
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
        read = _all if fetch_events_from_all_sessions else _for_a_turn
        events = await off_loop(self._events, read, sender_id)
        stored = len(events)
        if held := self._held.get(sender_id):
            # A turn may have several parts, and each goes on where the last one ended.
            events += [json.loads(row["data"]) for row in held.rows]
        if not events:
            return None
        # DialogueStateTracker.from_dict does the same, but looks for each event's class among all
        # subclasses again and again: with 60 turns behind it that took half of a turn's time.
        restored = (_event_class(event["event"])._from_parameters(event) for event in events)
        tracker = StoredTracker.from_events(sender_id, list(restored), self.domain.slots)
        tracker.stored = stored
        return tracker

    def _keys(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.execute(sa.select(EVENTS.c.sender_id).distinct()).scalars())

    def _events(
        self, read: Callable[[Connection, str], list[str]], sender_id: str
    ) -> list[dict[str, Any]]:
        with self.database.reading() as connection:
            return [json.loads(data) for data in read(connection, sender_id)]

    def _new_rows(self, tracker: DialogueStateTracker) -> list[dict[str, Any]]:
        if isinstance(tracker, StoredTracker):
            events = islice(tracker.events, tracker.stored, None)
        else:
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


# --- what is read

# Where the session began, and where its latest turns do: each begins with the assistant listening.
# The loop (a form) that was active there, if the latest of them had not ended.
_BOUNDS = sa.text(
    """
    WITH session AS (
      SELECT coalesce(max(id), 0) AS start FROM events
      WHERE sender_id = :sender AND type_name = 'session_started'
    ), bounds AS (
      SELECT start AS session, coalesce((
        SELECT id FROM events
        WHERE sender_id = :sender AND type_name = 'action' AND action_name = 'action_listen'
          AND id > session.start
        ORDER BY id DESC LIMIT 1 OFFSET :turns - 1
      ), start) AS latest FROM session
    )
    SELECT session, latest, (
        SELECT max(id) FROM events
        WHERE sender_id = :sender AND type_name = 'active_loop' AND action_name IS NOT NULL
          AND id > session AND id < latest
      ) AS loop_began, (
        SELECT max(id) FROM events
        WHERE sender_id = :sender AND type_name = 'active_loop' AND action_name IS NULL
          AND id > session AND id < latest
      ) AS loop_ended, EXISTS (
        SELECT 1 FROM events
        WHERE sender_id = :sender AND id > session
          AND type_name IN ('rewind', 'undo', 'restart', 'reset_slots', 'pause', 'resume')
      ) AS is_taken_back
    FROM bounds
    """
)

# Of what was before the latest turns: each slot's latest value, and of an active loop the turn that
# began it, its latest run and its latest rejection.
_FOR_A_TURN = sa.text(
    """
    SELECT data FROM events WHERE id IN (
      SELECT id FROM events WHERE sender_id = :sender AND id >= :latest
      UNION ALL
      SELECT max(id) FROM events
      WHERE sender_id = :sender AND type_name = 'slot' AND id > :session AND id < :latest
      GROUP BY action_name
      UNION ALL
      SELECT id FROM events WHERE sender_id = :sender AND id <= :loop AND id >= (
        SELECT max(id) FROM events
        WHERE sender_id = :sender AND type_name = 'action' AND action_name = 'action_listen'
          AND id < :loop
      )
      UNION ALL
      SELECT max(id) FROM events
      WHERE sender_id = :sender AND type_name IN ('action', 'action_execution_rejected')
        AND action_name = (SELECT action_name FROM events WHERE id = :loop)
        AND id > :loop AND id < :latest
      GROUP BY type_name
    )
    ORDER BY id
    """
)

_ALL = sa.text("SELECT data FROM events WHERE sender_id = :sender AND id >= :first ORDER BY id")


def _for_a_turn(connection: Connection, sender_id: str) -> list[str]:
    """Events, as they are stored, that give a tracker the state and the latest turns of a session."""
    sender = {"sender": sender_id}
    bounds = connection.execute(_BOUNDS, {**sender, "turns": TURNS_READ}).one()
    if bounds.is_taken_back:
        # What was taken back counts no more, and only the whole tells which that is.
        return _all(connection, sender_id, bounds.session)
    is_active = bounds.loop_began and bounds.loop_began > (bounds.loop_ended or 0)
    loop = bounds.loop_began if is_active else 0
    values = {**sender, "session": bounds.session, "latest": bounds.latest, "loop": loop}
    return list(connection.execute(_FOR_A_TURN, values).scalars())


def _all(connection: Connection, sender_id: str, first: int = 0) -> list[str]:
    return list(connection.execute(_ALL, {"sender": sender_id, "first": first}).scalars())


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
