"""Files that were loaded: the trace that each leaves, and taking the newest back.

While a file is loaded, every row that it writes is noted with what was there before and a hash of what
is there now. Taking back writes the former rows in the opposite order, so that each state on the way is
one that has been; and only if all rows are still as the import left them. What was there before is kept
for the newest import alone: it may be about members.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from registration import models
from registration.database import Database
from registration.errors import UndoRefused

BATCH = 500
NAMED = 5
"""So many rows are named in a refusal."""

TABLES: Mapping[str, sa.Table] = {
    table.name: table
    for table in (
        models.classes,
        models.members,
        models.registrations,
        models.evaluations,
        models.certificates,
    )
}
POINTS_AT: Mapping[str, tuple[tuple[sa.Table, str, str], ...]] = {
    "classes": ((models.registrations, "class_id", "a registration"),),
    "members": ((models.registrations, "member_id", "a registration"),),
    "registrations": (
        (models.evaluations, "registration_id", "an evaluation"),
        (models.certificates, "registration_id", "a certificate"),
    ),
}
"""Which tables hold on to a row of a table, and what a row of theirs is called."""


@dataclass(frozen=True)
class PastImport:
    """A file that was loaded."""

    id: int
    kind: str
    """classes, members or registrations."""
    file_name: str
    loaded_by: str
    loaded_at: datetime
    created: int
    updated: int
    unchanged: int
    undone_by: str | None
    undone_at: datetime | None
    can_be_undone: bool
    """Whether it is the newest, and not taken back yet."""


@dataclass(frozen=True)
class Written:
    """A row that an import is about to have written."""

    row_id: int
    external_id: str
    before: Mapping[str, Any] | None
    """The whole row; `None` where it is new."""


class Trace:
    """Notes what an import writes, in the import's own transaction."""

    def __init__(
        self, connection: Connection, *, kind: str, file_name: str, by: str, at: datetime
    ) -> None:
        self._connection = connection
        self._seen = hashlib.sha256()
        # Only the newest can be taken back.
        connection.execute(sa.delete(models.import_changes))
        self.import_id: int = connection.execute(
            sa.insert(models.imports).values(
                kind=kind,
                file_name=file_name[-200:],
                loaded_by=by,
                loaded_at=at,
                created=0,
                updated=0,
                unchanged=0,
            )
        ).inserted_primary_key[0]

    def note(self, table: sa.Table, written: Sequence[Written]) -> None:
        """Notes rows in the order of writing, after they are written; a row once in an import."""
        if not written:
            return
        key = _key(table)
        now = _rows(self._connection, table, [row.row_id for row in written])
        changes = []
        for row in written:
            before, after = row.before and _image(row.before), _image(now[row.row_id])
            changes.append(
                {
                    "import_id": self.import_id,
                    "table_name": table.name,
                    "row_id": row.row_id,
                    "before": before,
                    "after": _hash(after),
                }
            )
            # Without numbers that the database gives anew each time.
            seen = [table.name, row.external_id, before, {**after, key.name: None, "id": None}]
            self._seen.update(json.dumps(seen, sort_keys=True).encode())
        self._connection.execute(sa.insert(models.import_changes), changes)

    def close(self, *, created: int, updated: int, unchanged: int) -> str:
        """Completes the trace.

        Returns:
            What tells these changes from all others: the same again only for the same file on the same
            rows.
        """
        self._connection.execute(
            sa.update(models.imports)
            .where(models.imports.c.id == self.import_id)
            .values(created=created, updated=updated, unchanged=unchanged)
        )
        return self._seen.hexdigest()


