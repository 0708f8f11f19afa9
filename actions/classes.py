"""Upcoming classes: find_classes_form asks for the place, action_show_classes shows what there is."""

from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import wording
from actions.base import SERVICE, Events, LookupAction, set_slots
from actions.identity_service import MEMBERS, Members
from actions.places import ask_place, place_answered, validate_place
from actions.search import (
    INFORM,
    SEARCH_ENTITIES,
    Search,
    entity_values,
    intent_of_latest_message,
    says_which,
    slot_asked_for,
)
from actions.service import RegistrationService
from identity.database import IdentityUnavailable
from registration.errors import RegistrationUnavailable
from registration.places import STATE_NAMES, UNITED_STATES
from registration.queries import ClassPage


class ActionNewSearch(Action):
    """Forgets what the last search asked for and the new question doesn't.

    The place stays: a place named once holds until another is named. "How many seats are left?"
    right after a list is about that list, so it keeps the rest too. Where no place was named yet, a
    member's profile says one. The conference is looked for everywhere, unless a place is named with it.

    Args:
        service: The registration backend to ask for the profile.
        members: Whom to ask who is speaking.
    """

    def __init__(self, service: RegistrationService = SERVICE, members: Members = MEMBERS) -> None:
        self.service = service
        self.members = members

    def name(self) -> str:
        return "action_new_search"

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],  # noqa: ARG002  rasa-sdk's signature
    ) -> Events:
        is_about_seats = intent_of_latest_message(tracker) == "faq_seats_left"
        named = entity_values(tracker, SEARCH_ENTITIES)
        events = [SlotSet("lookup", "seats" if is_about_seats else "classes")]
        if named or not is_about_seats:
            events += [SlotSet(slot, named.get(slot)) for slot in ("course", "period")]
        if Search.from_values(named).is_of_conference and "place" not in named:
            events.append(SlotSet("place", UNITED_STATES.name))
        elif not tracker.get_slot("place"):
            events += await self._place_of_profile(dispatcher, tracker)
        return events

    async def _place_of_profile(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        try:
            member = await self.members.current(tracker)
            account = await self.service.account(member.email) if member else None
        except (IdentityUnavailable, RegistrationUnavailable):
            return []  # it is only a help; what is asked for next says what is wrong
        if account is None or account.state is None:
            return []
        dispatcher.utter_message(
            response="utter_state_of_profile", state=wording.state_name(account.state)
        )
        return [SlotSet("place", account.state)]


class ValidateFindClassesForm(FormValidationAction):
    """Takes any place that can be told apart; a course or a month meanwhile is remembered."""

    def name(self) -> str:
        return "validate_find_classes_form"

    async def validate_place(
        self,
        value: str,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,  # noqa: ARG002
        domain: dict[str, Any],  # noqa: ARG002
    ) -> dict[str, Any]:
        return validate_place(value, dispatcher)

    async def get_validation_events(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        answered = place_answered(tracker)
        if answered:
            return set_slots(validate_place(answered, dispatcher))
        # Places that an earlier question left to choose from aren't asked about again.
        events = [] if slot_asked_for(tracker) else [SlotSet("place_options", None)]
        events += await super().get_validation_events(dispatcher, tracker, domain)
        return events + heard_while_waiting(dispatcher, tracker, domain, self.form_name())


class ActionAskFindClassesFormPlace(Action):
    def name(self) -> str:
        return "action_ask_find_classes_form_place"

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],  # noqa: ARG002
    ) -> Events:
        ask_place(dispatcher, tracker, "find_classes_form", first_time="utter_ask_place")
        return []


class ActionShowClasses(LookupAction):
    """Shows the first upcoming classes that the search finds."""

    def name(self) -> str:
        return "action_show_classes"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        search = Search.from_values(tracker.slots)
        page = await self.service.upcoming_classes(search)
        if page.total:
            return show_page(dispatcher, search, page, response=_found(page))

        for wider in search.wider():
            page = await self.service.upcoming_classes(wider)
            if page.total and wider.place:
                return show_page(
                    dispatcher,
                    wider,
                    page,
                    response="utter_classes_elsewhere_in_state",
                    state=wider.place.label,
                    **wording.search_words(search),
                )

        dispatcher.utter_message(
            response="utter_no_conference" if search.is_of_conference else "utter_no_classes",
            json_message={"as_of": page.as_of.isoformat()},
            **wording.search_words(search),
        )
        neighbors = await self.service.neighbors_with_classes(search)
        if neighbors:
            dispatcher.utter_message(
                response="utter_neighbors_with_classes",
                buttons=[wording.neighbor_button(*neighbor) for neighbor in neighbors],
                neighbors=", ".join(STATE_NAMES[state] for state, _ in neighbors),
            )
        return [
            SlotSet("listed_classes", []),
            SlotSet("last_class", None),
        ]


def show_page(
    dispatcher: CollectingDispatcher,
    search: Search,
    page: ClassPage,
    *,
    response: str,
    **variables: str,
) -> Events:
    """Says a page of classes as cards; later turns count and go on in it."""
    dispatcher.utter_message(
        response=response,
        json_message=wording.live(page.classes, page.as_of),
        buttons=[wording.MORE_CLASSES] if page.has_more else [],
        total=wording.number(page.total),
        first=page.offset + 1,
        last=page.offset + len(page.classes),
        **{**wording.search_words(search), **variables},
    )
    return [
        *set_slots(search.values()),
        SlotSet("listed_classes", [offered.id for offered in page.classes]),
        shown(search, page),
        SlotSet("last_class", page.classes[0].id if page.total == 1 else None),
    ]


def shown(search: Search, page: ClassPage) -> dict[str, Any]:
    """The event that keeps which list was shown last, and how far: where "show more" goes on."""
    return SlotSet("shown", {**search.values(), "until": page.offset + len(page.classes)})


def heard_while_waiting(
    dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any], form: str
) -> Events:
    """Repeats the course and period of a message that a form got instead of what it waits for.

    Without a slot event of its own, the form would take the message for an interruption that some
    rule answers, and find only itself ("in March" or "doesn't matter" while it waits for a place).
    """
    intent = intent_of_latest_message(tracker)
    if intent in domain["forms"][form]["ignored_intents"]:
        return []
    if slot_asked_for(tracker) and intent == INFORM and not says_which(tracker):
        dispatcher.utter_message(response="utter_place_not_recognized")
        return [SlotSet("place", None)]
    return set_slots(entity_values(tracker, ("course", "period")))


def _found(page: ClassPage) -> str:
    if page.total == 1:
        return "utter_one_class_found"
    return "utter_classes_found" if page.has_more else "utter_all_classes_found"
