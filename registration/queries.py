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
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

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
    SMALL_CELL,
    SMALL_CELL_DEGREES,
    TOWN,
    Course,
    Registration,
    TrainingClass,
)
from registration.places import Place, neighbours

NEARBY_MILES = 100
"""How far from a city or a ZIP code a class may be to be near it: a drive of two hours."""

LITTLE = 1 / 16
"""Where a circle touches no more of a large square, it is read as small ones."""

MOST_COUNTED = 100
"""So many classes are counted; nobody wants to read through more."""

CONFERENCES = tuple(entry.code for entry in CATALOGUE if entry.kind == "conference")

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
    shape, values = _shape(place)
    rows = db.rows(
        _page(_asks_for(course, period), shape),
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


class Shape(NamedTuple):
    """What of the map is asked for: states, and circles around towns; without any, everything."""

    states: int = 0
    squares: tuple[tuple[bool, tuple[int, ...]], ...] = ()
    """The squares of the map that hold the circles: of each, whether it is a small one within a large
    one, and the numbers of the circles that it holds some of."""
    towns: int = 0


_CELL = f"{CELL[0]} = :y AND {CELL[1]} = :x"
_SMALL_CELL = f"{SMALL_CELL[0]} = :small_y AND {SMALL_CELL[1]} = :small_x AND {_CELL}"
# A class that the map doesn't know is found by name.
_TOWN = f"{NOT_ON_THE_MAP} AND {TOWN} = :town"


def _asks_for(course: str | None, period: Period | None) -> str:
    asked = "conference" if course in CONFERENCES else "course" if course else "courses"
    return f"{asked} in period" if period else asked


def _values(now: datetime, course: str | None, period: Period | None) -> dict[str, Any]:
    # What is still to begin doesn't begin on an earlier day than it is where days begin last.
    values: dict[str, Any] = {"now": now, "from_day": (now - timedelta(hours=12)).date()}
    if course is not None:
        values["course"] = course
    if period is not None:
        values["from_day"] = max(values["from_day"], period[0])
        values["last"] = period[1]
    return values


def _offered(asked: str) -> Iterator[ColumnElement[bool]]:
    """What makes a class one that is offered, and such a one."""
    yield sa.text(OFFERED)
    yield TrainingClass.starts_at > sa.bindparam("now")
    if asked:
        # Where an index is read from, in its order.
        yield sa.tuple_(TrainingClass.starts_on, TrainingClass.starts_at) > sa.tuple_(
            sa.bindparam("from_day"), sa.bindparam("now")
        )
    if asked.startswith("course"):
        yield sa.text(A_COURSE)
    if asked and not asked.startswith("courses"):
        yield TrainingClass.course_code == sa.bindparam("course")
    if asked.endswith("in period"):
        yield TrainingClass.starts_on <= sa.bindparam("last")


def _shape(place: Place | None) -> tuple[Shape, dict[str, Any]]:
    """The shape of a place, and the values that `_stretches` has parameters for."""
    states: dict[str, None] = {}
    towns: dict[str, None] = {}
    circles: dict[int, tuple[float, float]] = {}
    values: dict[str, Any] = {}
    for number, part in enumerate(place.each if place else ()):
        if part.kind == "country":
            return Shape(), {}
        if part.latitude is None or part.longitude is None:
            states |= dict.fromkeys(part.states)
            continue
        towns[_city(part).lower()] = None
        inside = circle(NEARBY_MILES, part.latitude, part.longitude)
        values |= {f"{name}_{number}": value for name, value in inside.items()}
        circles[number] = part.latitude, part.longitude
    values |= {f"state_{n}": state for n, state in enumerate(states)}
    values |= {f"town_{n}": town for n, town in enumerate(towns)}
    squares = list(_squares(circles))
    for n, (square, _) in enumerate(squares):
        values |= {f"{name}_{n}": value for name, value in square.items()}
    shapes = (("small_y" in square, touching) for square, touching in squares)
    return Shape(len(states), tuple(shapes), len(towns)), values


def _stretches(asked: str, shape: Shape, *, apart: bool) -> Iterator[Select]:
    """The classes that are found, in stretches of an index, each in the order of dates.

    A class near a town may also be in one of the states; `apart`, it is found there alone.
    """
    classes = sa.select(TrainingClass.id, TrainingClass.starts_on, TrainingClass.starts_at).where(
        *_offered(asked)
    )
    if shape == Shape():
        yield classes
    states = [sa.bindparam(f"state_{number}") for number in range(shape.states)]
    for state in states:
        yield classes.where(TrainingClass.state == state)
    if apart:
        classes = classes.where(*(TrainingClass.state != state for state in states))
    for number, (is_small, circles) in enumerate(shape.squares):
        in_circles = (_numbered(f"({IN_CIRCLE})", circle) for circle in circles)
        cell = _numbered(_SMALL_CELL if is_small else _CELL, number)
        yield classes.where(cell, sa.or_(*in_circles))
    for number in range(shape.towns):
        yield classes.where(_numbered(_TOWN, number))


def _numbered(condition: str, number: int) -> Any:
    return sa.text(re.sub(r":(\w+)", rf":\1_{number}", condition))


@lru_cache(maxsize=256)
def _page(asked: str, shape: Shape) -> Select:
    """The classes of a page, and how many there are up to `most`."""
    # States come first: where they alone hold more than are counted, nothing else is read, and where
    # they don't, there are few that are passed over for being in them.
    counted = sa.union_all(*map(_cut, _stretches(asked, shape, apart=True)))
    found = sa.select(sa.func.count().label("total")).select_from(
        counted.limit(sa.bindparam("most")).subquery()
    )
    # Of a place full of classes that are in a state too, none might be left: here they may come twice.
    together = sa.union if shape.states and shape.squares else sa.union_all
    in_order = (s.order_by(*_IN_ORDER) for s in _stretches(asked, shape, apart=False))
    nearest = together(*(_cut(stretch, "until") for stretch in in_order)).subquery()
    # The page is cut before its seats are counted. It hangs on the total, which an empty page has too.
    page = (
        sa.select(nearest.c.id)
        .order_by(nearest.c.starts_on, nearest.c.starts_at, nearest.c.id)
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


_IN_ORDER = TrainingClass.starts_on, TrainingClass.starts_at, TrainingClass.id


def _cut(stretch: Select, until: str | None = None) -> Select:
    """In a select of its own: SQLite takes neither order nor limit within a union."""
    return sa.select(stretch.limit(sa.bindparam(until)).subquery()) if until else stretch


Square = tuple[int, int]
Box = tuple[float, float, float, float]
"""South, north, west, east."""


def _squares(
    circles: dict[int, tuple[float, float]],
) -> Iterator[tuple[dict[str, int], tuple[int, ...]]]:
    """The squares of the map that hold some of what is near, those first that hold most.

    A square is read from its first date on until enough of it is found near. Of one that holds little
    more than the edge of a circle that might be all of it: there, small squares are read.

    Returns:
        Numbers of the square, and of the circles that it holds some of.
    """
    held: dict[Square, dict[int, Box]] = {}
    for number, (latitude, longitude) in circles.items():
        near = circle(NEARBY_MILES, latitude, longitude)
        box = near["south"], near["north"], near["west"], near["east"]
        for square, part in _touched(latitude, longitude, box, CELL_DEGREES):
            held.setdefault(square, {})[number] = part
    for (y, x), parts in sorted(held.items(), key=lambda item: -_size(item[1])):
        if _size(parts) > LITTLE:
            yield {"y": y, "x": x}, tuple(parts)
            continue
        small: dict[Square, list[int]] = {}
        for number, part in parts.items():
            for square, _ in _touched(*circles[number], part, SMALL_CELL_DEGREES):
                small.setdefault(square, []).append(number)
        for (small_y, small_x), numbers in small.items():
            yield {"y": y, "x": x, "small_y": small_y, "small_x": small_x}, tuple(numbers)


def _touched(
    latitude: float, longitude: float, box: Box, degrees: float
) -> Iterator[tuple[Square, Box]]:
    """Squares of a size that hold some of the circle around a point, and of a box around it."""
    for y in _numbers(*box[:2], degrees):
        south, north = degrees * (y - 0.5), degrees * (y + 0.5)
        for x in _numbers(*box[2:], degrees):
            west, east = degrees * (x - 0.5), degrees * (x + 0.5)
            # One in a corner of the box may be beyond the circle.
            nearest = min(max(latitude, south), north), min(max(longitude, west), east)
            if miles_between(latitude, longitude, *nearest) <= NEARBY_MILES + 1:
                part = max(box[0], south), min(box[1], north), max(box[2], west), min(box[3], east)
                yield (y, x), part


def _numbers(first: float, last: float, degrees: float) -> range:
    """Those from one latitude or longitude to another. What is on a border may be in either."""
    a_bit = 1e-9
    return range(
        math.floor(first / degrees + 0.5 - a_bit), math.floor(last / degrees + 0.5 + a_bit) + 1
    )


def _size(parts: dict[int, Box]) -> float:
    """How much of a large square they are."""
    areas = ((north - south) * (east - west) for south, north, west, east in parts.values())
    return sum(areas) / CELL_DEGREES**2


def _city(place: Place) -> str:
    """A city, or the one that a ZIP code belongs to, as "Austin, TX"."""
    zip_code = gazetteer().zip_code(place.name) if place.kind == "zip" else None
    return f"{zip_code[2].name}, {zip_code[2].state}" if zip_code else place.name


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
