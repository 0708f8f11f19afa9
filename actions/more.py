"""action_more: "tell me more" after an answer, "show more" after a list of classes."""

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import Events, LookupAction
from actions.classes import show_page
from actions.search import Search, entity_value

CLASSES = "classes"
"""The topic of the button under a list of classes."""

SAID_AS_WELL = {"utter_certificate_status_is_in_my_account": "utter_faq_get_certificate"}
"""What is said instead of a topic's answer and has the same more to it."""

LISTS = {
    "utter_classes_found",
    "utter_classes_elsewhere_in_state",
    "utter_more_classes",
    "utter_all_classes_found",
    "utter_one_class_found",
    "utter_seats_of_many",
}

FULL = "utter_class_full"

QUESTIONS = ("utter_ask_", "utter_which_")
"""How the names of a form's questions begin: said after an answer, they aren't what there is more to."""


class ActionMore(LookupAction):
    """Says more about the topic that the button names, or else about what was said last.

    What more there is to `utter_faq_register` is the domain's `utter_faq_register_more`.
    """

    def name(self) -> str:
        return "action_more"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        topic = entity_value(tracker, "topic")
        said_last = _said_last(tracker)
        if topic == CLASSES or (topic is None and said_last in {*LISTS, FULL}):
            return await super().run(dispatcher, tracker, domain)
        said = f"utter_faq_{topic}" if topic else SAID_AS_WELL.get(said_last, said_last)
        is_more = f"{said}_more" in domain["responses"]
        dispatcher.utter_message(response=f"{said}_more" if is_more else "utter_nothing_more")
        return []

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        """Shows the next page of the list; after a full class, all classes of its state."""
        shown = tracker.get_slot("shown") or {}
        if entity_value(tracker, "topic") is None and _said_last(tracker) == FULL:
            full = (await self.service.classes_by_id([tracker.get_slot("last_class")])).classes
            shown = {"place": full[0].state} if full else {}
        search = Search.from_values(shown)
        page = await self.service.upcoming_classes(search, offset=shown.get("until", 0))
        if not page.classes:
            dispatcher.utter_message(response="utter_no_more_classes")
            return []
        return show_page(dispatcher, search, page, response="utter_more_classes")


def _said_last(tracker: Tracker) -> str:
    """The response that the assistant said last, leaving out questions; empty when it has said none."""
    for event in reversed(tracker.events):
        said = event.get("metadata", {}).get("utter_action") if event["event"] == "bot" else None
        if said and not said.startswith(QUESTIONS):
            return said
    return ""
