"""The mails of sign-in, through a real SMTP server."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from identity.mail import MailQueue, OutboxSender, SmtpSender, sender_of
from identity.service import IdentityService
from tests.clock import Clock
from tests.identity.conftest import config_with
from tests.running_server import free_port


class Postman:
    """Takes mails, after refusing as many as it is told to."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.refuse = 0
        self.is_asked = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        self.is_asked.set()
        self.may_go_on.wait(20)
        if self.refuse:
            self.refuse -= 1
            return "451 Try again later"
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture
def smtp_url(postman: Postman) -> Iterator[str]:
    controller = Controller(postman, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


@pytest.fixture
def smtp_queue(service: IdentityService, smtp_url: str) -> MailQueue:
    return MailQueue(
        service.database,
        service.keys,
        SmtpSender(smtp_url),
        mail_from=service.config.mail_from,
        has_account=lambda _: True,
        words=lambda: {"office_phone": "888.316.2776"},
    )


def test_a_code_arrives(
    service: IdentityService, smtp_queue: MailQueue, clock: Clock, postman: Postman
) -> None:
    service.request_code("c", "jane@example.org", "ip")

    assert smtp_queue.send_due(clock.now) == 1
    assert smtp_queue.send_due(clock.now) == 0
    (envelope,) = postman.taken
    assert envelope.rcpt_tos == ["jane@example.org"]
    assert b"Your sign-in code" in envelope.content
    assert b"Auto-Submitted: auto-generated" in envelope.content


def test_a_refused_mail_is_tried_again_and_arrives_once(
    service: IdentityService, smtp_queue: MailQueue, clock: Clock, postman: Postman
) -> None:
    postman.refuse = 2
    service.request_code("c", "jane@example.org", "ip")

    tried = 0
    for _ in range(60):
        tried += smtp_queue.send_due(clock.now)
        clock.pass_(seconds=1)

    assert tried == 3
    assert len(postman.taken) == 1


def test_a_mail_whose_code_is_dead_is_dropped(
    service: IdentityService, smtp_queue: MailQueue, clock: Clock, postman: Postman
) -> None:
    postman.refuse = 1000
    service.request_code("c", "jane@example.org", "ip")
    for _ in range(40):
        smtp_queue.send_due(clock.now)
        clock.pass_(seconds=30)
    postman.refuse = 0

    assert smtp_queue.send_due(clock.now) == 0
    assert postman.taken == []


def test_a_slow_mail_server_slows_no_request(
    service: IdentityService, smtp_queue: MailQueue, clock: Clock, postman: Postman
) -> None:
    postman.may_go_on.clear()
    service.request_code("c", "jane@example.org", "ip")
    sending = threading.Thread(target=smtp_queue.send_due, args=(clock.now,))
    sending.start()
    assert postman.is_asked.wait(10)
    service.request_code("d", "jane@example.org", "ip")
    taken_meanwhile = len(postman.taken)
    postman.may_go_on.set()
    sending.join()

    assert taken_meanwhile == 0
    assert len(postman.taken) == 2


def test_an_address_can_not_smuggle_a_header(
    service: IdentityService, smtp_queue: MailQueue, clock: Clock, postman: Postman
) -> None:
    service.request_code("c", "jane@example.org\r\nBcc: all@example.org", "ip")
    smtp_queue.send_due(clock.now)

    assert all(b"Bcc" not in envelope.content for envelope in postman.taken)
    assert all(envelope.rcpt_tos != ["all@example.org"] for envelope in postman.taken)


def test_in_development_mails_are_files_that_only_the_owner_reads(
    service: IdentityService, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "outbox"
    queue = MailQueue(
        service.database,
        service.keys,
        OutboxSender(folder),
        mail_from=service.config.mail_from,
        has_account=lambda _: True,
        words=lambda: {"office_phone": ""},
    )
    service.request_code("c", "jane@example.org", "ip")
    queue.send_due(clock.now)

    (mail,) = folder.iterdir()
    assert "Your code is" in mail.read_text()
    assert stat.S_IMODE(mail.stat().st_mode) == 0o600


def test_the_way_of_mail_follows_from_the_settings() -> None:
    assert isinstance(sender_of(config_with(smtp_url="smtp://localhost")), SmtpSender)
    assert isinstance(sender_of(config_with(outbox=Path("var/outbox"))), OutboxSender)
    assert sender_of(config_with()) is None
