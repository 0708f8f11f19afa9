"""What can be asked of the registration database, and the rules about what is offered.

The rules live here, once: seats left are the capacity less the active registrations, never below zero;
a class is offered while it is scheduled, public and not yet begun. Every question is one round trip, and
reads of an index what it needs and no more: a look-up among a million classes costs what one among a
hundred does (docs/decisions/0009-look-ups-stop-when-they-have-enough.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, FromClause, Select

from registration.catalogue import CATALOGUE
from registration.database import Database
from registration.distance import box, miles_between, within_miles
from registration.gazetteer import gazetteer
from registration.models import (
    A_COURSE,
    ACTIVE,
    CELL,
    CELL_DEGREES,
    NOT_ON_THE_MAP,
    OFFERED,
    TOWN,
    Course,
    Registration,
    TrainingClass,
)
from registration.places import Place, neighbours

NEARBY_MILES = 100
"""How far from a city or a ZIP code a class may be to be near it: a drive of two hours."""

MOST_COUNTED = 100
"""So many classes are counted; nobody wants to read through more."""

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
    """All that the question finds, on this page or not; where it is above `MOST_COUNTED`, there may be
    more than it says."""
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
    classes = sa.select(TrainingClass.id, TrainingClass.starts_at).where(
        *_offered(now, course, period)
    )
    parts = list(_parts(classes, place))
    counted = _together(parts, place, max(MOST_COUNTED, offset + limit) + 1)
    found = sa.select(sa.func.count().label("total")).select_from(counted).subquery()
    # The page is cut before its seats are counted. It hangs on the total, which an empty page has too.
    page = _together([_first(part, offset + limit) for part in parts], place, None)
    page = (
        sa.select(page.c.id).order_by(page.c.starts_at, page.c.id).offset(offset).limit(limit)
    ).subquery()
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

    Each is counted up to `MOST_COUNTED`, and one more.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    beside = {neighbour for state in states for neighbour in neighbours(state)} - {*states}
    if not beside:
        return ()
    classes = sa.select(TrainingClass.state).where(*_offered(now, course, period))
    counted = sa.union_all(
        *(
            _limited(classes.where(TrainingClass.state == state), MOST_COUNTED + 1)
            for state in sorted(beside)
        )
    ).subquery()
    number = sa.func.count()
    rows = db.rows(
        sa.select(counted.c.state, number)
        .group_by(counted.c.state)
        .order_by(number.desc(), counted.c.state)
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


def _together(parts: Sequence[Select], place: Place | None, most: int | None) -> FromClause:
    """What the parts find, no more than `most`."""
    if len(parts) == 1:
        return parts[0].limit(most).subquery()
    if place is None or not place.parts:
        return sa.union_all(*parts).limit(most).subquery()
    # A class may be near two of several places. Each part stops by itself: their union, without what
    # is twice in it, would be made whole before it is cut.
    return sa.union(*(_limited(part, most) for part in parts)).limit(most).subquery()


def _first(part: Select, most: int) -> Select:
    ordered = part.order_by(TrainingClass.starts_at, TrainingClass.id)
    return _limited(ordered, most)


def _limited(part: Select, most: int | None) -> Select:
    """In a select of its own: SQLite takes neither order nor limit within a union."""
    return part if most is None else sa.select(part.limit(most).subquery())


def _parts(classes: Select, place: Place | None) -> Iterator[Select]:
    """The classes at a place, in parts of which each is a stretch of an index in the order of dates."""
    if place is None:
        yield classes
        return
    for single in place.each:
        yield from _at(classes, single)


def _at(classes: Select, place: Place) -> Iterator[Select]:
    """Those of the classes that are at a single place."""
    if place.kind == "country":
        yield classes
    elif place.latitude is None or place.longitude is None:
        for state in place.states:
            yield classes.where(TrainingClass.state == state)
    else:
        circle = within_miles(NEARBY_MILES, place.latitude, place.longitude)
        for cell in _cells(place.latitude, place.longitude):
            yield classes.where(cell, circle)
        # A class that the map doesn't know is found by name.
        town = sa.bindparam("town", _city(place).lower(), unique=True)
        yield classes.where(sa.text(NOT_ON_THE_MAP), sa.text(f"{TOWN} = :town").bindparams(town))


def _cells(latitude: float, longitude: float) -> Iterator[ColumnElement[bool]]:
    """The squares of the map that hold what is near."""
    south, north, west, east = box(NEARBY_MILES, latitude, longitude)
    for y in _numbers(south, north):
        for x in _numbers(west, east):
            yield _IN_CELL.bindparams(
                sa.bindparam("y", y, unique=True), sa.bindparam("x", x, unique=True)
            )


_IN_CELL = sa.text(f"{CELL[0]} = :y AND {CELL[1]} = :x")


def _numbers(first: float, last: float) -> range:
    """The squares between two latitudes or longitudes. What is on a border may be in either."""
    a_bit = 1e-9
    return range(
        math.floor(first / CELL_DEGREES + 0.5 - a_bit),
        math.floor(last / CELL_DEGREES + 0.5 + a_bit) + 1,
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
