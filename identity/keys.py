"""Keys derived from the server's secret, one for each purpose, and what is done with them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Keys:
    """Hashes and seals under keys that nobody else has.

    Args:
        secret: The server's secret.
    """

    def __init__(self, secret: str) -> None:
        self._hashing = _derived(secret, b"nasro-chat identity hashes")
        self._sealing = Fernet(
            base64.urlsafe_b64encode(_derived(secret, b"nasro-chat identity seals"))
        )

    def hash(self, purpose: str, *values: str) -> str:
        """A keyed hash (HMAC-SHA256, hexadecimal): the same for the same values, and not to be reversed."""
        message = json.dumps([purpose, *values]).encode()
        return hmac.new(self._hashing, message, hashlib.sha256).hexdigest()

    def seal(self, purpose: str, value: str, now: datetime) -> str:
        """Encrypts a value (Fernet: AES-CBC and HMAC), for `unseal` with the same purpose."""
        content = json.dumps([purpose, value]).encode()
        return self._sealing.encrypt_at_time(content, int(now.timestamp())).decode()

    def unseal(self, purpose: str, sealed: str, now: datetime, ttl: int) -> str | None:
        """The value; None where it was changed, meant for something else, or is older than `ttl` seconds."""
        try:
            content = self._sealing.decrypt_at_time(sealed.encode(), ttl, int(now.timestamp()))
        except (InvalidToken, UnicodeError):
            return None
        found, value = json.loads(content)
        return value if found == purpose else None


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
