"""When it isn't clear what was asked: what is offered, and when the office is named instead."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.did_you_mean import ActionDidYouMean, ActionSomethingElse

DOMAIN: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "domain.yml").read_text(encoding="utf-8")
)


def understood(intent: str, **ranking: float) -> dict[str, Any]:
    ranked = [{"name": name, "confidence": confidence} for name, confidence in ranking.items()]
    return {"intent": {"name": intent, "confidence": 0.3}, "intent_ranking": ranked}


def said(
    action: ActionDidYouMean | ActionSomethingElse, *messages: dict[str, Any]
) -> tuple[str, list[str]]:
    """The response and the payloads after these messages, as Rasa understood them."""
    events = [{"event": "user", "parse_data": message} for message in messages]
    tracker = Tracker("somebody", {}, messages[-1], events, False, None, {}, None)
    dispatcher = CollectingDispatcher()
    asyncio.run(action.run(dispatcher, tracker, DOMAIN))
    (message,) = dispatcher.messages
    return message["response"], [button["payload"] for button in message["buttons"]]


def test_the_likeliest_topics_are_offered_and_none_of_them() -> None:
    unclear = understood(
        "nlu_fallback",
        faq_register=0.4,
        not_covered=0.3,
        faq_seats_left=0.2,
        greet=0.1,
        faq_hold_spot=0.06,
        faq_host_class=0.05,
    )

    assert said(ActionDidYouMean(), unclear) == (
        "utter_did_you_mean",
        ["/faq_register", "/faq_seats_left", "/faq_hold_spot", "/deny"],
    )


def test_what_is_hardly_likely_is_not_offered() -> None:
    unclear = understood("nlu_fallback", faq_register=0.4, faq_seats_left=0.04)

    assert said(ActionDidYouMean(), unclear) == ("utter_did_you_mean", ["/faq_register", "/deny"])


@pytest.mark.parametrize("first", ["nlu_fallback", "not_that"])
def test_a_second_miss_in_a_row_names_the_office(first: str) -> None:
    response, _ = said(
        ActionDidYouMean(),
        understood(first, faq_register=0.4),
        understood("nlu_fallback", faq_hold_spot=0.4),
    )

    assert response == "utter_none_of_these"


def test_an_answer_in_between_makes_it_a_first_miss_again() -> None:
    response, payloads = said(
        ActionDidYouMean(),
        understood("nlu_fallback", faq_register=0.4),
        understood("faq_register", faq_register=0.9),
        understood("nlu_fallback", faq_hold_spot=0.4),
    )

    assert (response, payloads) == ("utter_did_you_mean", ["/faq_hold_spot", "/deny"])


def test_after_not_that_the_topics_that_were_next_are_offered() -> None:
    answered = understood(
        "faq_register", faq_register=0.8, faq_register_colleague=0.1, faq_new_account=0.01
    )

    assert said(ActionSomethingElse(), answered, understood("not_that", not_that=0.9)) == (
        "utter_something_else",
        ["/faq_register_colleague", "/faq_new_account", "/deny"],
    )


def test_not_that_with_nothing_before_it_names_the_office() -> None:
    response, _ = said(ActionSomethingElse(), understood("not_that", not_that=0.9))

    assert response == "utter_none_of_these"
