"""What people asked and weren't answered, or not well, put together by meaning; and what staff decide.

A decision is always a person's. "Add to a topic" and "out of scope" make training examples of the
messages, and "new topic" may make a topic: changes that wait to be published (`bot.staff.drafts`). Who
decided, and when, is kept in the audit log.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.content import examples
from bot.content.changes import Change, ChangeRefused, ExamplesAdded, TopicAdded, apply
from bot.content.examples import ExampleRefused
from bot.staff import audit
from bot.staff.csv_files import plain, written
from bot.staff.drafts import Draft, Drafts
from bot.staff.outcome_tables import clusters, questions
from bot.webchat.database import ConversationDatabase

TOPIC, NEW_TOPIC, OUT_OF_SCOPE, IGNORED = "topic", "new topic", "out of scope", "ignore"
VERDICTS = (TOPIC, NEW_TOPIC, OUT_OF_SCOPE, IGNORED)

PAGE = 20
"""Clusters of a page."""

SHOWN = 10
"""Messages of a cluster that are shown; the newest."""

COLUMNS = (
    "cluster", "text", "times asked", "why", "first asked", "last asked", "nearest topic", "score",
    "second topic", "second score", "third topic", "third score", "verdict", "topic",
)  # fmt: skip
"""Of the CSV file. A person fills in `verdict`, and `topic` where it needs one."""


class QueueProblem(Exception):
    """A decision can't be taken so; the message says why."""


@dataclass(frozen=True)
class Cluster:
    """Messages that mean the same."""

    id: int
    text: str
    """The newest, redacted."""
    size: int
    """Times it was asked."""
    reasons: dict[str, int]
    """How many of them are here why: not_answered, rejected, thumbs_down, low_score."""
    nearest: tuple[tuple[str, float], ...]
    """Topics that are near, with the model's scores."""
    first_at: datetime
    last_at: datetime
    verdict: str | None
    topic: str | None
    decided_by: str | None
    decided_at: datetime | None
    since: int
    """Times it was asked after the decision."""


@dataclass(frozen=True)
class QueuePage:
    clusters: tuple[Cluster, ...]
    total: int


@dataclass(frozen=True)
class Decision:
    """What a person says about a cluster."""

    cluster: int
    verdict: str
    topic: str = ""
    """For `TOPIC` an intent; for `NEW_TOPIC` what it shall be about."""
    texts: tuple[str, ...] = ()
    """What becomes examples; for none, what was asked, redacted."""
    change: TopicAdded | None = None
    """For `NEW_TOPIC`, the topic; without it, it is a wish that is kept."""


