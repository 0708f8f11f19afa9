"""What was said long ago still holds: a turn reads only the end of its conversation."""

import pytest

from bot.content.given import put
from registration.database import Database
from tests.conversations.chat import Person

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
            "seats": 0,
        },
    ]
}
MEANWHILE = (
    "what is a school resource officer?",
    "how do I get a copy of my certificate",
    "can I hold a spot in a class?",
    "thank you",
)


@pytest.fixture
def person(server_url: str, registration: Database) -> Person:
    put(registration, GIVEN)
    return Person(server_url)


def talk_of_other_things(person: Person) -> None:
    for text in MEANWHILE * 2:
        person.say(text)


def test_a_list_of_long_ago_is_remembered(person: Person) -> None:
    person.say("show upcoming classes in texas")
    talk_of_other_things(person)

    answers = person.say("how many seats in the second one?")

    assert "is full" in answers[0]["text"]
    assert "Dallas" in answers[0]["cards"][0]["subtitle"]


def test_a_question_of_long_ago_still_waits(person: Person) -> None:
    person.say("show me upcoming classes")
    talk_of_other_things(person)

    answers = person.say("texas")

    assert "2 upcoming classes in Texas" in answers[0]["text"]
