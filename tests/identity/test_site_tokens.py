"""Tokens of the website: what is believed, and what isn't, whatever it looks like."""

from __future__ import annotations

import base64
import json
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from identity.service import IdentityService, SomebodyElse
from identity.settings import IdentityConfig, SiteKey
from identity.site_tokens import IdentityRefused, make, verify
from tests.clock import Clock
from tests.identity.conftest import SITE_SECRET, config_with
from tests.identity.key_pairs import private, public

CONFIG = config_with(
    site_keys={
        "2027-03": SiteKey("HS256", SITE_SECRET),
        "2027-04": SiteKey("HS256", "the next secret of the website, for the rotation"),
        "rsa": SiteKey("RS256", public("RS256")),
        "ec": SiteKey("ES256", public("ES256")),
    }
)


def token(
    clock: Clock,
    *,
    kid: str | None = "2027-03",
    key: str = SITE_SECRET,
    algorithm: str = "HS256",
    without: str = "",
    **claims: Any,
) -> str:
    now = int(clock.now.timestamp())
    content = {
        "sub": "42",
        "email": "Jane@Example.org",
        "iss": "https://nasro.org",
        "aud": "nasro-chat",
        "iat": now,
        "exp": now + 300,
        "jti": uuid.uuid4().hex,
        **claims,
    }
    content.pop(without, None)
    headers = {"kid": kid} if kid else None
    return jwt.encode(content, key, algorithm=algorithm, headers=headers)


def unsigned(clock: Clock, algorithm: str) -> str:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    claims = jwt.decode(token(clock), options={"verify_signature": False})
    return f"{part({'alg': algorithm, 'kid': '2027-03'})}.{part(claims)}."


@pytest.mark.parametrize(
    ("kid", "algorithm", "key"),
    [
        ("2027-03", "HS256", SITE_SECRET),
        ("2027-04", "HS256", "the next secret of the website, for the rotation"),
        ("rsa", "RS256", private("RS256")),
        ("ec", "ES256", private("ES256")),
    ],
)
def test_a_token_of_any_of_the_websites_keys_is_believed(
    clock: Clock, kid: str, algorithm: str, key: str
) -> None:
    made = make(
        email="jane@example.org",
        kid=kid,
        algorithm=algorithm,
        key=key,
        issuer="https://nasro.org",
        audience="nasro-chat",
        now=clock.now,
    )

    assert verify(made, CONFIG, clock.now).email == "jane@example.org"


