"""Loading the real calendar, members and registrations from CSV files.

A file is read row by row and every problem is noted with its line; unless told otherwise, nothing is
loaded when any row is bad. Rows are matched by their external id, so that loading a file again changes
only what has changed. What is loaded leaves a trace and can be taken back (`registration.imports`). The
columns are described in docs/calendar.md.

No e-mail address stands in a report: reports are printed and kept.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from registration import models
from registration.catalogue import COURSE_TITLES
from registration.database import Database
from registration.errors import ImportRejected
from registration.gazetteer import key
from registration.imports import Trace, Written
from registration.place_tables import STATE_NAMES
from registration.places import Place, resolve
from registration.timezones import time_zone

Progress = Callable[[int, int], None]
"""Told how many bytes of how many are read and written."""

BEGINS, ENDS = time(8), time(17)
"""Class hours where a row names none, in local time."""

YEARS = range(2000, 2100)
"""A date outside is a slip of the pen."""

BATCH = 500
"""Rows read, checked and written at once."""

SHOWN = 200
"""So many changes stand in a report one by one."""

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
BLANK_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Problem:
    line: int
    """Line of the file on which the row begins; the header is line 1."""
    column: str
    """Name of the column; "row" or "file" for what isn't one value's fault."""
    message: str


@dataclass(frozen=True)
class Change:
    """A row that a file makes or changes."""

    id: str
    """The external id."""
    is_new: bool
    columns: tuple[tuple[str, str, str], ...]
    """Name, value before and value after of each column that differs; only what isn't about a member."""


@dataclass
class ImportReport:
    """What became of a file, or would."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    cancelled: int = 0
    """Of those updated, how many are cancelled now and weren't before."""
    unchanged: int = 0
    errors: list[Problem] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    """The first of them; see `SHOWN`."""
    seen: str = ""
    """What tells these changes from all others."""
    import_id: int | None = None
    """Under which `registration.imports` knows it; `None` where nothing was loaded."""


Confirm = Callable[[ImportReport], None]


def _no_progress(done: int, total: int) -> None:
    """Nobody is watching."""


def _no_objection(report: ImportReport) -> None:
    """Whatever it is, it may be loaded."""


def import_file(
    db: Database,
    kind: str,
    file: Path,
    *,
    by: str,
    keep_good: bool = False,
    confirm: Confirm = _no_objection,
    progress: Progress = _no_progress,
) -> ImportReport:
    """Loads classes (and conferences), members, or registrations of members and classes that are there.

    Args:
        db: The registration database.
        kind: One of `KINDS`.
        file: A CSV file with a header, UTF-8 or Windows-1252.
        by: Who loads it, for `registration.imports`.
        keep_good: Load the good rows although others are bad.
        confirm: Told what becomes of the file when all is written, before it counts; what it raises
            takes everything back.
        progress: Told how far it is.

    Raises:
        ImportRejected: Some row is bad and `keep_good` is off, or the file can't be read as CSV with
            these columns; nothing was loaded.
        RegistrationUnavailable: The database can't be used.
    """
    kind_ = _KINDS[kind]()
    report = ImportReport()
    lines: dict[str, int] = {}
    rows = _rows(file, kind_, report, progress)
    first = list(islice(rows, BATCH))  # a file of the wrong columns needs no database
    with db.transaction() as connection:
        now = datetime.now(timezone.utc)
        trace = Trace(connection, kind=kind, file_name=file.name, by=by, at=now)
        batch = first
        while batch:
            good = _good(connection, kind_, batch, lines, report)
            _write(connection, kind_, good, report, trace)
            batch = list(islice(rows, BATCH))
        # A bad file is written to its end as well, and taken back: so every row is checked against
        # those before it.
        if report.errors and not keep_good:
            raise ImportRejected(report)
        report.seen = trace.close(
            created=report.created, updated=report.updated, unchanged=report.unchanged
        )
        report.import_id = trace.import_id
        # How the rows are spread tells the database which index is best for a question.
        connection.execute(sa.text("ANALYZE"))
        confirm(report)
    return report


