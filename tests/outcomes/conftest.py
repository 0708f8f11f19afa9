"""A conversations database of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.staff.consumer import Consumer
from bot.webchat.database import ConversationDatabase
from tests.outcomes.stream import database_at, made_up_vector


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'conversations.sqlite'}"


@pytest.fixture
def database(url: str) -> Iterator[ConversationDatabase]:
    database = database_at(url)
    yield database
    database.dispose()


@pytest.fixture
def consumer(database: ConversationDatabase) -> Consumer:
    return Consumer(database, made_up_vector)
