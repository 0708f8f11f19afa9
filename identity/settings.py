"""Settings of identity, read from the environment. `docs/identity.md` lists the variables."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SITE_KEYS = "NASRO_IDENTITY_KEYS"
ISSUER = "NASRO_IDENTITY_ISSUER"
AUDIENCE = "NASRO_IDENTITY_AUDIENCE"
SMTP_URL = "NASRO_SMTP_URL"
MAIL_FROM = "NASRO_MAIL_FROM"

ENVIRONMENT = "NASRO_ENVIRONMENT"
SECRET = "NASRO_SECRET"
CONVERSATIONS_URL = "NASRO_CONVERSATIONS_URL"

VARIABLES = (SITE_KEYS, ISSUER, AUDIENCE, SMTP_URL, MAIL_FROM)

ALGORITHMS = ("HS256", "RS256", "ES256")
SHORTEST_SECRET = 32
SECRET_FILE = Path("var/secret")
OUTBOX = Path("var/outbox")
DEFAULT_CONVERSATIONS_URL = "sqlite:///var/conversations.sqlite"


class IdentitySettingsInvalid(Exception):
    """A setting can't be used; the message says which, and what would do."""


def is_production(environ: Mapping[str, str]) -> bool:
    """Whether this is for real; anything but a word for it is development.

    Raises:
        IdentitySettingsInvalid: The environment has no name that we know.
    """
    environment = environ.get(ENVIRONMENT, "development")
    if environment not in ("development", "production"):
        raise IdentitySettingsInvalid(
            f"{ENVIRONMENT} is '{environment}': use development or production"
        )
    return environment == "production"


def server_secret(environ: Mapping[str, str]) -> str:
    """The server's secret; in development one that is made at the first start and kept.

    Raises:
        IdentitySettingsInvalid: Production has none.
    """
    if secret := environ.get(SECRET, ""):
        return secret
    if is_production(environ):
        raise IdentitySettingsInvalid(
            f"{SECRET} is not set: production needs one, for example from 'openssl rand -hex 32'"
        )
    if not SECRET_FILE.exists():
        SECRET_FILE.parent.mkdir(parents=True, exist_ok=True)
        SECRET_FILE.touch(mode=0o600)
        SECRET_FILE.write_text(secrets.token_hex(32))
    return SECRET_FILE.read_text().strip()


def conversations_url(environ: Mapping[str, str]) -> str:
    """SQLAlchemy URL of the database that holds conversations and sign-ins."""
    return environ.get(CONVERSATIONS_URL) or DEFAULT_CONVERSATIONS_URL


@dataclass(frozen=True)
class SiteKey:
    """A key that the website signs with; the algorithm belongs to the key, never to the token."""

    algorithm: str
    key: str = field(repr=False)
    """The shared secret (HS256), or the public key as PEM."""


@dataclass(frozen=True)
class IdentityConfig:
    secret: str = field(repr=False)
    """The server's secret: codes, addresses and sign-ins are kept only under keys derived from it."""
    site_keys: Mapping[str, SiteKey]
    """By `kid`; none: the website can't sign members in."""
    issuer: str
    audience: str
    smtp_url: str = field(repr=False)
    """`smtp://user:password@host:587` (STARTTLS) or `smtps://...:465`; empty: no e-mail is sent."""
    mail_from: str
    outbox: Path | None
    """Folder that e-mail goes to instead, in development."""

    @property
    def sends_codes(self) -> bool:
        return bool(self.smtp_url or self.outbox)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> IdentityConfig:
        """Reads the settings.

        In production without NASRO_SMTP_URL there are no codes; the outbox exists in development only.

        Raises:
            IdentitySettingsInvalid: One can't be used.
        """
        smtp_url = environ.get(SMTP_URL, "")
        if smtp_url and not smtp_url.startswith(("smtp://", "smtps://")):
            raise IdentitySettingsInvalid(f"{SMTP_URL} must begin with smtp:// or smtps://")
        if smtp_url and not environ.get(MAIL_FROM):
            raise IdentitySettingsInvalid(f"{MAIL_FROM} is not set: whom is the e-mail from?")
        return cls(
            secret=server_secret(environ),
            site_keys=_site_keys(environ.get(SITE_KEYS, "")),
            issuer=environ.get(ISSUER, "https://nasro.org"),
            audience=environ.get(AUDIENCE, "nasro-chat"),
            smtp_url=smtp_url,
            mail_from=environ.get(MAIL_FROM, "NASRO Assistant <assistant@example.org>"),
            outbox=None if smtp_url or is_production(environ) else OUTBOX,
        )


def _site_keys(text: str) -> dict[str, SiteKey]:
    """Keys from JSON: `{"2027-01": {"algorithm": "HS256", "key": "..."}}`."""
    if not text:
        return {}
    try:
        keys = {
            kid: SiteKey(str(entry["algorithm"]), str(entry["key"]))
            for kid, entry in json.loads(text).items()
        }
    except (ValueError, AttributeError, KeyError, TypeError):
        raise IdentitySettingsInvalid(
            f'{SITE_KEYS} is not JSON like {{"2027-01": {{"algorithm": "HS256", "key": "..."}}}}'
        ) from None
    for kid, key in keys.items():
        if key.algorithm not in ALGORITHMS:
            raise IdentitySettingsInvalid(
                f"{SITE_KEYS}: the algorithm of {kid} is none of {', '.join(ALGORITHMS)}"
            )
        if key.algorithm == "HS256":
            if len(key.key) < SHORTEST_SECRET:
                raise IdentitySettingsInvalid(
                    f"{SITE_KEYS}: the secret {kid} is shorter than {SHORTEST_SECRET} characters"
                )
        elif "PUBLIC KEY" not in key.key:
            raise IdentitySettingsInvalid(f"{SITE_KEYS}: {kid} is no public key in PEM")
    return keys