def preview_file(db: Database, kind: str, file: Path) -> ImportReport:
    """What loading a file would change; nothing is.

    Raises:
        ImportRejected: It would be rejected.
        RegistrationUnavailable: The database can't be used.
    """
    # Written and taken back: so a preview finds what loading would find.
    try:
        import_file(db, kind, file, by="", confirm=_take_back)
    except _TakenBack as taken_back:
        taken_back.report.import_id = None
        return taken_back.report
    raise AssertionError("what is only looked at can't be loaded")


class _TakenBack(Exception):
    def __init__(self, report: ImportReport) -> None:
        super().__init__()
        self.report = report


def _take_back(report: ImportReport) -> None:
    raise _TakenBack(report)


class _Row:
    """The values of a row by column, and what is wrong with them.

    Each reader gives `None` for a value that can't be used and notes why, so that one look at a row
    finds all its problems.
    """

    def __init__(self, line: int, values: Mapping[str, str]) -> None:
        self.line = line
        self.problems: list[Problem] = []
        self._values = values

    def __getitem__(self, column: str) -> str:
        return self._values[column]

    def note(self, column: str, message: str) -> None:
        self.problems.append(Problem(self.line, column, message))

    def text(self, column: str, longest: int) -> str | None:
        value = self[column]
        if not value:
            self.note(column, "is empty")
        elif len(value) > longest:
            self.note(column, f"is longer than {longest} characters")
        else:
            return value
        return None

    def optional(self, column: str, longest: int) -> str | None:
        return self.text(column, longest) if self[column] else None

    def one_of(self, column: str, allowed: Collection[str], default: str = "") -> str | None:
        value = self[column].lower() or default
        if value in allowed:
            return value
        self.note(column, f"{self[column]!r} is not one of {', '.join(allowed)}")
        return None

    def state(self) -> str | None:
        value = self["state"].upper()
        if value in STATE_NAMES:
            return value
        self.note("state", f"{self['state']!r} is not the two-letter code of a state, like TX")
        return None

    def date(self, column: str) -> date | None:
        value = self.text(column, 40)
        for shape in ("%Y-%m-%d", "%m/%d/%Y") if value else ():
            try:
                day = datetime.strptime(value or "", shape).date()
            except ValueError:
                continue
            if day.year in YEARS:
                return day
            self.note(column, f"{value!r} is not within {YEARS[0]} to {YEARS[-1]}")
            return None
        if value:
            self.note(column, f"{value!r} is not a date like 2027-03-01 or 3/1/2027")
        return None

    def time(self, column: str, default: time) -> time | None:
        value = self[column]
        for shape in ("%H:%M", "%I:%M %p", "%H:%M:%S") if value else ():
            try:
                return datetime.strptime(value, shape).time()
            except ValueError:
                continue
        if value:
            self.note(column, f"{value!r} is not a time like 08:00 or 8:00 AM")
            return None
        return default

    def capacity(self) -> int | None:
        value = self.text("capacity", 9)
        if value and value.isascii() and value.isdigit() and int(value) >= 1:
            return int(value)
        if value:
            self.note("capacity", f"{value!r} is not a number of at least 1")
        return None

    def url(self, column: str) -> str | None:
        value = self.optional(column, 500)
        if value and not _is_web_address(value):
            self.note(column, "is not a link that begins with https:// or http://")
            return None
        return value

    def zip_code(self) -> str | None:
        """Its first five digits; spreadsheets drop the zeros that it begins with."""
        value = self["zip"]
        if re.fullmatch(r"[0-9]{3,5}|[0-9]{5}-?[0-9]{4}", value):
            return value[:5].zfill(5)
        if value:
            self.note("zip", f"{value!r} is not a ZIP code")
        return None


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and not BLANK_OR_CONTROL.search(value)
        )
    except ValueError:  # brackets that are no IPv6 address
        return False


# What a row must look like -----------------------------------------------------------------------

Values = dict[str, Any]


