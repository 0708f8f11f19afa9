"""When it isn't clear what was asked, offer topics, once: the nearest, or the next nearest."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.base import Events
from actions.wording import NONE_OF_THESE

MOST_OFFERED = 3
LEAST_LIKELY = 0.05
"""A topic less probable than that isn't worth offering."""

MISSED = ("nlu_fallback", "not_that")
"""Intents of a message after which topics were offered."""


class ActionDidYouMean(Action):
    """Offers the two or three most probable topics; a second miss in a row names the office.

    A topic's title is that of its button in `utter_topics`, so the domain lists each title once.
    """

    def name(self) -> str:
        return "action_did_you_mean"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        ranking = tracker.latest_message.get("intent_ranking") or []
        buttons = _topics([i for i in ranking if i["confidence"] >= LEAST_LIKELY], domain)
        before = _message_before(tracker)
        missed_before = before is not None and before["intent"]["name"] in MISSED
        _offer(dispatcher, "utter_did_you_mean", [] if missed_before else buttons)
        return []


class ActionSomethingElse(Action):
    """After "no, not that", offers the topics that were next in the message before, however improbable."""

    def name(self) -> str:
        return "action_something_else"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        before = _message_before(tracker)
        buttons: list[dict[str, str]] = []
        if before is not None and before["intent"]["name"] not in MISSED:
            answered = before["intent"]["name"]
            others = [i for i in before.get("intent_ranking") or [] if i["name"] != answered]
            buttons = _topics(others, domain)
        _offer(dispatcher, "utter_something_else", buttons)
        return []


def _offer(dispatcher: CollectingDispatcher, response: str, buttons: list[dict[str, str]]) -> None:
    if buttons:
        dispatcher.utter_message(response=response, buttons=[*buttons, NONE_OF_THESE])
    else:
        dispatcher.utter_message(response="utter_none_of_these")


def _topics(ranking: list[dict[str, Any]], domain: dict[str, Any]) -> list[dict[str, str]]:
    """Buttons of the first topics of a ranking."""
    topics = {
        b["payload"].lstrip("/"): b for b in domain["responses"]["utter_topics"][0]["buttons"]
    }
    return [topics[i["name"]] for i in ranking if i["name"] in topics][:MOST_OFFERED]


def _message_before(tracker: Tracker) -> dict[str, Any] | None:
    """What Rasa understood of the message before the latest."""
    messages = [event for event in tracker.events if event["event"] == "user"]
    return messages[-2]["parse_data"] if len(messages) > 1 else None
