"""What can be asked of the registration database, and the rules about what is offered.

The rules live here, once: seats left are the capacity less the active registrations, never below zero;
a class is offered while it is scheduled, public and not yet begun. Every question is one round trip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, FromClause, Select

from registration.catalogue import CATALOGUE
from registration.database import Database
from registration.distance import miles_between, within_miles
from registration.gazetteer import gazetteer
from registration.models import A_COURSE, ACTIVE, OFFERED, Course, Registration, TrainingClass
from registration.places import Place, neighbours

NEARBY_MILES = 100
"""How far from a city or a ZIP code a class may be to be near it: a drive of two hours."""

CONFERENCES = tuple(entry.code for entry in CATALOGUE if entry.kind == "conference")

A_DAY = timedelta(days=1)

Period = tuple[date, date]
"""First and last day, both included."""


@dataclass(frozen=True)
class ClassSummary:
    """A class that is offered, as one would tell it."""

    id: str
    """The external id."""
    course_code: str
    course_title: str
    kind: Literal["course", "conference"]
    city: str
    state: str
    venue: str | None
    starts_on: date
    ends_on: date
    timezone: str
    capacity: int
    seats_left: int
    register_url: str | None
    distance_miles: float | None
    """From the nearest city or ZIP code that was asked for, rounded to a mile; `None` where the map
    doesn't know the class, or nothing of the kind was asked for."""


@dataclass(frozen=True)
class ClassPage:
    """Some of the classes that a question finds."""

    classes: tuple[ClassSummary, ...]
    total: int
    """All that the question finds, on this page or not."""
    offset: int
    as_of: datetime
    """When the figures were read, in UTC."""

    @property
    def has_more(self) -> bool:
        return self.offset + len(self.classes) < self.total


_TAKEN = (
    sa.select(sa.func.count())
    .select_from(Registration)
    .where(Registration.class_id == TrainingClass.id, Registration.status.in_(ACTIVE))
    .correlate(TrainingClass)
    .scalar_subquery()
)
# Made once: to put a select together takes longer than many an answer.
_SUMMARIES: Select = sa.select(
    TrainingClass.external_id,
    TrainingClass.course_code,
    Course.title,
    Course.kind,
    TrainingClass.city,
    TrainingClass.state,
    TrainingClass.venue,
    TrainingClass.latitude,
    TrainingClass.longitude,
    TrainingClass.starts_on,
    TrainingClass.ends_on,
    TrainingClass.timezone,
    TrainingClass.capacity,
    TrainingClass.register_url,
    _TAKEN.label("taken"),
)


def upcoming_classes(
    db: Database,
    *,
    now: datetime,
    place: Place | None,
    course: str | None = None,
    period: Period | None = None,
    offset: int = 0,
    limit: int = 5,
) -> ClassPage:
    """The classes that are offered, nearest dates first.

    Args:
        db: The registration database.
        now: Aware; what has begun by then is not offered.
        place: A state or region finds what is in it, a city or ZIP code what is within
            `NEARBY_MILES`, several places what any of them finds, the country or `None` everything.
        course: A course code. Without one the conference, which is no course, is left out.
        period: Days on which a class may begin.
        offset: How many to pass over.
        limit: How many to give.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    matching = _matching(_offered(now, course, period), place)
    found = sa.select(sa.func.count().label("total")).select_from(matching).subquery()
    # The page is cut before its seats are counted. It hangs on the total, which an empty page has too.
    page = (
        sa.select(matching.c.id)
        .order_by(matching.c.starts_at, matching.c.id)
        .offset(offset)
        .limit(limit)
        .subquery()
    )
    rows = db.rows(
        _SUMMARIES.add_columns(found.c.total)
        .select_from(
            found.outerjoin(page, sa.true())
            .outerjoin(TrainingClass, TrainingClass.id == page.c.id)
            .outerjoin(Course, Course.code == TrainingClass.course_code)
        )
        .order_by(TrainingClass.starts_at, TrainingClass.id)
    )
    return ClassPage(
        classes=tuple(_summary(row, place) for row in rows if row.external_id is not None),
        total=rows[0].total,
        offset=offset,
        as_of=now,
    )


def classes_by_id(db: Database, ids: Sequence[str], *, now: datetime) -> ClassPage:
    """The classes with these external ids, in their order, without those no longer offered.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    rows = db.rows(
        _SUMMARIES.join_from(TrainingClass, Course).where(
            *_open(now), TrainingClass.external_id.in_(list(ids))
        )
    )
    found = {row.external_id: _summary(row) for row in rows}
    in_order = tuple(found[id_] for id_ in ids if id_ in found)
    return ClassPage(classes=in_order, total=len(in_order), offset=0, as_of=now)


