"""Work in a process of its own: what it gives, and what goes wrong."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from bot.staff import audit
from bot.staff.apart import apart
from bot.staff.calendar_files import Databases, load, preview, take_back
from bot.staff.database import METADATA
from bot.staff.uploads import Upload
from bot.webchat.database import ConversationDatabase
from registration.database import Database
from registration.errors import RegistrationUnavailable

FILE = (
    b"id,course,city,state,starts_on,ends_on,capacity\nA,basic,Austin,TX,2027-06-01,2027-06-05,40\n"
)


async def test_it_is_another_process() -> None:
    assert await apart(os.getpid) != os.getpid()


async def test_what_it_prints_is_no_result() -> None:
    assert await apart(print, "hello") is None


async def test_what_it_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await apart(int, "x")


@pytest.mark.parametrize("end", [os._exit, os.abort])
async def test_a_process_that_ends_early(end: object) -> None:
    with pytest.raises(OSError, match="the process ended"):
        await apart(end, *([0] if end is os._exit else []))  # type: ignore[arg-type]


async def test_a_file_is_looked_at_loaded_and_taken_back(tmp_path: Path) -> None:
    databases = Databases(
        f"sqlite:///{tmp_path / 'registration.sqlite'}",
        f"sqlite:///{tmp_path / 'conversations.sqlite'}",
    )
    upload = Upload("1", "classes", "spring.csv", FILE)
    now = datetime(2027, 3, 1, tzinfo=timezone.utc)
    with pytest.raises(RegistrationUnavailable):
        await apart(preview, databases, upload)
    database = Database(databases.registration)
    database.upgrade()

    report, is_good = await apart(preview, databases, upload)
    loaded = await apart(load, databases, upload, by="jane", at=now, seen=report.seen)
    again = await apart(load, databases, upload, by="jane", at=now, seen=report.seen)
    assert loaded
    assert loaded.import_id
    refused = await apart(take_back, databases, loaded.import_id + 1, by="jane", at=now)
    done = await apart(take_back, databases, loaded.import_id, by="jane", at=now)

    assert (is_good, report.created, loaded.created) == (True, 1, 1)
    assert again is None, "it would change nothing any more"
    assert refused.startswith("Another file has been loaded")
    assert done == ""
    database.dispose()
    conversations = ConversationDatabase(databases.conversations, metadata=(METADATA,))
    noted = audit.entries(conversations).entries
    conversations.dispose()
    assert [(e.who, e.what, e.after) for e in reversed(noted)] == [
        ("jane", "file loaded", "1 new, 0 changed, 0 unchanged"),
        ("jane", "file undone", ""),
    ]
    assert "sqlite" not in repr(databases)
