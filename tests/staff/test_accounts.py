"""Accounts, sessions and lock-outs, on both databases; the clock is the test's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from bot.staff import accounts as module
from bot.staff import audit, passwords
from bot.staff.accounts import (
    INACTIVITY,
    LOCKED_FOR,
    LONGEST_SESSION,
    TRIES_PER_ACCOUNT,
    TRIES_PER_CLIENT,
    AccountProblem,
    Accounts,
    Role,
    SignedIn,
    TooManyTries,
    WrongPassword,
)
from bot.staff.database import audit as audit_table
from bot.staff.database import sessions
from bot.staff.passwords import PasswordRefused
from bot.webchat.database import ConversationDatabase
from tests.clock import Clock
from tests.staff.conftest import PASSWORD

JANE = "jane@example.org"
NEW = "another good password"


@pytest.fixture
def jane(accounts: Accounts) -> str:
    accounts.add(" Jane@Example.org ", "Jane", Role.EDITOR, PASSWORD, by="a test")
    return JANE


def sign_in(accounts: Accounts, email: str = JANE, client: str = "192.0.2.1") -> SignedIn:
    outcome = accounts.sign_in(email, PASSWORD, client=client)
    assert isinstance(outcome, SignedIn), outcome
    return outcome


# Accounts ----------------------------------------------------------------------------------------


def test_an_account_is_made_and_signs_in(accounts: Accounts, jane: str) -> None:
    signed_in = sign_in(accounts, "JANE@example.org ")

    assert (signed_in.account.email, signed_in.account.role) == (jane, Role.EDITOR)
    assert accounts.account_of(signed_in.token) == signed_in.account
    assert accounts.all() == [signed_in.account]


@pytest.mark.parametrize(
    ("email", "name", "problem"),
    [
        (JANE, "Jane", "has an account already"),
        ("jane", "Jane", "is not an e-mail address"),
        ("john@example.org", " ", "A name has"),
        ("john@example.org", "J" * 201, "A name has"),
    ],
)
def test_an_account_that_can_not_be(
    accounts: Accounts, jane: str, email: str, name: str, problem: str
) -> None:
    with pytest.raises(AccountProblem, match=problem):
        accounts.add(email, name, Role.VIEWER, PASSWORD, by="a test")
    assert [account.email for account in accounts.all()] == [jane]


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("x" * 11, "short"),
        ("x" * 201, "long"),
        ("my jane@example.org", "personal"),
        ("JANE is the best", "personal"),
    ],
)
def test_a_password_that_is_none_to_choose(
    accounts: Accounts, jane: str, password: str, reason: str
) -> None:
    with pytest.raises(PasswordRefused) as refused:
        accounts.reset_password(jane, password, by="a test")

    assert refused.value.reason == reason
    assert sign_in(accounts)


def test_a_password_may_be_typed_on_another_keyboard(accounts: Accounts) -> None:
    accounts.add(JANE, "Jane", Role.VIEWER, "caf\u00e9 au lait please", by="a test")

    outcome = accounts.sign_in(JANE, "cafe\u0301 au lait please", client="192.0.2.1")

    assert isinstance(outcome, SignedIn)


def test_no_password_and_no_token_is_stored(
    accounts: Accounts, database: ConversationDatabase, jane: str
) -> None:
    token = sign_in(accounts).token

    with database.reading() as connection:
        stored = [
            str(connection.execute(sa.select(table)).all())
            for table in module.accounts.metadata.sorted_tables
        ]
    assert PASSWORD not in str(stored)
    assert token not in str(stored)
    assert "$argon2id$" in str(stored)
    assert jane in str(stored)


# Sessions ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("jane")
def test_a_session_ends_after_inactivity(accounts: Accounts, clock: Clock) -> None:
    token = sign_in(accounts).token

    for _ in range(3):
        clock.now += INACTIVITY * 0.9
        assert accounts.account_of(token)
    clock.now += INACTIVITY

    assert accounts.account_of(token) is None


@pytest.mark.usefixtures("jane")
def test_a_session_ends_however_busy(accounts: Accounts, clock: Clock) -> None:
    token = sign_in(accounts).token
    begun = clock.now

    while clock.now + INACTIVITY / 2 < begun + LONGEST_SESSION:
        clock.now += INACTIVITY / 2
        assert accounts.account_of(token)
    clock.now += INACTIVITY / 2

    assert accounts.account_of(token) is None


@pytest.mark.usefixtures("jane")
def test_signing_out_ends_this_session_alone(accounts: Accounts) -> None:
    here, there = sign_in(accounts).token, sign_in(accounts).token

    accounts.sign_out(here)

    assert accounts.account_of(here) is None
    assert accounts.account_of(there)


@pytest.mark.parametrize("what", ["everywhere", "role", "reset", "change", "remove"])
def test_all_sessions_end(accounts: Accounts, jane: str, what: str) -> None:
    signed_in = [sign_in(accounts) for _ in range(2)]
    accounts.add("john@example.org", "John", Role.VIEWER, PASSWORD, by="a test")
    john = sign_in(accounts, "john@example.org")

    if what == "everywhere":
        accounts.sign_out_everywhere(signed_in[0].account)
    elif what == "role":
        accounts.set_role(jane, Role.VIEWER, by="a test")
    elif what == "reset":
        accounts.reset_password(jane, NEW, by="a test")
    elif what == "change":
        accounts.change_password(signed_in[0].account, PASSWORD, NEW, client="192.0.2.1")
    else:
        accounts.remove(jane, by="a test")

    assert [accounts.account_of(session.token) for session in signed_in] == [None, None]
    assert accounts.account_of(john.token)


def test_changing_the_password_opens_a_new_session(accounts: Accounts, jane: str) -> None:
    old = sign_in(accounts)

    new = accounts.change_password(old.account, PASSWORD, NEW, client="192.0.2.1")

    assert isinstance(new, SignedIn)
    assert accounts.account_of(new.token)
    assert accounts.sign_in(jane, PASSWORD, client="192.0.2.1") == WrongPassword()
    assert isinstance(accounts.sign_in(jane, NEW, client="192.0.2.1"), SignedIn)


@pytest.mark.usefixtures("jane")
def test_the_old_password_must_be_right(accounts: Accounts) -> None:
    account = sign_in(accounts).account

    assert accounts.change_password(account, "wrong", NEW, client="192.0.2.1") == WrongPassword()
    assert sign_in(accounts)


def test_a_password_changed_while_the_old_one_is_judged_lets_nobody_in(
    accounts: Accounts, jane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_right = passwords.is_right

    def slow(password: str, stored: str | None) -> bool:
        accounts.reset_password(jane, NEW, by="a test")
        return is_right(password, stored)

    monkeypatch.setattr(passwords, "is_right", slow)

    assert accounts.sign_in(jane, PASSWORD, client="192.0.2.1") == WrongPassword()


@pytest.mark.usefixtures("jane")
def test_sessions_that_are_over_are_forgotten(
    accounts: Accounts, database: ConversationDatabase, clock: Clock
) -> None:
    sign_in(accounts)
    clock.now += LONGEST_SESSION
    sign_in(accounts)

    accounts.forget_what_is_over()

    with database.reading() as connection:
        assert len(connection.execute(sa.select(sessions)).all()) == 1


# Guessing ----------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Passwords aren't really hashed here: what each try was judged against is noted instead."""
    judged: list[str | None] = []

    def is_right(password: str, stored: str | None) -> bool:
        judged.append(stored)
        return stored is not None and password == PASSWORD

    monkeypatch.setattr(passwords, "is_right", is_right)
    return judged


