"""Sends the mails of sign-in and tidies up after it while the server runs; in development, shows mails."""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timezone
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse
from sanic.response import html as html_response

from bot.contacts import load_contacts
from bot.webchat.database import off_loop
from identity.mail import MailQueue, sender_of
from identity.service import IdentityService
from registration.database import Database
from registration.members import account

logger = logging.getLogger(__name__)

PAUSE = 0.5
"""Seconds between two looks at the queue: what somebody who waits for a code doesn't notice."""
TIDY_EVERY = 600.0
"""Seconds between two clearings of what no longer counts."""

NEWEST = 20


def send_mails(app: Sanic, identity: IdentityService, registration: Database) -> None:
    """Lets the server send what is due, and forget what no longer counts, beside the turns."""
    work = [for_ever("Sign-ins that are over can't be forgotten", TIDY_EVERY, identity.purge)]
    if sender := sender_of(identity.config):
        queue = MailQueue(
            identity.database,
            identity.keys,
            sender,
            mail_from=identity.config.mail_from,
            has_account=lambda email: account(registration, email=email) is not None,
            words=lambda: {name: contact.text for name, contact in load_contacts().items()},
        )
        work.append(
            for_ever(
                "Sign-in mails can't be sent",
                PAUSE,
                lambda: queue.send_due(datetime.now(timezone.utc)),
            )
        )
    else:
        logger.warning("No mail server is set: members can sign in on the website only.")

    @app.after_server_start
    async def start(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        app.ctx.identity_work = [loop.create_task(one()) for one in work]

    @app.before_server_stop
    async def stop(app: Sanic, _: asyncio.AbstractEventLoop) -> None:
        for task in app.ctx.identity_work:
            task.cancel()
        await asyncio.gather(*app.ctx.identity_work, return_exceptions=True)

    @app.after_server_stop
    async def close(_: Sanic, __: asyncio.AbstractEventLoop) -> None:
        identity.database.dispose()  # later than the last turn


def for_ever(
    failure: str, pause: float, function: Callable[[], object]
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Something that is done again and again, whether or not it succeeds."""

    async def work() -> None:
        while True:
            try:
                await off_loop(function)
            except Exception as error:
                # Its text may quote an address, so its kind alone is told.
                logger.warning("%s: %s", failure, type(error).__name__)
            await asyncio.sleep(pause)

    return work


def outbox_blueprint(folder: Path) -> Blueprint:
    """`/dev/outbox`: the mails that development wrote into a folder, newest first."""
    blueprint = Blueprint("outbox")

    @blueprint.get("/dev/outbox")
    async def show(_: Request) -> HTTPResponse:
        mails = await off_loop(_newest, folder)
        listed = "".join(f"<li><pre>{html.escape(mail)}</pre></li>" for mail in mails)
        return html_response(
            "<!doctype html><html lang=en><title>Outbox (development)</title>"
            "<h1>Outbox (development)</h1><p>Mails that were not sent, newest first.</p>"
            f"<ol>{listed}</ol></html>",
            headers={
                "Content-Security-Policy": "default-src 'none'",
                "Cache-Control": "no-store",
            },
        )

    return blueprint


def _newest(folder: Path) -> list[str]:
    files = sorted(folder.glob("*.eml"), reverse=True)[:NEWEST]
    messages = (message_from_bytes(file.read_bytes(), policy=default) for file in files)
    return [f"To: {m['To']}\nSubject: {m['Subject']}\n\n{m.get_content()}" for m in messages]
