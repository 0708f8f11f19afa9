"""Tables of the registration backend: courses, classes, members, registrations, and what follows.

Moments are stored in UTC; a class keeps its own time zone beside them, and the local first and last day
that a calendar shows. Seats are never stored: what is left is counted (`registration.queries`).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

STATUSES = ("scheduled", "cancelled", "postponed")
VISIBILITIES = ("public", "contract")
"""A contract class is held for one agency and never offered."""

REGISTRATION_STATUSES = ("registered", "attended", "cancelled", "transferred")
ACTIVE = ("registered", "attended")
"""Statuses of registrations that take a seat."""


OFFERED = ("visibility", "status")


class UtcDateTime(sa.types.TypeDecorator):
    """A moment with its time zone in Python, in UTC in the database; SQLite stores no zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        return value.astimezone(timezone.utc).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        return value.replace(tzinfo=timezone.utc) if value else None


def _one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


courses = sa.Table(
    "courses",
    metadata,
    sa.Column("code", sa.String(20), primary_key=True),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("hours", sa.Integer),
    sa.Column("kind", sa.String(20), nullable=False),
    _one_of("kind", ("course", "conference")),
    comment="The catalogue: courses, and the conference",
)

classes = sa.Table(
    "classes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("external_id", sa.String(64), nullable=False, unique=True),
    sa.Column("course_code", sa.ForeignKey("courses.code"), nullable=False),
    sa.Column("city", sa.String(100), nullable=False),
    sa.Column("state", sa.String(2), nullable=False),
    sa.Column("zip_code", sa.String(5)),
    sa.Column("venue", sa.String(200)),
    sa.Column("latitude", sa.Float, nullable=False),
    sa.Column("longitude", sa.Float, nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("starts_on", sa.Date, nullable=False, comment="First day, in the class's zone"),
    sa.Column("ends_on", sa.Date, nullable=False, comment="Last day, in the class's zone"),
    sa.Column("timezone", sa.String(64), nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("visibility", sa.String(20), nullable=False),
    sa.Column("register_url", sa.String(500)),
    sa.Column("host", sa.String(200)),
    _one_of("status", STATUSES),
    _one_of("visibility", VISIBILITIES),
    sa.CheckConstraint("capacity > 0", name="capacity"),
    sa.CheckConstraint("ends_at > starts_at", name="dates"),
    # A look-up reads what is offered in the order of dates: in a state, everywhere, or in a box
    # around a place. With the course in it, the index alone also counts them.
    sa.Index("ix_classes_by_state", *OFFERED, "state", "starts_at", "course_code"),
    sa.Index("ix_classes_by_date", *OFFERED, "starts_at", "course_code"),
    sa.Index("ix_classes_by_place", *OFFERED, "latitude", "longitude", "starts_at", "course_code"),
    comment="A course, or the conference, at a place and dates",
)

members = sa.Table(
    "members",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("external_id", sa.String(64), nullable=False, unique=True),
    sa.Column("email", sa.String(254), nullable=False, unique=True, comment="In lower case"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("state", sa.String(2)),
    sa.Column("membership", sa.String(50), comment="Its type; NULL for an account without one"),
    sa.Column("member_until", sa.Date),
    sa.CheckConstraint("email = lower(email)", name="email"),
    comment="Accounts: one for each individual, whose e-mail address is the login",
)

registrations = sa.Table(
    "registrations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("external_id", sa.String(64), nullable=False, unique=True),
    sa.Column("member_id", sa.ForeignKey("members.id"), nullable=False),
    sa.Column("class_id", sa.ForeignKey("classes.id"), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("registered_at", UtcDateTime, nullable=False),
    _one_of("status", REGISTRATION_STATUSES),
    sa.UniqueConstraint("member_id", "class_id"),
    # Seats are counted from this index alone.
    sa.Index(None, "class_id", "status"),
    comment="A member's place in a class",
)

evaluations = sa.Table(
    "evaluations",
    metadata,
    sa.Column("registration_id", sa.ForeignKey("registrations.id"), primary_key=True),
    sa.Column("completed_at", UtcDateTime, nullable=False),
    comment="Completed after attending; unlocks the certificate",
)

certificates = sa.Table(
    "certificates",
    metadata,
    sa.Column("registration_id", sa.ForeignKey("registrations.id"), primary_key=True),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    comment="The certificate of a class that a member attended",
)
