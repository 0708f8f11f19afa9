"""Tables of the registration backend: courses, classes, members, registrations, and what follows.

Moments are stored in UTC; a class keeps its own time zone beside them, and the local first and last day
that a calendar shows. Seats are never stored: what is left is counted (`registration.queries`).

Entities are for reading and for single rows; the tables at the end are for statements over many.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeMeta, registry, relationship

STATUSES = ("scheduled", "cancelled", "postponed")
VISIBILITIES = ("public", "contract")
"""A contract class is held for one agency and never offered."""

REGISTRATION_STATUSES = ("registered", "attended", "cancelled", "transferred")
ACTIVE = ("registered", "attended")
"""Statuses of registrations that take a seat."""

OFFERED = "visibility = 'public' AND status = 'scheduled'"
A_COURSE = "course_code <> 'conference'"
NOT_ON_THE_MAP = "latitude IS NULL"
"""What a look-up of classes asks for, in the very words of the indexes that hold only these classes."""

CELL_DEGREES = 2
SMALL_CELL_DEGREES = 0.25


def _cell(degrees: float) -> tuple[str, str]:
    return f"round(latitude / {degrees})", f"round(longitude / {degrees})"


CELL, SMALL_CELL = _cell(CELL_DEGREES), _cell(SMALL_CELL_DEGREES)
"""The squares of the map that a class is in; squares are numbered from the equator and Greenwich."""
TOWN = "lower(city || ', ' || state)"
"""What both databases can make an index of."""


class UtcDateTime(sa.types.TypeDecorator):
    """A moment, aware in Python and in UTC in the database; SQLite stores no zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} names no time zone")
        return value.astimezone(timezone.utc) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            return value.replace(tzinfo=timezone.utc)
        return value.astimezone(timezone.utc) if value else None


def _one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def _where(condition: str) -> dict[str, Any]:
    """Makes an index hold such rows only, on either database."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _index_of_courses(name: str, *columns: str, also: str = "") -> sa.Index:
    """An index of the courses that are offered, of all or where something holds `also`.

    With the course in it, it alone counts them.
    """
    condition = f"{OFFERED} AND {A_COURSE}" + (f" AND {also}" if also else "")
    expressions = (sa.text(column) if "(" in column else column for column in columns)
    return sa.Index(name, *expressions, **_where(condition))


BY_DATE = "starts_on", "starts_at", "id", "course_code"
BY_COURSE = "course_code", "starts_on", "starts_at", "id"
POSITION = "latitude", "longitude"

_registry = registry(
    metadata=sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
)
metadata = _registry.metadata


class Base(metaclass=DeclarativeMeta):
    __abstract__ = True
    registry = _registry
    metadata = _registry.metadata
    __init__ = _registry.constructor


class Course(Base):
    """An entry of the catalogue: a course, or the conference."""

    __tablename__ = "courses"
    __table_args__ = (
        _one_of("kind", ("course", "conference")),
        {"comment": "The catalogue: courses, and the conference"},
    )

    code = sa.Column(sa.String(20), primary_key=True)
    title = sa.Column(sa.String(200), nullable=False)
    hours = sa.Column(sa.Integer)
    kind = sa.Column(sa.String(20), nullable=False)


class TrainingClass(Base):
    """A course, or the conference, at a place and dates."""

    __tablename__ = "classes"

    id = sa.Column(sa.Integer, primary_key=True)
    external_id = sa.Column(sa.String(64), nullable=False, unique=True)
    course_code = sa.Column(sa.ForeignKey("courses.code"), nullable=False)
    city = sa.Column(sa.String(100), nullable=False)
    state = sa.Column(sa.String(2), nullable=False)
    zip_code = sa.Column(sa.String(5))
    venue = sa.Column(sa.String(200))
    latitude = sa.Column(sa.Float, comment="NULL, as the longitude, where the map doesn't know it")
    longitude = sa.Column(sa.Float)
    starts_at = sa.Column(UtcDateTime, nullable=False)
    ends_at = sa.Column(UtcDateTime, nullable=False)
    starts_on = sa.Column(sa.Date, nullable=False, comment="First day, in the class's zone")
    ends_on = sa.Column(sa.Date, nullable=False, comment="Last day, in the class's zone")
    timezone = sa.Column(sa.String(64), nullable=False)
    capacity = sa.Column(sa.Integer, nullable=False)
    status = sa.Column(sa.String(20), nullable=False, default="scheduled")
    visibility = sa.Column(sa.String(20), nullable=False, default="public")
    register_url = sa.Column(sa.String(500))
    host = sa.Column(sa.String(200))

    __table_args__ = (
        _one_of("status", STATUSES),
        _one_of("visibility", VISIBILITIES),
        sa.CheckConstraint("capacity > 0", name="capacity"),
        sa.CheckConstraint("ends_at > starts_at", name="dates"),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates"),
        # A look-up reads what is offered in the order of dates, of all courses or one: in a state, in a
        # square of the map, in a town that the map doesn't know, or everywhere.
        _index_of_courses("ix_classes_by_state", "state", *BY_DATE),
        _index_of_courses("ix_classes_by_state_and_course", "state", *BY_COURSE),
        _index_of_courses("ix_classes_by_cell", *CELL, *BY_DATE, *POSITION),
        _index_of_courses("ix_classes_by_cell_and_course", *CELL, *BY_COURSE, *POSITION),
        _index_of_courses("ix_classes_by_small_cell", *SMALL_CELL, *BY_DATE, *POSITION),
        _index_of_courses(
            "ix_classes_by_small_cell_and_course", *SMALL_CELL, *BY_COURSE, *POSITION
        ),
        _index_of_courses("ix_classes_by_town", TOWN, *BY_DATE, also=NOT_ON_THE_MAP),
        _index_of_courses("ix_classes_by_town_and_course", TOWN, *BY_COURSE, also=NOT_ON_THE_MAP),
        _index_of_courses("ix_classes_by_date", *BY_DATE),
        sa.Index(
            "ix_classes_by_course",
            *("course_code", "starts_on", "starts_at"),
            **_where(OFFERED),
        ),
        {"comment": "A course, or the conference, at a place and dates"},
    )


class Member(Base):
    """An account: one for each individual, whose e-mail address is the login."""

    __tablename__ = "members"

    id = sa.Column(sa.Integer, primary_key=True)
    external_id = sa.Column(sa.String(64), nullable=False, unique=True)
    email = sa.Column(sa.String(254), nullable=False, unique=True, comment="In lower case")
    name = sa.Column(sa.String(200), nullable=False)
    state = sa.Column(sa.String(2))
    membership = sa.Column(sa.String(50), comment="Its type; NULL for an account without one")
    member_until = sa.Column(sa.Date)

    __table_args__ = (
        sa.CheckConstraint("email = lower(email)", name="email"),
        {"comment": "Accounts: one for each individual, whose e-mail address is the login"},
    )


class Registration(Base):
    """A member's place in a class, taken or given up."""

    __tablename__ = "registrations"

    id = sa.Column(sa.Integer, primary_key=True)
    external_id = sa.Column(sa.String(64), nullable=False, unique=True)
    member_id = sa.Column(sa.ForeignKey("members.id"), nullable=False)
    class_id = sa.Column(sa.ForeignKey("classes.id"), nullable=False)
    status = sa.Column(sa.String(20), nullable=False, default="registered")
    registered_at = sa.Column(UtcDateTime, nullable=False)

    member = relationship(Member)
    training_class = relationship(TrainingClass)
    evaluation = relationship("Evaluation", uselist=False)
    certificate = relationship("Certificate", uselist=False)

    __table_args__ = (
        _one_of("status", REGISTRATION_STATUSES),
        # One seat each; who cancelled may come back, with a registration of its own.
        sa.Index(
            "uq_registrations_active",
            "member_id",
            "class_id",
            unique=True,
            **_where("status IN ('registered', 'attended')"),
        ),
        sa.Index(None, "member_id"),
        # Seats are counted from this index alone.
        sa.Index(None, "class_id", "status"),
        {"comment": "A member's place in a class"},
    )


