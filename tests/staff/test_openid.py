"""Signing in by an OpenID Connect provider, a real one on a port of its own."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from bot.staff.accounts import Role
from bot.staff.audit import entries
from bot.staff.config import OpenIdConfig
from bot.staff.openid import BEGUN_FOR, DESCRIBED_FOR
from tests.clock import Clock
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider
from tests.staff.conftest import PASSWORD, Area, Browser, StartArea

JANE = "jane@example.org"
CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("id_tokens.yml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def running_provider() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    yield provider
    provider.close()


@pytest.fixture
def provider(running_provider: OpenIdProvider) -> Iterator[OpenIdProvider]:
    """As it should be, at each test's beginning."""
    running_provider.bent = {}
    running_provider.person = {"email": JANE, "email_verified": True}
    running_provider.asked.clear()
    return running_provider


@pytest.fixture
def openid(provider: OpenIdProvider) -> OpenIdConfig:
    return OpenIdConfig(provider.issuer, CLIENT_ID, CLIENT_SECRET)


@pytest.fixture
async def area(start_area: StartArea, openid: OpenIdConfig) -> AsyncIterator[Area]:
    async with start_area(openid=openid) as area:
        area.staff.accounts.add(JANE, "Jane", Role.EDITOR, None, by="a test")
        yield area


async def sent_back(browser: Browser, query: str = "") -> str:
    """Goes to the provider; where that sends the browser, below /staff."""
    sent = await browser.get(f"/sign-in/provider{query}")
    assert sent.status_code == 303, browser.text
    back = httpx.get(sent.headers["location"]).headers["location"]
    assert back.startswith(f"{browser.origin}/staff/sign-in/provider/back?")
    return back.removeprefix(f"{browser.origin}/staff")


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.get("/account")).status_code == 200


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
async def test_what_is_believed(area: Area, provider: OpenIdProvider, case: dict[str, Any]) -> None:
    provider.bent = case.get("bent", {})
    provider.person = case.get("person", provider.person)
    browser = area.browser()

    done = await browser.get(await sent_back(browser))

    if "said" in case:
        assert done.status_code == 403
        assert case["said"] in browser.text
        assert not await is_signed_in(browser)
    else:
        assert (done.status_code, done.headers["location"]) == (303, "/staff")
        assert await is_signed_in(browser)
        assert "Jane" in browser.text


async def test_the_table_is_wrong_in_nothing_else(area: Area, provider: OpenIdProvider) -> None:
    """What the table expects to be refused is refused by us: the provider gave a token each time."""
    for case in CASES:
        if "claims" in (bent := case.get("bent", {})) or "algorithm" in bent or "key" in bent:
            provider.bent, provider.asked[:] = bent, []
            browser = area.browser()
            await browser.get(await sent_back(browser))
            assert "/token" in provider.asked, case


# Keys --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_the_provider_may_change_its_keys(
    area: Area, provider: OpenIdProvider, algorithm: str
) -> None:
    first, later = area.browser(), area.browser()
    await first.get(await sent_back(first))
    provider.asked.clear()

    provider.rotate(algorithm)
    await later.get(await sent_back(later))

    assert await is_signed_in(later)
    assert provider.asked.count("/keys") == 1
    provider.rotate()


async def test_what_the_provider_says_of_itself_is_asked_for_again_after_a_while(
    area: Area, provider: OpenIdProvider, clock: Clock
) -> None:
    for _ in range(2):
        browser = area.browser()
        await browser.get(await sent_back(browser))
    assert provider.asked.count("/keys") == 1

    clock.now += DESCRIBED_FOR
    browser = area.browser()
    await browser.get(await sent_back(browser))

    assert provider.asked.count("/keys") == 2


# Whose answer it is ------------------------------------------------------------------------------


async def test_an_answer_is_good_in_the_browser_that_began(area: Area) -> None:
    """Else somebody could sign others in as themselves, and read what they type."""
    attacker, victim = area.browser(), area.browser()
    back = await sent_back(attacker)
    await victim.get("/sign-in")

    refused = await victim.get(back)

    assert refused.status_code == 403
    assert "began in another browser" in victim.text
    assert not await is_signed_in(victim)


async def test_an_answer_is_good_once(area: Area) -> None:
    browser = area.browser()
    back = await sent_back(browser)
    planted = dict(browser.http.cookies)
    assert (await browser.get(back)).status_code == 303
    assert browser.http.cookies["nasro_staff"] != planted["nasro_staff"], "a new session"

    for cookies in (planted, dict(browser.http.cookies)):
        other = area.browser()
        other.http.cookies.update(cookies)
        assert (await other.get(back)).status_code == 403


async def test_an_answer_is_good_for_a_while(area: Area, clock: Clock) -> None:
    browser = area.browser()
    back = await sent_back(browser)
    clock.now += BEGUN_FOR + timedelta(seconds=1)

    assert (await browser.get(back)).status_code == 403
    assert "took too long" in browser.text


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?state=", "?code=x&state=%FF", "?error=x&state=x"]
)
async def test_an_answer_to_nothing(area: Area, query: str) -> None:
    browser = area.browser()

    assert (await browser.get(f"/sign-in/provider/back{query}")).status_code == 403
    assert "Please try again" in browser.text


async def test_who_came_for_a_page_is_led_there_and_nowhere_else(area: Area) -> None:
    for wanted, led_to in (
        ("/staff/calendar?page=2", "/staff/calendar?page=2"),
        ("https://evil.example", "/staff"),
        ("//evil.example", "/staff"),
    ):
        browser = area.browser()
        back = await sent_back(browser, "?" + str(httpx.QueryParams(next=wanted)))
        assert (await browser.get(back)).headers["location"] == led_to


