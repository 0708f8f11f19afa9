"""What the server does about sign-ins beside the turns: sending mails, forgetting what is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sanic import Sanic

from bot import mails
from identity.database import METADATA, IdentityDatabase
from identity.mail import MailQueue
from identity.service import IdentityService
from identity.settings import IdentityConfig
from registration.database import Database

JANE = "jane.zebra@example.org"


@pytest.fixture
def identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IdentityService:
    """Somebody asked for a code here, a day ago."""
    monkeypatch.setattr(mails, "PAUSE", 0.01)
    monkeypatch.setattr(mails, "TIDY_EVERY", 0.01)
    config = replace(
        IdentityConfig.from_environment({"NASRO_SECRET": "s" * 40}), outbox=tmp_path / "outbox"
    )
    database = IdentityDatabase(f"sqlite:///{tmp_path / 'conversations.sqlite'}")
    a_day_ago = datetime.now(timezone.utc) - timedelta(days=1)
    IdentityService(database, config, lambda: a_day_ago).request_code("c", JANE, "ip")
    return IdentityService(database, config)


@pytest.fixture
def serve(serving_app: Any, tmp_path: Path) -> Callable[[IdentityService], Any]:
    def serve(identity: IdentityService) -> Any:
        app = Sanic(f"mails_test_{id(identity)}", configure_logging=False)
        registration = Database(f"sqlite:///{tmp_path / 'registration.sqlite'}")
        registration.upgrade()
        mails.send_mails(app, identity, registration)
        return serving_app(app)

    return serve


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It didn't come about.")


def is_tidy(identity: IdentityService) -> bool:
    with identity.database.transaction() as connection:
        return not any(connection.execute(sa.select(t)).all() for t in METADATA.sorted_tables)


async def test_a_mail_is_sent(serve: Any, identity: IdentityService, tmp_path: Path) -> None:
    async with serve(identity):
        identity.request_code("d", JANE, "ip")

        await until(lambda: any((tmp_path / "outbox").glob("*.eml")))


async def test_what_is_over_is_forgotten_where_no_mail_is_sent(
    serve: Any, identity: IdentityService, caplog: pytest.LogCaptureFixture
) -> None:
    identity.config = replace(identity.config, outbox=None)
    assert not is_tidy(identity)

    async with serve(identity):
        await until(lambda: is_tidy(identity))

    assert "No mail server is set" in caplog.text


async def test_what_is_over_is_forgotten_though_sending_fails_and_the_log_quotes_nobody(
    serve: Any,
    identity: IdentityService,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"no mail to {JANE}")

    monkeypatch.setattr(MailQueue, "send_due", fail)
    caplog.set_level(logging.DEBUG)

    async with serve(identity):
        await until(lambda: is_tidy(identity) and "can't be sent" in caplog.text)

    assert "Sign-in mails can't be sent: RuntimeError" in caplog.text
    assert "zebra" not in caplog.text
