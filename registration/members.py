"""What a member may know about themselves: their account, their classes and their certificates.

Whoever asks must have proved who they are (`identity`); nothing here checks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from registration.database import Database
from registration.models import (
    ACTIVE,
    Certificate,
    Course,
    Evaluation,
    Member,
    Registration,
    TrainingClass,
)

CertificateState = Literal[
    "cancelled",
    "transferred",
    "class_cancelled",
    "class_postponed",
    "class_not_over",
    "attendance_not_recorded",
    "evaluation_missing",
    "ready",
]


def certificate_state(
    *,
    registration: str,
    class_status: str,
    class_ends_at: datetime,
    now: datetime,
    is_evaluated: bool,
    is_issued: bool,
) -> CertificateState:
    """How far a registration is from its certificate: the rule, once.

    Args:
        registration: Status of the registration.
        class_status: Status of the class.
        class_ends_at: When the class ends.
        now: Aware, like `class_ends_at`.
        is_evaluated: Whether the member has completed the evaluation.
        is_issued: Whether there is a certificate.
    """
    if is_issued:
        return "ready"
    if registration == "cancelled":
        return "cancelled"
    if registration == "transferred":
        return "transferred"
    if registration == "attended":
        return "ready" if is_evaluated else "evaluation_missing"
    if class_status == "cancelled":
        return "class_cancelled"
    if class_status == "postponed":
        return "class_postponed"
    return "class_not_over" if now < class_ends_at else "attendance_not_recorded"


# A membership holds to the end of its last day, wherever the member is; no day of the contiguous states
# ends later.
LAST_DAY_ENDS_IN = ZoneInfo("America/Los_Angeles")


def last_day(now: datetime) -> date:
    """The day that it is where days end last."""
    return now.astimezone(LAST_DAY_ENDS_IN).date()


@dataclass(frozen=True)
class Account:
    name: str
    state: str | None
    """USPS code of the profile's state."""
    membership: str | None
    """Its type; None for an account without one."""
    member_until: date | None

    def has_ended(self, now: datetime) -> bool:
        """Whether the membership's last day is over; never where it has none."""
        return self.member_until is not None and self.member_until < last_day(now)


@dataclass(frozen=True)
class Attendance:
    """A member's registration in a class."""

    class_id: str
    """The external id."""
    course_code: str
    course_title: str
    city: str
    state: str
    starts_on: date
    ends_on: date
    certificate: CertificateState
    issued_on: date | None
    """When the certificate was issued, where it was; the day in the class's zone."""


def account(db: Database, *, email: str) -> Account | None:
    """The account with an e-mail address (in lower case); None where there is none.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    rows = db.rows(
        sa.select(Member.name, Member.state, Member.membership, Member.member_until).where(
            Member.email == email
        )
    )
    return Account(*rows[0]) if rows else None


def attendances(db: Database, *, email: str, now: datetime) -> tuple[Attendance, ...]:
    """The registrations of the account with an e-mail address (in lower case), newest class first.

    Of several for one class only the one that counts: who cancelled and came back is registered.

    Raises:
        RegistrationUnavailable: The database can't be asked.
    """
    rows = db.rows(
        sa.select(
            Registration.status.label("registration"),
            TrainingClass.external_id,
            TrainingClass.course_code,
            TrainingClass.status,
            TrainingClass.city,
            TrainingClass.state,
            TrainingClass.starts_on,
            TrainingClass.ends_on,
            TrainingClass.ends_at,
            TrainingClass.timezone,
            Course.title,
            Evaluation.completed_at,
            Certificate.issued_at,
        )
        .join_from(Registration, Member)
        .join(TrainingClass, TrainingClass.id == Registration.class_id)
        .join(Course, Course.code == TrainingClass.course_code)
        .outerjoin(Evaluation, Evaluation.registration_id == Registration.id)
        .outerjoin(Certificate, Certificate.registration_id == Registration.id)
        .where(Member.email == email)
        .order_by(
            TrainingClass.starts_at.desc(),
            TrainingClass.id.desc(),
            Certificate.issued_at.is_(None),
            Registration.status.in_(ACTIVE).desc(),
            Registration.registered_at.desc(),
            Registration.id.desc(),
        )
    )
    counting: dict[str, Any] = {}
    for row in rows:
        counting.setdefault(row.external_id, row)
    return tuple(_attendance(row, now) for row in counting.values())


def _attendance(row: Any, now: datetime) -> Attendance:
    return Attendance(
        class_id=row.external_id,
        course_code=row.course_code,
        course_title=row.title,
        city=row.city,
        state=row.state,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        certificate=certificate_state(
            registration=row.registration,
            class_status=row.status,
            class_ends_at=row.ends_at,
            now=now,
            is_evaluated=row.completed_at is not None,
            is_issued=row.issued_at is not None,
        ),
        issued_on=row.issued_at.astimezone(ZoneInfo(row.timezone)).date()
        if row.issued_at
        else None,
    )
