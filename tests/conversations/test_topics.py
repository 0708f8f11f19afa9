"""Every topic of the FAQ, asked in several ways, and every fact of docs/faq.md said somewhere."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.content.expectations import plain
from tests.conversations.chat import Person

TOPICS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("topics").joinpath("topics.yml").read_text(encoding="utf-8")
)
ROOT = Path(__file__).resolve().parents[2]


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
    for number, fact in topic["answer"].items():
        assert plain(fact) in plain(answers[0]["text"]), f"{number} isn't said after '{asked}'"
    assert answers[0]["source"]["title"] == topic["source"]


@pytest.mark.parametrize(
    "topic", [topic for topic in TOPICS if "more" in topic], ids=lambda topic: topic["topic"]
)
def test_more_of_a_topic_holds_the_rest_of_its_facts(
    topic: dict[str, Any], server_url: str
) -> None:
    person = Person(server_url)
    person.say(topic["asked"][0])

    (more,) = person.press(topic["button"])

    for number, fact in topic["more"].items():
        assert plain(fact) in plain(more["text"]), f"{number} isn't said"


def test_every_fact_of_the_faq_is_asked_for() -> None:
    faq = (ROOT / "docs/faq.md").read_text(encoding="utf-8")
    facts = set()
    for topic, body in re.findall(r"^\*\*(\w+) .*?\*\*\n(.*?)(?=^\*\*|^##)", faq, re.M | re.S):
        facts |= {
            f"{topic}.{number}" for number in re.findall(r"(?:^|\s)(\d{1,2})\. [A-Z(a-z0-9]", body)
        }

    asserted = {
        number for topic in TOPICS for part in ("answer", "more") for number in topic.get(part, {})
    }

    assert asserted == facts
