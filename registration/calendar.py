"""The calendar as staff see it: every class, offered or not, with its seats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from registration.database import Database
from registration.models import Course, TrainingClass
from registration.queries import TAKEN


@dataclass(frozen=True)
class Listed:
    """A class in the calendar."""

    id: str
    """The external id."""
    course: str
    """The course's title."""
    city: str
    state: str
    venue: str | None
    host: str | None
    starts_on: date
    ends_on: date
    capacity: int
    taken: int
    status: str
    visibility: str

    @property
    def seats_left(self) -> int:
        return max(self.capacity - self.taken, 0)


@dataclass(frozen=True)
class CalendarPage:
    classes: tuple[Listed, ...]
    total: int
    """All that the question finds, on this page or not."""


def calendar(
    db: Database,
    *,
    text: str = "",
    state: str = "",
    from_day: date | None = None,
    offset: int = 0,
    limit: int = 25,
) -> CalendarPage:
    """Classes in the order of their first days.

    Args:
        db: The registration database.
        text: What the id, the course, the city, the venue or the host must hold; each of its words
            somewhere, in any case.
        state: Two letters; empty for all.
        from_day: Those that end on this day or later; `None` for all.
        offset: How many to pass over.
        limit: How many to give.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    conditions = list(_conditions(text, state, from_day))
    found = sa.select(TrainingClass.id).join(Course).where(*conditions)
    total = db.rows(sa.select(sa.func.count()).select_from(found.subquery()))[0][0]
    rows = db.rows(
        sa.select(
            TrainingClass.external_id.label("id"),
            Course.title.label("course"),
            TrainingClass.city,
            TrainingClass.state,
            TrainingClass.venue,
            TrainingClass.host,
            TrainingClass.starts_on,
            TrainingClass.ends_on,
            TrainingClass.capacity,
            TAKEN.label("taken"),
            TrainingClass.status,
            TrainingClass.visibility,
        )
        .join_from(TrainingClass, Course)
        .where(*conditions)
        .order_by(TrainingClass.starts_on, TrainingClass.id)
        .offset(offset)
        .limit(limit)
    )
    return CalendarPage(tuple(Listed(**row._mapping) for row in rows), total)


def states_in_calendar(db: Database) -> tuple[str, ...]:
    """States that have a class, by code.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    rows = db.rows(sa.select(TrainingClass.state).distinct().order_by(TrainingClass.state))
    return tuple(row[0] for row in rows)


def _conditions(text: str, state: str, from_day: date | None) -> Iterator[ColumnElement[bool]]:
    for word in text.split():
        yield sa.or_(
            *(
                sa.func.lower(column).contains(word.lower(), autoescape=True)
                for column in (
                    TrainingClass.external_id,
                    Course.title,
                    TrainingClass.city,
                    TrainingClass.venue,
                    TrainingClass.host,
                )
            )
        )
    if state:
        yield TrainingClass.state == state
    if from_day is not None:
        yield TrainingClass.ends_on >= from_day
