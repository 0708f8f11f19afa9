"""What can be asked of the registration database, and the rules about what is offered.

The rules live here, once: seats left are the capacity less the active registrations, never below zero;
a class is offered while it is scheduled, public and not yet begun. Every question is one round trip, and
reads of an index what it needs and no more: a look-up among a million classes costs what one among a
hundred does (docs/decisions/0009-look-ups-stop-when-they-have-enough.md).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, Select

from registration.catalogue import CATALOGUE
from registration.database import Database
from registration.distance import IN_CIRCLE, circle, miles_between
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


TAKEN = (
    sa.select(sa.func.count())
    .select_from(Registration)
    .where(Registration.class_id == TrainingClass.id, Registration.status.in_(ACTIVE))
    .correlate(TrainingClass)
    .scalar_subquery()
)
"""Of a class, how many of its seats are taken."""

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
    TAKEN.label("taken"),
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
    parts, values = _parts(place)
    rows = db.rows(
        _page(_asks_for(course, period), parts),
        **_values(now, course, period),
        **values,
        most=max(MOST_COUNTED, offset + limit) + 1,
        until=offset + limit,
        offset=offset,
        limit=limit,
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
    rows = db.rows(_listed(), now=now, ids=list(ids))
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
    rows = db.rows(
        _states(_asks_for(course, period), len(beside)),
        **_values(now, course, period),
        **{f"state_{number}": state for number, state in enumerate(sorted(beside))},
        most=MOST_COUNTED + 1,
        limit=limit,
    )
    return tuple((row[0], row[1]) for row in rows)


# --- Selects are made once for each shape of question, and cached: to put one together takes longer
# than many an answer. What differs is in their parameters.

Shape = Literal["everywhere", "state", "circle"]
Parts = tuple[tuple[Shape, int], ...]
"""Shapes of the places asked for: of a circle with the number of squares of the map that hold it."""

_CELL = f"{CELL[0]} = :y AND {CELL[1]} = :x AND {IN_CIRCLE}"
# A class that the map doesn't know is found by name.
_TOWN = f"{NOT_ON_THE_MAP} AND {TOWN} = :town"


def _asks_for(course: str | None, period: Period | None) -> str:
    asked = "conference" if course in CONFERENCES else "course" if course else "courses"
    return f"{asked} in period" if period else asked


def _values(now: datetime, course: str | None, period: Period | None) -> dict[str, Any]:
    values: dict[str, Any] = {"now": now}
    if course is not None:
        values["course"] = course
    if period is not None:
        first, last = period
        # The same in UTC, wherever the class is: the indexes are in the order of moments.
        after, before = _midnight(first) - A_DAY, _midnight(last) + 2 * A_DAY
        values |= {"first": first, "last": last, "after": after, "before": before}
    return values


def _offered(asked: str) -> Iterator[ColumnElement[bool]]:
    """What makes a class one that is offered, and such a one."""
    yield sa.text(OFFERED)
    yield TrainingClass.starts_at > sa.bindparam("now")
    if asked.startswith("course"):
        yield sa.text(A_COURSE)
    if asked and not asked.startswith("courses"):
        yield TrainingClass.course_code == sa.bindparam("course")
    if asked.endswith("in period"):
        yield TrainingClass.starts_on.between(sa.bindparam("first"), sa.bindparam("last"))
        yield TrainingClass.starts_at.between(sa.bindparam("after"), sa.bindparam("before"))


def _parts(place: Place | None) -> tuple[Parts, dict[str, Any]]:
    """The shapes of a place, and the values that `_stretches` has parameters for."""
    shapes: list[tuple[Shape, int]] = []
    values: dict[str, Any] = {}

    def add(shape: Shape, size: int = 1, **of_part: Any) -> None:
        values.update({f"{name}_{len(shapes)}": value for name, value in of_part.items()})
        shapes.append((shape, size))

    for part in place.each if place else ():
        if part.kind == "country":
            add("everywhere")
        elif part.latitude is None or part.longitude is None:
            for state in part.states:
                add("state", state=state)
        else:
            cells = _cells(part.latitude, part.longitude)
            squares = {f"{axis}{n}": c[axis] for n, c in enumerate(cells) for axis in ("y", "x")}
            inside = circle(NEARBY_MILES, part.latitude, part.longitude)
            add("circle", len(cells), **squares, **inside, town=_city(part).lower())
    return tuple(shapes) or (("everywhere", 1),), values


def _stretches(asked: str, parts: Parts) -> Iterator[Select]:
    """The classes that are found, in stretches of an index, each in the order of dates."""
    classes = sa.select(TrainingClass.id, TrainingClass.starts_at).where(*_offered(asked))
    for number, (shape, size) in enumerate(parts):
        if shape == "everywhere":
            yield classes
        elif shape == "state":
            yield classes.where(TrainingClass.state == sa.bindparam(f"state_{number}"))
        else:
            for cell in range(size):
                of_cell = re.sub(r":([xy])\b", rf":\g<1>{cell}", _CELL)
                yield classes.where(_of_part(of_cell, number))
            yield classes.where(_of_part(_TOWN, number))


def _of_part(condition: str, number: int) -> Any:
    return sa.text(re.sub(r":(\w+)", rf":\1_{number}", condition))


@lru_cache(maxsize=256)
def _page(asked: str, parts: Parts) -> Select:
    """The classes of a page, and how many there are up to `most`."""
    stretches = list(_stretches(asked, parts))
    if len(parts) == 1:
        together, each_until = sa.union_all, None
    else:
        # A class may be near two of several places. Without what is twice in it, their union would
        # be made whole before it is cut: so each is cut.
        together, each_until = sa.union, "most"
    counted = together(*(_cut(stretch, each_until) for stretch in stretches))
    found = sa.select(sa.func.count().label("total")).select_from(
        counted.limit(sa.bindparam("most")).subquery()
    )
    in_order = (stretch.order_by(*_IN_ORDER) for stretch in stretches)
    nearest = together(*(_cut(stretch, "until") for stretch in in_order)).subquery()
    # The page is cut before its seats are counted. It hangs on the total, which an empty page has too.
    page = (
        sa.select(nearest.c.id)
        .order_by(nearest.c.starts_at, nearest.c.id)
        .offset(sa.bindparam("offset"))
        .limit(sa.bindparam("limit"))
        .subquery()
    )
    total = found.subquery()
    return (
        _SUMMARIES.add_columns(total.c.total)
        .select_from(
            total.outerjoin(page, sa.true())
            .outerjoin(TrainingClass, TrainingClass.id == page.c.id)
            .outerjoin(Course, Course.code == TrainingClass.course_code)
        )
        .order_by(*_IN_ORDER)
    )


@lru_cache(maxsize=1)
def _listed() -> Select:
    is_listed = TrainingClass.external_id.in_(sa.bindparam("ids", expanding=True))
    return _SUMMARIES.join_from(TrainingClass, Course).where(*_offered(""), is_listed)


@lru_cache(maxsize=64)
def _states(asked: str, number: int) -> Select:
    """So many states, and how many classes each has up to `most`."""
    classes = sa.select(TrainingClass.state).where(*_offered(asked))
    of_states = (
        classes.where(TrainingClass.state == sa.bindparam(f"state_{n}")) for n in range(number)
    )
    counted = sa.union_all(*(_cut(of_state, "most") for of_state in of_states)).subquery()
    count = sa.func.count()
    return (
        sa.select(counted.c.state, count)
        .group_by(counted.c.state)
        .order_by(count.desc(), counted.c.state)
        .limit(sa.bindparam("limit"))
    )


_IN_ORDER = TrainingClass.starts_at, TrainingClass.id


def _cut(stretch: Select, until: str | None) -> Select:
    """In a select of its own: SQLite takes neither order nor limit within a union."""
    return sa.select(stretch.limit(sa.bindparam(until)).subquery()) if until else stretch


def _cells(latitude: float, longitude: float) -> list[dict[str, int]]:
    """The squares of the map that hold what is near."""
    near = circle(NEARBY_MILES, latitude, longitude)
    rows = _squares(near["south"], near["north"])
    columns = _squares(near["west"], near["east"])
    return [{"y": y, "x": x} for y in rows for x in columns]


def _squares(first: float, last: float) -> range:
    """Those from one latitude or longitude to another. What is on a border may be in either."""
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