def hours(clock: Clock, number: float) -> int:
    return int(clock.now.timestamp() + 3600 * number)


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda _: "", id="nothing"),
        pytest.param(lambda _: "a.b.c", id="no token"),
        pytest.param(lambda _: "x" * 100_000, id="huge"),
        pytest.param(lambda c: unsigned(c, "none"), id="algorithm none"),
        pytest.param(lambda c: unsigned(c, "None"), id="algorithm None"),
        pytest.param(lambda c: unsigned(c, "HS256"), id="no signature"),
        pytest.param(lambda c: token(c, key="another secret " * 3), id="another key"),
        pytest.param(lambda c: token(c, algorithm="HS512"), id="an algorithm that isn't the key's"),
        pytest.param(lambda c: token(c, kid="rsa"), id="a secret where a key pair is expected"),
        pytest.param(lambda c: token(c, kid=None), id="no key named"),
        pytest.param(lambda c: token(c, kid="2026-01"), id="a key of the past"),
        pytest.param(lambda c: token(c, kid="../../etc/passwd"), id="a path for a key"),
        pytest.param(lambda c: token(c, aud="another-app"), id="for somebody else"),
        pytest.param(lambda c: token(c, iss="https://evil.example"), id="from somebody else"),
        pytest.param(lambda c: token(c, exp=hours(c, -0.1)), id="expired"),
        pytest.param(lambda c: token(c, exp=hours(c, 24)), id="good for a day"),
        pytest.param(lambda c: token(c, iat=hours(c, 1), exp=hours(c, 1.1)), id="from the future"),
        pytest.param(lambda c: token(c, nbf=hours(c, 1)), id="not yet good"),
        pytest.param(lambda c: token(c, exp="never"), id="no time"),
        pytest.param(lambda c: token(c, exp=True), id="true for a time"),
        pytest.param(lambda c: token(c, exp=float("inf")), id="for ever"),
        pytest.param(lambda c: token(c, exp=float("nan")), id="good until no time at all"),
        pytest.param(lambda c: token(c, iat=float("nan"), exp=hours(c, 24)), id="issued never"),
        pytest.param(lambda c: token(c, exp=10**400), id="good until a number too large"),
        pytest.param(lambda c: token(c, iat=10**400, exp=10**400), id="large numbers"),
        pytest.param(lambda c: token(c, nbf=10**400), id="not good before a number too large"),
        pytest.param(lambda c: token(c, email="\uff4aane@example.org"), id="a look-alike letter"),
        pytest.param(lambda c: token(c, email="jane\uff20example.org"), id="a look-alike sign"),
        pytest.param(lambda c: token(c, email="\u212ajane@example.org"), id="the Kelvin sign"),
        pytest.param(lambda c: token(c, email="a@example.org, b@example.org"), id="two addresses"),
        pytest.param(lambda c: token(c, email="not an address"), id="no address"),
        pytest.param(lambda c: token(c, email=["jane@example.org"]), id="a list of addresses"),
        pytest.param(lambda c: token(c, jti=""), id="an empty id"),
        *(
            pytest.param(lambda c, claim=claim: token(c, without=claim), id=f"without {claim}")
            for claim in ("sub", "email", "aud", "iss", "exp", "iat", "jti")
        ),
    ],
)
def test_anything_else_is_refused_and_nothing_of_it_is_logged(
    clock: Clock, forge: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    forged = forge(clock)

    with pytest.raises(IdentityRefused) as refused:
        verify(forged, CONFIG, clock.now)

    assert str(refused.value) == ""
    assert "example.org" not in caplog.text
    assert not forged or forged not in caplog.text


def test_a_public_key_is_no_secret(clock: Clock) -> None:
    # The oldest trick: the public key, known to all, used as the secret of HS256. PyJWT refuses to
    # sign so; a forger's own code doesn't.
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415

    head, claims, _ = token(clock).split(".")
    header = {"alg": "HS256", "typ": "JWT", "kid": "rsa"}
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    signed = f"{head}.{claims}"
    signature = hmac.new(public("RS256").encode(), signed.encode(), hashlib.sha256).digest()
    forged = f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    with pytest.raises(IdentityRefused):
        verify(forged, CONFIG, clock.now)


def test_small_differences_of_clocks_are_forgiven(clock: Clock) -> None:
    now = int(clock.now.timestamp())

    assert verify(token(clock, exp=now - 20, iat=now - 320), CONFIG, clock.now)
    assert verify(token(clock, iat=now + 20), CONFIG, clock.now)
    assert verify(token(clock, nbf=now + 20), CONFIG, clock.now)


def test_a_token_is_for_one_conversation(service: IdentityService, clock: Clock) -> None:
    made = token(clock)

    assert service.sign_in_with_token("one", made).email == "jane@example.org"
    assert service.sign_in_with_token("one", made).email == "jane@example.org"
    with pytest.raises(IdentityRefused):
        service.sign_in_with_token("two", made)
    assert service.current("two") is None


def test_of_many_conversations_at_once_one_gets_the_token(
    service: IdentityService, clock: Clock
) -> None:
    made = token(clock)

    def sign_in(number: int) -> bool:
        try:
            return bool(service.sign_in_with_token(f"conversation {number}", made))
        except IdentityRefused:
            return False

    with ThreadPoolExecutor(8) as pool:
        signed_in = list(pool.map(sign_in, range(24)))

    assert sum(signed_in) == 1


def test_many_sign_ins_at_once_in_one_conversation_are_one(
    service: IdentityService, clock: Clock
) -> None:
    made = [token(clock) for _ in range(24)]

    with ThreadPoolExecutor(8) as pool:
        signed_in = list(pool.map(lambda one: service.sign_in_with_token("c", one), made))

    assert {identity.email for identity in signed_in} == {"jane@example.org"}
    assert service.current("c") == signed_in[0]


def test_a_conversation_stays_its_members_after_signing_out_and_purging(
    service: IdentityService, clock: Clock
) -> None:
    service.sign_in_with_token("c", token(clock))
    service.sign_out("c")
    clock.pass_(hours=2)
    service.purge()
    johns = token(clock, email="john@example.org")

    with pytest.raises(SomebodyElse):
        service.sign_in_with_token("c", johns)
    assert service.sign_in_with_token("his own", johns).email == "john@example.org"
    assert service.sign_in_with_token("c", token(clock)).email == "jane@example.org"


def test_a_token_stays_used_as_long_as_it_is_good(service: IdentityService, clock: Clock) -> None:
    made = token(clock)
    service.sign_in_with_token("one", made)
    clock.pass_(minutes=5, seconds=29)
    service.purge()

    with pytest.raises(IdentityRefused):
        service.sign_in_with_token("two", made)


def test_without_keys_no_token_is_believed(clock: Clock) -> None:
    config: IdentityConfig = config_with(site_keys={})

    with pytest.raises(IdentityRefused):
        verify(token(clock), config, clock.now)
