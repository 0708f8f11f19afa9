"""What a member is told about themselves, once it is proven who they are; until then, the sign-in."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import wording
from actions.base import SERVICE, Events, LookupAction
from actions.identity_service import MEMBERS, Members
from actions.search import SEARCH_ENTITIES, Search, entity_values, is_ordinal, named_by_city, nth
from actions.service import RegistrationService
from actions.sign_in import FORM, OVER, forget
from identity.addresses import masked
from identity.service import Identity
from registration.members import Attendance, CertificateState, last_day

CERTIFICATES: dict[CertificateState, str] = {
    "cancelled": "utter_certificate_cancelled",
    "transferred": "utter_certificate_transferred",
    "class_cancelled": "utter_certificate_class_cancelled",
    "class_postponed": "utter_certificate_class_postponed",
    "class_not_over": "utter_certificate_class_not_over",
    "attendance_not_recorded": "utter_certificate_attendance_not_recorded",
    "evaluation_missing": "utter_certificate_evaluation_missing",
    "ready": "utter_certificate_ready",
}
"""What is said of one certificate."""


class MemberAction(LookupAction):
    """An action that answers about the member who is speaking, and nobody else.

    Who that is comes from `identity` by the conversation's id, never from a slot or an entity.

    Args:
        service: The registration backend to ask.
        members: Whom to ask who is speaking.
    """

    unavailable = "utter_account_unavailable"

    wanted = ""
    """What this tells, by the name under which `action_signed_in` finds it again; "" for nothing that
    has to wait."""

    def __init__(self, service: RegistrationService = SERVICE, members: Members = MEMBERS) -> None:
        super().__init__(service)
        self.members = members

    @abstractmethod
    async def tell(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, member: Identity
    ) -> Events:
        """Says it to the member, and returns the events."""

    def today(self) -> date:
        """The day that it is where days end last, of the contiguous states."""
        return last_day(self.service.now())

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        member = await self.members.current(tracker)
        if member:
            # It is told now: a sign-in that is on its way needn't tell it again.
            return [*await self.tell(dispatcher, tracker, member), SlotSet("wanted", None)]
        if not self.members.sends_codes:
            dispatcher.utter_message(response="utter_certificate_status_is_in_my_account")
            return []
        # "Sign me in" in the middle of it leaves what was wanted before.
        wanted = [SlotSet("wanted", self.wanted)] if self.wanted else []
        return [*wanted, FollowupAction(FORM)]


class ActionCheckCertificates(MemberAction):
    """How it stands with the certificates; with that of one class where one is named."""

    wanted = "certificates"

    def name(self) -> str:
        return "action_check_certificates"

    async def tell(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, member: Identity
    ) -> Events:
        everything = await self.service.attendances(member.email)
        if not everything:
            dispatcher.utter_message(response="utter_no_registrations")
            return []
        listed = self._listed(tracker, everything)
        meant = self._meant(tracker, listed, everything)
        if not meant:
            dispatcher.utter_message(response="utter_no_such_registration")
            meant = everything
        if len(meant) == 1:
            self._tell_of_one(dispatcher, meant[0])
            return self._about(listed)
        dispatcher.utter_message(
            response="utter_certificates",
            total=len(meant),
            custom={
                "cards": [wording.attendance_card(a) for a in meant],
                "as_of": self.service.now().isoformat(),
            },
        )
        if any(a.certificate == "evaluation_missing" for a in meant):
            dispatcher.utter_message(response="utter_evaluations_missing")
        return self._about(meant)

    def _listed(self, tracker: Tracker, everything: Sequence[Attendance]) -> Sequence[Attendance]:
        """The certificates that were shown last, in their order; all of them where none were."""
        by_id = {a.class_id: a for a in everything}
        is_about_these = tracker.get_slot("lookup") == "certificates"
        ids = (tracker.get_slot("listed_classes") or []) if is_about_these else []
        return [by_id[id_] for id_ in ids if id_ in by_id] or everything

    def _meant(
        self, tracker: Tracker, listed: Sequence[Attendance], everything: Sequence[Attendance]
    ) -> Sequence[Attendance]:
        """Those that the message is about, by their number in the list or by what it names.

        A time that fits none isn't one of a class: "I need it by December 5".
        """
        said = entity_values(tracker, (*SEARCH_ENTITIES, "reference"))
        ordinal = said.get("reference", "")
        if is_ordinal(ordinal):
            return nth(listed, ordinal)
        search = Search.from_values(said)
        among = (() if search.place else named_by_city(tracker, everything)) or everything
        searches = [search, *self._a_year_earlier(search)]
        fitting = [a for a in among if any(s.matches(a) for s in searches)]
        at_any_time = replace(search, period=None)
        return fitting or [a for a in among if at_any_time.matches(a)]

    def _a_year_earlier(self, search: Search) -> Sequence[Search]:
        """What may be meant too: "in March" is heard as the next one that isn't over."""
        if not search.period or search.period[1] < self.today():
            return ()
        first, last = search.period
        return (replace(search, period=(_a_year_before(first), _a_year_before(last))),)

    def _about(self, shown: Sequence[Attendance]) -> Events:
        """What "the one in Orlando" and "the second one" are about from now on."""
        return [
            SlotSet("lookup", "certificates"),
            SlotSet("listed_classes", [a.class_id for a in shown]),
        ]

    def _tell_of_one(self, dispatcher: CollectingDispatcher, attendance: Attendance) -> None:
        is_dated = attendance.certificate == "ready" and attendance.issued_on
        dispatcher.utter_message(
            response="utter_certificate_issued"
            if is_dated
            else CERTIFICATES[attendance.certificate],
            class_name=wording.class_name(attendance),
            ends=wording.day(attendance.ends_on),
            issued=wording.day(attendance.issued_on) if attendance.issued_on else "",
        )


