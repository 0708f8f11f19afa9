"""action_did_you_mean: when the classifier isn't sure, offer the nearest topics, once."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import Events

MOST_OFFERED = 3
LEAST_LIKELY = 0.05
"""A topic less probable than that isn't worth offering."""


class ActionDidYouMean(Action):
    """Offers the two or three most probable topics; a second miss in a row names the office.

    A topic's title is that of its button in `utter_topics`, so the domain lists each title once.
    """

    def name(self) -> str:
        return "action_did_you_mean"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        buttons = _likely_topics(tracker.latest_message.get("intent_ranking") or [], domain)
        if _missed_before(tracker) or not buttons:
            dispatcher.utter_message(response="utter_none_of_these")
        else:
            dispatcher.utter_message(
                response="utter_did_you_mean",
                buttons=[*buttons, {"title": "None of these", "payload": "/deny"}],
            )
        return []


def _likely_topics(ranking: list[dict[str, Any]], domain: dict[str, Any]) -> list[dict[str, str]]:
    """Buttons of the most probable topics, most probable first."""
    topics = {
        b["payload"].lstrip("/"): b for b in domain["responses"]["utter_topics"][0]["buttons"]
    }
    likely = [
        topics[intent["name"]]
        for intent in ranking
        if intent["name"] in topics and intent["confidence"] >= LEAST_LIKELY
    ]
    return likely[:MOST_OFFERED]


def _missed_before(tracker: Tracker) -> bool:
    """Whether the message before the latest wasn't understood either."""
    messages = [event for event in tracker.events if event["event"] == "user"]
    if len(messages) < 2:
        return False
    return messages[-2]["parse_data"]["intent"]["name"] == "nlu_fallback"
