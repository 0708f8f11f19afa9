"""`nasro-chat identity-token` and `nasro-chat privacy`, on a database with real conversations."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import jwt
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from bot.cli import main
from bot.conversations import EVENTS, ConversationTrackerStore
from bot.webchat.database import messages, sessions
from bot.webchat.history import History
from bot.webchat.messages import Message
from bot.webchat.sessions import Session
from identity.database import IdentityDatabase
from identity.service import IdentityService
from identity.settings import IdentityConfig
from identity.site_tokens import make
from tests.commands.command import nasro_chat

NOW = datetime.now(timezone.utc)
SITE_SECRET = "the website's secret, which only the tests use"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "NASRO_SECRET": "a secret that only the tests use, 32 or more",
        "NASRO_CONVERSATIONS_URL": f"sqlite:///{tmp_path / 'conversations.sqlite'}",
        "NASRO_IDENTITY_KEYS": json.dumps({"k": {"algorithm": "HS256", "key": SITE_SECRET}}),
    }


class Conversations:
    """Conversations of some age, in the database that the environment names."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.store = ConversationTrackerStore(url=environment["NASRO_CONVERSATIONS_URL"])
        self.history = History(self.store.database)
        self.identity = IdentityService(
            IdentityDatabase(environment["NASRO_CONVERSATIONS_URL"]),
            IdentityConfig.from_environment(environment),
        )

    def add(self, id_: str, days_ago: int, email: str = "") -> None:
        began = NOW - timedelta(days=days_ago)
        self.history.open(Session(id_, "token", began, began + timedelta(days=1)), [])
        self.history.add_turn(
            id_,
            Message("user", began, "hello"),
            [],
            None,
            lambda connection: connection.execute(
                EVENTS.insert().values(sender_id=id_, type_name="user", data="{}")
            ),
        )
        if email:
            self.identity.request_code(id_, email, "ip")

    def sign_in(self, id_: str, email: str, days_ago: int) -> None:
        then = NOW - timedelta(days=days_ago)
        identity = IdentityService(self.identity.database, self.identity.config, lambda: then)
        identity.sign_in_with_token(
            id_,
            make(
                email=email,
                kid="k",
                algorithm="HS256",
                key=SITE_SECRET,
                issuer="https://nasro.org",
                audience="nasro-chat",
                now=then,
            ),
        )

    def with_words(self) -> set[str]:
        with self.store.database.reading() as connection:
            said = connection.execute(sa.select(messages.c.conversation_id)).scalars()
            events = connection.execute(sa.select(EVENTS.c.sender_id)).scalars()
            ended = connection.execute(
                sa.select(sessions.c.id).where(sessions.c.ended_at.isnot(None))
            ).scalars()
            with_words = set(said)
            assert with_words == set(events)
            assert with_words.isdisjoint(ended)
            return with_words


def test_an_address_is_forgotten_with_its_conversations(environment: dict[str, str]) -> None:
    conversations = Conversations(environment)
    conversations.add("jane", 1, "jane@example.org")
    conversations.add("john", 1, "john@example.org")

    done = nasro_chat(environment, "privacy", "erase", "--email", "Jane@Example.org")

    assert done.returncode == 0, done.stderr
    assert "1 conversations" in done.stdout
    assert conversations.with_words() == {"john"}
    assert conversations.identity.conversations_of("jane@example.org") == []
    assert conversations.identity.conversations_of("john@example.org") == ["john"]


def test_an_address_is_forgotten_with_conversations_of_long_ago(
    environment: dict[str, str],
) -> None:
    conversations = Conversations(environment)
    for id_, days_ago in (("site", 0), ("signed out", 20), ("left", 400), ("johns", 20)):
        conversations.add(id_, days_ago)
        conversations.sign_in(id_, "john@x.org" if id_ == "johns" else "jane@x.org", days_ago)
    conversations.identity.sign_out("signed out")
    conversations.identity.purge()

    done = nasro_chat(environment, "privacy", "erase", "--email", "jane@x.org")

    assert done.returncode == 0, done.stderr
    assert "3 conversations" in done.stdout
    assert conversations.with_words() == {"johns"}
    assert conversations.identity.conversations_of("jane@x.org") == []
    assert conversations.identity.conversations_of("john@x.org") == ["johns"]


def test_whose_an_old_conversation_was_is_forgotten_with_it(environment: dict[str, str]) -> None:
    conversations = Conversations(environment)
    for id_, days_ago in (("old", 31), ("young", 29)):
        conversations.add(id_, days_ago)
        conversations.sign_in(id_, "jane@x.org", days_ago)

    assert nasro_chat(environment, "privacy", "purge", "--older-than", "30d").returncode == 0

    assert conversations.with_words() == {"young"}
    assert conversations.identity.conversations_of("jane@x.org") == ["young"]


def test_what_is_old_is_forgotten(environment: dict[str, str]) -> None:
    conversations = Conversations(environment)
    for days in (1, 29, 31, 400):
        conversations.add(f"c{days}", days)

    done = nasro_chat(environment, "privacy", "purge", "--older-than", "30d")

    assert done.returncode == 0, done.stderr
    assert "2 conversations" in done.stdout
    assert conversations.with_words() == {"c1", "c29"}


@pytest.mark.parametrize("age", ["a month", "1000000d", "²d", "-1d"])
def test_how_long_must_be_said_so_that_it_can_be_read(age: str) -> None:
    done = CliRunner().invoke(main, ["privacy", "purge", "--older-than", age])

    assert done.exit_code == 2
    assert "like 30d" in done.output


def test_of_centuries_ago_there_is_nothing(environment: dict[str, str]) -> None:
    done = nasro_chat(environment, "privacy", "purge", "--older-than", "99999d")

    assert done.returncode == 0, done.stderr


def test_a_token_to_try_things_out(environment: dict[str, str]) -> None:
    done = nasro_chat(environment, "identity-token", "jane@example.org")

    claims = jwt.decode(
        done.stdout.strip(), SITE_SECRET, algorithms=["HS256"], audience="nasro-chat"
    )
    assert claims["email"] == "jane@example.org"


def test_without_a_key_there_is_no_token(environment: dict[str, str]) -> None:
    done = nasro_chat({**environment, "NASRO_IDENTITY_KEYS": ""}, "identity-token", "j@example.org")

    assert done.returncode == 1
    assert "no HS256 key" in done.stderr


@pytest.mark.parametrize(
    "command", [("erase", "--email", "jane@example.org"), ("purge", "--older-than", "30d")]
)
def test_a_database_that_is_away_is_said_in_one_line(
    environment: dict[str, str], command: tuple[str, ...]
) -> None:
    environment["NASRO_CONVERSATIONS_URL"] = "postgresql://user:secret@127.0.0.1:1/chat"
    result = nasro_chat(environment, "privacy", *command)
    assert result.returncode == 1
    said = result.stderr.splitlines()[-1]
    assert said.startswith("Error: The conversations database can't be used: connection to")
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr
