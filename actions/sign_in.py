"""Signing in by a code: sign_in_form asks for the address and the code; then what was wanted is told."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from actions.base import Events
from actions.identity_service import MEMBERS, Members
from actions.search import (
    INFORM,
    action_before,
    entity_value,
    intent_of_latest_message,
    slot_asked_for,
)
from identity.addresses import masked
from identity.codes import NoCode, Right, TooMany, Wrong

FORM = "sign_in_form"

OVER = "over"
"""Value of the slot `code` when the form has nothing more to ask, however it ended."""

UNCLEAR = (INFORM, "nlu_fallback", "affirm")
"""Intents of a reply that is neither what was asked for nor a question of its own."""

ABOUT_SIGNING_IN = (*UNCLEAR, "sign_in", "resend_code")
"""Intents of a message that nothing else answers."""


class ValidateSignInForm(Action):
    """Sends a code to the address that was typed, and takes the code.

    Whether the address has an account plays no part here: the same is said, and done, for every one.

    Args:
        members: Whom to ask; a test hands in its own.
    """

    def __init__(self, members: Members = MEMBERS) -> None:
        self.members = members

    def name(self) -> str:
        return "validate_sign_in_form"

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],  # noqa: ARG002  rasa-sdk's signature
    ) -> Events:
        waiting_for = slot_asked_for(tracker)
        email, code = entity_value(tracker, "email"), entity_value(tracker, "code")
        intent = intent_of_latest_message(tracker)
        has_just_begun = action_before(tracker, FORM) != "action_listen"
        is_turn_of_form = has_just_begun or email or code or intent in ABOUT_SIGNING_IN
        if waiting_for and is_turn_of_form and await self.members.current(tracker):
            return _end()  # signed in on the website meanwhile
        if email and (waiting_for or has_just_begun):
            return await self._send(dispatcher, tracker, email)
        if code and tracker.get_slot("email"):  # also after a look-up in between
            return await self._check(dispatcher, tracker, code)
        if waiting_for == "code" and intent == "resend_code":
            return await self._send(dispatcher, tracker, tracker.get_slot("email"))
        wants_another = waiting_for == "code" and intent == "sign_out"  # "use a different email"
        if wants_another and not await self.members.current(tracker):
            return _ask_for("email", email=None)
        if has_just_begun and not waiting_for:
            return _ask_for("email", email=None)
        if has_just_begun or intent not in UNCLEAR:
            # Something else came up: only the question again, once it is answered.
            return [SlotSet(REQUESTED_SLOT, waiting_for)]
        dispatcher.utter_message(
            response="utter_code_not_recognized"
            if waiting_for == "code"
            else "utter_email_not_recognized"
        )
        return _ask_for(waiting_for or "email", email=tracker.get_slot("email"))

    async def _send(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, sealed: str | None
    ) -> Events:
        address = self._heard(tracker, sealed)
        if address is None:  # typed too long ago
            return _ask_for("email", email=None)
        outcome = await self.members.request_code(tracker, address)
        if isinstance(outcome, TooMany):
            last = tracker.get_slot("email")
            # A code that waits was sent after its address was heard, and lives as long.
            if tracker.get_slot(REQUESTED_SLOT) == "code" and self._heard(tracker, last):
                dispatcher.utter_message(
                    response="utter_last_code_still_works", minutes=_minutes(outcome.again_in)
                )
                return _ask_for("code", email=last)
            dispatcher.utter_message(
                response="utter_too_many_codes", minutes=_minutes(outcome.again_in)
            )
            return _end()
        return [SlotSet("member", masked(address)), *_ask_for("code", email=sealed)]

    def _heard(self, tracker: Tracker, sealed: str | None) -> str | None:
        return self.members.heard(tracker, sealed) if sealed else None

    async def _check(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, sealed: str
    ) -> Events:
        code = self.members.heard(tracker, sealed)
        outcome = await self.members.submit_code(tracker, code or "")
        if isinstance(outcome, Right):
            return _end()
        if isinstance(outcome, Wrong) and outcome.tries_left:
            dispatcher.utter_message(response="utter_wrong_code", tries=outcome.tries_left)
            return _ask_for("code", email=tracker.get_slot("email"))
        dispatcher.utter_message(
            response="utter_code_expired" if isinstance(outcome, NoCode) else "utter_code_dead"
        )
        return _ask_for("email", email=None)


class ActionSignOut(Action):
    """Ends a sign-in."""

    def __init__(self, members: Members = MEMBERS) -> None:
        self.members = members

    def name(self) -> str:
        return "action_sign_out"

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],  # noqa: ARG002
    ) -> Events:
        was_signed_in = await self.members.sign_out(tracker)
        dispatcher.utter_message(
            response="utter_signed_out" if was_signed_in else "utter_not_signed_in"
        )
        events = forget()
        if was_signed_in:
            events.append(SlotSet("place", None))  # it may be that of the profile
            if tracker.get_slot("lookup") == "certificates":
                events.append(SlotSet("listed_classes", None))
        return events


def forget() -> Events:
    """Nothing of a sign-in stays in the conversation."""
    return [SlotSet(slot, None) for slot in ("email", "code", "member", "wanted")]


def _ask_for(slot: str, *, email: str | None) -> Events:
    return [SlotSet("email", email), SlotSet("code", None), SlotSet(REQUESTED_SLOT, slot)]


def _end() -> Events:
    return [SlotSet("email", None), SlotSet("code", OVER), SlotSet(REQUESTED_SLOT, None)]


def _minutes(time: timedelta) -> int:
    return max(math.ceil(time.total_seconds() / 60), 1)