class _Kind(ABC):
    """One kind of file: its columns, its table, and how a row becomes one of the table's."""

    name: str
    table: sa.Table
    shown: tuple[str, ...] = ()
    """Columns of the table whose values may stand in a report: nothing about members."""
    required: tuple[str, ...]
    optional: tuple[str, ...]

    def look_up(self, connection: Connection, rows: list[_Row]) -> None:  # noqa: B027  most need none
        """Finds what the rows of a batch refer to."""

    @abstractmethod
    def values(self, row: _Row) -> Values:
        """The columns of the table; unless a problem was noted, they can be written."""

    def write_beside(
        self,
        connection: Connection,  # noqa: ARG002  most write nothing
        rows: list[Values],  # noqa: ARG002
    ) -> Iterator[tuple[sa.Table, list[Written]]]:
        """Writes what belongs to written rows in other tables, and tells what it wrote."""
        return iter(())

    def claim(self, values: Mapping[str, Any]) -> Any:  # noqa: ARG002  most claim nothing
        """What only one row of the table may have, beside its id; `None` for nothing."""
        return None

    def holders(self, connection: Connection, rows: list[Values]) -> dict[Any, str]:  # noqa: ARG002
        """Who has what these rows claim: external ids by claim."""
        return {}

    def conflict(self, holder: str) -> tuple[str, str]:
        """Column and message for a claim that another row holds."""
        raise NotImplementedError


class _Classes(_Kind):
    name = "classes"
    table = models.classes
    shown = (
        "course_code",
        "city",
        "state",
        "zip_code",
        "venue",
        "starts_on",
        "ends_on",
        "starts_at",
        "ends_at",
        "timezone",
        "capacity",
        "status",
        "visibility",
        "register_url",
        "host",
    )
    required = ("id", "course", "city", "state", "starts_on", "ends_on", "capacity")
    optional = (
        "zip",
        "venue",
        "timezone",
        "starts_at",
        "ends_at",
        "status",
        "visibility",
        "register_url",
        "host",
    )

    def values(self, row: _Row) -> Values:
        city, state, zip_code = row.text("city", 100), row.state(), row.zip_code()
        latitude, longitude = _coordinates(row, city, state, zip_code)
        zone = _zone(row, city, state, zip_code)
        first, last = row.date("starts_on"), row.date("ends_on")
        begins, ends = row.time("starts_at", BEGINS), row.time("ends_at", ENDS)
        starts_at = _moment(first, begins, zone)
        ends_at = _moment(last, ends, zone)
        if first and last and last < first:
            row.note("ends_on", f"{last} is before the first day, {first}")
        elif starts_at and ends_at and ends_at <= starts_at:
            row.note("ends_at", "the class would end before it starts")
        return {
            "external_id": row.text("id", 64),
            "course_code": row.one_of("course", COURSE_TITLES),
            "city": city,
            "state": state,
            "zip_code": zip_code,
            "venue": row.optional("venue", 200),
            "latitude": latitude,
            "longitude": longitude,
            "starts_on": first,
            "ends_on": last,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "timezone": zone.key if zone else None,
            "capacity": row.capacity(),
            "status": row.one_of("status", models.STATUSES, default="scheduled"),
            "visibility": row.one_of("visibility", models.VISIBILITIES, default="public"),
            "register_url": row.url("register_url"),
            "host": row.optional("host", 200),
        }


class _Members(_Kind):
    name = "members"
    table = models.members
    required = ("id", "email", "name")
    optional = ("state", "membership", "member_until")

    def values(self, row: _Row) -> Values:
        email = row.text("email", 254)
        if email and not EMAIL.fullmatch(email):
            row.note("email", "is not an e-mail address")
        return {
            "external_id": row.text("id", 64),
            "email": email.lower() if email else None,
            "name": row.text("name", 200),
            "state": row.state() if row["state"] else None,
            "membership": row.optional("membership", 50),
            "member_until": row.date("member_until") if row["member_until"] else None,
        }

    def claim(self, values: Mapping[str, Any]) -> str:
        return values["email"]

    def holders(self, connection: Connection, rows: list[Values]) -> dict[Any, str]:
        table = models.members
        emails = [row["email"] for row in rows]
        found = connection.execute(
            sa.select(table.c.email, table.c.external_id).where(table.c.email.in_(emails))
        )
        return {row.email: row.external_id for row in found}

    def conflict(self, holder: str) -> tuple[str, str]:
        return "email", f"already belongs to member {holder}"


