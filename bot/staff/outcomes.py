"""What people asked and what came of it, told from Rasa's events: no database, no Rasa, no text of answers.

A conversation's events are folded one after another into its questions, so that they may come in any
portions. What a conversation as a whole came to, and what the reports count, follow from its questions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from bot.staff.redaction import redacted
from registration.places import Place, resolve

HANDED_OVER = {
    "utter_office": "asked_for_a_person",
    "utter_complaint": "asked_for_a_person",
    "utter_not_covered": "not_known",
    "utter_out_of_scope": "not_known",
    "utter_spanish": "not_known",
    "utter_other_language": "not_known",
    "utter_certificate_status_is_in_my_account": "not_identified",
    "utter_code_dead": "not_identified",
    "utter_code_expired": "not_identified",
    "utter_lookup_unavailable": "look_up_failed",
    "utter_account_unavailable": "look_up_failed",
    "utter_action_failed": "look_up_failed",
    "utter_none_of_these": "unclear",
    "utter_too_many_codes": "limit_reached",
}
"""Responses that leave the person to the office, and why."""
REASONS = (
    "asked_for_a_person", "not_known", "not_identified", "look_up_failed", "unclear", "limit_reached",
)  # fmt: skip
"""All that there are."""

LOOKUPS: dict[str, tuple[str, bool]] = {
    "utter_one_class_found": ("classes", True),
    "utter_classes_found": ("classes", True),
    "utter_all_classes_found": ("classes", True),
    "utter_classes_elsewhere_in_state": ("classes", True),
    "utter_no_classes": ("classes", False),
    "utter_no_conference": ("classes", False),
    "utter_seats_left": ("seats", True),
    "utter_one_seat_left": ("seats", True),
    "utter_class_full": ("seats", True),
    "utter_no_such_class": ("seats", False),
    "utter_certificates": ("certificates", True),
    "utter_certificate_class_not_over": ("certificates", True),
    "utter_certificate_attendance_not_recorded": ("certificates", True),
    "utter_certificate_evaluation_missing": ("certificates", True),
    "utter_certificate_ready": ("certificates", True),
    "utter_certificate_issued": ("certificates", True),
    "utter_certificate_cancelled": ("certificates", True),
    "utter_certificate_transferred": ("certificates", True),
    "utter_certificate_class_cancelled": ("certificates", True),
    "utter_certificate_class_postponed": ("certificates", True),
    "utter_no_registrations": ("certificates", False),
    "utter_no_such_registration": ("certificates", False),
    "utter_my_classes": ("my_classes", True),
    "utter_no_classes_of_mine": ("my_classes", False),
    "utter_membership": ("membership", True),
    "utter_membership_until": ("membership", True),
    "utter_membership_ended": ("membership", True),
    "utter_no_membership": ("membership", False),
}
"""Responses that tell what a look-up gave: what was looked up, and whether there was any."""

OUTCOMES = (
    "open",  # nothing was said yet
    "small_talk",
    "asked_back",  # for a place, an address, which class
    "answered",
    "none_found",  # looked up, and there is none
    "offered",  # "Did you mean ...?"
    "unclear",
    "other_language",
    "out_of_scope",
    "not_covered",
    "handed_over",
    "failed",
)
"""What can come of a message. Of several in one turn the latter counts."""

_BY_RESPONSE = {
    "utter_greet": "small_talk",
    "utter_thank": "small_talk",
    "utter_goodbye": "small_talk",
    "utter_affirm": "small_talk",
    "utter_deny": "small_talk",
    "utter_choose_one": "small_talk",
    "utter_nothing_to_cancel": "small_talk",
    "utter_nothing_more": "small_talk",
    "utter_search_canceled": "small_talk",
    "utter_sign_in_canceled": "small_talk",
    "utter_signed_in": "small_talk",
    "utter_signed_out": "small_talk",
    "utter_not_signed_in": "small_talk",
    "utter_no_code_to_resend": "small_talk",
    "utter_state_of_profile": "small_talk",
    "utter_neighbors_with_classes": "small_talk",
    "utter_ask_place": "asked_back",
    "utter_ask_place_again": "asked_back",
    "utter_which_place": "asked_back",
    "utter_place_foreign": "asked_back",
    "utter_place_not_recognized": "asked_back",
    "utter_ask_seats_place": "asked_back",
    "utter_which_class": "asked_back",
    "utter_class_not_recognized": "asked_back",
    "utter_seats_of_many": "asked_back",
    "utter_seats_nearby": "asked_back",
    "utter_ask_email": "asked_back",
    "utter_ask_code": "asked_back",
    "utter_email_not_recognized": "asked_back",
    "utter_code_not_recognized": "asked_back",
    "utter_wrong_code": "asked_back",
    "utter_code_dead": "asked_back",
    "utter_code_expired": "asked_back",
    "utter_last_code_still_works": "asked_back",
    "utter_too_many_codes": "asked_back",
    "utter_did_you_mean": "offered",
    "utter_something_else": "offered",
    "utter_none_of_these": "unclear",
    "utter_default": "unclear",
    "utter_spanish": "other_language",
    "utter_other_language": "other_language",
    "utter_out_of_scope": "out_of_scope",
    "utter_not_covered": "not_covered",
    "utter_office": "handed_over",
    "utter_complaint": "handed_over",
    "utter_lookup_unavailable": "failed",
    "utter_account_unavailable": "failed",
    "utter_action_failed": "failed",
    **{response: "none_found" for response, (_, any_) in LOOKUPS.items() if not any_},
}
"""Every other response answers."""

ANSWERED = frozenset({"answered", "none_found"})
NOT_ANSWERED = frozenset({"offered", "unclear", "other_language", "out_of_scope", "not_covered"})
QUESTIONS = ANSWERED | NOT_ANSWERED | {"handed_over", "failed"}
"""Outcomes of questions; other messages are a part of the conversation around them."""

TALK = frozenset({"greet", "thank", "goodbye", "affirm", "deny", "cancel", "not_that"})
"""Intents that are no question of their own, whatever is said to them."""

NO_TOPICS = TALK | {
    "not_covered", "out_of_scope", "nlu_fallback", "inform", "more", "speak_spanish", "speak_other_language",
    "sign_in", "sign_out", "resend_code", "about_that_class", "complain",
}  # fmt: skip
"""Intents that a message of the queue isn't near to in a way that helps."""

