"""The page of development that shows the mails which went nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.mails import NEWEST, outbox_blueprint
from identity.mail import OutboxSender


def mail(subject: str, text: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["To"] = "jane@example.org"
    message["Subject"] = subject
    message.set_content(text)
    return message


@pytest.fixture
async def outbox(serving: Any, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(outbox_blueprint(tmp_path / "outbox")) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):
        yield http


async def test_an_outbox_that_has_no_mail_yet(outbox: httpx.AsyncClient) -> None:
    assert (await outbox.get("/dev/outbox")).status_code == 200


async def test_the_newest_mail_comes_first_and_is_shown_as_text(
    outbox: httpx.AsyncClient, tmp_path: Path
) -> None:
    sender = OutboxSender(tmp_path / "outbox")
    for number in range(NEWEST + 5):
        sender.send(mail(f"Mail {number}", "Your code is 123456. <script>alert(1)</script>"))

    page = await outbox.get("/dev/outbox")

    shown = [page.text.find(f"Subject: Mail {number}\n") for number in range(NEWEST + 5)]
    assert shown[:5] == [-1] * 5
    assert shown[5:] == sorted(shown[5:], reverse=True)
    assert "To: jane@example.org" in page.text
    assert "Your code is 123456. &lt;script&gt;" in page.text
    assert "<script" not in page.text
    assert page.headers["Content-Security-Policy"] == "default-src 'none'"
