"""What a member is told: the truth table of certificates, and whose classes are whose."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from itertools import product

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registration.database import Database
from registration.members import Account, account, attendances, certificate_state
from registration.models import (
    REGISTRATION_STATUSES,
    STATUSES,
    Certificate,
    Registration,
    TrainingClass,
)
from registration.sample import load_sample

ENDS = datetime(2027, 3, 5, 23, tzinfo=timezone.utc)
BEFORE, AFTER = ENDS - timedelta(seconds=1), ENDS
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


ANY = None
RULES = {
    # registration, class, the class is over, evaluated, issued
    ("registered", "scheduled", False, ANY, False): "class_not_over",
    ("registered", "scheduled", True, ANY, False): "attendance_not_recorded",
    ("registered", "cancelled", ANY, ANY, False): "class_cancelled",
    ("registered", "postponed", ANY, ANY, False): "class_postponed",
    ("attended", ANY, ANY, False, False): "evaluation_missing",
    ("attended", ANY, ANY, True, False): "ready",
    ("cancelled", ANY, ANY, ANY, False): "cancelled",
    ("transferred", ANY, ANY, ANY, False): "transferred",
    (ANY, ANY, ANY, ANY, True): "ready",
}
SITUATIONS = list(
    product(REGISTRATION_STATUSES, STATUSES, (False, True), (False, True), (False, True))
)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_how_far_a_certificate_is(situation: tuple[str, str, bool, bool, bool]) -> None:
    registration, class_status, is_over, is_evaluated, is_issued = situation
    (expected,) = [
        state
        for rule, state in RULES.items()
        if all(part in (ANY, value) for part, value in zip(rule, situation, strict=True))
    ]

    assert (
        certificate_state(
            registration=registration,
            class_status=class_status,
            class_ends_at=ENDS,
            now=AFTER if is_over else BEFORE,
            is_evaluated=is_evaluated,
            is_issued=is_issued,
        )
        == expected
    )


def states(db: Database, name: str) -> list[str]:
    return [a.certificate for a in attendances(db, email=f"{name}@example.org", now=NOW)]


def test_each_member_sees_their_own_newest_first(db: Database) -> None:
    load_sample(db, today=TODAY)

    assert states(db, "upcoming") == ["class_not_over"]
    assert states(db, "not-recorded") == ["attendance_not_recorded"]
    assert states(db, "no-evaluation") == ["evaluation_missing"]
    assert states(db, "ready") == ["ready"]
    assert states(db, "cancelled") == ["cancelled"]
    assert states(db, "transferred") == ["transferred"]
    assert states(db, "nothing") == []
    assert states(db, "nobody") == []
    several = attendances(db, email="several@example.org", now=NOW)
    assert [a.certificate for a in several] == [
        "class_not_over",
        "evaluation_missing",
        "ready",
        "ready",
    ]
    assert sorted((a.starts_on for a in several), reverse=True) == [a.starts_on for a in several]
    assert [a.issued_on is not None for a in several] == [False, False, True, True]


def registered_again(
    session: Session, name: str, status: str, after: timedelta = timedelta(days=1)
) -> None:
    """Adds a registration for the class of a sample member with only one."""
    first = session.execute(
        sa.select(Registration).where(Registration.external_id.like(f"SAMPLE-{name}-%"))
    ).scalar_one()
    session.add(
        Registration(
            external_id=f"{first.external_id}-{status}",
            member=first.member,
            training_class=first.training_class,
            status=status,
            registered_at=first.registered_at + after,
        )
    )


def test_of_several_registrations_for_a_class_one_counts(db: Database) -> None:
    load_sample(db, today=TODAY)
    with db.session() as session:
        registered_again(session, "cancelled", "registered")  # cancelled, and came back
        registered_again(session, "upcoming", "cancelled", -timedelta(days=1))
        registered_again(session, "transferred", "cancelled")  # neither is active: the later one
        registered_again(session, "ready", "cancelled")

    assert states(db, "cancelled") == ["class_not_over"]
    assert states(db, "upcoming") == ["class_not_over"]
    assert states(db, "transferred") == ["cancelled"]
    assert states(db, "ready") == ["ready"]


@pytest.mark.parametrize(
    ("zone", "day"), [("America/Chicago", date(2026, 11, 9)), ("Pacific/Guam", date(2026, 11, 10))]
)
def test_a_certificate_is_issued_on_the_day_that_it_is_where_the_class_is(
    db: Database, zone: str, day: date
) -> None:
    load_sample(db, today=TODAY)
    with db.session() as session:
        session.execute(sa.update(TrainingClass).values(timezone=zone))
        evening_in_chicago = datetime(2026, 11, 10, 2, tzinfo=timezone.utc)
        session.execute(sa.update(Certificate).values(issued_at=evening_in_chicago))

    assert [a.issued_on for a in attendances(db, email="ready@example.org", now=NOW)] == [day]


@pytest.mark.parametrize(
    ("until", "now", "has_ended"),
    [
        (None, NOW, False),
        (date(2026, 11, 24), NOW, False),
        (date(2026, 11, 23), NOW, True),
        # In UTC the next day, in California still the last evening.
        (date(2026, 11, 24), datetime(2026, 11, 25, 7, tzinfo=timezone.utc), False),
        (date(2026, 11, 24), datetime(2026, 11, 25, 8, tzinfo=timezone.utc), True),
    ],
)
def test_a_membership_holds_to_the_end_of_its_last_day(
    until: date | None, now: datetime, has_ended: bool
) -> None:
    assert Account("Jane", "TX", "Regular", until).has_ended(now) is has_ended


def test_the_account_of_an_address(db: Database) -> None:
    load_sample(db, today=TODAY)

    with_membership = account(db, email="upcoming@example.org")
    without = account(db, email="not-recorded@example.org")

    assert with_membership is not None
    assert with_membership.membership == "Regular"
    assert with_membership.member_until == TODAY + timedelta(days=200)
    assert with_membership.state == "TX"
    assert without is not None
    assert without.membership is None
    assert account(db, email="nobody@example.org") is None
