"""A previewed answer is what the chat would give, for every answer there is."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

from bot.contacts import PLACEHOLDER, load_contacts
from bot.content.answers import Answer, read_answers
from bot.nlg import ContactsNaturalLanguageGenerator
from bot.staff.preview import exchange
from bot.webchat.messages import assistant_message

NOW = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def nlg() -> ContactsNaturalLanguageGenerator:
    return ContactsNaturalLanguageGenerator(domain=Domain.load("domain.yml"))


@pytest.mark.parametrize("answer", read_answers().values(), ids=lambda answer: answer.name)
async def test_it_is_what_the_chat_gives(
    nlg: ContactsNaturalLanguageGenerator, answer: Answer
) -> None:
    tracker = DialogueStateTracker.from_events("someone", [])
    # Figures that a look-up fills in stand in the preview as they are written.
    figures = {name: f"{{{name}}}" for name in PLACEHOLDER.findall(answer.text)}
    response = await nlg.generate(answer.name, tracker, "webchat", **figures)
    said = assistant_message(response or {}, NOW)

    question, shown = exchange(
        "What?", answer.text, answer.buttons, answer.source, load_contacts(), NOW
    )

    assert said
    assert {**shown, "id": said.id} == said.as_json()
    assert (question["from"], question["text"]) == ("user", "What?")


def test_what_is_not_finished_is_shown_as_it_stands() -> None:
    shown = exchange("What?", "Call {office_phone} or {nobody} {{x", (), None, load_contacts(), NOW)

    assert shown[1]["text"] == "Call 888.316.2776 or {nobody} {{x"
    assert [link["url"] for link in shown[1]["links"]] == ["tel:+18883162776"]


def test_where_nothing_is_typed_nothing_is_said() -> None:
    assert [one["from"] for one in exchange("What?", " ", (), None, {}, NOW)] == ["user"]