class _Registrations(_Kind):
    name = "registrations"
    table = models.registrations
    shown = ("status",)
    required = ("id", "member", "class", "registered_on")
    optional = ("status", "evaluated_on", "certificate_on")

    def __init__(self) -> None:
        self._members: dict[str, int] = {}
        self._classes: dict[str, int] = {}
        self._outcomes: dict[str, dict[str, datetime | None]] = {}

    def look_up(self, connection: Connection, rows: list[_Row]) -> None:
        self._members = _ids(connection, models.members, {row["member"] for row in rows})
        self._classes = _ids(connection, models.classes, {row["class"] for row in rows})

    def values(self, row: _Row) -> Values:
        member, class_ = self._members.get(row["member"]), self._classes.get(row["class"])
        if member is None:
            row.note("member", f"there is no member {row['member']!r}")
        if class_ is None:
            row.note("class", f"there is no class {row['class']!r}")
        status = row.one_of("status", models.REGISTRATION_STATUSES, default="registered")
        self._outcomes[row["id"]] = {
            column: self._outcome(row, column, status)
            for column in ("evaluated_on", "certificate_on")
        }
        return {
            "external_id": row.text("id", 64),
            "member_id": member,
            "class_id": class_,
            "status": status,
            "registered_at": _moment(row.date("registered_on"), time(12), timezone.utc),
        }

    def _outcome(self, row: _Row, column: str, status: str | None) -> datetime | None:
        """When it happened; an empty value leaves what is known."""
        if not row[column]:
            return None
        if status not in (None, "attended"):
            row.note(column, "is for registrations with the status attended")
        return _moment(row.date(column), time(12), timezone.utc)

    def write_beside(
        self, connection: Connection, rows: list[Values]
    ) -> Iterator[tuple[sa.Table, list[Written]]]:
        """Evaluations and certificates."""
        ids = _ids(connection, self.table, [row["external_id"] for row in rows])
        for table, column, name in (
            (models.evaluations, "completed_at", "evaluated_on"),
            (models.certificates, "issued_at", "certificate_on"),
        ):
            known = {
                row["registration_id"]: row
                for row in connection.execute(
                    sa.select(table).where(table.c.registration_id.in_(ids.values()))
                ).mappings()
            }
            written = []
            for external_id, id_ in ids.items():
                moment = self._outcomes[external_id][name]
                before = known.get(id_)
                if moment is None or (before and before[column] == moment):
                    continue
                written.append(Written(id_, external_id, before))
                if before:
                    connection.execute(
                        sa.update(table)
                        .where(table.c.registration_id == id_)
                        .values({column: moment})
                    )
                else:
                    connection.execute(
                        sa.insert(table).values({"registration_id": id_, column: moment})
                    )
            yield table, written

    def claim(self, values: Mapping[str, Any]) -> tuple[int, int] | None:
        is_active = values["status"] in models.ACTIVE
        return (values["member_id"], values["class_id"]) if is_active else None

    def holders(self, connection: Connection, rows: list[Values]) -> dict[Any, str]:
        table = models.registrations
        found = connection.execute(
            sa.select(table).where(
                table.c.member_id.in_({row["member_id"] for row in rows}),
                table.c.class_id.in_({row["class_id"] for row in rows}),
                table.c.status.in_(models.ACTIVE),
            )
        )
        return {(row.member_id, row.class_id): row.external_id for row in found}

    def conflict(self, holder: str) -> tuple[str, str]:
        return "member", f"has a seat in this class already, by registration {holder}"


def _ids(connection: Connection, table: sa.Table, external_ids: Collection[str]) -> dict[str, int]:
    found = sa.select(table.c.external_id, table.c.id).where(table.c.external_id.in_(external_ids))
    return {row.external_id: row.id for row in connection.execute(found)}


_KINDS: Mapping[str, type[_Kind]] = {
    kind.name: kind for kind in (_Classes, _Members, _Registrations)
}
KINDS = tuple(_KINDS)
"""What a file may hold."""