@pytest.mark.parametrize("email", [JANE, "nobody@example.org"])
def test_an_account_is_locked_after_some_tries_whether_or_not_there_is_one(
    accounts: Accounts, jane: str, clock: Clock, counted: list[Any], email: str
) -> None:
    answers = [
        accounts.sign_in(email, "wrong", client=f"192.0.2.{n}")
        for n in range(TRIES_PER_ACCOUNT + 2)
    ]

    assert answers == [WrongPassword()] * TRIES_PER_ACCOUNT + [TooManyTries()] * 2
    assert len(counted) == TRIES_PER_ACCOUNT
    # Also for who knows the password, and from anywhere.
    assert accounts.sign_in(email, PASSWORD, client="198.51.100.1") == TooManyTries()
    clock.now += LOCKED_FOR
    outcome = accounts.sign_in(email, PASSWORD, client="198.51.100.1")
    assert isinstance(outcome, SignedIn if email == jane else WrongPassword)


def test_a_client_is_locked_whatever_the_accounts(
    accounts: Accounts, jane: str, counted: list[Any]
) -> None:
    answers = [
        accounts.sign_in(f"n{n}@example.org", "wrong", client="192.0.2.1")
        for n in range(TRIES_PER_CLIENT + 1)
    ]

    assert answers == [WrongPassword()] * TRIES_PER_CLIENT + [TooManyTries()]
    assert len(counted) == TRIES_PER_CLIENT
    assert accounts.sign_in(jane, PASSWORD, client="192.0.2.1") == TooManyTries()
    assert isinstance(accounts.sign_in(jane, PASSWORD, client="192.0.2.2"), SignedIn)


