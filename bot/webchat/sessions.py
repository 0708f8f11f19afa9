"""Session tokens: which conversation a caller may speak in.

The conversation's id is made here and travels inside a signed token, so a client can neither
choose nor guess one. Whether the conversation has been ended is not written in the token: that
is a question for `history`.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from bot.webchat.errors import ApiError

ALGORITHM = "HS256"
AUDIENCE = "nasro-webchat"
PURPOSE = "chat-session"
"""Tells a session token from any other token that may one day be signed with the same secret."""


@dataclass(frozen=True)
class Session:
    """A conversation that has just been opened."""

    conversation_id: str
    token: str
    created_at: datetime
    expires_at: datetime


class SessionTokens:
    """Makes and checks tokens."""

    def __init__(self, secret: str, ttl: timedelta) -> None:
        self._secret = secret
        self._ttl = ttl

    def open(self, now: datetime) -> Session:
        """A new conversation with its token; times are whole seconds, as tokens have them."""
        now = now.replace(microsecond=0)
        expires_at = now + self._ttl
        conversation_id = uuid.uuid4().hex
        claims = {
            "sub": conversation_id,
            "aud": AUDIENCE,
            "purpose": PURPOSE,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        token = jwt.encode(claims, self._secret, algorithm=ALGORITHM)
        return Session(conversation_id, token, now, expires_at)

    def conversation_of(self, token: str, now: datetime) -> str:
        """The conversation a token speaks for.

        Raises:
            ApiError: session_expired for a genuine token that is too old, session_invalid for
                everything else.
        """
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                # The moment comes from the caller; PyJWT would read the clock itself.
                options={
                    "require": ["sub", "aud", "iat", "exp", "purpose"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError):  # ValueError: bytes that are no text in any encoding
            raise ApiError("session_invalid") from None
        if claims["purpose"] != PURPOSE or not isinstance(claims["exp"], int):
            raise ApiError("session_invalid")
        if claims["exp"] <= now.timestamp():
            raise ApiError("session_expired")
        return claims["sub"]
