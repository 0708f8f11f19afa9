"""Whole conversations, told in YAML, through the web chat API of a really running server.

Each `*.yml` below this folder with a list of `conversations` is read; `bot/content/expectations.py` says
how a turn is written and `bot/content/given.py` how the classes that it is about are.
"""

from pathlib import Path

import pytest

from bot.contacts import load_contacts
from bot.content.expectations import Conversation, read_conversations, with_contacts
from bot.content.given import put
from registration.database import Database
from tests.conversations.chat import Person
from tests.post_office import PostOffice

HERE = Path(__file__).parent
CONTACTS = load_contacts(HERE.parents[1] / "contacts.yml")


@pytest.mark.parametrize("conversation", read_conversations(HERE), ids=lambda told: told.name)
def test_conversation(
    conversation: Conversation,
    registration: Database,
    server_url: str,
    post_office: PostOffice,
) -> None:
    put(registration, conversation.given)
    person = Person(server_url, post_office=post_office)

    for turn in with_contacts(conversation, CONTACTS).turns:
        person.take(turn)
