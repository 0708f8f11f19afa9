"""Reads the stored conversations and writes their outcomes: after the turn, in a transaction of its own.

What the tracker store has stored durably is the stream; a row of `outcomes_progress` says how far it has
been read. Outcomes are worked out without a lock and written together with the new progress, in a
transaction that first takes that row and finds its version unchanged. So a process may be killed at any
point and several may work at once: what one has written the others don't write again, and what none has
written is still unread.

On PostgreSQL a smaller event id may become visible after a larger one. Whoever inserts events holds a lock
of that mode on the table from before the ids are drawn until all see the rows. So first the largest visible
id is read, then who holds such a lock: when these have ended, all that is not larger is visible. (CREATE
INDEX CONCURRENTLY waits in the same way; nobody waits for the reader.) SQLite has one writer at a time, and
ids in the order of commits, but it gives the ids of erased rows anew: `erase` takes the progress back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Row

from bot.staff.clusters import ALIKE, MOST, Clusters, moved, packed, unpacked
from bot.staff.outcome_tables import (
    clusters,
    conversations,
    events,
    figures,
    progress,
    questions,
)
from bot.staff.outcomes import Conversation, Question, topics_of
from bot.staff.redaction import redacted
from bot.webchat.database import ConversationDatabase, feedback, messages, off_loop
from identity.database import insert

logger = logging.getLogger(__name__)

BATCH = 500
"""Events, or feedback, of one step."""

PAUSE = 1.0
"""Seconds between two looks at what is new."""

LONGEST_WAIT = 2.0
"""Seconds that a step waits for transactions that are still storing events; then the next one tries."""

LATE = timedelta(minutes=10)
"""Feedback of so long ago is read again: it bears the time at which it came in, and is stored a little
later, by clocks that may differ. To take it twice changes nothing."""

NOTHING: dict[str, Any] = {"size": 0, "text": "", "nearest": [], "center": b""}
"""What is left of a cluster without messages: its number, so that nothing else ever has it."""

BEGINNING = datetime(1, 1, 1, tzinfo=timezone.utc)

Figures = Counter[tuple[date, str, str]]


class Consumer:
    """Turns events and feedback into outcomes.

    Args:
        database: The conversations database, with Rasa's table, the web chat's and those of outcomes.
        embed: Gives the vector, of length one, of a text.
        batch: Events of one step.

    SQLAlchemyError or OSError is raised where the database can't be used.
    """

    def __init__(
        self,
        database: ConversationDatabase,
        embed: Callable[[str], np.ndarray],
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._embed = embed
        self._batch = batch
        self._clusters: Clusters | None = None
        self._clusters_version = -1
        self._rated: dict[tuple[str, str], datetime] = {}

    def catch_up(self) -> int:
        """Reads all that is new; how many events that were."""
        done = 0
        while (read := self.step()) is not None:
            done += read
        return done

    def step(self) -> int | None:
        """Reads some of what is new; how many events, or None where there was nothing to read."""
        try:
            read = self._read_events()
        except _StillStoring:
            # Neither is feedback read: what it is about may be among the events.
            return None
        if read is None and self._read_feedback():
            return 0
        return read

    def _read_events(self) -> int | None:
        """One step; the number of events read, or None where there is none.

        Raises:
            _StillStoring: It can't be told now what there is.
        """
        with self._database.reading() as connection:
            before = _progress(connection)
            last = _settled(connection)
            if last <= before.event_id:
                return None
            new = {"after": before.event_id, "last": last, "limit": self._batch}
            rows = connection.execute(_NEW_EVENTS, new).all()
            reached = rows[-1].id if len(rows) == self._batch else last
            told = _Told(connection, {row.sender_id for row in rows})
            told.take(rows)
            told.complete(connection)
            queue = self._sorted(connection, told)
        with self._database.writing() as connection:
            version = _advance(connection, before, event_id=reached)
            if version is None:
                return 0
            queue.write(connection, version)
            told.write(connection)
        return len(rows)

    def _read_feedback(self) -> bool:
        """One step; whether there may be more."""
        with self._database.reading() as connection:
            before = _progress(connection)
            # What was read lately is passed over, so that many at a time don't stop what follows.
            since = before.feedback_at - LATE if before.feedback_at else BEGINNING
            limit = self._batch + len(self._rated)
            found = connection.execute(_NEW_FEEDBACK, {"since": since, "limit": limit})
            new = [row for row in found if self._rated.get(_key(row)) != row.at][: self._batch]
            told = _Told(connection, {row.conversation_id for row in new})
            rated = [row for row in new if told.rate(row)]
            if not rated:
                return False
            told.complete(connection)
            queue = self._sorted(connection, told)
        newest = max(row.at for row in rated)
        if before.feedback_at:
            newest = max(newest, before.feedback_at)
        with self._database.writing() as connection:
            version = _advance(connection, before, feedback_at=newest)
            if version is None:
                return True
            queue.write(connection, version)
            told.write(connection)
        self._rated.update({_key(row): row.at for row in rated})
        self._rated = {key: at for key, at in self._rated.items() if at > newest - 2 * LATE}
        return True

    def _sorted(self, connection: Connection, told: _Told) -> _Queue:
        """The questions that belong in the queue, each in its cluster."""
        queue = _Queue(connection, told.changed_reasons())
        new = [q for q in told.questions if q.queued_for and q.text and q.cluster is None]
        if new:
            known = self._known_clusters(connection)
            for question in new:
                assert question.text
                vector = self._embed(question.text)
                queue.add(connection, question, vector, known)
        return queue

    def _known_clusters(self, connection: Connection) -> Clusters:
        """The centers of the clusters that were used last, as stored now."""
        newer = sa.select(clusters.c.id, clusters.c.version, clusters.c.center)
        known = self._clusters
        if known is None or len(known) > 2 * MOST:
            known = Clusters(len(self._embed("?")))
            newer = newer.where(clusters.c.size > 0)
            newer = newer.order_by(clusters.c.version.desc()).limit(MOST)
        else:
            newer = newer.where(clusters.c.version > self._clusters_version)
        rows = connection.execute(newer).all()
        known.put((row.id, unpacked(row.center)) for row in rows)
        self._clusters = known
        self._clusters_version = max([self._clusters_version, *(row.version for row in rows)])
        return known


def erase(connection: Connection, conversation_id: str) -> None:
    """Forgets whose outcomes these are, as a part of the transaction that erases the conversation.

    What wasn't read yet is counted now, for its events go. Numbers stay; texts, the conversation's id and
    its messages' go, and clusters that had no other message.
    """
    before = _progress(connection, lock=True)
    told = _Told(connection, {conversation_id})
    unread = sa.select(events).where(
        events.c.sender_id == conversation_id, events.c.id > before.event_id
    )
    told.take(connection.execute(unread.order_by(events.c.id)).all())
    told.add_response_times(connection)
    for row in connection.execute(
        _FEEDBACK.where(feedback.c.conversation_id == conversation_id)
    ).all():
        told.rate(row)
    of_clusters = {q.cluster for q in told.questions if q.cluster is not None}
    for question in told.questions:
        question.text = question.message_id = None
    told.write(connection)
    connection.execute(
        conversations.update()
        .where(conversations.c.conversation_id == conversation_id)
        .values(conversation_id=None)
    )
    for cluster in of_clusters:
        _forget_example(connection, cluster, before.version + 1)
    event_id = before.event_id
    if connection.dialect.name == "sqlite":
        last_of_others = sa.select(events.c.id).where(events.c.sender_id != conversation_id)
        left = connection.execute(last_of_others.order_by(events.c.id.desc()).limit(1)).scalar()
        event_id = min(event_id, left or 0)
    _advance(connection, before, event_id=event_id)


def _forget_example(connection: Connection, cluster: int, version: int) -> None:
    of_cluster = questions.c.cluster == cluster
    other = sa.select(questions.c.text).where(of_cluster, questions.c.text.isnot(None))
    text = connection.execute(other.order_by(questions.c.id.desc()).limit(1)).scalar()
    changed = {"text": text} if text else {**NOTHING, "version": version}
    connection.execute(clusters.update().where(clusters.c.id == cluster).values(**changed))


async def keep_up(consumer: Consumer) -> None:
    """Reads what is new again and again, until it is cancelled."""
    while True:
        try:
            # Step by step: a server that is told to stop doesn't wait for all of them.
            while await off_loop(consumer.step) is not None:
                pass
        except Exception as error:
            # Its text may quote what somebody wrote, so its kind alone is told.
            logger.warning("Outcomes can't be written: %s", type(error).__name__)
        await asyncio.sleep(PAUSE)


# How far it has been read ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Progress:
    version: int = 0
    event_id: int = 0
    feedback_at: datetime | None = None


# Statements that every step needs stand ready: to put one together takes longer than to run it.

_PROGRESS = sa.select(progress.c.version, progress.c.event_id, progress.c.feedback_at)
_LOCKED_PROGRESS = _PROGRESS.with_for_update()
_ADVANCE = progress.update()
_LAST_EVENT = sa.select(sa.func.max(events.c.id))


def _progress(connection: Connection, *, lock: bool = False) -> _Progress:
    row = connection.execute(_LOCKED_PROGRESS if lock else _PROGRESS).one_or_none()
    if row is None and lock:
        first = insert(connection, progress).values(id=1, version=0, event_id=0)
        connection.execute(first.on_conflict_do_nothing())
        row = connection.execute(_LOCKED_PROGRESS).one()
    return _Progress(*row) if row else _Progress()


def _advance(connection: Connection, before: _Progress, **values: Any) -> int | None:
    """Notes what was read, and gives the new version; None if another process was first."""
    if _progress(connection, lock=True).version != before.version:
        return None
    now = replace(before, version=before.version + 1, **values)
    connection.execute(_ADVANCE, vars(now))
    return now.version


class _StillStoring(Exception):
    """Somebody has been storing events for longer than the reader waits."""


def _settled(connection: Connection) -> int:
    """The largest event id below which none will appear any more; 0 where there is none.

    Raises:
        _StillStoring: It can't be told now.
    """
    last = connection.execute(_LAST_EVENT).scalar() or 0
    if connection.dialect.name != "postgresql":
        return last
    # A table's number is another table's in another database of the server.
    storing = sa.text(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND relation = 'events'::regclass AND mode = 'RowExclusiveLock'"
    )
    deadline = time.monotonic() + LONGEST_WAIT
    before = set(connection.execute(storing).scalars())
    while before:
        if time.monotonic() > deadline:
            raise _StillStoring
        time.sleep(0.01)
        before &= set(connection.execute(storing).scalars())
    return last


_TOLD_BY = sa.or_(
    events.c.type_name.in_(["user", "bot", "session_started"]),
    sa.and_(events.c.type_name == "slot", events.c.action_name == "place"),
)
"""For a slot, Rasa's column `action_name` holds the slot's."""


_NEW_EVENTS = (
    sa.select(events)
    .where(events.c.id > sa.bindparam("after"), events.c.id <= sa.bindparam("last"), _TOLD_BY)
    .order_by(events.c.id)
    .limit(sa.bindparam("limit"))
)

_asked, _answer = messages.alias("asked"), messages.alias("answer")

_FEEDBACK = (
    sa.select(feedback, _asked.c.id.label("asked_id"))
    .join(
        _answer,
        sa.and_(
            _answer.c.conversation_id == feedback.c.conversation_id,
            _answer.c.id == feedback.c.message_id,
        ),
    )
    .join(
        _asked,
        sa.and_(
            _asked.c.conversation_id == _answer.c.conversation_id,
            _asked.c.turn == _answer.c.turn,
            _asked.c.sender == "user",
        ),
    )
    .order_by(feedback.c.at)
)
"""Feedback, with the message whose answer it is about."""
_NEW_FEEDBACK = _FEEDBACK.where(feedback.c.at >= sa.bindparam("since")).limit(sa.bindparam("limit"))


def _key(rating: Row) -> tuple[str, str]:
    return rating.conversation_id, rating.message_id


# What was told -----------------------------------------------------------------------------------


def _one_of(column: sa.Column, name: str) -> sa.sql.ColumnElement[bool]:
    return column.in_(sa.bindparam(name, expanding=True))


def _changed(table: sa.Table) -> sa.sql.Update:
    """An UPDATE of rows that are told whole, the number as `number`."""
    others = {c.name: sa.bindparam(c.name) for c in table.columns if c.name not in KEPT}
    return table.update().where(table.c.id == sa.bindparam("number")).values(others)


KEPT = ("id", "conversation_id")
"""Columns that no step changes."""

_CONVERSATIONS = sa.select(conversations).where(_one_of(conversations.c.conversation_id, "ids"))
_QUESTIONS = (
    sa.select(questions)
    .where(_one_of(questions.c.conversation, "numbers"))
    .order_by(questions.c.id)
)
_NEW_CONVERSATION, _CHANGED_CONVERSATION = conversations.insert(), _changed(conversations)
_NEW_QUESTION, _CHANGED_QUESTION = questions.insert(), _changed(questions)

_OF_SOME = sa.and_(
    _one_of(_asked.c.conversation_id, "conversations"),
    _one_of(_asked.c.id, "messages"),
    _asked.c.sender == "user",
)
_WORDS = sa.select(_asked.c.id, _asked.c.content).where(_OF_SOME)
_RESPONSE_TIMES = (
    sa.select(_asked.c.id, _asked.c.at, sa.func.min(_answer.c.at).label("answered_at"))
    .join(
        _answer,
        sa.and_(
            _answer.c.conversation_id == _asked.c.conversation_id,
            _answer.c.turn == _asked.c.turn,
            _answer.c.sender == "assistant",
        ),
    )
    .where(_OF_SOME)
    .group_by(_asked.c.id, _asked.c.at)
)


def _added(dialect: Any) -> Any:
    add = dialect.insert(figures)
    return add.on_conflict_do_update(
        index_elements=["day", "measure", "key"],
        set_={"number": figures.c.number + add.excluded.number},
    )


_ADDED = {"postgresql": _added(postgresql), "sqlite": _added(sqlite)}


class _Told:
    """Some conversations with their questions, as stored, and what is new in them."""

    def __init__(self, connection: Connection, ids: set[str]) -> None:
        self._by_id: dict[str, Conversation] = {}
        self._by_number: dict[int, Conversation] = {}
        for row in connection.execute(_CONVERSATIONS, {"ids": list(ids)}) if ids else ():
            conversation = Conversation(
                conversation_id=row.conversation_id,
                began_at=row.began_at,
                last_at=row.last_at,
                handed_over=row.handed_over,
                reopened=row.reopened,
                states=row.states,
                id=row.id,
            )
            self._by_id[row.conversation_id] = self._by_number[row.id] = conversation
        numbers = list(self._by_number)
        for row in connection.execute(_QUESTIONS, {"numbers": numbers}) if numbers else ():
            self._by_number[row.conversation].questions.append(Question(**row._mapping))
        self._before = {q.id: dict(vars(q)) for q in self.questions}
        self._reasons = {q.id: q.queued_for for q in self.questions}
        self._figures = self._counted()

    @property
    def questions(self) -> list[Question]:
        return [q for conversation in self._by_id.values() for q in conversation.questions]

    def _counted(self) -> Figures:
        counted: Figures = Counter()
        for conversation in self._by_id.values():
            counted.update(conversation.figures())
        return counted

    def take(self, new: Iterable[Row]) -> None:
        for row in new:
            try:
                self._take(row.sender_id, row.type_name, json.loads(row.data))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                # One that no Rasa wrote mustn't stop all that come after it.
                logger.warning(
                    "An event can't be read: %s (%s)", row.type_name, type(error).__name__
                )

    def _take(self, id_: str, kind: str, event: dict[str, Any]) -> None:
        at = datetime.fromtimestamp(event["timestamp"], timezone.utc)
        if id_ not in self._by_id:
            self._by_id[id_] = Conversation(id_, began_at=at, last_at=at)
        self._by_id[id_].take(kind, event, at)

    def rate(self, rating: Row) -> bool:
        """Takes a thumb; whether its question is known."""
        conversation = self._by_id.get(rating.conversation_id)
        rated = [
            question
            for question in (conversation.questions if conversation else ())
            if question.message_id == rating.asked_id
        ]
        for question in rated:
            question.is_helpful = rating.helpful
        return bool(rated)

    def complete(self, connection: Connection) -> None:
        """Adds what isn't in the events, and leaves no text that isn't needed."""
        self.add_response_times(connection)
        without_text = []
        for question in self.questions:
            if question.queued_for and question.text is None:
                without_text.append(question)
            elif question.outcome != "open" and not question.queued_for:
                question.text = question.cluster = None
        # An answer that seemed fine at first: what was asked is still in the conversation.
        of_message = {q.message_id: q for q in without_text if q.message_id}
        for row in self._of_messages(connection, _WORDS, of_message):
            of_message[row.id].text = redacted(row.content["text"])

    def add_response_times(self, connection: Connection) -> None:
        of_message = {
            q.message_id: q
            for q in self.questions
            if q.message_id and q.milliseconds is None and q.outcome != "open"
        }
        for row in self._of_messages(connection, _RESPONSE_TIMES, of_message):
            took = round((row.answered_at - row.at).total_seconds() * 1000)
            of_message[row.id].milliseconds = max(took, 0)

    def _of_messages(
        self, connection: Connection, query: sa.sql.Select, of_message: dict[str, Question]
    ) -> list[Row]:
        """What a query knows of the web chat's messages of some questions."""
        if not of_message:
            return []
        which = {"conversations": list(self._by_id), "messages": list(of_message)}
        return connection.execute(query, which).all()

    def changed_reasons(self) -> list[tuple[int, str | None, str | None]]:
        """Of questions that were in a cluster: the cluster, and why they are in the queue, then and now."""
        return [
            (self._before[q.id]["cluster"], self._reasons[q.id], q.queued_for)
            for q in self.questions
            if q.id in self._before
            and self._before[q.id]["cluster"] is not None
            and self._reasons[q.id] != q.queued_for
        ]

    def write(self, connection: Connection) -> None:
        changed = []
        for conversation in self._by_id.values():
            row = {"conversation_id": conversation.conversation_id, **conversation.counts()}
            if conversation.id is None:
                new = connection.execute(_NEW_CONVERSATION, row)
                conversation.id = new.inserted_primary_key[0]
            else:
                changed.append({**row, "number": conversation.id})
            for question in conversation.questions:
                question.conversation = conversation.id
        self._write(connection, _CHANGED_CONVERSATION, changed)
        now = [dict(vars(q)) for q in self.questions]
        new_rows = [_without_id(row) for row in now if row["id"] is None]
        self._write(connection, _NEW_QUESTION, new_rows)
        changed = [
            {**_without_id(row), "number": row["id"]}
            for row in now
            if row["id"] is not None and row != self._before[row["id"]]
        ]
        self._write(connection, _CHANGED_QUESTION, changed)
        more = self._counted()
        more.subtract(self._figures)
        rows = [
            {"day": day, "measure": measure, "key": key[:100], "number": number}
            for (day, measure, key), number in more.items()
            if number
        ]
        self._write(connection, _ADDED[connection.dialect.name], rows)

    def _write(self, connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            connection.execute(statement, rows)


def _without_id(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "id"}


# The queue ---------------------------------------------------------------------------------------


@dataclass
class _Cluster:
    """A cluster, stored or new, with what is added to it."""

    row: dict[str, Any]
    center: np.ndarray
    is_new: bool
    questions: list[Question] = field(default_factory=list)

    def add(self, question: Question, vector: np.ndarray) -> None:
        self.center = moved(self.center, self.row["size"], vector)
        self.count(question.queued_for, 1)
        self.row["text"], self.row["nearest"] = question.text, topics_of(question.ranking)
        self.row["last_at"] = max(self.row["last_at"], question.at)
        self.questions.append(question)

    def count(self, reason: str | None, number: int) -> None:
        if reason:
            self.row["size"] += number
            reasons = self.row["reasons"]
            self.row["reasons"] = {**reasons, reason: reasons.get(reason, 0) + number}


class _Queue:
    """What some questions change in the queue."""

    def __init__(
        self, connection: Connection, changed: list[tuple[int, str | None, str | None]]
    ) -> None:
        self._changed: dict[int, _Cluster] = {}
        self._new: list[_Cluster] = []
        for cluster, before, now in changed:
            of = self._stored(connection, cluster)
            of.count(before, -1)
            of.count(now, 1)

    def add(
        self, connection: Connection, question: Question, vector: np.ndarray, known: Clusters
    ) -> None:
        """Puts a question into the nearest cluster that is alike, or begins one with it."""
        number, cosine = known.nearest(vector)
        best = self._stored(connection, number) if number is not None else None
        for cluster in self._new:
            alike = float(cluster.center @ vector / np.linalg.norm(cluster.center))
            if alike >= max(cosine, ALIKE):
                best, cosine = cluster, alike
        if best is None:
            row = {"size": 0, "reasons": {}, "first_at": question.at, "last_at": question.at}
            best = _Cluster(row, vector, is_new=True)
            self._new.append(best)
        best.add(question, vector)

    def _stored(self, connection: Connection, number: int) -> _Cluster:
        if number not in self._changed:
            found = connection.execute(sa.select(clusters).where(clusters.c.id == number)).one()
            row = dict(found._mapping)
            self._changed[number] = _Cluster(row, unpacked(row["center"]), is_new=False)
        return self._changed[number]

    def write(self, connection: Connection, version: int) -> None:
        """Stores it, and tells the questions their clusters."""
        for cluster in (*self._changed.values(), *self._new):
            row = {
                name: cluster.row[name]
                for name in ("size", "text", "nearest", "reasons", "first_at", "last_at")
            }
            row |= {"version": version, "center": packed(cluster.center)}
            if not row["size"]:
                row |= NOTHING
            if cluster.is_new:
                stored = connection.execute(clusters.insert().values(**row))
                cluster.row["id"] = stored.inserted_primary_key[0]
            else:
                connection.execute(
                    clusters.update().where(clusters.c.id == cluster.row["id"]).values(**row)
                )
            for question in cluster.questions:
                question.cluster = cluster.row["id"]
