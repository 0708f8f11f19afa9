"""Settings of identity: what is taken, and what is said about what isn't."""

from __future__ import annotations

import json

import pytest

from identity.addresses import EMAIL, masked, normalized
from identity.settings import OUTBOX, IdentityConfig, IdentitySettingsInvalid
from tests.identity.key_pairs import private, public

SECRET = "s" * 40


def read(is_production: bool = False, **environ: str) -> IdentityConfig:
    if is_production:
        environ["NASRO_ENVIRONMENT"] = "production"
    return IdentityConfig.from_environment({"NASRO_SECRET": SECRET} | environ)


def test_development_needs_no_settings() -> None:
    config = read()

    assert config.outbox == OUTBOX
    assert config.sends_codes
    assert config.site_keys == {}


def test_in_production_there_is_no_outbox() -> None:
    config = read(is_production=True)

    assert config.outbox is None
    assert not config.sends_codes


def test_with_a_mail_server_there_is_no_outbox() -> None:
    config = read(NASRO_SMTP_URL="smtps://u:p@mail.example.org", NASRO_MAIL_FROM="a@example.org")

    assert config.outbox is None
    assert config.sends_codes
    assert "u:p" not in repr(config)
    assert SECRET not in repr(config)


def keys(**key: str) -> str:
    return json.dumps({"k": key})


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"NASRO_SMTP_URL": "mail.example.org"}, "must be like smtp://"),
        ({"NASRO_SMTP_URL": "smtp://"}, "must be like smtp://"),
        ({"NASRO_SMTP_URL": "smtp://u:p@mail.example.org:port"}, "must be like smtp://"),
        (
            {"NASRO_SMTP_URL": "smtp://mail.example.org", "NASRO_MAIL_FROM": "the office"},
            "NASRO_MAIL_FROM is no sender",
        ),
        ({"NASRO_SMTP_URL": "smtp://mail.example.org"}, "NASRO_MAIL_FROM is not set"),
        ({"NASRO_IDENTITY_KEYS": "secret"}, "is not JSON like"),
        ({"NASRO_IDENTITY_KEYS": "[]"}, "is not JSON like"),
        ({"NASRO_IDENTITY_KEYS": '{"k": "secret"}'}, "is not JSON like"),
        ({"NASRO_IDENTITY_KEYS": keys(algorithm="none", key="")}, "the algorithm of k is none of"),
        ({"NASRO_IDENTITY_KEYS": keys(algorithm="HS256", key="short")}, "shorter than 32"),
        ({"NASRO_IDENTITY_KEYS": keys(algorithm="RS256", key="x" * 40)}, "no public key"),
        ({"NASRO_IDENTITY_KEYS": keys(algorithm="RS256", key=public("ES256"))}, "no public key"),
        ({"NASRO_IDENTITY_KEYS": keys(algorithm="ES256", key=public("RS256"))}, "no public key"),
        ({"NASRO_IDENTITY_KEYS": keys(algorithm="RS256", key=private("RS256"))}, "no public key"),
        ({"NASRO_ENVIRONMENT": "production", "NASRO_SECRET": "changeme"}, "is too short"),
        ({"NASRO_ENVIRONMENT": "live"}, "use development or production"),
    ],
)
def test_what_can_not_be_used_is_named(environ: dict[str, str], said: str) -> None:
    with pytest.raises(IdentitySettingsInvalid, match=said) as invalid:
        read(**environ)

    assert "u:p" not in str(invalid.value)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_public_key_is_taken(algorithm: str) -> None:
    config = read(NASRO_IDENTITY_KEYS=keys(algorithm=algorithm, key=public(algorithm)))

    assert config.site_keys["k"].algorithm == algorithm


def test_an_empty_setting_is_one_that_is_not_set() -> None:
    config = read(NASRO_IDENTITY_ISSUER="", NASRO_IDENTITY_AUDIENCE="", NASRO_SMTP_URL="")

    assert (config.issuer, config.audience) == ("https://nasro.org", "nasro-chat")


@pytest.mark.parametrize(
    ("address", "shown"),
    [("jane.doe@example.org", "j•••@example.org"), ("x@pd.state.tx.us", "x•••@pd.state.tx.us")],
)
def test_masked(address: str, shown: str) -> None:
    assert masked(address) == shown


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("it's jane@example.org", ["jane@example.org"]),
        ("JANE.DOE+sro@Sub.Example.co.uk.", ["JANE.DOE+sro@Sub.Example.co.uk"]),
        ("<jane@example.org>, or j_d@example.com", ["jane@example.org", "j_d@example.com"]),
        ("meet me @ the school", []),
        ("jane@localhost", []),
        ("a@b", []),
        ("@" * 4000, []),
        ("a." * 2000 + "@" + "a." * 2000, []),
        ("jane\uff20example.org", []),
        ("jane@\uff45xample.org", []),
    ],
)
def test_addresses_are_found_in_what_is_typed(text: str, found: list[str]) -> None:
    assert EMAIL.findall(text) == found


def test_normalized() -> None:
    assert normalized(" <Jane@Example.ORG> ") == "jane@example.org"


def test_look_alikes_stay_apart() -> None:
    assert normalized("jane@exampl\N{SCRIPT SMALL E}.org") != "jane@example.org"