class Queue:
    """The unanswered queue.

    Args:
        database: The conversations database, with the tables of outcomes, of staff and of content.
        drafts: The changes that wait, where decisions put theirs.
        now: Tells the time (UTC).

    Everything here blocks. SQLAlchemyError or OSError is raised where the database, or a file, can't be
    used.
    """

    def __init__(
        self,
        database: ConversationDatabase,
        drafts: Drafts,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._database = database
        self._drafts = drafts
        self._now = now

    def waiting(self, *, offset: int = 0, limit: int = PAGE) -> QueuePage:
        """Clusters that nobody has decided, the largest first."""
        return self._page(clusters.c.verdict.is_(None), clusters.c.size.desc(), offset, limit)

    def decided(self, *, offset: int = 0, limit: int = PAGE) -> QueuePage:
        """Clusters that somebody has decided, the latest first."""
        return self._page(
            clusters.c.verdict.isnot(None), clusters.c.decided_at.desc(), offset, limit
        )

    def _page(
        self, which: sa.sql.ColumnElement, order: sa.sql.ColumnElement, offset: int, limit: int
    ) -> QueuePage:
        are_there = sa.and_(which, clusters.c.size > 0)
        rows = sa.select(clusters).where(are_there).order_by(order, clusters.c.id.desc())
        with self._database.reading() as connection:
            total = connection.execute(
                sa.select(sa.func.count()).select_from(clusters).where(are_there)
            ).scalar_one()
            found = connection.execute(rows.offset(offset).limit(limit)).all()
        return QueuePage(tuple(_cluster(row) for row in found), total)

    def cluster(self, number: int) -> Cluster | None:
        """One cluster."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(clusters).where(clusters.c.id == number)).first()
        return _cluster(row) if row else None

    def messages(self, number: int, limit: int = SHOWN) -> list[str]:
        """What was asked, newest first, each wording once."""
        with self._database.reading() as connection:
            return _messages(connection, number, limit)

    def decide(self, decision: Decision, *, by: str) -> list[str]:
        """Takes a decision; the examples that wait to be published because of it.

        Args:
            by: Whose decision it is, for the audit log.

        Raises:
            QueueProblem: It can't be taken so; nothing was changed.
            ChangeRefused: The decision's own change can't be made.
        """
        _require_complete(decision)
        change = None
        if decision.verdict != IGNORED:
            with self._drafts.applied(self._others({decision.cluster})) as applied:
                change = self._change(decision, applied.root)
        with self._database.writing() as connection:
            self._take(connection, decision, change, by)
        return list(change.texts) if isinstance(change, ExamplesAdded) else []

    def _others(self, numbers: set[int]) -> list[Draft]:
        """What waits, but for what earlier decisions on these clusters have there: it will be replaced."""
        return [draft for draft in self._drafts.waiting() if draft.cluster not in numbers]

    def _change(self, decision: Decision, root: Path) -> Change | None:
        """What a decision changes, which is made to the content in a folder.

        What the topic has already, up to case and punctuation, is left out.
        """
        if decision.verdict == NEW_TOPIC:
            if decision.change is not None:
                apply(decision.change, root)
            return decision.change
        topic = {TOPIC: decision.topic, OUT_OF_SCOPE: "out_of_scope"}.get(decision.verdict)
        if topic is None:
            return None
        with self._database.reading() as connection:
            size = connection.execute(
                sa.select(clusters.c.size).where(clusters.c.id == decision.cluster)
            ).scalar_one_or_none()
            if size is None:
                raise _no_cluster(decision.cluster)
            asked = decision.texts or _messages(connection, decision.cluster, SHOWN)
        known = examples.intents_of(root / examples.NLU)
        try:
            texts = dict.fromkeys(map(examples.cleaned, asked))
            new = tuple(text for text in texts if known.get(examples.plain(text)) != topic)
            if not new and topic in known.values():
                return None
            origin = f"From the queue, {self._now():%Y-%m-%d}: asked {size} times."
            change = ExamplesAdded(topic, new, origin)
            apply(change, root)
        except (ExampleRefused, ChangeRefused) as refused:
            raise QueueProblem(str(refused)) from refused
        return change

    def _take(
        self, connection: Connection, decision: Decision, change: Change | None, by: str
    ) -> None:
        now = self._now()
        row = connection.execute(
            sa.select(clusters).where(clusters.c.id == decision.cluster).with_for_update()
        ).first()
        if row is None:
            raise _no_cluster(decision.cluster)
        connection.execute(
            clusters.update()
            .where(clusters.c.id == row.id)
            .values(
                verdict=decision.verdict,
                topic=decision.topic or None,
                decided_by=by,
                decided_at=now,
                size_then=row.size,
            )
        )
        # By its number: the log is for ever, and what people wrote isn't.
        audit.record(
            connection,
            at=now,
            who=by,
            what="question decided",
            subject=f"question {row.id}",
            before=_said(row.verdict, row.topic),
            after=_said(decision.verdict, decision.topic),
        )
        self._drafts.discard_of(connection, row.id, by=by)
        if change is not None:
            self._drafts.note(connection, change, by=by, cluster=row.id)

    def reopen(self, number: int, *, by: str) -> None:
        """Takes a decision back, and its change where that still waits; what is published stays.

        Raises:
            QueueProblem: There is no such cluster.
        """
        with self._database.writing() as connection:
            row = connection.execute(sa.select(clusters).where(clusters.c.id == number)).first()
            if row is None:
                raise _no_cluster(number)
            connection.execute(
                clusters.update()
                .where(clusters.c.id == number)
                .values(verdict=None, topic=None, decided_by=None, decided_at=None, size_then=None)
            )
            audit.record(
                connection,
                at=self._now(),
                who=by,
                what="question reopened",
                subject=f"question {row.id}",
                before=_said(row.verdict, row.topic),
            )
            self._drafts.discard_of(connection, row.id, by=by)

    # As a file -----------------------------------------------------------------------------------

    def exported(self) -> str:
        """All clusters that nobody has decided, as a CSV file."""
        page = self.waiting(limit=-1 if self._database.url.startswith("sqlite") else 2**31)
        return written(COLUMNS, [_as_row(cluster) for cluster in page.clusters])

    def import_(self, file: str, *, by: str) -> int:
        """Takes the decisions of an exported file whose `verdict` somebody filled in; how many.

        Raises:
            QueueProblem: A line can't be used; nothing was changed. The message names them all.
        """
        taken, problems = self._read(file)
        if problems:
            raise QueueProblem("\n".join(problems))
        with self._database.writing() as connection:
            for decision, change in taken:
                self._take(connection, decision, change, by)
        return len(taken)

    def _read(self, file: str) -> tuple[list[tuple[Decision, Change | None]], list[str]]:
        reader = csv.DictReader(io.StringIO(file.removeprefix("\ufeff")))
        missing = {"cluster", "text", "verdict", "topic"} - set(reader.fieldnames or ())
        if missing:
            return [], [f"line 1: the columns {', '.join(sorted(missing))} are missing."]
        taken, problems, decisions = [], [], []
        for row in reader:
            cell = {name: plain((value or "").strip()) for name, value in row.items() if name}
            if not cell["verdict"]:
                continue
            try:
                decisions.append((reader.line_num, self._decision(cell)))
            except QueueProblem as problem:
                problems.append(f"line {reader.line_num}: {problem}")
        others = self._others({decision.cluster for _, decision in decisions})
        with self._drafts.applied(others) as applied:
            for line, decision in decisions:
                try:
                    taken.append((decision, self._change(decision, applied.root)))
                except QueueProblem as problem:
                    problems.append(f"line {line}: {problem}")
        return taken, problems

    def _decision(self, cell: dict[str, str]) -> Decision:
        number = cell["cluster"]
        found = self.cluster(int(number)) if number.isascii() and number.isdigit() else None
        if found is None:
            raise _no_cluster(number)
        decision = Decision(found.id, cell["verdict"].lower(), cell["topic"])
        _require_complete(decision)
        if cell["text"] != found.text:  # put in other words, it is the example
            return Decision(found.id, decision.verdict, decision.topic, (cell["text"],))
        return decision


def _require_complete(decision: Decision) -> None:
    if decision.verdict not in VERDICTS:
        raise QueueProblem(f"'{decision.verdict}' is no verdict: use one of {', '.join(VERDICTS)}.")
    if decision.verdict in (TOPIC, NEW_TOPIC) and not decision.topic:
        raise QueueProblem(f"The verdict '{decision.verdict}' needs a topic.")
    if len(decision.topic) > 100:
        raise QueueProblem("A topic has at most 100 characters.")


def _no_cluster(number: int | str) -> QueueProblem:
    return QueueProblem(f"There is no cluster {number}.")


def _said(verdict: str | None, topic: str | None) -> str:
    return ": ".join(part for part in (verdict, topic) if part)


def _messages(connection: Connection, number: int, limit: int) -> list[str]:
    newest = (
        sa.select(questions.c.text)
        .where(questions.c.cluster == number, questions.c.text.isnot(None))
        .order_by(questions.c.id.desc())
        .limit(20 * limit)
    )
    return list(dict.fromkeys(connection.execute(newest).scalars()))[:limit]


def _cluster(row: sa.engine.Row) -> Cluster:
    return Cluster(
        id=row.id,
        text=row.text,
        size=row.size,
        reasons={reason: number for reason, number in row.reasons.items() if number > 0},
        nearest=tuple((name, score) for name, score in row.nearest[:3]),
        first_at=row.first_at,
        last_at=row.last_at,
        verdict=row.verdict,
        topic=row.topic,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        since=row.size - row.size_then if row.size_then is not None else 0,
    )


def _as_row(cluster: Cluster) -> dict[str, object]:
    nearest = [*cluster.nearest, *[("", "")] * 3][:3]
    (first, second, third) = nearest
    return {
        "cluster": cluster.id,
        "text": cluster.text,
        "times asked": cluster.size,
        "why": ", ".join(f"{reason} {number}" for reason, number in cluster.reasons.items()),
        "first asked": f"{cluster.first_at:%Y-%m-%d}",
        "last asked": f"{cluster.last_at:%Y-%m-%d}",
        "nearest topic": first[0],
        "score": first[1],
        "second topic": second[0],
        "second score": second[1],
        "third topic": third[0],
        "third score": third[1],
        "verdict": "",
        "topic": "",
    }
