"""Loading the real calendar, members and registrations from CSV files.

A file is read row by row and every problem is noted with its line; unless told otherwise, nothing is
loaded when any row is bad. Rows are matched by their external id, so that loading a file again changes
only what has changed. The columns are described in docs/calendar.md.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from registration import models
from registration.catalogue import COURSE_TITLES
from registration.database import Database
from registration.errors import ImportRejected
from registration.place_tables import STATE_NAMES
from registration.places import Place, resolve
from registration.timezones import time_zone

Progress = Callable[[int, int], None]
"""Told how many rows of how many are done."""

Row = Mapping[str, str]

BEGINS, ENDS = time(8), time(17)
"""Class hours where a row names none, in local time."""

BATCH = 500
"""Rows asked for or written at once; SQLite takes 32,766 values in a statement, with old ones 999."""

SAFE_URL = re.compile(r"https?://[^\s/]+", re.IGNORECASE)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Problem:
    line: int
    """Line of the file on which the row begins; the header is line 1."""
    column: str
    message: str


@dataclass
class ImportReport:
    """What became of a file."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[Problem] = field(default_factory=list)


class _Bad(Exception):
    """A value of a row can't be used."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def _no_progress(done: int, total: int) -> None:
    """Nobody is watching."""


def import_classes(
    db: Database, file: Path, *, keep_good: bool = False, progress: Progress = _no_progress
) -> ImportReport:
    """Loads classes and conferences.

    Args:
        db: The registration database.
        file: A CSV file with a header, UTF-8 or Windows-1252.
        keep_good: Load the good rows although others are bad.
        progress: Told how far it is.

    Raises:
        ImportRejected: Some row is bad and `keep_good` is off; nothing was loaded.
        RegistrationUnavailable: The database can't be used.
    """
    return _import(db, file, _CLASSES, keep_good, progress)


def import_members(
    db: Database, file: Path, *, keep_good: bool = False, progress: Progress = _no_progress
) -> ImportReport:
    """Loads members; see `import_classes`."""
    return _import(db, file, _MEMBERS, keep_good, progress)


def import_registrations(
    db: Database, file: Path, *, keep_good: bool = False, progress: Progress = _no_progress
) -> ImportReport:
    """Loads registrations of members and classes that are there already; see `import_classes`."""
    return _import(db, file, _REGISTRATIONS, keep_good, progress)


# What a row must look like -----------------------------------------------------------------------


def _class(row: Row, _: _Known) -> dict[str, Any]:
    state = _one_of(row, "state", STATE_NAMES, upper=True)
    zip_code = row["zip"][:5] or None
    place = _class_place(row, state, zip_code)
    zone = _zone(row, state, zip_code)
    first = _date(row, "starts_on")
    last = _date(row, "ends_on")
    if last < first:
        raise _Bad("ends_on", f"{last} is before the first day, {first}")
    starts_at = datetime.combine(first, _time(row, "starts_at", BEGINS), zone)
    ends_at = datetime.combine(last, _time(row, "ends_at", ENDS), zone)
    if ends_at <= starts_at:
        raise _Bad("ends_at", "the class would end before it starts")
    return {
        "external_id": _text(row, "id", 64),
        "course_code": _one_of(row, "course", COURSE_TITLES),
        "city": _text(row, "city", 100),
        "state": state,
        "zip_code": zip_code,
        "venue": _optional(row, "venue", 200),
        "latitude": place.latitude,
        "longitude": place.longitude,
        "starts_on": first,
        "ends_on": last,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "timezone": zone.key,
        "capacity": _positive(row, "capacity"),
        "status": _one_of(row, "status", models.STATUSES, default="scheduled"),
        "visibility": _one_of(row, "visibility", models.VISIBILITIES, default="public"),
        "register_url": _url(row, "register_url"),
        "host": _optional(row, "host", 200),
    }


def _member(row: Row, known: _Known) -> dict[str, Any]:
    email = _text(row, "email", 254).lower()
    if not EMAIL.fullmatch(email):
        raise _Bad("email", "is not an e-mail address")
    owner = known.members_by_email.setdefault(email, row["id"])
    if owner != row["id"]:
        raise _Bad("email", f"already belongs to member {owner}")
    return {
        "external_id": _text(row, "id", 64),
        "email": email,
        "name": _text(row, "name", 200),
        "state": _one_of(row, "state", STATE_NAMES, upper=True) if row["state"] else None,
        "membership": _optional(row, "membership", 50),
        "member_until": _date(row, "member_until") if row["member_until"] else None,
    }


def _registration(row: Row, known: _Known) -> dict[str, Any]:
    member = known.members.get(row["member"])
    if member is None:
        raise _Bad("member", f"there is no member {row['member']!r}")
    class_ = known.classes.get(row["class"])
    if class_ is None:
        raise _Bad("class", f"there is no class {row['class']!r}")
    owner = known.registrations.setdefault((member, class_), row["id"])
    if owner != row["id"]:
        raise _Bad("member", f"is registered for this class already, by {owner}")
    return {
        "external_id": _text(row, "id", 64),
        "member_id": member,
        "class_id": class_,
        "status": _one_of(row, "status", models.REGISTRATION_STATUSES, default="registered"),
        "registered_at": datetime.combine(
            _date(row, "registered_on"), time(12), tzinfo=timezone.utc
        ),
    }


@dataclass
class _Known:
    """What rows are checked against beside themselves: ids and addresses that are taken."""

    members: Mapping[str, int] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)
    members_by_email: dict[str, str] = field(default_factory=dict)
    registrations: dict[tuple[int, int], str] = field(default_factory=dict)


def _known(connection: Connection) -> _Known:
    members, classes, registrations = models.members, models.classes, models.registrations
    booked = sa.select(
        registrations.c.member_id, registrations.c.class_id, registrations.c.external_id
    )
    return _Known(
        members=dict(connection.execute(sa.select(members.c.external_id, members.c.id)).all()),
        classes=dict(connection.execute(sa.select(classes.c.external_id, classes.c.id)).all()),
        members_by_email=dict(
            connection.execute(sa.select(members.c.email, members.c.external_id)).all()
        ),
        registrations={(m, c): id_ for m, c, id_ in connection.execute(booked)},
    )


@dataclass(frozen=True)
class _Kind:
    """One kind of file: its columns, its table, and how a row becomes one of the table's."""

    table: sa.Table
    required: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[Row, _Known], dict[str, Any]]


