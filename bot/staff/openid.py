"""Signing in by an OpenID Connect provider: the authorization code flow with PKCE.

The provider proves whose an address is, and nothing else; which account that is and what it may do is
a question for `accounts`. See OpenID Connect Core 1.0 (3.1), Discovery 1.0, and RFC 9700.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import jwt

from bot.staff.config import OpenIdConfig
from identity.addresses import EMAIL
from identity.keys import Keys

logger = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Of public keys only: with a shared secret, or none, anybody could be the provider."""
LEEWAY = timedelta(seconds=30)
"""How much two clocks may differ."""
BEGUN_FOR = timedelta(minutes=10)
"""So long somebody may take at the provider."""
DESCRIBED_FOR = timedelta(hours=1)
"""So long the provider's description and keys are believed; a key that isn't among them is asked for."""
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
AT_ONCE = 4
"""Requests to the provider: whoever comes when it is slow waits, and the chat doesn't."""

STATE = "staff sign-in state"


class ProviderUnavailable(Exception):
    """The provider doesn't answer, or not as one would; nobody's fault who signs in."""


class NotProven(Exception):
    """The provider has proven nothing; `reason` is declined, stale, refused or unverified."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Proven:
    email: str = field(repr=False)
    next: str
    """What was given to `begin`."""


@dataclass(frozen=True)
class _Description:
    endpoints: Mapping[str, Any]
    keys: tuple[jwt.PyJWK, ...]
    at: datetime


class Provider:
    """The provider, as one who signs in meets it.

    Nothing of a sign-in is stored between its two requests: what has to be known again is encrypted
    in `state`, or derived from it and from the browser's cookie, so that it fits this browser alone.

    Args:
        config: The provider.
        keys: Encrypts and derives.
        back: The address it sends people back to.
        now: Tells the time (UTC).
    """

    def __init__(
        self, config: OpenIdConfig, keys: Keys, back: str, now: Callable[[], datetime]
    ) -> None:
        self.config = config
        self._keys = keys
        self._back = back
        self._now = now
        self._described: _Description | None = None
        self._asking = asyncio.Semaphore(AT_ONCE)

    async def begin(self, browser: str, next_: str) -> str:
        """Where to send somebody to prove who they are.

        Args:
            browser: The token of their browser's cookie.
            next_: Given back when they are.

        Raises:
            ProviderUnavailable: It can't be asked where that is.
        """
        description = await self._description()
        number = secrets.token_urlsafe(16)
        content = json.dumps([number, self._derived("browser", browser, number), next_])
        challenge = hashlib.sha256(self._derived("verifier", browser, number).encode()).digest()
        asked = {
            "response_type": "code",
            "scope": "openid email",
            "client_id": self.config.client_id,
            "redirect_uri": self._back,
            "state": self._keys.seal(STATE, content, self._now()),
            "nonce": self._derived("nonce", browser, number),
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = description.endpoints["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def proven(self, browser: str, answer: Mapping[str, str]) -> Proven:
        """Whose address the provider has proven.

        Args:
            browser: The token of the browser's cookie.
            answer: The parameters with which the provider sent it back.

        Raises:
            NotProven: Nobody's.
            ProviderUnavailable: It can't be asked.
        """
        try:
            number, mark, next_ = self._state(answer.get("state", ""))
        except ValueError:
            raise NotProven("stale") from None
        if not hmac.compare_digest(mark, self._derived("browser", browser, number)):
            raise NotProven("stale")
        if answer.get("iss", self.config.issuer) != self.config.issuer:
            raise NotProven("refused")
        if not (code := answer.get("code")):
            raise NotProven("declined" if answer.get("error") == "access_denied" else "refused")
        token = await self._redeemed(code, self._derived("verifier", browser, number))
        claims = await self._verified(token, self._derived("nonce", browser, number))
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            raise NotProven("unverified")
        # A look-alike in other letters is another address.
        if not email.isascii() or not EMAIL.fullmatch(email):
            raise NotProven("unverified")
        return Proven(email.lower(), next_)

    def _state(self, state: str) -> tuple[str, str, str]:
        ttl = int(BEGUN_FOR.total_seconds())
        content = self._keys.unseal(STATE, state, self._now(), ttl)
        if content is None:
            raise ValueError
        number, mark, next_ = json.loads(content)
        return number, mark, next_

    def _derived(self, what: str, browser: str, number: str) -> str:
        return self._keys.hash(f"staff sign-in {what}", browser, number)

    async def _redeemed(self, code: str, verifier: str) -> str:
        """The ID token that a code stands for."""
        endpoints = (await self._description()).endpoints
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": verifier,
        }
        client = (self.config.client_id, self.config.client_secret)
        headers = {}
        methods = endpoints.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" in methods:
            headers["Authorization"] = aiohttp.BasicAuth(*map(_quoted, client)).encode()
        else:
            asked |= dict(zip(("client_id", "client_secret"), client, strict=True))
        status, answer = await self._ask("POST", endpoints["token_endpoint"], asked, headers)
        if status == 200 and isinstance(answer.get("id_token"), str):
            return answer["id_token"]
        error = str(answer.get("error"))
        if error == "invalid_grant":
            raise NotProven("stale")
        # It may be that our own settings are wrong: the operator must learn of it.
        known = error if re.fullmatch(r"[a-z_]{1,40}", error) else "no reason"
        logger.error("The OpenID provider gave no ID token: %s, %s", status, known)
        raise ProviderUnavailable

    async def _verified(self, token: str, nonce: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(
                token,
                await self._key_of(token),
                algorithms=list(ALGORITHMS),
                audience=self.config.client_id,
                issuer=self.config.issuer,
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
            )
            # A token that is also meant for others could come from one of them.
            if claims["aud"] not in (self.config.client_id, [self.config.client_id]):
                raise jwt.InvalidAudienceError
            if claims.get("azp", self.config.client_id) != self.config.client_id:
                raise jwt.InvalidAudienceError
            if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
                raise jwt.InvalidTokenError
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            logger.warning("An ID token of the provider was refused: %s", type(error).__name__)
            raise NotProven("refused") from None
        return claims

    async def _key_of(self, token: str) -> jwt.PyJWK:
        kid = jwt.get_unverified_header(token).get("kid")
        for afresh in (False, True):
            keys = (await self._description(afresh=afresh)).keys
            fitting = [key for key in keys if kid is None or key.key_id == kid]
            if len(fitting) == 1:
                return fitting[0]
        raise jwt.InvalidKeyError

    async def _description(self, *, afresh: bool = False) -> _Description:
        """What the provider says of itself, with its keys."""
        known = self._described
        if known and not afresh and self._now() - known.at < DESCRIBED_FOR:
            return known
        issuer = self.config.issuer
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        status, endpoints = await self._ask("GET", address)
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        scheme = "https://" if issuer.startswith("https://") else "http"
        if (
            status != 200
            or endpoints.get("issuer") != issuer
            or not all(str(endpoints.get(name, "")).startswith(scheme) for name in names)
        ):
            logger.error(
                "The OpenID provider describes none like the issuer that is set: %s", status
            )
            raise ProviderUnavailable
        status, keys = await self._ask("GET", endpoints["jwks_uri"])
        try:
            found = jwt.PyJWKSet.from_dict(keys).keys
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            logger.error("The OpenID provider has no keys that can be used: %s", status)
            raise ProviderUnavailable from None
        usable = tuple(key for key in found if key.public_key_use in (None, "sig"))
        self._described = _Description(endpoints, usable, self._now())
        return self._described

    async def _ask(
        self,
        method: str,
        address: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of an answer of the provider's."""
        try:
            async with (
                self._asking,
                aiohttp.ClientSession(timeout=TIMEOUT) as http,
                http.request(
                    method, address, data=form, headers=headers, allow_redirects=False
                ) as response,
            ):
                answer = json.loads(await response.read())
                return response.status, answer if isinstance(answer, dict) else {}
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError, OSError) as error:
            # Neither the address nor the message: they may quote a code.
            logger.error("The OpenID provider can't be asked: %s", type(error).__name__)
            raise ProviderUnavailable from None


def _quoted(part: str) -> str:
    # RFC 6749, 2.3.1: both are form-encoded before they are put together.
    return urlencode({"": part})[1:]