def neighbouring_states_with_classes(
    db: Database,
    *,
    states: Sequence[str],
    now: datetime,
    course: str | None = None,
    period: Period | None = None,
    limit: int = 3,
) -> tuple[tuple[str, int], ...]:
    """States beside these that have such classes, and how many; those with most first.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    beside = {neighbour for state in states for neighbour in neighbours(state)} - {*states}
    number = sa.func.count()
    rows = db.rows(
        sa.select(TrainingClass.state, number)
        .where(*_offered(now, course, period), TrainingClass.state.in_(sorted(beside)))
        .group_by(TrainingClass.state)
        .order_by(number.desc(), TrainingClass.state)
        .limit(limit)
    )
    return tuple((row[0], row[1]) for row in rows)


Conditions = Iterator[ColumnElement[bool]]


def _open(now: datetime) -> Conditions:
    """What makes a class one that is offered."""
    yield sa.text(OFFERED)
    yield TrainingClass.starts_at > now


def _offered(now: datetime, course: str | None, period: Period | None) -> Conditions:
    yield from _open(now)
    if course not in CONFERENCES:
        yield sa.text(A_COURSE)
    if course is not None:
        yield TrainingClass.course_code == course
    if period is not None:
        first, last = period
        yield TrainingClass.starts_on.between(first, last)
        # The same in UTC, wherever the class is: the index is in the order of moments.
        yield TrainingClass.starts_at.between(_midnight(first) - A_DAY, _midnight(last) + 2 * A_DAY)


def _matching(conditions: Conditions, place: Place | None) -> FromClause:
    """Id and start of the classes at a place."""
    classes = sa.select(TrainingClass.id, TrainingClass.starts_at).where(*conditions)
    if place is None:
        return classes.subquery()
    found = [question for part in place.each for question in _at(classes, part)]
    if len(found) == 1:
        return found[0].subquery()
    # Named (a CTE), so that they are answered once for the total and the page. A class may be near
    # two of several places.
    union = sa.union if place.parts else sa.union_all
    return union(*found).cte("matching")


def _at(classes: Select, place: Place) -> Iterator[Select]:
    """Those of the classes that are at a single place."""
    if place.kind == "country":
        yield classes
    elif place.latitude is None or place.longitude is None:
        yield classes.where(TrainingClass.state.in_(place.states))
    else:
        yield classes.where(within_miles(NEARBY_MILES, place.latitude, place.longitude))
        # A class that the map doesn't know is found by name. Two questions, as one with OR in it
        # would find no index.
        yield classes.where(
            TrainingClass.latitude.is_(None),
            sa.func.lower(TrainingClass.city + ", " + TrainingClass.state) == _city(place).lower(),
        )


def _city(place: Place) -> str:
    """A city, or the one that a ZIP code belongs to, as "Austin, TX"."""
    zip_code = gazetteer().zip_code(place.name) if place.kind == "zip" else None
    return f"{zip_code[2].name}, {zip_code[2].state}" if zip_code else place.name


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.utc)


def _summary(row: Any, place: Place | None = None) -> ClassSummary:
    return ClassSummary(
        id=row.external_id,
        course_code=row.course_code,
        course_title=row.title,
        kind=row.kind,
        city=row.city,
        state=row.state,
        venue=row.venue,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        timezone=row.timezone,
        capacity=row.capacity,
        seats_left=max(row.capacity - row.taken, 0),
        register_url=row.register_url,
        distance_miles=_distance(place, row.latitude, row.longitude),
    )


def _distance(place: Place | None, latitude: float | None, longitude: float | None) -> float | None:
    if place is None or latitude is None or longitude is None:
        return None
    miles = [
        miles_between(part.latitude, part.longitude, latitude, longitude)
        for part in place.each
        if part.latitude is not None and part.longitude is not None
    ]
    return float(round(min(miles))) if miles else None
