"""Fixtures that several rooms of the tests share: a really running server, and a PostgreSQL."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from registration.database import Database
from tests.clock import Clock
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider
from tests.post_office import PostOffice
from tests.running_server import Server, free_port
from tests.services.postgres import PostgresServer

SITE_SECRET = "the website's secret, which only the tests use"
SITE_KEYS = json.dumps({"test": {"algorithm": "HS256", "key": SITE_SECRET}})

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """For databases that only PostgreSQL is like; each test makes its own."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database."""
    name = f"empty_{next(_numbers)}"
    postgres.execute(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty conversations database: each test that asks for one runs on both kinds."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'conversations.sqlite'}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def post_office() -> Iterator[PostOffice]:
    """Where the running server's mails arrive."""
    post_office = PostOffice()
    yield post_office
    post_office.close()


@pytest.fixture(scope="session")
def openid_provider() -> Iterator[OpenIdProvider]:
    """Whom staff of the running server may sign in by."""
    provider = OpenIdProvider()
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def host_port() -> int:
    """Where a website may stand whose pages the running server lets in."""
    return free_port()


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    post_office: PostOffice,
    openid_provider: OpenIdProvider,
    host_port: int,
) -> Iterator[Server]:
    """The assistant as people get it, on a registration database with current tables and no rows."""
    port = free_port()
    server = Server(
        folder=tmp_path_factory.mktemp("server"),
        port=port,
        extra_environment={
            "NASRO_SMTP_URL": post_office.url,
            "NASRO_MAIL_FROM": "assistant@example.org",
            "NASRO_IDENTITY_KEYS": SITE_KEYS,
            "NASRO_ALLOWED_ORIGINS": f"http://127.0.0.1:{host_port}",
            "NASRO_STAFF_ORIGIN": f"http://127.0.0.1:{port}",
            "NASRO_STAFF_OIDC_ISSUER": openid_provider.issuer,
            "NASRO_STAFF_OIDC_CLIENT_ID": CLIENT_ID,
            "NASRO_STAFF_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            # So that a test can be somebody at another address.
            "NASRO_PROXIES": "1",
        },
    )
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
