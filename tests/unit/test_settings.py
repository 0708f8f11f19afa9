"""Settings from the environment, and that docs/settings.md lists them all."""

import re
from pathlib import Path

import pytest

from bot import settings
from bot.settings import Settings, SettingsInvalid

ROOT = Path(__file__).resolve().parents[2]
SECRET = "x" * 32


def test_development_makes_a_secret_once_and_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    first = Settings.from_environment({}).secret
    second = Settings.from_environment({}).secret

    assert first == second
    assert len(first) >= 32
    assert (tmp_path / "var/secret").stat().st_mode & 0o077 == 0


def test_production_needs_a_secret_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsInvalid, match="NASRO_SECRET is not set"):
        Settings.from_environment({"NASRO_ENVIRONMENT": "production"})
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("NASRO_ENVIRONMENT", "prod", "use development or production"),
        ("PORT", "http", "use a number"),
        ("PORT", "70000", "use a number from 0 to 65535"),
        ("PORT", "²", "use a number"),
        pytest.param("PORT", "9" * 5_000, "use a number", id="PORT with far too many digits"),
        ("NASRO_REQUESTS_PER_MINUTE", "0", "use a number from 1 to"),
        ("NASRO_SECRET", "short", "at least 32"),
        ("NASRO_ALLOWED_ORIGINS", "https://nasro.org/", "is not an origin"),
        ("NASRO_STAFF_ORIGIN", "on", "as a browser names it"),
        ("NASRO_STAFF_ORIGIN", "https://nasro.org/staff", "without a path"),
        ("NASRO_STAFF_OIDC_ISSUER", "https://accounts.google.com", "CLIENT_ID is not set"),
        ("NASRO_STAFF_OIDC_CLIENT_SECRET", "x", "OIDC_ISSUER is not set"),
        ("NASRO_STAFF_PASSWORDS", "off", "use yes or no"),
        ("NASRO_STAFF_PASSWORDS", "no", "nobody could sign in"),
    ],
)
def test_setting_that_cannot_be_used_is_named(variable: str, value: str, problem: str) -> None:
    with pytest.raises(SettingsInvalid, match=problem):
        Settings.from_environment({"NASRO_SECRET": SECRET, variable: value}).webchat_config()


@pytest.mark.parametrize(
    "environ",
    [
        {"NASRO_HOST": "0.0.0.0"},
        {"NASRO_HOST": "::"},
        {"NASRO_HOST": "10.0.0.7"},
        {"NASRO_HOST": "chat.example.org"},
        {"NASRO_HOST": ""},
        {"NASRO_PROXIES": "1"},
    ],
    ids=str,
)
def test_nobody_else_may_reach_the_outbox_of_development(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match="/dev/outbox"):
        Settings.from_environment({"NASRO_SECRET": SECRET, **environ})

    mail = {"NASRO_SMTP_URL": "smtps://mail.example.org", "NASRO_MAIL_FROM": "a@example.org"}
    for more in (mail, {"NASRO_ENVIRONMENT": "production"}):
        found = Settings.from_environment({"NASRO_SECRET": SECRET, **environ, **more})
        assert found.identity.outbox is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_may_reach_the_outbox(host: str) -> None:
    found = Settings.from_environment({"NASRO_SECRET": SECRET, "NASRO_HOST": host})

    assert found.identity.outbox


def test_secret_is_not_in_what_a_log_would_show() -> None:
    found = Settings.from_environment({"NASRO_SECRET": SECRET})

    assert SECRET not in repr(found)
    assert SECRET not in repr(found.webchat_config())


def test_staff_pages_are_off_until_they_are_configured() -> None:
    assert Settings.from_environment({"NASRO_SECRET": SECRET}).staff_config() is None

    origin = "http://localhost:8000"
    on = Settings.from_environment({"NASRO_SECRET": SECRET, "NASRO_STAFF_ORIGIN": origin})
    assert on.staff_config().origin == origin  # type: ignore[union-attr]


def test_staff_pages_in_production_need_https() -> None:
    production = {"NASRO_SECRET": SECRET, "NASRO_ENVIRONMENT": "production"}

    with pytest.raises(SettingsInvalid, match="needs https"):
        Settings.from_environment({**production, "NASRO_STAFF_ORIGIN": "http://nasro.org"})
    origin = "https://nasro.org"
    on = Settings.from_environment({**production, "NASRO_STAFF_ORIGIN": origin})
    assert on.staff_config().is_secure  # type: ignore[union-attr]


def openid(issuer: str, **more: str) -> Settings:
    return Settings.from_environment(
        {
            "NASRO_SECRET": SECRET,
            "NASRO_STAFF_ORIGIN": "https://nasro.org",
            "NASRO_STAFF_OIDC_ISSUER": issuer,
            "NASRO_STAFF_OIDC_CLIENT_ID": "us",
            "NASRO_STAFF_OIDC_CLIENT_SECRET": "a secret of ours",
            **more,
        }
    )


def test_staff_may_sign_in_by_a_provider_and_without_passwords() -> None:
    found = openid("https://accounts.google.com", NASRO_STAFF_PASSWORDS="no")

    config = found.staff_config()
    assert config
    assert config.openid
    assert (config.openid.name, config.openid.client_id) == ("accounts.google.com", "us")
    assert not config.takes_passwords
    assert "a secret of ours" not in repr(found) + repr(config)


@pytest.mark.parametrize(
    "issuer",
    [
        "accounts.google.com",
        "ftp://x.org",
        "http://x.org",
        "https://",
        "https://x.org?a=b",
        "https://[",
    ],
)
def test_a_provider_that_can_not_be_one(issuer: str) -> None:
    with pytest.raises(SettingsInvalid, match="NASRO_STAFF_OIDC_ISSUER"):
        openid(issuer)


def test_a_provider_without_https_is_for_development_on_this_machine() -> None:
    assert openid("http://127.0.0.1:9000").openid

    with pytest.raises(SettingsInvalid, match="needs https"):
        openid("http://127.0.0.1:9000", NASRO_ENVIRONMENT="production")


def test_every_variable_is_documented() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/settings.md").read_text(), re.M))

    assert documented == set(settings.VARIABLES)
