"""Passwords of staff: what one must be like, and how it is kept (argon2id)."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 200

_hasher = PasswordHasher()  # RFC 9106's second choice: 64 MiB, three passes


class PasswordRefused(Exception):
    """A password is none to choose; `reason` is short, long, personal or same."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            {
                "short": f"A password needs at least {SHORTEST} characters.",
                "long": f"A password has at most {LONGEST} characters.",
                "personal": "A password mustn't hold the name or the e-mail address.",
                "same": "That is the old password.",
            }[reason]
        )
        self.reason = reason


def generated() -> str:
    """A password that nobody has chosen: 120 random bits."""
    return secrets.token_urlsafe(15)


def require_good(password: str, *, email: str, name: str) -> None:
    """Length alone makes a password strong; rules about its characters don't (NIST SP 800-63B).

    Raises:
        PasswordRefused: It is too short, too long, or made of who they are.
    """
    if len(password) < SHORTEST:
        raise PasswordRefused("short")
    if len(password) > LONGEST:
        raise PasswordRefused("long")
    lowered = password.lower()
    if email.lower() in lowered or name.lower() in lowered:
        raise PasswordRefused("personal")


def hashed(password: str) -> str:
    """What is stored of a password."""
    return _hasher.hash(_same_on_every_keyboard(password))


def is_right(password: str, stored: str | None) -> bool:
    """Whether it is the password of a stored hash.

    Without one, as for an account that isn't there, the same work is done, and the answer is no.
    """
    nobodys = _nobodys()
    try:
        _hasher.verify(stored or nobodys, _same_on_every_keyboard(password[: LONGEST + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether it was hashed with less work than is usual now."""
    return _hasher.check_needs_rehash(stored)


def _same_on_every_keyboard(password: str) -> str:
    # "é" may be typed as one character or as two.
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    return hashed(generated())
