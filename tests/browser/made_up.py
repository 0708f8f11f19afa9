"""MADE-UP conversations of eight weeks, for the pictures of the queue and the reports: nobody held them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.webchat.database import ConversationDatabase
from registration.place_tables import STATE_NAMES
from tests.outcomes.stream import Talk

DAYS = 56

TOPICS = {
    "faq_what_is_sro": (8, "what is an sro"),
    "faq_become_sro": (14, "how do i become an sro"),
    "faq_register": (16, "how do i register for a class"),
    "faq_hold_spot": (7, "can you hold a spot for us"),
    "faq_get_certificate": (11, "where is my certificate"),
    "faq_membership_card": (5, "i need my membership card"),
    "faq_host_class": (4, "can we host a class"),
    "faq_sro_roles": (6, "what does an sro do all day"),
    "faq_new_account": (3, "how do i make an account"),
    "faq_login_trouble": (5, "i can not log in"),
}
"""Topics that are asked about, how often beside the others, and in what words."""
RISING = "faq_get_certificate"
"""Asked three times as often in the second half of the time."""
DISLIKED = "faq_login_trouble"
"""Its answer is found unhelpful most of the time."""

ASKED = (
    ("not_covered", ("Do you offer refunds?", "can i get a refund", "what is the refund policy",
                     "refund if I have to cancel my class", "how do refunds work")),
    ("not_covered", ("is lunch included", "do we get lunch at the class", "is lunch provided")),
    ("not_covered", ("Is there a dress code?", "what should i wear to class", "class dress code")),
    ("nlu_fallback", ("can my department pay by purchase order", "do you take purchase orders",
                      "pay with a PO from the school district")),
    ("not_covered", ("is there parking at the venue", "where do we park")),
    ("nlu_fallback", ("hotel block for the class", "do you have a hotel discount")),
    ("out_of_scope", ("who won the game last night", "tell me a joke")),
)  # fmt: skip
"""What isn't answered, the most asked first, each in several words."""
NEAREST = (
    "faq_register",
    "faq_hold_spot",
    "faq_host_class",
    "faq_get_certificate",
    "faq_new_account",
)

NO_CLASSES = {
    "AK": 1.0,
    "WY": 1.0,
    "MT": 0.7,
    "HI": 1.0,
    "VT": 0.8,
    "ND": 0.6,
    "NM": 0.3,
    "ME": 0.5,
    "PR": 1.0,
}
"""States in which look-ups found none, and how often."""
MANY = {"TX": 12, "FL": 10, "GA": 7, "OH": 6, "CA": 6, "NC": 5, "AK": 5, "MT": 4, "VA": 4, "WY": 3}


def store(database: ConversationDatabase, until: datetime, number: int = 420) -> None:
    """Stores conversations that look like those of a few weeks.

    Args:
        database: As `tests.outcomes.stream.database_at` opens it.
        until: The last of them is before that.
        number: Of conversations.
    """
    chance = random.Random(7)
    states = [
        code for code in STATE_NAMES if code not in ("GU", "AS", "MP", "VI", "DE", "SD", "RI")
    ]
    weights = [MANY.get(code, 1) for code in states]
    for n in range(number):
        share = chance.random()
        talk = Talk(database, until - timedelta(days=DAYS * (1 - share), minutes=5), id=f"{n:032x}")
        for _ in range(chance.choice((1, 1, 2, 3))):
            kind = chance.random()
            if kind < 0.45:
                _ask(talk, chance, is_late=share > 0.5)
            elif kind < 0.8:
                (code,) = chance.choices(states, weights)
                is_none = chance.random() < NO_CLASSES.get(code, 0)
                said = "utter_no_classes" if is_none else "utter_classes_found"
                place = STATE_NAMES[code]
                talk.turn(
                    f"classes in {place}",
                    "find_classes",
                    said,
                    place=place,
                    total=chance.randint(1, 9),
                )
            elif kind < 0.96:
                _ask_what_is_not_known(talk, chance)
            else:
                talk.turn("can I talk to a person", "ask_human", "utter_office")


def _ask(talk: Talk, chance: random.Random, *, is_late: bool) -> None:
    weights = [3 * n if is_late and topic == RISING else n for topic, (n, _) in TOPICS.items()]
    (topic,) = chance.choices(list(TOPICS), weights)
    took = chance.lognormvariate(-3.3, 0.5)
    talk.turn(TOPICS[topic][1], topic, f"utter_{topic}", took=took)
    if chance.random() < 0.35:
        talk.rate(chance.random() > (0.7 if topic == DISLIKED else 0.12))


def _ask_what_is_not_known(talk: Talk, chance: random.Random) -> None:
    ((intent, wordings),) = chance.choices(ASKED, range(len(ASKED) + 1, 1, -1))
    first = chance.uniform(0.1, 0.3)
    ranking: Sequence[tuple[str, float]] = [
        (topic, first / n) for n, topic in enumerate(chance.sample(NEAREST, 3), start=1)
    ]
    said = {"not_covered": "utter_not_covered", "nlu_fallback": "utter_did_you_mean"}
    response = said.get(intent, "utter_out_of_scope")
    talk.turn(chance.choice(wordings), intent, response, score=first, ranking=ranking)
    if intent == "nlu_fallback" and chance.random() < 0.6:
        if chance.random() < 0.5:
            talk.turn("None of these", "deny", "utter_none_of_these", score=None)
        else:
            talk.turn("Registering", "faq_register", "utter_faq_register", score=None)
