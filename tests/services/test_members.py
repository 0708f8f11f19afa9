"""What a member is told: the truth table of certificates, and whose classes are whose."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from registration.database import Database
from registration.members import account, attendances, certificate_state
from registration.sample import load_sample

ENDS = datetime(2027, 3, 5, 23, tzinfo=timezone.utc)
BEFORE, AFTER = ENDS - timedelta(seconds=1), ENDS
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("registration", "class_status", "now", "is_evaluated", "is_issued", "state"),
    [
        ("registered", "scheduled", BEFORE, False, False, "class_not_over"),
        ("registered", "scheduled", AFTER, False, False, "attendance_not_recorded"),
        ("registered", "scheduled", AFTER, True, False, "attendance_not_recorded"),
        ("registered", "cancelled", BEFORE, False, False, "class_called_off"),
        ("registered", "cancelled", AFTER, False, False, "class_called_off"),
        ("registered", "postponed", BEFORE, False, False, "class_called_off"),
        ("attended", "scheduled", BEFORE, False, False, "evaluation_missing"),
        ("attended", "scheduled", AFTER, False, False, "evaluation_missing"),
        ("attended", "scheduled", AFTER, True, False, "ready"),
        ("attended", "scheduled", AFTER, True, True, "ready"),
        ("attended", "scheduled", AFTER, False, True, "ready"),
        ("cancelled", "scheduled", BEFORE, False, False, "cancelled"),
        ("cancelled", "scheduled", AFTER, True, False, "cancelled"),
        ("transferred", "scheduled", AFTER, False, False, "transferred"),
        ("transferred", "cancelled", AFTER, False, False, "transferred"),
    ],
)
def test_how_far_a_certificate_is(
    registration: str,
    class_status: str,
    now: datetime,
    is_evaluated: bool,
    is_issued: bool,
    state: str,
) -> None:
    assert (
        certificate_state(
            registration=registration,
            class_status=class_status,
            class_ends_at=ENDS,
            now=now,
            is_evaluated=is_evaluated,
            is_issued=is_issued,
        )
        == state
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
