"""Every topic of the FAQ, asked in several ways, and every fact of docs/faq.md said somewhere."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.contacts import load_contacts
from bot.content.answers import MORE, read_answers, says
from tests.conversations.chat import Person

TOPICS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("topics").joinpath("topics.yml").read_text(encoding="utf-8")
)
ROOT = Path(__file__).resolve().parents[2]
ANSWERS = read_answers(ROOT)
CONTACTS = {c.name: c.text for c in load_contacts(ROOT / "contacts.yml").values()}


def response(topic: dict[str, Any]) -> str:
    return topic.get("response", f"utter_{topic['intent']}")


def facts(name: str) -> dict[str, str]:
    """The facts that a response says, by number, each in the words that a person reads."""
    return {
        number: words.format(**CONTACTS)
        for number, words in (ANSWERS[name].facts.items() if name in ANSWERS else ())
    }


ASKED_FOR = {
    name
    for topic in TOPICS
    for name in (response(topic), response(topic) + MORE)
    if name in ANSWERS
}


def phrasings() -> list[Any]:
    return [
        pytest.param(topic, asked, id=f"{topic['topic']}: {asked}")
        for topic in TOPICS
        for asked in topic["asked"]
    ]


@pytest.mark.parametrize(("topic", "asked"), phrasings())
def test_topic_is_answered_with_its_facts_and_source(
    topic: dict[str, Any], asked: str, server_url: str
) -> None:
    person = Person(server_url)

    answers = person.say(asked)

    assert len(answers) == 1
    for number, words in facts(response(topic)).items():
        assert says(answers[0]["text"], words), f"{number} isn't said after '{asked}'"
    assert answers[0]["source"]["title"] == topic["source"]


@pytest.mark.parametrize(
    "topic", [topic for topic in TOPICS if "button" in topic], ids=lambda topic: topic["topic"]
)
def test_more_of_a_topic_holds_the_rest_of_its_facts(
    topic: dict[str, Any], server_url: str
) -> None:
    person = Person(server_url)
    person.say(topic["asked"][0])

    (more,) = person.press(topic["button"])

    for number, words in facts(response(topic) + MORE).items():
        assert says(more["text"], words), f"{number} isn't said"


def test_every_topic_that_has_more_to_say_is_asked_for_it() -> None:
    with_button = {response(topic) + MORE for topic in TOPICS if "button" in topic}

    assert with_button == {name for name in ASKED_FOR if name.endswith(MORE)}


def test_every_fact_of_the_faq_is_asked_for() -> None:
    faq = (ROOT / "docs/faq.md").read_text(encoding="utf-8")
    of_faq, topics = set(), set()
    for topic, body in re.findall(r"^\*\*(\w+) .*?\*\*\n(.*?)(?=^\*\*|^##)", faq, re.M | re.S):
        topics.add(topic)
        of_faq |= {
            f"{topic}.{number}" for number in re.findall(r"(?:^|\s)(\d{1,2})\. [A-Z(a-z0-9]", body)
        }

    asked = {number for name in ASKED_FOR for number in facts(name)}
    given_up = {number for answer in ANSWERS.values() for number in answer.given_up}

    # A topic that staff added has facts of its own.
    assert {n for n in asked | given_up if n.partition(".")[0] in topics} == of_faq
