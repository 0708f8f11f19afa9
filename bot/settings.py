"""Settings, read from the environment once. Secrets come from nowhere else.

`docs/settings.md` lists the variables for whoever runs the server; a test holds the two together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from bot.staff.config import OpenIdConfig, StaffConfig
from bot.webchat.config import Limit, WebChatConfig, is_origin
from identity.database import IdentityDatabase
from identity.service import IdentityService
from identity.settings import (
    CONVERSATIONS_URL,
    ENVIRONMENT,
    SECRET,
    SMTP_URL,
    IdentityConfig,
    IdentitySettingsInvalid,
    conversations_url,
    is_production,
    server_secret,
)
from identity.settings import VARIABLES as IDENTITY_VARIABLES
from registration.errors import RegistrationError
from registration.settings import URL_VARIABLE as REGISTRATION_URL
from registration.settings import registration_url

HOST = "NASRO_HOST"
PORT = "PORT"
ALLOWED_ORIGINS = "NASRO_ALLOWED_ORIGINS"
PROXIES = "NASRO_PROXIES"
REQUESTS_PER_MINUTE = "NASRO_REQUESTS_PER_MINUTE"
STAFF_ORIGIN = "NASRO_STAFF_ORIGIN"
STAFF_PASSWORDS = "NASRO_STAFF_PASSWORDS"
OPENID_ISSUER = "NASRO_STAFF_OIDC_ISSUER"
OPENID_CLIENT_ID = "NASRO_STAFF_OIDC_CLIENT_ID"
OPENID_CLIENT_SECRET = "NASRO_STAFF_OIDC_CLIENT_SECRET"
OPENID = (OPENID_ISSUER, OPENID_CLIENT_ID, OPENID_CLIENT_SECRET)

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
    STAFF_ORIGIN,
    STAFF_PASSWORDS,
    *OPENID,
    *IDENTITY_VARIABLES,
)


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
    staff_origin: str
    """Where staff open their pages, as a browser names it; empty: there are none."""
    staff_passwords: bool
    """Whether staff may sign in by a password."""
    openid: OpenIdConfig | None
    """The OpenID Connect provider that staff sign in by."""
    identity: IdentityConfig

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    def webchat_config(self) -> WebChatConfig:
        """What the web chat channel is told.

        Raises:
            SettingsInvalid: An origin isn't one.
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
            raise SettingsInvalid(f"{ALLOWED_ORIGINS}: {error}") from error

    def identity_service(self) -> IdentityService:
        return IdentityService(IdentityDatabase(self.conversations_url), self.identity)

    def staff_config(self) -> StaffConfig | None:
        """What the staff area is told; None where there is none."""
        if not self.staff_origin:
            return None
        return StaffConfig(
            self.staff_origin,
            self.secret,
            self.conversations_url,
            openid=self.openid,
            takes_passwords=self.staff_passwords,
            sends_mail=self.identity.sends_codes,
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Reads the settings; see `docs/settings.md`.

        Raises:
            SettingsInvalid: One is missing or can't be used.
        """
        try:
            identity = IdentityConfig.from_environment(environ)
            conversations = conversations_url(environ)
            registration = registration_url(environ)
        except (IdentitySettingsInvalid, RegistrationError) as error:
            raise SettingsInvalid(str(error)) from error
        host = environ.get(HOST, "127.0.0.1")
        proxies = _number(environ, PROXIES, default=0, most=10)
        if identity.outbox and (proxies or not _is_this_machine(host)):
            raise SettingsInvalid(
                f"{HOST} is '{host}' and {PROXIES} {proxies}: whoever reaches the server could read "
                f"everybody's sign-in codes at /dev/outbox. Set {SMTP_URL}, or {ENVIRONMENT} to "
                "production, or serve this machine only"
            )
        settings = cls(
            environment="production" if is_production(environ) else "development",
            host=host,
            port=_number(environ, PORT, default=8000, most=65535),
            secret=server_secret(environ),
            registration_url=registration,
            conversations_url=conversations,
            allowed_origins=tuple(environ.get(ALLOWED_ORIGINS, "").replace(",", " ").split()),
            proxies=proxies,
            requests_per_minute=_number(
                environ, REQUESTS_PER_MINUTE, default=300, least=1, most=1_000_000
            ),
            staff_origin=_staff_origin(environ),
            staff_passwords=_staff_passwords(environ),
            openid=_openid(environ),
            identity=identity,
        )
        settings.webchat_config()  # what it refuses is better said before anything starts
        return settings


def _staff_origin(environ: Mapping[str, str]) -> str:
    origin = environ.get(STAFF_ORIGIN, "")
    if not origin:
        return ""
    if not is_origin(origin):
        raise SettingsInvalid(
            f"{STAFF_ORIGIN} is '{origin}': write where staff open the pages as a browser names it, "
            "like https://chat.example.org, without a path or a closing slash"
        )
    if is_production(environ) and not origin.startswith("https://"):
        raise SettingsInvalid(f"{STAFF_ORIGIN} is '{origin}': production needs https://")
    return origin


def _openid(environ: Mapping[str, str]) -> OpenIdConfig | None:
    issuer, client_id, client_secret = (environ.get(name, "") for name in OPENID)
    if not (issuer or client_id or client_secret):
        return None
    for name in OPENID:
        if not environ.get(name):
            raise SettingsInvalid(f"{name} is not set: {', '.join(OPENID)} belong together")
    try:
        parts = urlsplit(issuer)
        is_url = parts.scheme in ("http", "https") and parts.hostname and not parts.query
    except ValueError:
        is_url = False
    if not is_url:
        raise SettingsInvalid(
            f"{OPENID_ISSUER} is '{issuer}': write the provider's issuer, like "
            "https://accounts.google.com"
        )
    is_here = _is_this_machine(parts.hostname or "")
    if parts.scheme == "http" and (is_production(environ) or not is_here):
        raise SettingsInvalid(f"{OPENID_ISSUER} is '{issuer}': it needs https://")
    return OpenIdConfig(issuer, client_id, client_secret)


def _staff_passwords(environ: Mapping[str, str]) -> bool:
    value = environ.get(STAFF_PASSWORDS) or "yes"
    if value not in ("yes", "no"):
        raise SettingsInvalid(f"{STAFF_PASSWORDS} is '{value}': use yes or no")
    if value == "no" and not environ.get(OPENID_ISSUER):
        raise SettingsInvalid(
            f"{STAFF_PASSWORDS} is 'no' and {OPENID_ISSUER} is not set: nobody could sign in"
        )
    return value == "yes"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _number(
    environ: Mapping[str, str], name: str, *, default: int, least: int = 0, most: int
) -> int:
    value = environ.get(name) or str(default)
    if not (re.fullmatch("[0-9]{1,9}", value) and least <= int(value) <= most):
        raise SettingsInvalid(f"{name} is '{value}': use a number from {least} to {most}")
    return int(value)
