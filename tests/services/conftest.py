"""The registration database on SQLite and on a real PostgreSQL: each test runs on both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from registration.database import Database
from tests.services.postgres import PostgresServer

_numbers = count(1)


@pytest.fixture(scope="session")
def empty_postgres(postgres: PostgresServer) -> str:
    postgres.execute("CREATE DATABASE empty_tables")
    database = Database(postgres.url("empty_tables"))
    database.upgrade()
    database.dispose()
    return "empty_tables"


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "empty_tables.sqlite"
    database = Database(f"sqlite:///{file}")
    database.upgrade()
    database.dispose()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.sqlite'}"
    postgres: PostgresServer = request.getfixturevalue("postgres")
    name = f"new_{next(_numbers)}"
    postgres.execute(f"CREATE DATABASE {name}")
    return postgres.url(name)


@pytest.fixture
def postgres_db(postgres: PostgresServer, empty_postgres: str) -> Iterator[Database]:
    """For what only PostgreSQL does."""
    name = f"test_{next(_numbers)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {empty_postgres}")
    database = Database(postgres.url(name))
    yield database
    database.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with the tables of today and no classes."""
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres_db")
        return
    file = tmp_path / "registration.sqlite"
    shutil.copy(request.getfixturevalue("empty_sqlite"), file)
    database = Database(f"sqlite:///{file}")
    yield database
    database.dispose()