_CLASSES = _Kind(
    models.classes,
    ("id", "course", "city", "state", "starts_on", "ends_on", "capacity"),
    (
        "zip",
        "venue",
        "timezone",
        "starts_at",
        "ends_at",
        "status",
        "visibility",
        "register_url",
        "host",
    ),
    _class,
)
_MEMBERS = _Kind(
    models.members, ("id", "email", "name"), ("state", "membership", "member_until"), _member
)
_REGISTRATIONS = _Kind(
    models.registrations, ("id", "member", "class", "registered_on"), ("status",), _registration
)


# Reading and writing -----------------------------------------------------------------------------


def _import(
    db: Database, file: Path, kind: _Kind, keep_good: bool, progress: Progress
) -> ImportReport:
    report = ImportReport()
    rows = list(_rows(file, kind, report))
    with db.transaction() as connection:
        known = _known(connection)
        good: dict[str, dict[str, Any]] = {}
        for number, (line, row) in enumerate(rows, start=1):
            try:
                values = kind.read(row, known)
                if values["external_id"] in good:
                    raise _Bad("id", f"{values['external_id']} is there twice")
                good[values["external_id"]] = values
            except _Bad as bad:
                report.errors.append(Problem(line, bad.column, str(bad)))
            progress(number, 2 * len(rows))
        report.rows = len(rows)
        if report.errors and not keep_good:
            raise ImportRejected(report)
        _write(
            connection,
            kind.table,
            list(good.values()),
            report,
            lambda done: progress(2 * len(rows) - len(good) + done, 2 * len(rows)),
        )
    return report