# Reading and writing -----------------------------------------------------------------------------


def _rows(file: Path, kind: _Kind, report: ImportReport, progress: Progress) -> Iterator[_Row]:
    """The rows with the lines they begin on, every column there, every value trimmed.

    Raises:
        ImportRejected: The columns aren't those of this kind, or what follows can't be read.
    """

    def reject(line: int, column: str, message: str) -> ImportRejected:
        report.errors.append(Problem(line, column, message))
        return ImportRejected(report)

    encoding = _encoding(file)
    if encoding is None:
        raise reject(1, "file", "is neither UTF-8 nor Windows-1252 text")
    size = file.stat().st_size
    with file.open("rb") as content, io.TextIOWrapper(content, encoding, newline="") as text:
        reader = csv.reader(text, strict=True)
        columns: list[str] = []
        while True:
            line = reader.line_num + 1
            try:
                cells = [cell.strip() for cell in next(reader)]
            except StopIteration:
                break
            except csv.Error as error:
                raise reject(line, "file", f"can't be read as CSV from here on: {error}") from error
            if not any(cells):
                continue
            if not columns:
                columns = [name.lower() for name in cells]
                report.errors += _wrong_columns(line, columns, kind)
                if report.errors:
                    raise ImportRejected(report)
                continue
            report.rows += 1
            if len(cells) > len(columns):
                message = f"has {len(cells)} values, but there are {len(columns)} columns"
                report.errors.append(Problem(line, "row", message))
                continue
            found = dict(zip(columns, cells, strict=False))
            yield _Row(line, {name: found.get(name, "") for name in kind.required + kind.optional})
            if report.rows % BATCH == 0:
                progress(content.tell(), size)
    if not columns:
        raise reject(1, "file", "is empty")
    progress(size, size)


def _wrong_columns(line: int, columns: list[str], kind: _Kind) -> Iterator[Problem]:
    for name in kind.required:
        if name not in columns:
            yield Problem(line, name, "this column is missing")
    for number, name in enumerate(columns, start=1):
        if not name:
            yield Problem(line, f"column {number}", "this column has no name")
        elif name not in kind.required + kind.optional:
            known = ", ".join(kind.required + kind.optional)
            yield Problem(line, name, f"this column is unknown; there are {known}")
        elif name in columns[: number - 1]:
            yield Problem(line, name, "this column is there twice")


