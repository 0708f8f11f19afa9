"""Signing in over HTTP: cookies, forms of others, what is told to whom."""

from __future__ import annotations

import re

import httpx
import pytest

from bot.staff import audit
from bot.staff.accounts import INACTIVITY, TRIES_PER_ACCOUNT, Role
from bot.staff.area import FORM_BYTES, is_within
from tests.clock import Clock
from tests.staff.conftest import PASSWORD, Area, Browser, StartArea

NEW = "another good password"


@pytest.fixture
def email(area: Area) -> str:
    return area.account(Role.EDITOR)


@pytest.fixture
async def browser(area: Area, email: str) -> Browser:
    """Signed in as an editor."""
    browser = area.browser()
    assert (await browser.sign_in(email)).status_code == 303
    return browser


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.get("/account")).status_code == 200


async def test_who_comes_for_a_page_is_led_there_after_signing_in(area: Area, email: str) -> None:
    browser = area.browser()
    sent_away = await browser.get("/calendar?text=a b&page=2")
    assert sent_away.status_code == 303
    await browser.get(sent_away.headers["location"].removeprefix("/staff"))
    wanted = re.search(r'name="next" value="([^"]*)"', browser.page)
    assert wanted

    done = await browser.post(
        "/sign-in",
        {"email": email, "password": PASSWORD, "next": wanted[1].replace("&amp;", "&")},
    )

    assert done.status_code == 303
    assert done.headers["location"] == "/staff/calendar?text=a%20b&page=2"
    assert (await browser.get("/calendar?text=a%20b&page=2")).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/staff//evil.example",
        "/staff/../dev/outbox",
        "/staff.evil.example",
        "/staff@evil.example",
        "/staff\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "",
    ],
)
async def test_a_sign_in_leads_to_our_own_pages_only(area: Area, email: str, address: str) -> None:
    assert not is_within(address)
    browser = area.browser()
    await browser.get("/sign-in")

    done = await browser.post("/sign-in", {"email": email, "password": PASSWORD, "next": address})

    assert done.headers["location"] == "/staff"


@pytest.mark.parametrize("page", ["/staff", "/staff/calendar", "/staff/calendar?text=a%20b"])
def test_our_own_pages_are_known(page: str) -> None:
    assert is_within(page)


async def test_a_session_is_renewed_at_sign_in(area: Area, email: str) -> None:
    browser = area.browser()
    await browser.get("/sign-in")
    planted = dict(browser.http.cookies)

    await browser.sign_in(email)

    assert browser.http.cookies["nasro_staff"] != planted["nasro_staff"]
    other = area.browser()
    other.http.cookies.update(planted)
    assert not await is_signed_in(other)
    assert await is_signed_in(browser)


async def test_signing_in_as_somebody_else_ends_the_session_before(
    area: Area, browser: Browser
) -> None:
    before = dict(browser.http.cookies)

    await browser.post("/sign-in", {"email": area.account(Role.VIEWER), "password": PASSWORD})

    other = area.browser()
    other.http.cookies.update(before)
    assert not await is_signed_in(other)


async def test_signing_out(area: Area, browser: Browser) -> None:
    cookies = dict(browser.http.cookies)

    assert (await browser.post("/sign-out")).headers["location"] == "/staff/sign-in"

    other = area.browser()
    other.http.cookies.update(cookies)
    assert not await is_signed_in(other)


async def test_the_browser_is_asked_again_after_a_pause(browser: Browser, clock: Clock) -> None:
    assert await is_signed_in(browser)
    clock.now += INACTIVITY
    assert not await is_signed_in(browser)


# Cookies and headers -----------------------------------------------------------------------------


async def cookie_of(area: Area) -> str:
    (cookie,) = (await area.browser().get("/sign-in")).headers.get_list("set-cookie")
    return cookie


async def test_the_cookie_in_development(area: Area) -> None:
    name, *attributes = re.split("; ?", await cookie_of(area))

    assert re.fullmatch(r"nasro_staff=[\w-]{43}", name)
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax"}


async def test_the_cookie_over_https_is_this_hosts_alone(start_area: StartArea) -> None:
    async with start_area("https://chat.example.org") as area:
        name, *attributes = re.split("; ?", await cookie_of(area))

    assert re.fullmatch(r"__Host-nasro_staff=[\w-]{43}", name)
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}


