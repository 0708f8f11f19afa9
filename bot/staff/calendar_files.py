"""What is done with a calendar's file: looked at, loaded, taken back.

Plain functions of databases' addresses, to be run in a process of their own (`bot.staff.apart`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from bot.staff import audit
from bot.staff.database import METADATA
from bot.staff.uploads import Upload
from bot.webchat.database import ConversationDatabase
from registration.database import Database
from registration.errors import ImportRejected, UndoRefused
from registration.importers import ImportReport, import_file, preview_file
from registration.imports import PastImport, undo


@dataclass(frozen=True)
class Databases:
    """Where the calendar and the audit log are: SQLAlchemy URLs."""

    registration: str = field(repr=False)
    conversations: str = field(repr=False)

    @contextmanager
    def opened(self) -> Iterator[tuple[Database, ConversationDatabase]]:
        registration = Database(self.registration)
        conversations = ConversationDatabase(self.conversations, metadata=(METADATA,))
        try:
            yield registration, conversations
        finally:
            registration.dispose()
            conversations.dispose()


class _Outdated(Exception):
    """A file would change something else than was shown."""


def preview(databases: Databases, upload: Upload) -> tuple[ImportReport, bool]:
    """What a file would do, and whether it can be loaded.

    Raises:
        RegistrationUnavailable: The calendar can't be used.
    """
    with databases.opened() as (registration, _), upload.as_file() as file:
        try:
            return preview_file(registration, upload.kind, file), True
        except ImportRejected as rejected:
            return rejected.report, False


def load(
    databases: Databases, upload: Upload, *, by: str, at: datetime, seen: str
) -> ImportReport | None:
    """Loads a file that does what was seen; None where it would do something else by now.

    Args:
        by: The address of the account.
        seen: `ImportReport.seen` of the preview.

    Raises:
        RegistrationUnavailable, SQLAlchemyError: A database can't be used; nothing was loaded.
    """
    with databases.opened() as (registration, conversations), upload.as_file() as file:

        def confirm(report: ImportReport) -> None:
            if report.seen != seen:
                raise _Outdated
            subject = f"{upload.kind}: {upload.name}"
            _record(conversations, at, by, "file loaded", subject, after=in_short(report))

        try:
            return import_file(registration, upload.kind, file, by=by, confirm=confirm)
        except (ImportRejected, _Outdated):
            return None


def take_back(databases: Databases, import_id: int, *, by: str, at: datetime) -> str:
    """Takes the newest file back; why that can't be, for a person, and else nothing.

    Raises:
        RegistrationUnavailable, SQLAlchemyError: A database can't be used; nothing was changed.
    """
    with databases.opened() as (registration, conversations):

        def confirm(done: PastImport) -> None:
            subject = f"{done.kind}: {done.file_name}"
            _record(conversations, at, by, "file undone", subject, before=in_short(done))

        try:
            undo(registration, import_id, by=by, at=at, confirm=confirm)
        except UndoRefused as refusal:
            return str(refusal)
    return ""


def _record(
    conversations: ConversationDatabase,
    at: datetime,
    by: str,
    what: str,
    subject: str,
    **values: str,
) -> None:
    with conversations.writing() as connection:
        audit.record(connection, at=at, who=by, what=what, subject=subject, **values)


def in_short(done: ImportReport | PastImport) -> str:
    """For the audit log."""
    return f"{done.created} new, {done.updated} changed, {done.unchanged} unchanged"
