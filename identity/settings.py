"""Settings of identity, read from the environment. `docs/identity.md` lists the variables."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from identity.addresses import EMAIL

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
SHORTEST_RSA = 2048
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
        IdentitySettingsInvalid: It is short, or production has none.
    """
    if secret := environ.get(SECRET, ""):
        if len(secret) < SHORTEST_SECRET:
            raise IdentitySettingsInvalid(
                f"{SECRET} is too short: it needs at least {SHORTEST_SECRET} characters"
            )
        return secret
    if is_production(environ):
        raise IdentitySettingsInvalid(
            f"{SECRET} is not set: production needs one, for example from 'openssl rand -hex 32'"
        )
    if not SECRET_FILE.exists():
        SECRET_FILE.parent.mkdir(parents=True, exist_ok=True)
        # It gets its name when it is whole: a process that starts now mustn't read an empty one.
        with NamedTemporaryFile("w", dir=SECRET_FILE.parent) as fresh:
            fresh.write(secrets.token_hex(32))
            fresh.flush()
            with suppress(FileExistsError):
                os.link(fresh.name, SECRET_FILE)
    return SECRET_FILE.read_text().strip()


def conversations_url(environ: Mapping[str, str]) -> str:
    """SQLAlchemy URL of the database that holds conversations and sign-ins.

    Raises:
        IdentitySettingsInvalid: It is none.
    """
    url = environ.get(CONVERSATIONS_URL) or DEFAULT_CONVERSATIONS_URL
    try:
        is_known = make_url(url).get_backend_name() in ("sqlite", "postgresql")
    except (ArgumentError, ValueError):
        is_known = False
    if not is_known:
        # It isn't repeated: it may hold a password.
        raise IdentitySettingsInvalid(
            f"{CONVERSATIONS_URL} is no SQLite or PostgreSQL database, "
            f"like {DEFAULT_CONVERSATIONS_URL}"
        )
    return url


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
        mail_from = environ.get(MAIL_FROM, "")
        if smtp_url:
            _check_smtp_url(smtp_url)
            if not mail_from:
                raise IdentitySettingsInvalid(f"{MAIL_FROM} is not set: whom is the e-mail from?")
        if mail_from and not _is_sender(mail_from):
            raise IdentitySettingsInvalid(
                f"{MAIL_FROM} is no sender like NASRO Assistant <assistant@example.org>"
            )
        return cls(
            secret=server_secret(environ),
            site_keys=_site_keys(environ.get(SITE_KEYS, "")),
            issuer=environ.get(ISSUER) or "https://nasro.org",
            audience=environ.get(AUDIENCE) or "nasro-chat",
            smtp_url=smtp_url,
            mail_from=mail_from or "NASRO Assistant <assistant@example.org>",
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
        elif not _fits(key):
            raise IdentitySettingsInvalid(
                f"{SITE_KEYS}: {kid} is no public key in PEM for {key.algorithm}"
            )
    return keys


def _fits(key: SiteKey) -> bool:
    """Whether it is a public key of the kind that its algorithm needs (RFC 7518, 3.3 and 3.4)."""
    try:
        public = load_pem_public_key(key.key.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    if key.algorithm == "RS256":
        return isinstance(public, RSAPublicKey) and public.key_size >= SHORTEST_RSA
    return isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1)


def _check_smtp_url(url: str) -> None:
    # Nothing of the URL is repeated: it may hold the password.
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise IdentitySettingsInvalid(
            f"{SMTP_URL} must be like smtp://user:password@host:587 or smtps://..."
        )


def _is_sender(text: str) -> bool:
    return text.isprintable() and bool(EMAIL.fullmatch(parseaddr(text)[1]))