@pytest.mark.parametrize(
    "cookie", ["nasro_staff=", 'nasro_staff=a b"c', "=;;;", "nasro_staff=\u00e9", "a" * 5000]
)
async def test_a_cookie_of_nonsense_signs_in_nobody(area: Area, cookie: str) -> None:
    browser = area.browser(Cookie=cookie.encode("latin-1"))

    assert (await browser.get("/account")).status_code == 303


async def test_every_answer_has_the_headers(area: Area, email: str) -> None:
    browser = area.browser()
    answers = [await browser.get("/sign-in"), await browser.get(), await browser.post("/sign-out")]
    await browser.sign_in(email)
    answers += [
        await browser.get(),
        await browser.get("/log"),
        await browser.get("/calendar"),
        await browser.post("/sign-out", {"form_token": ""}),
        await browser.get("/staff.css"),
    ]

    assert [answer.status_code for answer in answers] == [200, 303, 303, 200, 403, 200, 403, 200]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        is_css = answer.headers.get("content-type", "").startswith("text/css")
        assert answer.headers["cache-control"] == ("no-cache" if is_css else "no-store")


# Forms of others ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
    ],
    ids=str,
)
async def test_a_form_of_another_website_does_nothing(
    browser: Browser, headers: dict[str, str]
) -> None:
    refused = await browser.post("/sign-out-everywhere", headers=headers)

    assert refused.status_code == 403
    assert "own address" in browser.text
    assert await is_signed_in(browser)


async def test_a_form_without_an_origin_does_nothing(browser: Browser) -> None:
    await is_signed_in(browser)
    refused = await browser.http.post(
        "/staff/sign-out-everywhere", data={"form_token": browser.form_token}
    )

    assert refused.status_code == 403
    assert await is_signed_in(browser)


@pytest.mark.parametrize("token", ["", "x", "é", "0" * 64])
async def test_a_form_needs_this_browsers_token(browser: Browser, token: str) -> None:
    refused = await browser.post("/sign-out-everywhere", {"form_token": token})

    assert refused.status_code == 403
    assert "open for too long" in browser.text
    assert await is_signed_in(browser)


async def test_another_browsers_token_is_none(area: Area, browser: Browser) -> None:
    other = area.browser()
    await other.get("/sign-in")

    refused = await browser.post("/sign-out-everywhere", {"form_token": other.form_token})

    assert refused.status_code == 403


async def test_the_sign_in_form_needs_a_token_too(area: Area, email: str) -> None:
    stranger = area.browser()

    refused = await stranger.post("/sign-in", {"email": email, "password": PASSWORD})

    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


async def test_too_much_is_refused_kindly(area: Area) -> None:
    browser = area.browser()
    await browser.get("/sign-in")

    refused = await browser.post("/sign-in", {"email": "x" * FORM_BYTES})

    assert refused.status_code == 413
    assert "too large" in browser.text
    assert (await browser.get("/sign-in")).status_code == 200


# Who learns what ---------------------------------------------------------------------------------


async def test_nobody_learns_who_has_an_account(area: Area, email: str) -> None:
    pages = []
    for address in (email, "nobody@example.org"):
        browser = area.browser(**{"X-Forwarded-For": "192.0.2.1"})
        answers = [
            await browser.sign_in(address, "a wrong password", headers={})
            for _ in range(TRIES_PER_ACCOUNT + 1)
        ]
        assert [answer.status_code for answer in answers] == [401] * TRIES_PER_ACCOUNT + [429]
        pages.append([re.sub(r'value="\w*"', "", a.text.replace(address, "")) for a in answers])
        assert address in browser.page, "what was typed is kept"
        assert "a wrong password" not in browser.page

    assert pages[0] == pages[1]


async def test_the_address_of_the_client_is_the_one_behind_our_proxy(area: Area) -> None:
    for n in range(TRIES_PER_ACCOUNT * 3):
        browser = area.browser(**{"X-Forwarded-For": "192.0.2.9"})
        await browser.sign_in(f"n{n}@example.org", "a wrong password")
    locked = area.browser(**{"X-Forwarded-For": "192.0.2.9"})
    free = area.browser(**{"X-Forwarded-For": "192.0.2.10"})

    email = area.account(Role.VIEWER)
    assert (await locked.sign_in(email)).status_code == 429
    assert (await free.sign_in(email)).status_code == 303