OFFERS = ("utter_did_you_mean", "utter_something_else")

LOW_SCORE = 0.7
"""An answer to a message with a lower score is looked at. Of the held-out messages that are answered, 24 of
69 below it are wrong, and 25 of 1,619 above (`python -m bench.outcomes scores`)."""

BUCKET = 1.1
"""Response times are counted in steps of ten percent."""

MOST_STATES = 4
"""Of a place in more states than that ("the Midwest") none is counted."""


@dataclass
class Question:
    """A message and what came of it: a row of `outcomes_questions`."""

    at: datetime
    topic: str
    is_typed: bool
    ranking: list[tuple[str, float]]
    score: float | None
    band: str | None
    language: str
    message_id: str | None
    text: str | None = None
    outcome: str = "open"
    handed_over: str | None = None
    lookup: str | None = None
    states: str = ""
    results: int | None = None
    offer: str | None = None
    chosen: str | None = None
    is_rejected: bool = False
    is_helpful: bool | None = None
    milliseconds: int | None = None
    cluster: int | None = None
    conversation: int | None = None
    id: int | None = None

    @property
    def is_question(self) -> bool:
        return self.outcome in QUESTIONS

    @property
    def queued_for(self) -> str | None:
        """Why it belongs in the queue; None if it doesn't."""
        if not self.is_typed or self.topic in TALK or not self.is_question:
            return None
        if self.is_rejected:
            return "rejected"
        if self.is_helpful is False:
            return "thumbs_down"
        if self.outcome in NOT_ANSWERED:
            return "not_answered"
        if self.score is not None and self.score < LOW_SCORE and self.outcome != "failed":
            return "low_score"
        return None

    def figures(self) -> Counter[tuple[date, str, str]]:
        """What the reports count of it, by day, measure and key."""
        day = self.at.date()
        counted: Counter[tuple[date, str, str]] = Counter()

        def count(measure: str, key: str = "") -> None:
            counted[day, measure, key] += 1

        count("messages")
        count("language", self.language)
        if self.milliseconds is not None:
            count("milliseconds", str(bucket(self.milliseconds)))
        if self.offer:
            count("offer", "shown")
            if self.offer != "shown":
                count("offer", self.offer)
        if self.is_helpful is not None:
            count("feedback", "helpful" if self.is_helpful else "unhelpful")
            count("topic_helpful" if self.is_helpful else "topic_unhelpful", self.topic)
        if reason := self.queued_for:
            count("queued", reason)
        if self.lookup:
            count("lookup", self.lookup)
            if self.results == 0:
                count("lookup_none", self.lookup)
        if self.lookup == "classes":
            for state in self.states.split():
                count("state", state)
                if self.results == 0:
                    count("state_none", state)
        if self.is_question:
            count("questions")
            count("outcome", self.outcome)
            if self.outcome not in NOT_ANSWERED:
                count("topic", self.topic)
        return counted


