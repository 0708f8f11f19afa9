"""Identity on a database of its own, with a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from identity.database import IdentityDatabase
from identity.mail import MailQueue
from identity.service import IdentityService
from identity.settings import IdentityConfig, SiteKey
from tests.clock import Clock

SECRET = "a secret of the tests, more than thirty-two characters"
SITE_SECRET = "the website's secret of the tests, 32 and more"


@dataclass
class Letterbox:
    """A sender that keeps what it is given, and can be out of order."""

    messages: list[EmailMessage] = field(default_factory=list)
    error: OSError | None = None

    def send(self, message: EmailMessage) -> None:
        if self.error:
            raise self.error
        # As it would arrive.
        self.messages.append(message_from_bytes(message.as_bytes(), policy=default))  # type: ignore[arg-type]

    @property
    def last_text(self) -> str:
        return self.messages[-1].get_content()

    @property
    def last_code(self) -> str:
        return self.last_text.split("Your code is ")[1][:6]


def config_with(**changes: object) -> IdentityConfig:
    return IdentityConfig(
        **{
            "secret": SECRET,
            "site_keys": {"2027-03": SiteKey("HS256", SITE_SECRET)},
            "issuer": "https://nasro.org",
            "audience": "nasro-chat",
            "smtp_url": "",
            "mail_from": "NASRO Assistant <assistant@example.org>",
            "outbox": None,
            **changes,
        }  # type: ignore[arg-type]
    )


@pytest.fixture
def database(url: str) -> Iterator[IdentityDatabase]:
    database = IdentityDatabase(url)
    yield database
    database.dispose()


@pytest.fixture
def service(database: IdentityDatabase, clock: Clock) -> IdentityService:
    return IdentityService(database, config_with(), now=clock)


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def queue(service: IdentityService, letterbox: Letterbox) -> MailQueue:
    return MailQueue(
        service.database,
        service.keys,
        letterbox,
        mail_from=service.config.mail_from,
        has_account=lambda email: email in ("jane@example.org", "john@example.org"),
        words=lambda: {"office_phone": "888.316.2776"},
    )