class Evaluation(Base):
    """A member's opinion of a class; unlocks the certificate."""

    __tablename__ = "evaluations"
    __table_args__ = ({"comment": "Completed after attending; unlocks the certificate"},)

    registration_id = sa.Column(sa.ForeignKey("registrations.id"), primary_key=True)
    completed_at = sa.Column(UtcDateTime, nullable=False)


class Certificate(Base):
    """The certificate of a class that a member attended."""

    __tablename__ = "certificates"
    __table_args__ = ({"comment": "The certificate of a class that a member attended"},)

    registration_id = sa.Column(sa.ForeignKey("registrations.id"), primary_key=True)
    issued_at = sa.Column(UtcDateTime, nullable=False)


class Import(Base):
    """A file that was loaded, and by whom."""

    __tablename__ = "imports"
    __table_args__ = ({"comment": "Files that were loaded, and by whom"},)

    id = sa.Column(sa.Integer, primary_key=True)
    kind = sa.Column(sa.String(20), nullable=False)
    file_name = sa.Column(sa.String(200), nullable=False)
    loaded_by = sa.Column(sa.String(254), nullable=False)
    loaded_at = sa.Column(UtcDateTime, nullable=False)
    created = sa.Column(sa.Integer, nullable=False)
    updated = sa.Column(sa.Integer, nullable=False)
    unchanged = sa.Column(sa.Integer, nullable=False)
    undone_by = sa.Column(sa.String(254))
    undone_at = sa.Column(UtcDateTime)


class ImportChange(Base):
    """A row that the newest import wrote: what it takes to undo it, and to see that nothing came since."""

    __tablename__ = "import_changes"
    __table_args__ = ({"comment": "Rows that the newest import wrote, in the order of writing"},)

    id = sa.Column(sa.Integer, primary_key=True)
    import_id = sa.Column(sa.ForeignKey("imports.id"), nullable=False)
    table_name = sa.Column(sa.String(30), nullable=False)
    row_id = sa.Column(sa.Integer, nullable=False)
    before = sa.Column(sa.JSON(none_as_null=True), comment="The whole row; NULL where it is new")
    after = sa.Column(sa.String(64), nullable=False, comment="SHA-256 of the row as it was left")


courses: sa.Table = Course.__table__
classes: sa.Table = TrainingClass.__table__
members: sa.Table = Member.__table__
registrations: sa.Table = Registration.__table__
evaluations: sa.Table = Evaluation.__table__
certificates: sa.Table = Certificate.__table__
imports: sa.Table = Import.__table__
import_changes: sa.Table = ImportChange.__table__
