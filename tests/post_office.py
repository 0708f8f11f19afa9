"""A real SMTP server that keeps what it is given: where the codes of sign-in arrive."""

from __future__ import annotations

import re
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.running_server import free_port

PATIENCE = 10.0
"""Seconds until a mail must be there."""


class PostOffice:
    """Takes mails on a port of this machine and hands each out once."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._mails: list[EmailMessage] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self._controller.start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._controller.port}"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        with self._arrived:
            self._mails.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
            self._arrived.notify_all()
        return "250 OK"

    def mails_to(self, address: str) -> list[EmailMessage]:
        """What has arrived for an address and wasn't handed out yet."""
        with self._arrived:
            return [mail for mail in self._mails if str(mail["To"]) == address]

    def mail_to(self, address: str) -> str:
        """The text of the oldest mail to an address that wasn't handed out yet."""

        def find() -> EmailMessage | None:
            return next((m for m in self._mails if str(m["To"]) == address), None)

        with self._arrived:
            assert self._arrived.wait_for(find, PATIENCE), f"no mail to {address}"
            mail = find()
            assert mail
            self._mails.remove(mail)
        return str(mail.get_content())

    def code_for(self, address: str) -> str:
        found = re.search(r"Your code is (\d{6})", self.mail_to(address))
        assert found, f"the mail to {address} holds no code"
        return found[1]

    def close(self) -> None:
        self._controller.stop()
