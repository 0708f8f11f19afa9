"""What can be asked of the registration database, and the rules about what is offered.

The rules live here, once: seats left are the capacity less the active registrations, never below zero;
a class is offered while it is scheduled, public and not yet begun. Every question is one round trip.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, Select

from registration.catalogue import CATALOGUE
from registration.database import Database
from registration.models import ACTIVE, classes, courses, registrations
from registration.places import Place, neighbours

NEARBY_MILES = 100
"""How far from a city or a ZIP code a class may be to be near it: a drive of two hours."""

CONFERENCES = tuple(entry.code for entry in CATALOGUE if entry.kind == "conference")

EARTH_RADIUS_MILES = 3958.8
MILES_PER_DEGREE = 69.0
"""Of latitude; a little less than any real one, so that a box never cuts the circle."""

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
    """From the city or ZIP code that was asked for, rounded to a mile."""


@dataclass(frozen=True)
class ClassPage:
    """Some of the classes that a question finds."""

    classes: tuple[ClassSummary, ...]
    total: int
    """All that the question finds, on this page or not; 0 for a page past the end."""
    offset: int
    as_of: datetime
    """When the figures were read, in UTC."""

    @property
    def has_more(self) -> bool:
        return self.offset + len(self.classes) < self.total


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
            `NEARBY_MILES`, the country or `None` everything.
        course: A course code. Without one the conference, which is no course, is left out.
        period: Days on which a class may begin.
        offset: How many to pass over.
        limit: How many to give.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    wanted = [*_offered(now, course, period), *_at(place)]
    # The page is cut before its seats are counted, and both in one round trip.
    page = (
        sa.select(classes.c.id)
        .where(*wanted)
        .order_by(classes.c.starts_at, classes.c.id)
        .offset(offset)
        .limit(limit)
        .subquery()
    )
    total = sa.select(sa.func.count()).select_from(classes).where(*wanted).scalar_subquery()
    question = (
        _summaries()
        .join(page, page.c.id == classes.c.id)
        .order_by(classes.c.starts_at, classes.c.id)
        .add_columns(total.label("total"))
    )
    rows = db.rows(question)
    return ClassPage(
        classes=tuple(_summary(row, place) for row in rows),
        total=rows[0].total if rows else 0,
        offset=offset,
        as_of=now,
    )


def classes_by_id(db: Database, ids: Sequence[str], *, now: datetime) -> ClassPage:
    """The classes with these external ids, in their order, without those no longer offered.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    rows = db.rows(_summaries().where(*_open(now), classes.c.external_id.in_(list(ids))))
    found = {row.external_id: _summary(row, None) for row in rows}
    in_order = tuple(found[id_] for id_ in ids if id_ in found)
    return ClassPage(classes=in_order, total=len(in_order), offset=0, as_of=now)


def neighbouring_states_with_classes(
    db: Database,
    *,
    state: str,
    now: datetime,
    course: str | None = None,
    period: Period | None = None,
    limit: int = 3,
) -> tuple[tuple[str, int], ...]:
    """States beside a state that have such classes, and how many; those with most first.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    number = sa.func.count()
    rows = db.rows(
        sa.select(classes.c.state, number)
        .where(*_offered(now, course, period), classes.c.state.in_(neighbours(state)))
        .group_by(classes.c.state)
        .order_by(number.desc(), classes.c.state)
        .limit(limit)
    )
    return tuple((row[0], row[1]) for row in rows)


def _open(now: datetime) -> Iterable[ColumnElement[bool]]:
    """What makes a class one that is offered."""
    return (
        classes.c.visibility == "public",
        classes.c.status == "scheduled",
        classes.c.starts_at > now,
    )


def _offered(
    now: datetime, course: str | None, period: Period | None
) -> Iterable[ColumnElement[bool]]:
    yield from _open(now)
    if course is None:
        yield classes.c.course_code.not_in(CONFERENCES)
    else:
        yield classes.c.course_code == course
    if period is not None:
        yield classes.c.starts_on.between(*period)


def _at(place: Place | None) -> Iterable[ColumnElement[bool]]:
    if place is None or place.kind == "country":
        return ()
    if place.latitude is None or place.longitude is None:
        return (classes.c.state.in_(place.states),)
    return _near(place.latitude, place.longitude)


def _near(latitude: float, longitude: float) -> Iterable[ColumnElement[bool]]:
    """What is within `NEARBY_MILES`.

    The distance is that on a plane touching the Earth at the place, half a mile off at a hundred:
    plain arithmetic, which SQLite has too. A box around the circle lets the index do its work.
    """
    shrink = max(math.cos(math.radians(latitude)), 0.01)
    high, wide = NEARBY_MILES / MILES_PER_DEGREE, NEARBY_MILES / MILES_PER_DEGREE / shrink
    north = (classes.c.latitude - latitude) * MILES_PER_DEGREE
    east = (classes.c.longitude - longitude) * (MILES_PER_DEGREE * shrink)
    return (
        classes.c.latitude.between(latitude - high, latitude + high),
        classes.c.longitude.between(longitude - wide, longitude + wide),
        north * north + east * east <= NEARBY_MILES**2,
    )


def _summaries() -> Select:
    taken = (
        sa.select(sa.func.count())
        .select_from(registrations)
        .where(registrations.c.class_id == classes.c.id, registrations.c.status.in_(ACTIVE))
        .scalar_subquery()
    )
    return (
        sa.select(
            classes.c.external_id,
            classes.c.course_code,
            courses.c.title,
            courses.c.kind,
            classes.c.city,
            classes.c.state,
            classes.c.venue,
            classes.c.latitude,
            classes.c.longitude,
            classes.c.starts_on,
            classes.c.ends_on,
            classes.c.timezone,
            classes.c.capacity,
            classes.c.register_url,
            taken.label("taken"),
        )
        .select_from(classes)
        .join(courses, courses.c.code == classes.c.course_code)
    )


def _summary(row: Any, place: Place | None) -> ClassSummary:
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


def _distance(place: Place | None, latitude: float, longitude: float) -> float | None:
    """Miles along the surface (haversine), rounded to a mile."""
    if place is None or place.latitude is None or place.longitude is None:
        return None
    here, there = math.radians(place.latitude), math.radians(latitude)
    north, east = there - here, math.radians(longitude - place.longitude)
    half_chord = (
        math.sin(north / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(east / 2) ** 2
    )
    return float(round(2 * EARTH_RADIUS_MILES * math.asin(min(1.0, math.sqrt(half_chord)))))
