"""What depends on the day on which a member asks: the actions at a stopped clock, on real rows."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.identity_service import Members
from actions.members import ActionCheckCertificates, ActionMyClasses, MemberAction
from actions.service import RegistrationService
from identity.service import Identity
from registration.database import Database
from registration.models import Member, Registration, TrainingClass
from tests.services.given import a_class, registrations

NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


class SignedIn(Members):
    """The only member there is."""

    def __init__(self, db: Database) -> None:
        with db.session() as session:
            self.identity = Identity(session.execute(sa.select(Member.email)).scalar_one(), "code")

    async def current(self, tracker: Tracker) -> Identity:  # noqa: ARG002
        return self.identity


def said(
    action: type[MemberAction], db: Database, now: datetime, **entities: str
) -> list[dict[str, Any]]:
    """What the action says to the member who named these."""
    named = [{"entity": name, "value": value} for name, value in entities.items()]
    tracker = Tracker("somebody", {}, {"entities": named}, [], False, None, {}, None)
    dispatcher = CollectingDispatcher()
    service = RegistrationService(db, now=lambda: now)
    asyncio.run(action(service, SignedIn(db)).run(dispatcher, tracker, {}))
    return dispatcher.messages


@pytest.mark.parametrize(
    ("hour", "response"),
    [
        # In UTC the next day, in California still the last evening.
        (7, "utter_my_classes"),
        (8, "utter_no_classes_of_mine"),
    ],
)
def test_a_canceled_class_is_told_until_its_last_day_is_over(
    db: Database, hour: int, response: str
) -> None:
    a_class(db, "OFF", starts_on=date(2026, 11, 20), days=5, status="cancelled")
    registrations(db, "OFF", registered=1)

    messages = said(ActionMyClasses, db, datetime(2026, 11, 25, hour, tzinfo=timezone.utc))

    assert messages[0]["response"] == response


@pytest.mark.parametrize(
    ("first_day", "period", "told_alone"),
    [
        (date(2026, 3, 2), "2027-03-01/2027-03-31", True),  # "in March", heard as the next one
        (date(2027, 3, 1), "2027-03-01/2027-03-31", True),
        (date(2027, 2, 24), "2028-02-01/2028-02-29", True),  # a leap year's
        (date(2025, 3, 3), "2026-03-01/2026-03-31", False),  # a March that is over is that one
    ],
)
def test_a_month_to_come_may_be_the_one_before(
    db: Database, first_day: date, period: str, told_alone: bool
) -> None:
    a_class(db, "MEANT", starts_on=first_day, days=3)
    a_class(db, "OTHER", starts_on=date(2026, 6, 1))
    registrations(db, "MEANT", attended=1)
    with db.session() as session:
        other = sa.select(TrainingClass).where(TrainingClass.external_id == "OTHER")
        session.add(
            Registration(
                external_id="R-OTHER",
                member=session.execute(sa.select(Member)).scalar_one(),
                training_class=session.execute(other).scalar_one(),
                status="attended",
                registered_at=NOON,
            )
        )

    messages = said(ActionCheckCertificates, db, NOON, period=period)

    assert (len(messages) == 1) is told_alone
