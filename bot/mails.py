"""Sends the mails of sign-in while the server runs; in development, shows those that went nowhere."""

from __future__ import annotations

import asyncio
import html
import logging
from contextlib import suppress
from datetime import datetime, timezone
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse
from sanic.response import html as html_response

from bot.contacts import load_contacts
from bot.webchat.database import off_loop
from identity.database import IdentityUnavailable
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
    """Lets the server send what is due, beside the turns. Without a way out for mail: nothing."""
    sender = sender_of(identity.config)
    if sender is None:
        return
    queue = MailQueue(
        identity.database,
        identity.keys,
        sender,
        mail_from=identity.config.mail_from,
        has_account=lambda email: account(registration, email=email) is not None,
        words={name: contact.text for name, contact in load_contacts().items()},
    )

    async def send_for_ever() -> None:
        tidied = 0.0
        while True:
            try:
                now = datetime.now(timezone.utc)
                await off_loop(queue.send_due, now)
                if now.timestamp() - tidied > TIDY_EVERY:
                    await off_loop(identity.purge)
                    tidied = now.timestamp()
            except IdentityUnavailable:
                logger.warning("The queue of sign-in mails can't be read.")
            except Exception:
                logger.exception("Sign-in mails can't be sent.")
            await asyncio.sleep(PAUSE)

    @app.after_server_start
    async def start(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        app.ctx.mails = loop.create_task(send_for_ever())

    @app.before_server_stop
    async def stop(app: Sanic, _: asyncio.AbstractEventLoop) -> None:
        app.ctx.mails.cancel()
        with suppress(asyncio.CancelledError):
            await app.ctx.mails
        identity.database.dispose()


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
