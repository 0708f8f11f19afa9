"""The registration database of the running server, opened from the tests' side."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from registration.database import Database

if TYPE_CHECKING:
    from tests.conftest import Server


@pytest.fixture(scope="session")
def registration(server: "Server") -> Iterator[Database]:
    database = Database(server.registration_url)
    yield database
    database.dispose()