@dataclass
class Conversation:
    """A conversation in the making: a row of `outcomes_conversations`, and its questions in order."""

    conversation_id: str
    began_at: datetime
    last_at: datetime
    handed_over: str | None = None
    reopened: int = 0
    states: str = ""
    id: int | None = None
    questions: list[Question] = field(default_factory=list)

    def take(self, type_name: str, event: dict[str, Any], at: datetime) -> None:
        """Goes on with an event.

        Args:
            type_name: Rasa's name of its kind.
            event: As it is stored.
            at: When it was.
        """
        if type_name == "user":
            self._hear(event, at)
        elif type_name == "bot" and self.questions:
            self._say(event.get("metadata") or {})
        elif type_name == "slot" and event.get("name") == "place":
            self.states = states_of(event.get("value"))
        elif type_name == "session_started" and self.questions:
            self.reopened += 1
        self.last_at = max(self.last_at, at)

    def _hear(self, event: dict[str, Any], at: datetime) -> None:
        parsed = event.get("parse_data") or {}
        understanding = parsed.get("understanding") or {}
        intent = (parsed.get("intent") or {}).get("name") or "none"
        is_typed = bool(understanding)
        if self.questions:
            _followed_by(self.questions[-1], intent, is_typed)
        self.questions.append(
            Question(
                at=at,
                topic=intent,
                is_typed=is_typed,
                ranking=_first_of(parsed.get("intent_ranking") or []),
                score=understanding.get("score"),
                band=understanding.get("band"),
                language={"speak_spanish": "es", "speak_other_language": "other"}.get(intent, "en"),
                message_id=event.get("message_id"),
                text=redacted(event.get("text") or "") if is_typed else None,
                conversation=self.id,
            )
        )

    def _say(self, metadata: dict[str, Any]) -> None:
        question = self.questions[-1]
        response = metadata.get("utter_action") or ""
        outcome = _BY_RESPONSE.get(response, "answered")
        if question.topic in TALK and outcome not in ("failed", "offered"):
            outcome = "small_talk"
        question.outcome = max(question.outcome, outcome, key=OUTCOMES.index)
        if response in HANDED_OVER:
            question.handed_over = self.handed_over = HANDED_OVER[response]
        if response in OFFERS:
            question.offer = "shown"
        if response in LOOKUPS:
            kind, is_any = LOOKUPS[response]
            question.lookup, question.states = kind, self.states
            question.results = _number_found(metadata.get("total")) if is_any else 0

    def counts(self) -> dict[str, Any]:
        """What its questions add up to, in the columns of `outcomes_conversations`."""
        asked = [q for q in self.questions if q.is_question]
        return {
            "began_at": self.began_at,
            "last_at": self.last_at,
            "handed_over": self.handed_over,
            "reopened": self.reopened,
            "states": self.states,
            "questions": len(asked),
            "answered": sum(q.outcome in ANSWERED for q in asked),
            "not_answered": sum(q.outcome in NOT_ANSWERED for q in asked),
            "lookups": sum(q.lookup is not None for q in self.questions),
            "lookups_without_result": sum(q.results == 0 for q in self.questions),
            "offers": sum(q.offer is not None for q in self.questions),
            "offers_chosen": sum(q.offer == "chosen" for q in self.questions),
            "helpful": sum(q.is_helpful is True for q in self.questions),
            "unhelpful": sum(q.is_helpful is False for q in self.questions),
            "topics": list(dict.fromkeys(q.topic for q in asked if q.outcome not in NOT_ANSWERED)),
        }

    def figures(self) -> Counter[tuple[date, str, str]]:
        """What the reports count of it and its questions."""
        day = self.began_at.date()
        counted = Counter({(day, "conversations", ""): 1})
        if self.handed_over:
            counted[day, "handed_over", self.handed_over] += 1
        if self.reopened:
            counted[day, "reopened", ""] += self.reopened
        for question in self.questions:
            counted.update(question.figures())
        return counted


def _number_found(total: str | int | None) -> int:
    """How many a response says that there are: of "more than 100" the number; 1 where it says none."""
    return int(str(total or 1).split()[-1])


def _first_of(ranking: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """The likeliest intents with their scores: three, and on until three are topics."""
    first: list[tuple[str, float]] = []
    for ranked in ranking:
        if len(first) >= 3 and len(topics_of(first)) >= 3:
            break
        first.append((ranked["name"], round(ranked["confidence"], 4)))
    return first


def topics_of(ranking: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Of a ranking what is a topic: neither talk nor what has no answer."""
    return [(name, score) for name, score in ranking if name not in NO_TOPICS]


def _followed_by(question: Question, intent: str, is_typed: bool) -> None:
    """What the next message says about the one before."""
    if question.offer == "shown":
        if intent in ("deny", "not_that"):
            question.offer, question.is_rejected = "rejected", True
        elif not is_typed:
            question.offer, question.chosen = "chosen", intent
    elif intent == "not_that":
        question.is_rejected = True


@lru_cache(maxsize=2000)
def states_of(place: str | None) -> str:
    """The USPS codes of a place's states, in one string; empty where it is in none, or in many."""
    found = resolve(place) if place else None
    states = found.states if isinstance(found, Place) else ()
    return " ".join(states) if len(states) <= MOST_STATES else ""


def bucket(milliseconds: int) -> int:
    """The step that a response time is counted in."""
    return math.ceil(math.log(max(milliseconds, 1), BUCKET))


def milliseconds_of(step: int) -> int:
    """The longest response time of a step."""
    return round(BUCKET**step)
