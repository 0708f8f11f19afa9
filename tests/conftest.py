"""Fixtures that several rooms of the tests share: a really running server and its databases."""

from collections.abc import Iterator

import pytest

from registration.database import Database
from tests.running_server import Server, free_port


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The assistant as people get it, on a registration database with current tables and no rows."""
    server = Server(folder=tmp_path_factory.mktemp("server"), port=free_port())
    Database(server.registration_url).upgrade()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def server_url(server: Server) -> str:
    return server.url


@pytest.fixture(scope="session")
def registration(server: Server) -> Iterator[Database]:
    """The running server's registration database, opened from the tests' side."""
    database = Database(server.registration_url)
    yield database
    database.dispose()
