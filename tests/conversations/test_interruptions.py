"""Every topic in the middle of every question that the assistant waits on: answered, then asked again.

The most reported kind of bug in Rasa bots is a question asked in the middle of a form.
"""

import uuid
from typing import Any

import pytest

from bot.content.answers import says
from bot.content.expectations import plain
from bot.content.given import put
from registration.database import Database
from tests.conversations.chat import Person
from tests.conversations.test_topics import TOPICS, facts, response

GIVEN = {
    "classes": [
        {
            "id": "TX-1",
            "course": "basic",
            "city": "Austin",
            "state": "TX",
            "in_days": 20,
            "seats": 4,
        },
        {
            "id": "TX-2",
            "course": "cpted",
            "city": "Dallas",
            "state": "TX",
            "in_days": 40,
            "seats": 1,
        },
        {
            "id": "ME-1",
            "course": "basic",
            "city": "Portland",
            "state": "ME",
            "in_days": 30,
            "seats": 7,
        },
    ]
}

# What is said to get there, what the assistant then waits on, the reply to it, and the outcome.
WAITING = {
    "which place, of classes": (
        ["show me the upcoming classes"],
        "which state",
        "Texas",
        "2 upcoming classes in Texas",
    ),
    "which of two places, of classes": (
        ["show upcoming classes near portland"],
        "more than one Portland",
        "Portland, Maine",
        "within 100 miles of Portland, Maine",
    ),
    "which place, of a class with seats": (
        ["how many seats are left in the class"],
        "which state",
        "Maine",
        "has 7 of 40 seats left",
    ),
    "which class": (
        ["how many seats are left in the texas class"],
        "Which class do you mean?",
        "the Dallas one",
        "has one seat left",
    ),
    "which address": (
        ["is my certificate ready"],
        "e-mail address on your NASRO account",
        "{email}",
        "six-digit code was sent",
    ),
    "which code": (
        ["my membership status", "{email}"],
        "six-digit code was sent",
        "0 0 0 0 0 0",
        "Tries left: 4",
    ),
}

SMALL_TALK = {
    "hello": "Hello!",
    "thank you": "You're welcome",
    "are you a bot": "automated assistant",
    "can I talk to a person": "NASRO office",
    "how much does the basic class cost": "I don't have that",
    "what's the weather tomorrow": "outside what I know",
}


def interruptions() -> list[tuple[str, str]]:
    # Seats left is a look-up of its own, not an interruption of one.
    asked = [
        (t["asked"][0], next(iter(facts(response(t)).values())))
        for t in TOPICS
        if t["topic"] != "M9"
    ]
    return [*asked, *SMALL_TALK.items()]


@pytest.mark.parametrize("waiting", WAITING)
@pytest.mark.parametrize(("asked", "answer"), interruptions())
def test_topic_is_answered_and_what_waited_goes_on(
    waiting: str, asked: str, answer: str, registration: Database, server_url: str
) -> None:
    put(registration, GIVEN)
    before, question, reply, outcome = WAITING[waiting]
    person = Person(server_url)
    email = f"{uuid.uuid4().hex}@example.org"
    for text in before:
        person.say(text.format(email=email))

    answers = person.say(asked)

    assert len(answers) == 2, texts(answers)
    assert says(answers[0]["text"], answer)
    assert plain(question).lower() in plain(answers[1]["text"]).lower()

    answers = person.say(reply.format(email=email))

    assert outcome in plain(answers[0]["text"]), texts(answers)


@pytest.mark.parametrize("waiting", [name for name in WAITING if "class" in name])
@pytest.mark.parametrize(
    "asked",
    [
        "is my certificate ready",
        "which classes am I registered for",
        "my membership status",
        "sign me in",
    ],
)
def test_an_account_question_in_the_middle_of_a_look_up_begins_the_sign_in(
    waiting: str, asked: str, registration: Database, server_url: str
) -> None:
    put(registration, GIVEN)
    person = Person(server_url)
    for text in WAITING[waiting][0]:
        person.say(text)

    (answer,) = person.say(asked)

    assert "e-mail address on your NASRO account" in answer["text"]

    (answer,) = person.say(f"{uuid.uuid4().hex}@example.org")

    assert "six-digit code was sent" in answer["text"]


def texts(answers: list[dict[str, Any]]) -> list[str]:
    return [answer["text"] for answer in answers]