async def test_a_database_that_does_not_answer_is_said_kindly(
    area: Area, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk of secrets")

    monkeypatch.setattr(area.staff.accounts, "account_of", fail)

    assert (await browser.get()).status_code == 503
    assert "a moment" in browser.text
    assert "secrets" not in browser.page


async def test_what_goes_wrong_otherwise_is_not_quoted(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("quoted secret")

    monkeypatch.setattr("bot.staff.pages.calendar.calendar", fail)

    assert (await browser.get("/calendar")).status_code == 500
    assert "quoted secret" not in browser.page + caplog.text
    assert "ValueError" in caplog.text


# One's own password ------------------------------------------------------------------------------


async def change(browser: Browser, old: str, new: str, again: str) -> httpx.Response:
    await browser.get("/account")
    return await browser.post("/account/password", {"old": old, "new": new, "again": again})


async def test_one_changes_ones_own_password(area: Area, browser: Browser, email: str) -> None:
    elsewhere = area.browser()
    await elsewhere.sign_in(email)

    done = await change(browser, PASSWORD, NEW, NEW)

    assert done.headers["location"] == "/staff/account?changed=yes"
    await browser.get("/account?changed=yes")
    assert "Your password is changed" in browser.text
    assert not await is_signed_in(elsewhere)
    assert (await elsewhere.sign_in(email, PASSWORD)).status_code == 401
    assert (await elsewhere.sign_in(email, NEW)).status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("a wrong password", NEW, NEW, "old password isn’t right"),
        (PASSWORD, NEW, NEW + "x", "isn’t the same both times"),
        (PASSWORD, PASSWORD, PASSWORD, "is the old one"),
        (PASSWORD, "short", "short", "at least 12 characters"),
        (PASSWORD, "x" * 300, "x" * 300, "too long"),
        (PASSWORD, "a editor, that is me", "a editor, that is me", "mustn’t hold your name"),
    ],
)
async def test_a_password_that_can_not_be_changed(
    area: Area, browser: Browser, email: str, old: str, new: str, again: str, said: str
) -> None:
    refused = await change(browser, old, new, again)

    assert refused.status_code == 422
    assert said in browser.text
    assert (await area.browser().sign_in(email)).status_code == 303


async def test_a_password_that_was_made_for_them_opens_the_page_to_change_it(area: Area) -> None:
    email = area.account(Role.PUBLISHER)
    area.staff.accounts.reset_password(email, PASSWORD, by="a test", must_change=True)
    browser = area.browser()
    await browser.sign_in(email)
    assert "Please choose your own" in browser.text
    assert "Audit log" not in browser.text

    for route in area.area.routes:
        path = route.path.replace("<id:str>", "0")
        if route.least and not route.is_first:
            answer = await (browser.get if route.method == "GET" else browser.post)(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/staff/account"), (
                route
            )
    refused = await change(browser, PASSWORD, PASSWORD, PASSWORD)
    assert refused.status_code == 422
    assert (await browser.get("/log")).status_code == 303

    await change(browser, PASSWORD, NEW, NEW)

    assert (await browser.get("/log")).status_code == 200
    again = area.browser()
    await again.sign_in(email, NEW)
    assert (await again.get("/log")).status_code == 200


async def test_a_password_that_was_made_for_them_can_be_left_unused(area: Area) -> None:
    email = area.account(Role.VIEWER)
    area.staff.accounts.reset_password(email, PASSWORD, by="a test", must_change=True)
    browser = area.browser()
    await browser.sign_in(email)

    assert (await browser.post("/sign-out")).headers["location"] == "/staff/sign-in"


# The log -----------------------------------------------------------------------------------------


async def test_publishers_read_the_log_page_by_page(area: Area) -> None:
    browser = area.browser()
    email = area.account(Role.PUBLISHER)
    await browser.sign_in(email)
    with area.staff.database.writing() as connection:
        for n in range(120):
            audit.record(connection, at=area.staff.now(), who=email, what=f"change {n}.")

    await browser.get("/log")
    assert "change 119." in browser.text
    assert "change 69." not in browser.text
    assert "Page 1 of 3" in browser.text
    await browser.get("/log?page=3")
    assert "account added" in browser.text
    assert (await browser.get("/log?page=99999999999")).status_code == 200