async def test_the_provider_learns_no_more_than_it_needs(area: Area) -> None:
    browser = area.browser()
    sent = await browser.get("/sign-in/provider?next=/staff/calendar%3Ftext=houston")

    asked = parse_qs(urlsplit(sent.headers["location"]).query)

    assert set(asked) == {
        *("tenant", "response_type", "scope", "client_id", "redirect_uri", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    shown = str(sent.headers)
    assert "houston" not in shown
    assert CLIENT_SECRET not in shown


# Accounts ----------------------------------------------------------------------------------------


async def test_the_account_says_what_they_may(area: Area) -> None:
    browser = area.browser()
    await browser.get(await sent_back(browser))

    assert (await browser.get("/log")).status_code == 403
    area.staff.accounts.set_role(JANE, Role.PUBLISHER, by="a test")
    assert not await is_signed_in(browser)
    await browser.get(await sent_back(browser))
    assert (await browser.get("/log")).status_code == 200
    assert "signed in by the provider" in browser.text


async def test_without_a_password_none_fits(area: Area) -> None:
    for password in ("", "x", PASSWORD):
        assert (await area.browser().sign_in(JANE, password)).status_code == 401
    browser = area.browser()
    await browser.get(await sent_back(browser))
    await browser.get("/account")
    assert "Change your password" not in browser.text


async def test_a_password_that_nobody_has_changed_ends(area: Area) -> None:
    email = area.account(Role.VIEWER)
    area.staff.accounts.reset_password(email, PASSWORD, by="a test", must_change=True)
    finder = area.browser()
    await finder.sign_in(email)
    assert await is_signed_in(finder)

    session = area.staff.accounts.sign_in_proven(email)

    assert session
    assert not session.account.must_change
    assert not await is_signed_in(finder)
    assert (await area.browser().sign_in(email)).status_code == 401


async def test_passwords_may_be_off(start_area: StartArea, openid: OpenIdConfig) -> None:
    async with start_area(openid=openid, takes_passwords=False) as area:
        email = area.account(Role.VIEWER)
        browser = area.browser()
        await browser.get("/sign-in")
        assert "Password" not in browser.text

        # As by a page of before.
        browser.form_token = area.staff.accounts.form_token(browser.http.cookies["nasro_staff"])
        tried = await browser.post("/sign-in", {"email": email, "password": PASSWORD})
        assert tried.status_code == 403
        assert "Passwords aren’t taken here" in browser.text
        assert not await is_signed_in(browser)


async def test_without_a_provider_there_is_no_way_to_one(start_area: StartArea) -> None:
    async with start_area() as area:
        browser = area.browser()
        await browser.get("/sign-in")
        assert "Sign in with" not in browser.text
        for path in ("/sign-in/provider", "/sign-in/provider/back?code=x&state=x"):
            assert (await browser.get(path)).status_code == 404


# A provider that isn't well ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "bent",
    [
        {"answers": [503, "<h1>Service unavailable: secret</h1>"]},
        {"answers": [200, "no JSON"]},
        {"answers": [200, "[]"]},
        {"describes": "https://evil.example"},
    ],
    ids=str,
)
async def test_a_provider_that_is_not_well_is_told_kindly(
    area: Area, provider: OpenIdProvider, bent: dict[str, Any]
) -> None:
    provider.bent = bent
    browser = area.browser()

    answer = await browser.get("/sign-in/provider")

    assert answer.status_code == 503
    assert "127.0.0.1 doesn’t answer right now" in browser.text
    assert "or sign in with your password" in browser.text
    assert "secret" not in browser.page
    provider.bent = {}
    assert (await browser.get("/sign-in/provider")).status_code == 303, "and it recovers"


@pytest.mark.parametrize("bent", [{"answers": [500, "{}"]}, {"secret": "another"}], ids=str)
async def test_a_provider_that_fails_in_the_middle(
    area: Area,
    provider: OpenIdProvider,
    bent: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    browser = area.browser()
    back = await sent_back(browser)
    provider.bent = bent

    assert (await browser.get(back)).status_code == 503
    assert not await is_signed_in(browser)
    assert ("invalid_client" in caplog.text) is ("secret" in bent)


async def test_a_provider_that_is_not_there(start_area: StartArea) -> None:
    gone = OpenIdProvider()
    gone.close()
    async with start_area(openid=OpenIdConfig(gone.issuer, CLIENT_ID, CLIENT_SECRET)) as area:
        browser = area.browser()
        assert (await browser.get("/sign-in/provider")).status_code == 503
        assert (await browser.sign_in(area.account(Role.VIEWER))).status_code == 303


async def test_nothing_secret_is_logged(
    area: Area, provider: OpenIdProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = [CLIENT_SECRET, JANE, "mallory@example.org"]
    for case in ({}, {"claims": {"nonce": "x"}}, {"error": "access_denied"}, {"secret": "x"}):
        provider.bent = case
        browser = area.browser()
        back = await sent_back(browser)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        told += [asked["state"], asked.get("code", "no code"), browser.http.cookies["nasro_staff"]]
        await browser.get(back)
    provider.bent, provider.person = {}, {"email": told[2], "email_verified": True}
    await browser.get(await sent_back(browser))

    ours = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("http")
    )
    for secret in told:
        assert secret not in ours
    assert "nonce" not in str(entries(area.staff.database))