def recent(db: Database) -> list[PastImport]:
    """The last twenty files that were loaded, newest first.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    rows = db.rows(sa.select(models.imports).order_by(models.imports.c.id.desc()).limit(20))
    return [_past(row, is_newest=row is rows[0]) for row in rows]


def undo(
    db: Database,
    import_id: int,
    *,
    by: str,
    at: datetime,
    confirm: Callable[[PastImport], None] = lambda _: None,
) -> PastImport:
    """Takes the newest import back: every row is as it was before, also its number.

    Args:
        import_id: Which import is meant; it must be the newest.
        by: Who does it.
        at: When, aware.
        confirm: Told what is taken back when all is written, before it counts; what it raises leaves
            everything as it was.

    Raises:
        UndoRefused: It isn't the newest, is taken back already, or something it wrote has changed since.
        RegistrationUnavailable: The database can't be used.
    """
    with db.transaction() as connection:
        newest = connection.execute(
            sa.select(models.imports).order_by(models.imports.c.id.desc()).limit(1)
        ).one_or_none()
        if newest is None or newest.id != import_id:
            raise UndoRefused("Another file has been loaded since. Only the newest can be undone.")
        if newest.undone_at is not None:
            raise UndoRefused("This file has been undone already.")
        _refuse_what_changed(connection)
        for change in _grouped(_changes(connection, newest_first=True)):
            _take_back(connection, *change)
        connection.execute(sa.delete(models.import_changes))
        connection.execute(
            sa.update(models.imports)
            .where(models.imports.c.id == import_id)
            .values(undone_by=by, undone_at=at)
        )
        connection.execute(sa.text("ANALYZE"))
        row = connection.execute(
            sa.select(models.imports).where(models.imports.c.id == import_id)
        ).one()
        done = _past(row, is_newest=True)
        confirm(done)
    return done


def _past(row: Any, *, is_newest: bool) -> PastImport:
    return PastImport(**row._mapping, can_be_undone=is_newest and row.undone_at is None)


def _refuse_what_changed(connection: Connection) -> None:
    """Refuses where a row isn't as the import left it, or something new holds on to one that would go."""
    changed: dict[str, None] = {}
    made = {name: set[int]() for name in TABLES}
    for change in _changes(connection):
        if change.before is None:
            made[change.table_name].add(change.row_id)
    for table, batch in _grouped(_changes(connection)):
        now = _rows(connection, table, [change.row_id for change in batch])
        for change in batch:
            row = now.get(change.row_id)
            if row is None or _hash(_image(row)) != change.after:
                changed[f"{_name(table, change, row)} has changed"] = None
        new = [change.row_id for change in batch if change.before is None]
        for holder, column, what in POINTS_AT.get(table.name, ()) if new else ():
            key = _key(holder)
            held = connection.execute(
                sa.select(key, holder.c[column]).where(holder.c[column].in_(new))
            )
            for row in held:
                if row[0] not in made[holder.name]:
                    changed[f"{_name(table, None, now.get(row[1]))} has {what}"] = None
    if changed:
        more = f", and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        raise UndoRefused(
            f"Something has changed since: {'; '.join(islice(changed, NAMED))}{more}."
        )


def _name(table: sa.Table, change: Any, row: Mapping[str, Any] | None) -> str:
    """What a row is called, for people: its external id, if it has one."""
    known = row or (change and change.before) or {}
    word = {"classes": "class"}.get(table.name, table.name.removesuffix("s"))
    return f"{word} {known.get('external_id') or known.get('registration_id') or ''}".strip()


def _changes(connection: Connection, *, newest_first: bool = False) -> Iterator[Any]:
    """What the newest import wrote; read in parts, as there may be very much."""
    table = models.import_changes
    last = None
    while True:
        question = sa.select(table).limit(BATCH)
        if newest_first:
            question = question.order_by(table.c.id.desc())
            if last is not None:
                question = question.where(table.c.id < last)
        else:
            question = question.order_by(table.c.id)
            if last is not None:
                question = question.where(table.c.id > last)
        rows = connection.execute(question).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].id


def _grouped(changes: Iterable[Any]) -> Iterator[tuple[sa.Table, list[Any]]]:
    """Changes of one table and one kind that follow each other, in handy numbers."""
    for (name, _), same in groupby(changes, lambda c: (c.table_name, c.before is None)):
        while batch := list(islice(same, BATCH)):
            yield TABLES[name], batch


def _take_back(connection: Connection, table: sa.Table, batch: list[Any]) -> None:
    key = _key(table)
    if batch[0].before is None:
        ids = [change.row_id for change in batch]
        connection.execute(sa.delete(table).where(key.in_(ids)))
        return
    connection.execute(
        sa.update(table).where(key == sa.bindparam("row_id")),
        [{**_values(table, change.before), "row_id": change.row_id} for change in batch],
    )


def _key(table: sa.Table) -> sa.Column:
    (key,) = table.primary_key
    return key


def _rows(
    connection: Connection, table: sa.Table, ids: Sequence[int]
) -> dict[int, Mapping[str, Any]]:
    key = _key(table)
    found = connection.execute(sa.select(table).where(key.in_(ids))).mappings()
    return {row[key.name]: row for row in found}


def _image(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON can hold it."""
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()
    }


def _values(table: sa.Table, image: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an image."""

    def value(name: str) -> Any:
        kind = table.c[name].type
        if image[name] is not None and isinstance(kind, models.UtcDateTime):
            return datetime.fromisoformat(image[name])
        if image[name] is not None and isinstance(kind, sa.Date):
            return date.fromisoformat(image[name])
        return image[name]

    return {name: value(name) for name in image if name in table.c}


def _hash(image: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(image, sort_keys=True).encode()).hexdigest()