def _rows(file: Path, kind: _Kind, report: ImportReport) -> Iterator[tuple[int, Row]]:
    """The rows with the lines they begin on, every column there, every value trimmed."""
    reader = csv.DictReader(io.StringIO(_decode(file.read_bytes()), newline=""))
    columns = [name.strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    for name in kind.required:
        if name not in columns:
            report.errors.append(Problem(1, name, "this column is missing"))
    for name in columns:
        if name not in kind.required + kind.optional:
            report.errors.append(Problem(1, name, "this column is unknown"))
    if report.errors:
        raise ImportRejected(report)
    line = reader.line_num + 1
    for row in reader:
        begins, line = line, reader.line_num + 1
        if None in row:
            report.errors.append(
                Problem(begins, "", "the row has more values than there are columns")
            )
            continue
        values = {name: (row.get(name) or "").strip() for name in kind.required + kind.optional}
        if any(values.values()):
            yield begins, values


def _decode(content: bytes) -> str:
    """Text as spreadsheets save it: UTF-8 with or without a mark, or Windows-1252."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _write(
    connection: Connection,
    table: sa.Table,
    rows: list[dict[str, Any]],
    report: ImportReport,
    done: Callable[[int], None],
) -> None:
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        ids = [row["external_id"] for row in batch]
        found = connection.execute(sa.select(table).where(table.c.external_id.in_(ids)))
        there = {row.external_id: row._mapping for row in found}
        new = [row for row in batch if row["external_id"] not in there]
        if new:
            connection.execute(sa.insert(table), new)
        for row in batch:
            before = there.get(row["external_id"])
            if before is None:
                report.created += 1
            elif all(before[column] == value for column, value in row.items()):
                report.unchanged += 1
            else:
                connection.execute(sa.update(table).where(table.c.id == before["id"]).values(**row))
                report.updated += 1
        done(start + len(batch))


# Values ------------------------------------------------------------------------------------------


def _text(row: Row, column: str, longest: int) -> str:
    value = row[column]
    if not value:
        raise _Bad(column, "is empty")
    if len(value) > longest:
        raise _Bad(column, f"is longer than {longest} characters")
    return value


def _optional(row: Row, column: str, longest: int) -> str | None:
    return _text(row, column, longest) if row[column] else None


def _one_of(row: Row, column: str, allowed: Any, *, default: str = "", upper: bool = False) -> str:
    value = (row[column].upper() if upper else row[column].lower()) or default
    if value not in allowed:
        choices = "a USPS code" if upper else ", ".join(allowed)
        raise _Bad(column, f"{row[column]!r} is not {'' if upper else 'one of '}{choices}")
    return value


def _date(row: Row, column: str) -> date:
    value = _text(row, column, 40)
    for shape in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return datetime.strptime(value, shape).date()
        except ValueError:
            continue
    raise _Bad(column, f"{value!r} is not a date like 2027-03-01 or 3/1/2027")


def _time(row: Row, column: str, default: time) -> time:
    if not row[column]:
        return default
    try:
        return time.fromisoformat(row[column].zfill(5))
    except ValueError:
        raise _Bad(column, f"{row[column]!r} is not a time like 08:00") from None


def _positive(row: Row, column: str) -> int:
    value = _text(row, column, 9)
    if not value.isdigit() or int(value) < 1:
        raise _Bad(column, f"{value!r} is not a number of at least 1")
    return int(value)


def _url(row: Row, column: str) -> str | None:
    value = _optional(row, column, 500)
    if value and not SAFE_URL.match(value):
        raise _Bad(column, "is not a link that begins with https:// or http://")
    return value


def _zone(row: Row, state: str, zip_code: str | None) -> ZoneInfo:
    name = row["timezone"] or time_zone(state, zip_code)
    if name is None:
        raise _Bad("timezone", f"{STATE_NAMES[state]} has several: name one, or give the ZIP code")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _Bad("timezone", f"{name!r} is not a zone like America/Chicago") from None


def _class_place(row: Row, state: str, zip_code: str | None) -> Place:
    """Where the class is: by its ZIP code, else by its city."""
    if zip_code:
        place = resolve(zip_code)
        if not isinstance(place, Place) or place.kind != "zip":
            raise _Bad("zip", f"{row['zip']!r} is not a ZIP code")
        if place.state != state:
            raise _Bad("zip", f"{zip_code} is in {place.state}, not in {state}")
        return place
    place = resolve(f"{_text(row, 'city', 100)}, {state}")
    if not isinstance(place, Place) or place.latitude is None or place.state != state:
        raise _Bad("city", f"{row['city']} is not a city known in {state}: give the ZIP code")
    return place
