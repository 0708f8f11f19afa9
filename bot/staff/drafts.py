"""Changes that wait to be published: values in the database, which touch no file before that.

A change says what somebody wants ("this answer shall read so"), not which lines of which file: it is applied
to whatever the files hold by then, after the changes that were made before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.content import files
from bot.content.changes import (
    AnswerChanged,
    Change,
    ChangeRefused,
    ContactChanged,
    Problem,
    apply,
    as_json,
    described,
    from_json,
    subject,
)
from bot.staff import audit
from bot.staff.content_tables import DISCARDED, REPLACED, WAITING, changes
from bot.webchat.database import ConversationDatabase

SHOWN = "in_place_of_change"
"""The field of a form with the id of the change that waited when the form was made; empty for none. It is
also what a change is refused at that would take the place of another one."""

ADDING_LOCK = 716257
"""Number of PostgreSQL's advisory lock that whoever adds a change takes."""


class NotWaiting(Exception):
    """There is no such change that waits: it was published or discarded meanwhile."""


@dataclass(frozen=True)
class Draft:
    """A change that waits."""

    id: int
    change: Change
    by: str
    """Whose it is: an account's address, or `audit.COMMAND_LINE`."""
    at: datetime
    cluster: int | None = None
    """The question of the queue that it is from."""


@dataclass(frozen=True)
class Applied:
    """A copy of the content with changes made to it."""

    root: Path
    problems: dict[int, str]
    """Changes that can't be made any more, by their id, and why; they are left out."""


class Drafts:
    """What waits to be published.

    Args:
        database: The conversations database, with the tables of staff and of content.
        root: The folder of the content.
        now: Tells the time (UTC).

    Everything here blocks. SQLAlchemyError or OSError is raised where the database, or a file, can't be
    used.
    """

    def __init__(
        self,
        database: ConversationDatabase,
        root: Path = Path(),
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._database = database
        self.root = root
        self._now = now

    def waiting(self) -> list[Draft]:
        """What waits, in the order in which it will be applied."""
        with self._database.reading() as connection:
            return waiting(connection)

    @contextmanager
    def applied(self, drafts: Iterable[Draft] | None = None) -> Iterator[Applied]:
        """The content as it would be, while this lasts.

        Args:
            drafts: The changes that are made; by default all that wait.
        """
        drafts = self.waiting() if drafts is None else drafts
        with TemporaryDirectory() as folder:
            root = Path(folder)
            files.copy(self.root, root)
            yield Applied(root, apply_all(drafts, root))

    def add(self, change: Change, *, by: str, instead_of: int | None = None) -> int:
        """Has a change wait; its id.

        It takes the place of one of the same answer or contact, if its author knows that one.

        Args:
            by: Whose it is, for the audit log.
            instead_of: The id of the change of the same that waited when its author looked; None for none.

        Raises:
            ChangeRefused: It can't be made, after those that wait already; or, at `SHOWN`, what waits of
                the same isn't `instead_of` any more.
        """
        others = [draft for draft in self.waiting() if not _is_instead(change, draft.change)]
        with self.applied(others) as applied:
            apply(change, applied.root)
        with self._database.writing() as connection:
            _one_at_a_time(connection)
            replaced = [d for d in waiting(connection) if _is_instead(change, d.change)]
            if instead_of != (replaced[-1].id if replaced else None):
                raise ChangeRefused([_OTHER_WAITS])
            for draft in replaced:
                if not _set_state(connection, draft.id, REPLACED):  # discarded at this moment
                    raise ChangeRefused([_OTHER_WAITS])
                _record(connection, self._now(), by, "change replaced", draft.change)
            return self.note(connection, change, by=by)

    def note(
        self, connection: Connection, change: Change, *, by: str, cluster: int | None = None
    ) -> int:
        """Has a change wait that was found to be possible; its id.

        Args:
            connection: The transaction that it is a part of.
            cluster: The question of the queue that it is from.
        """
        now = self._now()
        row = changes.insert().values(
            state=WAITING, change=as_json(change), who=by, at=now, cluster=cluster
        )
        number = int(connection.execute(row).inserted_primary_key[0])
        _record(connection, now, by, "change added", change)
        return number

    def discard(self, number: int, *, by: str) -> None:
        """Has a change wait no more.

        Raises:
            NotWaiting: It doesn't.
        """
        with self._database.writing() as connection:
            row = connection.execute(sa.select(changes).where(changes.c.id == number)).one_or_none()
            if row is None or not _set_state(connection, number, DISCARDED):
                raise NotWaiting(f"There is no change {number} that waits.")
            _record(connection, self._now(), by, "change discarded", from_json(row.change))

    def discard_of(self, connection: Connection, cluster: int, *, by: str) -> None:
        """Has no change wait any more that is from a question of the queue."""
        for draft in waiting(connection, changes.c.cluster == cluster):
            _set_state(connection, draft.id, DISCARDED)
            _record(connection, self._now(), by, "change discarded", draft.change)


def waiting(connection: Connection, *conditions: sa.sql.ColumnElement) -> list[Draft]:
    """What waits, in the order in which it will be applied."""
    rows = sa.select(changes).where(changes.c.state == WAITING, *conditions).order_by(changes.c.id)
    return [
        Draft(row.id, from_json(row.change), row.who, row.at, row.cluster)
        for row in connection.execute(rows)
    ]


def apply_all(drafts: Iterable[Draft], root: Path) -> dict[int, str]:
    """Makes the changes to the content in a folder; those that can't be made, by their id, and why."""
    problems = {}
    for draft in drafts:
        try:
            apply(draft.change, root)
        except ChangeRefused as refused:
            problems[draft.id] = str(refused)
    return problems


def _one_at_a_time(connection: Connection) -> None:
    """Looking what waits and adding mustn't be interleaved with another's; SQLite's writers queue anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADDING_LOCK)))


_OTHER_WAITS = Problem(
    SHOWN,
    "Somebody kept, published or discarded a change of it since you opened this page. Keep yours again, and "
    "it takes the place of what waits now.",
)


def _is_instead(change: Change, other: Change) -> bool:
    return (
        isinstance(change, AnswerChanged | ContactChanged)
        and type(change) is type(other)
        and subject(change) == subject(other)
    )


def _set_state(connection: Connection, number: int, state: str) -> bool:
    """Whether the change did wait until now."""
    return bool(
        connection.execute(
            changes.update()
            .where(changes.c.id == number, changes.c.state == WAITING)
            .values(state=state)
        ).rowcount
    )


def _record(connection: Connection, at: datetime, who: str, what: str, change: Change) -> None:
    audit.record(
        connection, at=at, who=who, what=what, subject=subject(change), after=described(change)
    )