def _encoding(file: Path) -> str | None:
    """How the text is written: UTF-8 with or without a mark, or what Windows' spreadsheets save."""
    for encoding in ("utf-8-sig", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        with file.open("rb") as content:
            try:
                while chunk := content.read(1 << 20):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
            return encoding
    return None


def _good(
    connection: Connection,
    kind: _Kind,
    batch: list[_Row],
    lines: dict[str, int],
    report: ImportReport,
) -> list[tuple[Values, Mapping[str, Any] | None]]:
    """The rows of a batch that can be written, each with what the table holds of it now.

    Args:
        lines: Where the file's rows so far stand, by external id; those of the batch are added.
    """
    kind.look_up(connection, batch)
    read = [(row, kind.values(row)) for row in batch]
    sound = [values for row, values in read if not row.problems]
    there = _there(connection, kind.table, sound)
    holders = kind.holders(connection, sound)
    good = []
    for row, values in read:
        external_id = values["external_id"]
        if external_id and lines.setdefault(external_id, row.line) != row.line:
            row.note("id", f"{external_id!r} is on line {lines[external_id]} too")
        claim = None if row.problems else kind.claim(values)
        if claim is not None and holders.get(claim, external_id) != external_id:
            row.note(*kind.conflict(holders[claim]))
        report.errors += row.problems
        if row.problems:
            continue
        before = there.get(external_id)
        # In the order of the file: what a row gives up, a later one may take.
        if before is not None and holders.get(kind.claim(before)) == external_id:
            del holders[kind.claim(before)]
        if claim is not None:
            holders[claim] = external_id
        good.append((values, before))
    return good


def _there(
    connection: Connection, table: sa.Table, rows: list[Values]
) -> dict[str, Mapping[str, Any]]:
    ids = [row["external_id"] for row in rows]
    found = connection.execute(sa.select(table).where(table.c.external_id.in_(ids)))
    return {row.external_id: row._mapping for row in found}


def _write(
    connection: Connection,
    kind: _Kind,
    rows: list[tuple[Values, Mapping[str, Any] | None]],
    report: ImportReport,
    trace: Trace,
) -> None:
    new = [values for values, before in rows if before is None]
    changed = [
        (values, before)
        for values, before in rows
        if before is not None and any(before[name] != value for name, value in values.items())
    ]
    # Changes first: only they give up what another row takes.
    if changed:
        connection.execute(
            sa.update(kind.table).where(kind.table.c.id == sa.bindparam("row_id")),
            [{**values, "row_id": before["id"]} for values, before in changed],
        )
    if new:
        connection.execute(sa.insert(kind.table), new)
    ids = _ids(connection, kind.table, [values["external_id"] for values in new])
    written = [
        *(Written(before["id"], before["external_id"], before) for _, before in changed),
        *(Written(ids[values["external_id"]], values["external_id"], None) for values in new),
    ]
    trace.note(kind.table, written)
    touched = {row.external_id for row in written}
    beside = set()
    for table, more in kind.write_beside(connection, [values for values, _ in rows]):
        trace.note(table, more)
        beside |= {row.external_id for row in more} - touched
    report.created += len(new)
    report.updated += len(changed) + len(beside)
    report.unchanged += len(rows) - len(touched | beside)
    report.cancelled += sum(
        values["status"] == "cancelled" != before["status"]
        for values, before in changed
        if "status" in values
    )
    for values, before in rows:
        id_ = values["external_id"]
        if id_ in touched | beside and len(report.changes) < SHOWN:
            report.changes.append(Change(id_, before is None, _differences(kind, values, before)))


def _differences(
    kind: _Kind, values: Values, before: Mapping[str, Any] | None
) -> tuple[tuple[str, str, str], ...]:
    def said(row: Mapping[str, Any] | None, name: str) -> str:
        value = row[name] if row else None
        if isinstance(value, datetime) and row:
            # The day stands in a column of its own.
            return f"{value.astimezone(ZoneInfo(row['timezone'])):%H:%M}"
        return "" if value is None else str(value)

    both = ((name, said(before, name), said(values, name)) for name in kind.shown)
    return tuple((name, old, new) for name, old, new in both if old != new)


# Where and when ----------------------------------------------------------------------------------


def _coordinates(
    row: _Row, city: str | None, state: str | None, zip_code: str | None
) -> tuple[float | None, float | None]:
    """Where the class is: by its ZIP code, else by its city.

    A ZIP code too new for our tables leaves a town that they don't know without coordinates: the
    class is then found by its city and state.
    """
    place = resolve(zip_code) if zip_code else None
    if isinstance(place, Place) and place.kind == "zip":
        if state and place.state != state:
            row.note("zip", f"{zip_code} is in {place.state}, not in {state}")
        return place.latitude, place.longitude
    if not city or not state:
        return None, None
    # Not a similar name: nobody would notice a class in the wrong town.
    place = resolve(f"{city}, {state}")
    if isinstance(place, Place) and key(place.name) == key(f"{city}, {state}"):
        return place.latitude, place.longitude
    if not row["zip"]:
        row.note("city", f"{city} is not a city known in {state}: give the ZIP code")
    return None, None


def _zone(row: _Row, city: str | None, state: str | None, zip_code: str | None) -> ZoneInfo | None:
    name = row["timezone"] or (city and state and time_zone(state, city, zip_code))
    if not name:
        if state and not row.problems:  # those say what to mend first
            message = f"{STATE_NAMES[state]} has several: name one, or give the ZIP code"
            row.note("timezone", message)
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        row.note("timezone", f"{name!r} is not a time zone like America/Chicago")
        return None


def _moment(day: date | None, hour: time | None, zone: Any) -> datetime | None:
    if day is None or hour is None or zone is None:
        return None
    return datetime.combine(day, hour, zone).astimezone(timezone.utc)
