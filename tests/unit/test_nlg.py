"""Contacts in answers: filled in, linked, and not to be changed by a conversation."""

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

from bot.nlg import ContactsNaturalLanguageGenerator

DOMAIN = Domain.from_yaml(
    """
    responses:
      utter_office:
      - text: Call {office_phone} about {topic}.
      utter_hello:
      - text: Hello.
        buttons:
        - title: More
          payload: '/more{{"topic": "x"}}'
        custom:
          source: {title: FAQ, url: "{faq_page}"}
    """
)


@pytest.fixture
def nlg() -> ContactsNaturalLanguageGenerator:
    return ContactsNaturalLanguageGenerator(domain=DOMAIN)


@pytest.fixture
def tracker() -> DialogueStateTracker:
    return DialogueStateTracker.from_events("someone", [])


async def test_contact_is_filled_in_and_linked(
    nlg: ContactsNaturalLanguageGenerator, tracker: DialogueStateTracker
) -> None:
    response = await nlg.generate("utter_office", tracker, "webchat", topic="seats")

    assert response is not None
    assert response["text"] == "Call 888.316.2776 about seats."
    assert response["links"] == [{"title": "888.316.2776", "url": "tel:+18883162776"}]


async def test_no_variable_of_a_conversation_replaces_a_contact(
    nlg: ContactsNaturalLanguageGenerator, tracker: DialogueStateTracker
) -> None:
    response = await nlg.generate(
        "utter_office", tracker, "webchat", topic="{faq_page}", office_phone="555.0100"
    )

    assert response is not None
    assert response["text"] == "Call 888.316.2776 about {faq_page}."


async def test_answer_without_contacts_keeps_its_buttons_and_source(
    nlg: ContactsNaturalLanguageGenerator, tracker: DialogueStateTracker
) -> None:
    response = await nlg.generate("utter_hello", tracker, "webchat")

    assert response == {
        "text": "Hello.",
        "buttons": [{"title": "More", "payload": '/more{"topic": "x"}'}],
        "custom": {
            "source": {"title": "FAQ", "url": "https://nasro.org/frequently-asked-questions/"}
        },
        "links": [],
    }
