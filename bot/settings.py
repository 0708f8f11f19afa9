"""Settings, read from the environment once. Secrets come from nowhere else.

`docs/settings.md` lists the variables for whoever runs the server; a test holds the two together.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.webchat.config import Limit, WebChatConfig
from registration.settings import URL_VARIABLE as REGISTRATION_URL
from registration.settings import registration_url

ENVIRONMENT = "NASRO_ENVIRONMENT"
HOST = "NASRO_HOST"
PORT = "PORT"
SECRET = "NASRO_SECRET"
CONVERSATIONS_URL = "NASRO_CONVERSATIONS_URL"
ALLOWED_ORIGINS = "NASRO_ALLOWED_ORIGINS"
PROXIES = "NASRO_PROXIES"
REQUESTS_PER_MINUTE = "NASRO_REQUESTS_PER_MINUTE"

VARIABLES = (
    ENVIRONMENT,
    HOST,
    PORT,
    SECRET,
    REGISTRATION_URL,
    CONVERSATIONS_URL,
    ALLOWED_ORIGINS,
    PROXIES,
    REQUESTS_PER_MINUTE,
)

DEFAULT_CONVERSATIONS_URL = "sqlite:///var/conversations.sqlite"
SECRET_FILE = Path("var/secret")


class SettingsInvalid(Exception):
    """A setting can't be used; the message says which, and what would do."""


@dataclass(frozen=True)
class Settings:
    environment: Literal["development", "production"]
    host: str
    port: int
    secret: str = field(repr=False)
    """Signs the sessions' tokens."""
    registration_url: str
    conversations_url: str
    allowed_origins: tuple[str, ...]
    """Websites whose pages may call the web chat API from the browser."""
    proxies: int
    """Reverse proxies in front of the server, whose X-Forwarded-For is believed."""
    requests_per_minute: int
    """Requests that one client address may make; a tenth of them may open a session."""

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    def webchat_config(self) -> WebChatConfig:
        """What the web chat channel is told.

        Raises:
            SettingsInvalid: The secret is too short, or an origin isn't one.
        """
        per_minute = self.requests_per_minute
        try:
            return WebChatConfig(
                secret=self.secret,
                allowed_origins=self.allowed_origins,
                requests_per_address=Limit(per_minute, 60),
                sessions_per_address=Limit(max(per_minute // 10, 1), 60),
            )
        except ValueError as error:
            raise SettingsInvalid(str(error)) from error

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Reads the settings; see `docs/settings.md`.

        Raises:
            SettingsInvalid: One is missing or can't be used.
        """
        environment = environ.get(ENVIRONMENT, "development")
        if environment not in ("development", "production"):
            raise SettingsInvalid(
                f"{ENVIRONMENT} is '{environment}': use development or production"
            )
        return cls(
            environment=environment,  # type: ignore[arg-type]  # one of the two, as just checked
            host=environ.get(HOST, "127.0.0.1"),
            port=_number(environ, PORT, 8000, 65535),
            secret=_secret(environ, environment),
            registration_url=registration_url(environ),
            conversations_url=environ.get(CONVERSATIONS_URL) or DEFAULT_CONVERSATIONS_URL,
            allowed_origins=tuple(environ.get(ALLOWED_ORIGINS, "").replace(",", " ").split()),
            proxies=_number(environ, PROXIES, 0, 10),
            requests_per_minute=_number(environ, REQUESTS_PER_MINUTE, 300, 1_000_000),
        )


def _number(environ: Mapping[str, str], name: str, default: int, most: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdigit() or int(value) > most:
        raise SettingsInvalid(f"{name} is '{value}': use a number from 0 to {most}")
    return int(value)


def _secret(environ: Mapping[str, str], environment: str) -> str:
    """The secret of the environment; in development one that is made at the first start and kept."""
    secret = environ.get(SECRET, "")
    if secret:
        return secret
    if environment == "production":
        raise SettingsInvalid(
            f"{SECRET} is not set: production needs one, for example from 'openssl rand -hex 32'"
        )
    if not SECRET_FILE.exists():
        SECRET_FILE.parent.mkdir(parents=True, exist_ok=True)
        SECRET_FILE.touch(mode=0o600)
        SECRET_FILE.write_text(secrets.token_hex(32))
    return SECRET_FILE.read_text().strip()
