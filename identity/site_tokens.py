"""Tokens by which the website says who is signed in there: JWTs, short-lived, for one conversation.

See RFC 7519 (JWT) and RFC 8725 (best practices: the algorithm is the key's, issuer and audience are
checked, tokens of other kinds don't fit).
"""

from __future__ import annotations

import logging
import math
import uuid
from datetime import datetime, timedelta
from typing import Any

import jwt

from identity.addresses import EMAIL, normalized
from identity.settings import IdentityConfig

logger = logging.getLogger(__name__)

LEEWAY = timedelta(seconds=30)
"""How much two clocks may differ."""

LONGEST = timedelta(minutes=10)
"""A token is for the moment of opening the chat."""

LONGEST_TEXT = 4096
REQUIRED = ("sub", "email", "aud", "iss", "exp", "iat", "jti")


class IdentityRefused(Exception):
    """The token doesn't prove anything; it isn't said why, to whoever sent it."""


class SiteToken:
    """What a verified token says."""

    def __init__(self, claims: dict[str, Any]) -> None:
        self.email = normalized(claims["email"])
        self.id = f"{claims['iss']} {claims['jti']}"
        self.expires_at: float = claims["exp"]


def verify(token: str, config: IdentityConfig, now: datetime) -> SiteToken:
    """What the token says, if it is one of the website's and still good.

    Raises:
        IdentityRefused: It isn't. A word in the log says why; nothing of the token is in it.
    """
    try:
        if len(token) > LONGEST_TEXT:
            raise jwt.InvalidTokenError
        kid = jwt.get_unverified_header(token).get("kid")
        key = config.site_keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise jwt.InvalidKeyError
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            audience=config.audience,
            issuer=config.issuer,
            # Times are checked below, by our own clock.
            options={
                "require": list(REQUIRED),
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        _check_times(claims, now.timestamp())
        if not (isinstance(claims["jti"], str) and 8 <= len(claims["jti"]) <= 200):
            raise jwt.InvalidTokenError
        # Before it is normalized: a look-alike in other letters is another account on the website.
        if not (isinstance(claims["email"], str) and EMAIL.fullmatch(claims["email"].strip())):
            raise jwt.InvalidTokenError
        return SiteToken(claims)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        logger.info("A token of the website was refused: %s", type(error).__name__)
        raise IdentityRefused from None


def _check_times(claims: dict[str, Any], now: float) -> None:
    issued, expires = _moment(claims["iat"]), _moment(claims["exp"])
    good_from = _moment(claims.get("nbf", issued))
    if expires + LEEWAY.total_seconds() < now:
        raise jwt.ExpiredSignatureError
    if max(issued, good_from) - LEEWAY.total_seconds() > now:
        raise jwt.ImmatureSignatureError
    if expires - issued > LONGEST.total_seconds():
        raise jwt.InvalidTokenError


def _moment(value: object) -> float:
    # NaN, which JSON parsers let pass, would be neither too early nor too late.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise jwt.InvalidTokenError
    return value


def make(
    *, email: str, kid: str, algorithm: str, key: str, issuer: str, audience: str, now: datetime
) -> str:
    """A token as the website would sign one, to try things out.

    Args:
        key: The shared secret, or the *private* key as PEM.
    """
    return jwt.encode(
        {
            "sub": email,
            "email": email,
            "iss": issuer,
            "aud": audience,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            "jti": uuid.uuid4().hex,
        },
        key,
        algorithm=algorithm,
        headers={"kid": kid},
    )
