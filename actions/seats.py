"""Seats left in one class: seats_form finds out which class, action_show_seats tells its seats."""

from collections.abc import Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from actions import wording
from actions.base import SERVICE, Events, LookupAction, set_slots
from actions.classes import shown
from actions.places import ask_place, place_answered, validate_place
from actions.search import (
    INFORM,
    SEARCH_ENTITIES,
    Search,
    action_before,
    entity_value,
    entity_values,
    intent_of_latest_message,
    named_by_city,
    nth,
    says_which,
    slot_asked_for,
)
from actions.service import RegistrationService
from registration.errors import RegistrationUnavailable
from registration.queries import ClassSummary

ABOUT_THAT = "about_that_class"
"""The intent of a question about the class that was spoken of last: "when is it?"."""

NO_SUCH_CLASS = "none"
"""Value of the slot class_id when nothing fits: the form is done, and the answer is that."""

MOST_TO_CHOOSE_FROM = 6
"""With more classes than that and no place, the place is asked for; with a place, the nearest
dates are offered."""


class ValidateSeatsForm(Action):
    """Finds the one class that is meant, from what is said now and what was listed before.

    One candidate fills `class_id` and ends the form, several are offered, and when too little is
    known the place is asked for. Written without rasa-sdk's FormValidationAction because the two
    slots aren't independent: what is asked next depends on what the database holds.

    Args:
        service: Whom to ask; a test hands in its own.
    """

    def __init__(self, service: RegistrationService = SERVICE) -> None:
        self.service = service

    def name(self) -> str:
        return "validate_seats_form"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        waiting_for, answered = slot_asked_for(tracker), place_answered(tracker)
        if not answered and _is_interruption(tracker, domain):
            again = [SlotSet(REQUESTED_SLOT, waiting_for)]
            if intent_of_latest_message(tracker) not in (INFORM, ABOUT_THAT):
                # Only the question again: any other slot event would make the form keep the turn.
                return again
            dispatcher.utter_message(
                response="utter_place_not_recognized"
                if waiting_for == "place"
                else "utter_class_not_recognized"
            )
            return [SlotSet("class_id", None), *again]
        try:
            return await self._find_class(dispatcher, tracker, answered)
        except RegistrationUnavailable:
            # Nothing left to ask: the form ends, and action_show_seats says that the list is away.
            return [SlotSet("class_id", None), SlotSet(REQUESTED_SLOT, None)]

    async def _find_class(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, answered: str | None
    ) -> Events:
        # The slot may hold a button's class of long ago.
        if class_id := entity_value(tracker, "class_id"):
            return [SlotSet("class_id", class_id), SlotSet(REQUESTED_SLOT, None)]

        listed = () if answered else await self._listed_that_are_meant(tracker)
        if listed:
            return _choose(listed)

        # Places that an earlier question left to choose from aren't asked about again.
        is_asked = slot_asked_for(tracker) == "place"
        place: dict[str, Any] = {} if is_asked else {"place_options": None}
        if named := answered or tracker.get_slot("place"):
            place = validate_place(named, dispatcher)
        search = Search.from_values({**tracker.slots, **place})
        events = set_slots(place)
        ask_for_place = [
            *events,
            SlotSet("class_id", None),  # "that one", of nothing: the form keeps the turn
            SlotSet(REQUESTED_SLOT, "place"),
        ]
        if search.is_empty or place.get("place_options"):
            return ask_for_place

        page = await self.service.upcoming_classes(search, limit=MOST_TO_CHOOSE_FROM)
        if page.has_more and not search.place:
            return ask_for_place
        in_town = [c for c in page.classes if search.is_in_towns and search.matches(c)]
        if in_town:
            return [*events, *_choose(in_town)]
        if page.has_more:
            dispatcher.utter_message(
                response="utter_seats_of_many",
                total=wording.number(page.total),
                **wording.search_words(search),
            )
            events.append(shown(search, page))
        elif page.classes and search.is_in_towns and search.place:
            dispatcher.utter_message(
                response="utter_seats_nearby",
                town=search.place.label,
                filters=wording.filters(search),
            )
        return [*events, *_choose(page.classes)]

    async def _listed_that_are_meant(self, tracker: Tracker) -> Sequence[ClassSummary]:
        """The listed classes that the message points at; none when it isn't about the list."""
        said = entity_values(tracker, (*SEARCH_ENTITIES, "reference"))
        is_about_that = intent_of_latest_message(tracker) == ABOUT_THAT
        reference = said.pop("reference", "that" if is_about_that else None)
        waiting_for, last_class = slot_asked_for(tracker), tracker.get_slot("last_class")
        ids = tracker.get_slot("listed_classes") or []
        if not (reference or not said or waiting_for == "class_id"):
            return ()
        listed = (await self.service.classes_by_id(ids)).classes if ids else ()
        named = named_by_city(tracker, listed)
        if last_class and (reference == "that" or not (reference or said or waiting_for)):
            return named or (await self.service.classes_by_id([last_class])).classes
        if not listed:
            return ()
        if reference and reference not in ("that", "one"):
            pointed = _pointed_at(reference, ids, last_class)
            return [offered for offered in listed if offered.id in pointed] or listed
        if not said:
            return named or listed
        meant = Search.from_values(said)
        # "The Dallas one" when none is in Dallas is a new search.
        return [offered for offered in listed if meant.matches(offered)]


