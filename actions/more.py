"""action_more: "tell me more" after an answer, "show more" after a list of classes."""

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import Events, LookupAction
from actions.classes import show_page
from actions.search import Search, entity_values

TOPICS = {
    "sro_roles": "utter_faq_sro_roles_more",
    "how_many_sros": "utter_faq_how_many_sros_more",
    "how_many_schools": "utter_faq_how_many_schools_more",
    "become_sro": "utter_faq_become_sro_more",
    "register": "utter_faq_register_more",
    "get_certificate": "utter_faq_get_certificate_more",
    "class_in_my_state": "utter_faq_class_in_my_state_more",
    "hold_spot": "utter_faq_hold_spot_more",
}
"""What more there is to say, by the topic that a "Tell me more" button names."""

CLASSES = "classes"
"""The topic of the button under a list of classes."""

MORE_AFTER = {
    **{f"utter_faq_{topic}": response for topic, response in TOPICS.items()},
    "utter_certificate_status_is_in_my_account": "utter_faq_get_certificate_more",
}

LISTS = {
    "utter_classes_found",
    "utter_classes_elsewhere_in_state",
    "utter_more_classes",
    "utter_all_classes_found",
    "utter_one_class_found",
}


class ActionMore(LookupAction):
    """Says more about the topic that the button names, or else about what was said last."""

    def name(self) -> str:
        return "action_more"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        topic = entity_values(tracker, ["topic"]).get("topic")
        said_last = _said_last(tracker)
        if topic == CLASSES or (topic is None and said_last in LISTS):
            return await self._show_next_page(dispatcher, tracker)
        response = TOPICS.get(topic) if topic else MORE_AFTER.get(said_last)
        dispatcher.utter_message(response=response or "utter_nothing_more")
        return []

    async def _show_next_page(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        search = Search.from_values(tracker.slots)
        shown = int(tracker.get_slot("shown") or 0)
        page = await self.service.upcoming_classes(search, offset=shown)
        if not page.classes:
            dispatcher.utter_message(response="utter_no_more_classes")
            return []
        return show_page(dispatcher, search, page, response="utter_more_classes")


def _said_last(tracker: Tracker) -> str:
    """The response that the assistant said last; empty when it has said none."""
    for event in reversed(tracker.events):
        if event["event"] == "bot" and event.get("metadata", {}).get("utter_action"):
            return event["metadata"]["utter_action"]
    return ""
