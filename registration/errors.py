"""Errors of the registration backend.

    RegistrationError
    ├── RegistrationUnavailable   the database can't be reached or used; trying later may help
    │   └── TablesMissing         it has no tables, or not those of this version
    ├── ImportRejected            a file has bad rows, and nothing of it was loaded
    └── UndoRefused               an import can't be taken back any more

Answers like "none found" or "several found" are outcomes, not errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registration.importers import ImportReport


class RegistrationError(Exception):
    """Something went wrong that a person can be told."""


class RegistrationUnavailable(RegistrationError):
    """The registration database can't be reached, or isn't what it should be."""


class TablesMissing(RegistrationUnavailable):
    """The database answers, but its tables aren't there, or aren't those of this version."""


class ImportRejected(RegistrationError):
    """A file has bad rows; `report` says which, and why."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__(f"{len(report.errors)} problems in {report.rows} rows")
        self.report = report


class UndoRefused(RegistrationError):
    """An import can't be taken back; the message says why, for a person."""