class ActionAskSeatsFormPlace(Action):
    def name(self) -> str:
        return "action_ask_seats_form_place"

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],  # noqa: ARG002  rasa-sdk's signature
    ) -> Events:
        ask_place(dispatcher, tracker, "seats_form", first_time="utter_ask_seats_place")
        return []


class ActionAskSeatsFormClassId(LookupAction):
    """Offers the classes to choose from."""

    def name(self) -> str:
        return "action_ask_seats_form_class_id"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        page = await self.service.classes_by_id(tracker.get_slot("listed_classes") or [])
        dispatcher.utter_message(
            response="utter_which_class",
            buttons=[wording.class_button(offered) for offered in page.classes],
        )
        return []


class ActionShowSeats(LookupAction):
    """Tells the seats left in the class that seats_form found."""

    def name(self) -> str:
        return "action_show_seats"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        class_id = tracker.get_slot("class_id")
        if class_id is None:
            raise RegistrationUnavailable("the class was never found out")

        page = await self.service.classes_by_id([class_id])
        if page.classes:
            offered = page.classes[0]
            dispatcher.utter_message(
                response=_response(offered.seats_left),
                json_message=wording.live(page.classes, page.as_of),
                class_name=wording.class_name(offered),
                seats=offered.seats_left,
                capacity=offered.capacity,
                state=offered.state,
            )
        else:
            dispatcher.utter_message(
                response="utter_no_such_class",
                json_message={"as_of": page.as_of.isoformat()},
                **wording.search_words(Search.from_values(tracker.slots)),
            )
        return [
            SlotSet("class_id", None),
            SlotSet("last_class", class_id if page.classes else None),
        ]


def _is_interruption(tracker: Tracker, domain: dict[str, Any]) -> bool:
    """Whether the message is about something else than what the form waits for.

    Then the form is called twice: first to turn the message down, and again after some rule has
    answered it. A question that has just begun a search is never one, nor is what comes while the form
    waits for nothing.
    """
    if action_before(tracker, "seats_form") == "action_new_search" or not slot_asked_for(tracker):
        return False
    intent = intent_of_latest_message(tracker)
    if intent in domain["forms"]["seats_form"]["ignored_intents"]:
        return True
    return not (says_which(tracker) or (intent == ABOUT_THAT and tracker.get_slot("last_class")))


def _pointed_at(reference: str, ids: Sequence[str], last_class: str | None) -> Sequence[str]:
    """Of the listed classes those that an ordinal, or "next", "previous" or "other" means."""
    if reference == "other":
        return [id for id in ids if id != last_class]
    if reference in ("next", "previous"):
        if last_class not in ids:
            return ids[:1] if reference == "next" else ()
        index = ids.index(last_class) + (1 if reference == "next" else -1)
        return ids[index : index + 1] if index >= 0 else ()
    return nth(ids, reference)


def _choose(candidates: Sequence[ClassSummary]) -> Events:
    """Slots for the classes that may be meant: one is it, several are asked about."""
    if len(candidates) > 1:
        return [
            SlotSet("listed_classes", [offered.id for offered in candidates]),
            SlotSet(REQUESTED_SLOT, "class_id"),
        ]
    class_id = candidates[0].id if candidates else NO_SUCH_CLASS
    return [SlotSet("class_id", class_id), SlotSet(REQUESTED_SLOT, None)]


def _response(seats_left: int) -> str:
    if seats_left == 0:
        return "utter_class_full"
    return "utter_one_seat_left" if seats_left == 1 else "utter_seats_left"
