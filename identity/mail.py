"""How mail goes out, and the mails of sign-in: written in a turn, sent after it.

The queue lives in the database, sealed; whoever sends takes a mail, tries, and tries again later while
its code lives. Only here it is looked up whether an address has an account.
"""

from __future__ import annotations

import logging
import os
import smtplib
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from importlib.resources import files
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
import yaml
from sqlalchemy.engine import Connection

from identity.codes import LIFETIME, MAIL
from identity.database import IdentityDatabase, mails
from identity.keys import Keys
from identity.settings import IdentityConfig

logger = logging.getLogger(__name__)

SMTP_TIMEOUT = 10
"""Seconds, for each of the dozen steps of handing over a mail."""
LEASE = timedelta(seconds=12 * SMTP_TIMEOUT)
"""For so long a mail that somebody is sending is left to them."""
RETRY = timedelta(seconds=10)
"""After the first failure; each later one waits twice as long."""
AT_ONCE = 10
DOMAIN = "nasro-chat.invalid"
"""Of the mails' ids; a name of this machine is nobody's business."""

HasAccount = Callable[[str], bool]


class Sender(Protocol):
    def send(self, message: EmailMessage) -> None:
        """Hands a message over.

        Raises:
            OSError: It couldn't be handed over now (smtplib's errors are OSErrors too).
        """


class SmtpSender:
    """Sends by SMTP, encrypted: `smtps://` from the start, `smtp://` by STARTTLS.

    Without STARTTLS it sends only where it doesn't log in, as to a relay of one's own.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")

    def send(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self._is_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=SMTP_TIMEOUT, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=SMTP_TIMEOUT)
        with server:
            server.ehlo()
            if not self._is_tls and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif self._user and not self._is_tls:
                # Whoever stands between could have taken the offer away, to read along.
                raise smtplib.SMTPNotSupportedError("The mail server offers no STARTTLS.")
            if self._user:
                server.login(self._user, self._password)
            server.send_message(message)


class OutboxSender:
    """For development: each mail becomes a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{datetime.now():%Y%m%d-%H%M%S-%f}-{uuid.uuid4().hex[:8]}.eml"
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())


def sender_of(config: IdentityConfig) -> Sender | None:
    """The way that mail goes by these settings; None where it goes nowhere."""
    if config.smtp_url:
        return SmtpSender(config.smtp_url)
    return OutboxSender(config.outbox) if config.outbox else None


def template(name: str) -> Mapping[str, str]:
    """Subject and text of a mail, as they stand in `mails.yml`."""
    text = files("identity").joinpath("mails.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)[name]


def letter(
    *, sender: str, to: str, subject: str, text: str, now: datetime, id_: str | None = None
) -> EmailMessage:
    """A mail of plain text that no person wrote.

    Args:
        sender: As `NASRO_MAIL_FROM` names it.
        now: When it is sent.
        id_: The same for a mail that is sent again; without one it is new.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{id_}@{DOMAIN}>" if id_ else make_msgid(domain=DOMAIN)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def withdraw(connection: Connection, keys: Keys, email: str, now: datetime) -> None:
    """Takes the mails to an address out of the queue.

    Args:
        email: Normalized.
    """
    for row in connection.execute(sa.select(mails.c.id, mails.c.content)).all():
        opened = keys.unseal(MAIL, row.content, now, int(LIFETIME.total_seconds()))
        if opened and opened.partition(" ")[2] == email:
            connection.execute(sa.delete(mails).where(mails.c.id == row.id))


class MailQueue:
    """Sends what is due.

    Args:
        database: Where the queue is.
        keys: They unseal it.
        sender: The way out.
        mail_from: The sender's address.
        has_account: Whether an address belongs to an account.
        words: Gives the values of the mails' placeholders, like the office's phone number; asked for each
            mail, as they may change while the server runs.
    """

    def __init__(
        self,
        database: IdentityDatabase,
        keys: Keys,
        sender: Sender,
        *,
        mail_from: str,
        has_account: HasAccount,
        words: Callable[[], Mapping[str, str]],
    ) -> None:
        self._database = database
        self._keys = keys
        self._sender = sender
        self._from = mail_from
        self._has_account = has_account
        self._words = words
        self._templates = {name: template(name) for name in ("code", "no_account")}

    def send_due(self, now: datetime) -> int:
        """Sends what is due, and says how many mails it took on.

        Raises:
            IdentityUnavailable: The database can't be used.
        """
        start = time.monotonic()
        for count in range(AT_ONCE):
            # Each is taken when its turn comes: behind a slow one its lease would run out unsent,
            # and another process would send it as well.
            moment = now + timedelta(seconds=time.monotonic() - start)
            taken = self._take(moment)
            if taken is None:
                return count
            self._send(*taken, moment)
        return AT_ONCE

    def _send(self, id_: int, content: str, attempts: int, now: datetime) -> None:
        opened = self._keys.unseal(MAIL, content, now, int(LIFETIME.total_seconds()))
        if opened is None:  # its code is dead, or the secret was changed
            self._remove(id_)
            return
        code, _, email = opened.partition(" ")
        try:
            self._sender.send(self._message(email, code, now))
        except Exception as error:
            # Whatever it was: the address may stand in the error's text, so its kind alone is told.
            logger.warning("A sign-in mail couldn't be sent yet: %s", type(error).__name__)
            self._again_later(id_, attempts, now)
        else:
            self._remove(id_)

    def _take(self, now: datetime) -> tuple[int, str, int] | None:
        with self._database.transaction() as connection:
            row = connection.execute(
                sa.select(mails.c.id, mails.c.content, mails.c.attempts)
                .where(mails.c.due_at <= now)
                .order_by(mails.c.due_at, mails.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)  # of several processes one gets it
            ).one_or_none()
            if row is None:
                return None
            connection.execute(
                sa.update(mails).where(mails.c.id == row.id).values(due_at=now + LEASE)
            )
            return row.id, row.content, row.attempts

    def _again_later(self, id_: int, attempts: int, now: datetime) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(mails)
                .where(mails.c.id == id_)
                .values(attempts=attempts + 1, due_at=now + RETRY * 2**attempts)
            )

    def _remove(self, id_: int) -> None:
        with self._database.transaction() as connection:
            connection.execute(sa.delete(mails).where(mails.c.id == id_))

    def _message(self, email: str, code: str, now: datetime) -> EmailMessage:
        words = self._templates["code" if self._has_account(email) else "no_account"]
        return letter(
            sender=self._from,
            to=email,
            subject=words["subject"],
            text=words["text"].format(code=code, **self._words()),
            now=now,
        )
