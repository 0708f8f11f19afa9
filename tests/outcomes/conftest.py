"""A conversations database of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.staff.consumer import Consumer
from bot.webchat.database import ConversationDatabase
from tests.outcomes.stream import database_at, made_up_vector


@pytest.fixture
def database(url: str) -> Iterator[ConversationDatabase]:
    database = database_at(url)
    yield database
    database.dispose()


@pytest.fixture
def consumer(database: ConversationDatabase) -> Consumer:
    return Consumer(database, made_up_vector)