@pytest.mark.usefixtures("counted")
def test_who_signs_in_begins_to_count_anew_but_not_for_others(
    accounts: Accounts, jane: str
) -> None:
    for _ in range(TRIES_PER_ACCOUNT - 2):
        accounts.sign_in(jane, "wrong", client="198.51.100.1")
    assert accounts.sign_in(jane, "wrong", client="192.0.2.1") == WrongPassword()
    assert isinstance(accounts.sign_in(jane, PASSWORD, client="192.0.2.1"), SignedIn)

    tries = [accounts.sign_in(jane, "wrong", client="198.51.100.1") for _ in range(3)]
    assert tries == [WrongPassword()] * 2 + [TooManyTries()]


def test_many_tries_at_once_are_no_more(accounts: Accounts, jane: str, counted: list[Any]) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(lambda n: accounts.sign_in(jane, "wrong", client=f"192.0.2.{n}"), range(40))
        )

    assert 0 < len(counted) <= TRIES_PER_ACCOUNT


@pytest.mark.usefixtures("jane")
def test_the_old_password_can_not_be_guessed_either(accounts: Accounts, counted: list[Any]) -> None:
    account = sign_in(accounts).account
    counted.clear()

    for _ in range(TRIES_PER_ACCOUNT + 3):
        accounts.change_password(account, "wrong", NEW, client="192.0.2.1")

    assert len(counted) == TRIES_PER_ACCOUNT


def test_a_new_password_lifts_the_lock(
    accounts: Accounts, jane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(passwords, "is_right", lambda *_: False)
        for _ in range(TRIES_PER_ACCOUNT):
            accounts.sign_in(jane, "wrong", client="192.0.2.1")

    accounts.reset_password(jane, NEW, by="a test")

    assert isinstance(accounts.sign_in(jane, NEW, client="192.0.2.1"), SignedIn)


# The audit log -----------------------------------------------------------------------------------


def test_every_change_is_noted_without_secrets(
    accounts: Accounts, database: ConversationDatabase, jane: str
) -> None:
    accounts.set_role(jane, Role.PUBLISHER, by="command line")
    signed_in = sign_in(accounts)
    accounts.change_password(signed_in.account, PASSWORD, NEW, client="192.0.2.1")
    accounts.sign_out_everywhere(signed_in.account)
    accounts.reset_password(jane, PASSWORD, by="command line")
    accounts.remove(jane, by="command line")

    page = audit.entries(database)

    assert [(e.who, e.what, e.subject, e.before, e.after) for e in reversed(page.entries)] == [
        ("a test", "account added", jane, "", "editor"),
        ("command line", "role changed", jane, "editor", "publisher"),
        (jane, "signed in", "", "", ""),
        (jane, "password changed", jane, "", ""),
        (jane, "signed out everywhere", "", "", ""),
        ("command line", "password reset", jane, "", ""),
        ("command line", "account removed", jane, "publisher", ""),
    ]
    assert page.total == 7
    assert not any(secret in str(page) for secret in (PASSWORD, NEW, signed_in.token, "argon2"))


@pytest.mark.parametrize("verb", ["delete", "update"])
@pytest.mark.usefixtures("jane")
def test_the_database_refuses_to_change_the_log(database: ConversationDatabase, verb: str) -> None:
    statement = {
        "delete": sa.delete(audit_table),
        "update": sa.update(audit_table).values(who="somebody else"),
    }[verb]

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.writing() as connection:
        connection.execute(statement)
    assert [entry.who for entry in audit.entries(database).entries] == ["a test"]


def test_the_log_is_read_in_pages_and_long_values_are_cut(
    database: ConversationDatabase, clock: Clock
) -> None:
    with database.writing() as connection:
        for n in range(5):
            audit.record(connection, at=clock(), who="x", what=f"change {n}", after="y" * 600)

    page = audit.entries(database, offset=1, limit=2)

    assert [entry.what for entry in page.entries] == ["change 3", "change 2"]
    assert page.total == 5
    assert {len(entry.after) for entry in page.entries} == {audit.LONGEST}
