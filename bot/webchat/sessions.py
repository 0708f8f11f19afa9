"""Session tokens: which conversation a caller may speak in.

The conversation's id is made here and travels inside a signed token, so a client can neither
choose nor guess one. When a member signs in, the token is renewed: who knew the one before mustn't
learn what the member is told (session fixation). Whether the conversation has been ended, or a token
is no longer the latest, is not written in it: these are questions for `history` and `identity`.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt

from bot.webchat.errors import ApiError
from identity.service import FROM_THE_BEGINNING

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


@dataclass(frozen=True)
class Caller:
    """Who has a good token."""

    conversation_id: str
    renewed: datetime = FROM_THE_BEGINNING
    """The sign-in that the token was made for."""
    claims: dict[str, Any] = field(default_factory=dict, repr=False)


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
        return Session(conversation_id, self._signed(claims), now, expires_at)

    def renewed(self, caller: Caller, signed_in_at: datetime) -> str:
        """A token in place of the caller's, for as long, since a member has signed in."""
        return self._signed({**caller.claims, "renewed": signed_in_at.isoformat()})

    def _signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def caller(self, token: str, now: datetime) -> Caller:
        """Whom a token lets speak, and where.

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
        renewed = claims.get("renewed")
        at = datetime.fromisoformat(renewed) if renewed else FROM_THE_BEGINNING
        return Caller(claims["sub"], at, claims)