class ActionMyClasses(MemberAction):
    """The classes that a member is registered for and that are still to come, or were to."""

    wanted = "classes"

    def name(self) -> str:
        return "action_my_classes"

    async def tell(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,  # noqa: ARG002
        member: Identity,
    ) -> Events:
        everything = await self.service.attendances(member.email)
        today = self.today()
        ahead = [
            a
            for a in reversed(everything)
            if a.certificate in ("class_not_over", "class_postponed")
            or (a.certificate == "class_cancelled" and a.ends_on >= today)
        ]
        if not ahead:
            dispatcher.utter_message(response="utter_no_classes_of_mine")
            return []
        dispatcher.utter_message(
            response="utter_my_classes",
            custom={
                "cards": [wording.attendance_card(a) for a in ahead],
                "as_of": self.service.now().isoformat(),
            },
        )
        if any(a.certificate != "class_not_over" for a in ahead):
            dispatcher.utter_message(response="utter_classes_called_off")
        return []


class ActionMyMembership(MemberAction):
    """A member's membership: its type and how long it lasts."""

    wanted = "membership"

    def name(self) -> str:
        return "action_my_membership"

    async def tell(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,  # noqa: ARG002
        member: Identity,
    ) -> Events:
        account = await self.service.account(member.email)
        if account is None or account.membership is None:
            dispatcher.utter_message(response="utter_no_membership")
        elif account.member_until is None:
            dispatcher.utter_message(response="utter_membership", membership=account.membership)
        else:
            has_ended = account.has_ended(self.service.now())
            dispatcher.utter_message(
                response="utter_membership_ended" if has_ended else "utter_membership_until",
                membership=account.membership,
                until=wording.day(account.member_until),
            )
        return []


class ActionSignIn(MemberAction):
    """Signs in, for somebody who asks for just that."""

    def name(self) -> str:
        return "action_sign_in"

    async def tell(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,  # noqa: ARG002
        member: Identity,
    ) -> Events:
        dispatcher.utter_message(response="utter_signed_in", member=masked(member.email))
        return []


class ActionSignedIn(Action):
    """After sign_in_form: says who is signed in, and then what they wanted to know.

    After one that was stopped, it only forgets.
    """

    def __init__(self, service: RegistrationService = SERVICE, members: Members = MEMBERS) -> None:
        self.service = service
        self.members = members

    def name(self) -> str:
        return "action_signed_in"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        is_complete = tracker.get_slot("code") == OVER
        member = await self.members.current(tracker) if is_complete else None
        events: Events = []
        if member:
            dispatcher.utter_message(response="utter_signed_in", member=masked(member.email))
            for kind in (ActionCheckCertificates, ActionMyClasses, ActionMyMembership):
                if tracker.get_slot("wanted") == kind.wanted:
                    tell = kind(self.service, self.members).run
                    events += await tell(dispatcher, _when_it_was_wanted(tracker), domain)
        return [*events, *forget()]


def _a_year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=min(day.day, 28) if day.month == 2 else day.day)


def _when_it_was_wanted(tracker: Tracker) -> Tracker:
    """The conversation with the message that wanted something as the latest: it may name a class."""
    events = reversed(tracker.events)
    for event in events:
        if event["event"] == "slot" and event["name"] == "wanted" and event["value"]:
            break
    then = copy.copy(tracker)
    then.latest_message = next((e["parse_data"] for e in events if e["event"] == "user"), {})
    return then
