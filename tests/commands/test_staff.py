"""`nasro-chat staff`: what is said and done, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.staff.accounts import Accounts, SignedIn
from bot.staff.audit import entries
from bot.staff.database import METADATA
from bot.webchat.database import ConversationDatabase
from identity.keys import Keys
from tests.commands.command import nasro_chat

SECRET = "a secret of the tests, more than thirty-two characters"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "NASRO_SECRET": SECRET,
        "NASRO_CONVERSATIONS_URL": f"sqlite:///{tmp_path / 'conversations.sqlite'}",
    }


@pytest.fixture
def database(environment: dict[str, str]) -> Iterator[ConversationDatabase]:
    database = ConversationDatabase(environment["NASRO_CONVERSATIONS_URL"], metadata=(METADATA,))
    yield database
    database.dispose()


def test_an_account_from_its_first_day_to_its_last(
    environment: dict[str, str], database: ConversationDatabase
) -> None:
    accounts = Accounts(database, Keys(SECRET))

    def staff(*arguments: str) -> str:
        done = nasro_chat(environment, "staff", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def may_sign_in(told: str) -> bool:
        password = told.split("Password (not shown again): ")[1].strip()
        return isinstance(
            accounts.sign_in("jane@example.org", password, client="192.0.2.1"), SignedIn
        )

    told = staff("add", "Jane@example.org", "--name", "Jane", "--role", "editor", "--generate")
    assert may_sign_in(told)
    assert accounts.all()[0].must_change
    staff("set-role", "jane@example.org", "publisher")
    assert staff("list") == "publisher  jane@example.org  Jane\n"
    reset = staff("reset-password", "jane@example.org", "--generate")
    assert may_sign_in(reset)
    assert not may_sign_in(told)
    staff("remove", "jane@example.org")
    assert staff("list") == ""
    assert not may_sign_in(reset)
    assert [(entry.who, entry.what) for entry in reversed(entries(database).entries)] == [
        ("command line", "account added"),
        ("jane@example.org", "signed in"),
        ("command line", "role changed"),
        ("command line", "password reset"),
        ("jane@example.org", "signed in"),
        ("command line", "account removed"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["set-role", "nobody@example.org", "viewer"], "nobody@example.org has no account."),
        (["remove", "nobody@example.org"], "nobody@example.org has no account."),
        (["add", "nobody", "--name", "N", "--generate"], "nobody is not an e-mail address."),
        (["add", "nobody", "--name", "N", "--no-password"], "nobody is not an e-mail address."),
    ],
)
def test_what_can_not_be_done_is_one_line(
    environment: dict[str, str], arguments: list[str], said: str
) -> None:
    done = nasro_chat(environment, "staff", *arguments)

    assert (done.returncode, done.stderr) == (1, f"Error: {said}\n")


def test_an_account_without_a_password(
    environment: dict[str, str], database: ConversationDatabase
) -> None:
    done = nasro_chat(
        environment, "staff", "add", "jane@example.org", "--name", "Jane", "--no-password"
    )

    assert (done.returncode, done.stdout) == (0, "jane@example.org may sign in as viewer.\n")
    (jane,) = Accounts(database, Keys(SECRET)).all()
    assert not jane.has_password
    both = ("--generate", "--no-password")
    refused = nasro_chat(environment, "staff", "add", "j@example.org", "--name", "J", *both)
    assert refused.returncode == 2


@pytest.mark.parametrize("command", [("staff", "list"), ("queue", "export", "q.csv"), ("report",)])
def test_a_database_that_is_away_is_said_in_one_line(
    environment: dict[str, str], command: tuple[str, ...]
) -> None:
    away = {"NASRO_CONVERSATIONS_URL": "postgresql://user:secret@127.0.0.1:1/chat"}

    done = nasro_chat({**environment, **away}, *command)

    assert done.returncode == 1
    assert done.stderr.startswith("Error: The conversations database can't be used: connection to")
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


def test_a_role_that_is_none(environment: dict[str, str]) -> None:
    done = nasro_chat(environment, "staff", "set-role", "jane@example.org", "boss")

    assert done.returncode == 2
    assert "'boss' is not one of 'viewer', 'editor', 'publisher'" in done.stderr
