"""What the three databases have in common where they are SQLite files."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from bot.webchat.database import ConversationDatabase
from identity.database import IdentityDatabase
from registration.database import Database

Transaction = Callable[[], AbstractContextManager[Any]]


@pytest.mark.parametrize(
    "transaction_of",
    [
        lambda url: Database(url).transaction,
        lambda url: IdentityDatabase(url).transaction,
        lambda url: ConversationDatabase(url).writing,
    ],
    ids=["registration", "identity", "conversations"],
)
def test_who_begins_while_another_makes_the_file_waits_for_it(
    tmp_path: Path, transaction_of: Callable[[str], Transaction]
) -> None:
    file = tmp_path / "new.sqlite"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # not in WAL mode yet, as between two programs' first steps
    other.execute("CREATE TABLE first (a)")
    ending = threading.Timer(0.3, other.execute, ["COMMIT"])
    ending.start()

    with transaction_of(f"sqlite:///{file}")() as connection:
        connection.exec_driver_sql("CREATE TABLE second (a)")

    ending.join()
    tables = {name for (name,) in other.execute("SELECT name FROM sqlite_master")}
    assert {"first", "second"} <= tables
