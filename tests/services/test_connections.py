"""What the three databases ask of PostgreSQL's connections: few, kept, and no word that isn't needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.webchat.database import ConversationDatabase
from identity.database import IdentityDatabase
from registration.database import Database
from tests.services.postgres import PostgresServer

A_QUESTION = sa.text("SELECT 'a question'")
AT_ONCE = 40


class Access(NamedTuple):
    ask: Callable[[], list[Any]]
    write: Callable[[], AbstractContextManager[Connection]]
    dispose: Callable[[], None]


def registration(url: str) -> Access:
    database = Database(url)
    return Access(lambda: database.rows(A_QUESTION), database.transaction, database.dispose)


def identity(url: str) -> Access:
    database = IdentityDatabase(url)
    return Access(partial(read, database), database.transaction, database.dispose)


def conversations(url: str) -> Access:
    database = ConversationDatabase(url)
    return Access(partial(read, database), database.writing, database.dispose)


def read(database: IdentityDatabase | ConversationDatabase) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(A_QUESTION))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One that notes what it hears."""
    server = PostgresServer()
    for setting in ("log_statement = 'all'", "log_connections = on"):
        server.execute(f"ALTER SYSTEM SET {setting}")
    server.stop()
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=[registration, identity, conversations])
def access(request: pytest.FixtureRequest, server: PostgresServer) -> Iterator[Access]:
    access = request.param(server.url("postgres"))
    access.ask()
    yield access
    access.dispose()


def noted(server: PostgresServer, do: Callable[[], Any]) -> str:
    before = len(server.log())
    do()
    return server.log()[before:]


def test_a_question_is_one_round_trip(access: Access, server: PostgresServer) -> None:
    assert noted(server, access.ask).count("statement:") == 1


def test_a_transaction_is_one_although_a_question_went_before(access: Access) -> None:
    class Disturbed(Exception):
        pass

    def disturbed() -> None:
        with access.write() as connection:
            connection.execute(sa.text("CREATE TABLE half_done (n int)"))
            raise Disturbed

    access.ask()
    with pytest.raises(Disturbed):
        disturbed()
    access.ask()

    with access.write() as connection:
        assert not sa.inspect(connection).has_table("half_done")


def test_no_connection_is_opened_for_one_question_alone(
    access: Access, server: PostgresServer
) -> None:
    def many() -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(lambda _: access.ask(), range(20 * AT_ONCE)))

    opened = noted(server, lambda: (many(), many())).count("connection authorized")

    assert opened < 16, "what is open is kept, and is bounded"


def test_a_server_that_was_restarted_is_asked_as_if_nothing_had_been(
    access: Access, server: PostgresServer
) -> None:
    server.stop()
    server.start()

    assert access.ask() == [("a question",)]
