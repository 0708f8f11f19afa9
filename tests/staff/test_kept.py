"""What was typed before a session ended isn't lost, and is nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.staff.accounts import INACTIVITY, LONGEST_SESSION, Role
from bot.staff.database import kept_forms, uploads
from bot.staff.kept import KEPT_FOR
from tests.clock import Clock
from tests.staff.conftest import PASSWORD, Area, Browser

TYPED = {"examples": "how do I pay\r\nwho pays <b>this</b>", "verdict": "topic", "topic": "faq_pay"}


@pytest.fixture
def email(area: Area) -> str:
    return area.account(Role.EDITOR)


@pytest.fixture
async def browser(area: Area, email: str) -> Browser:
    """Signed in, with a form open."""
    browser = area.browser()
    await browser.sign_in(email)
    return browser


async def back_in(browser: Browser, email: str, where: str) -> str:
    """Signs in on the page that one was sent to; where that leads."""
    await browser.get(where.removeprefix("/staff"))
    done = await browser.post("/sign-in", {"email": email, "password": PASSWORD})
    assert done.status_code == 303
    return done.headers["location"]


async def test_what_was_typed_is_there_after_signing_in_again(
    area: Area, browser: Browser, email: str, clock: Clock
) -> None:
    clock.now += INACTIVITY

    sent = await browser.post("/queue/7", TYPED)

    assert sent.headers["location"] == "/staff/sign-in?next=/staff/kept"
    await browser.get("/sign-in?next=/staff/kept")
    assert "What you typed is kept" in browser.text
    assert await back_in(browser, email, "/sign-in?next=/staff/kept") == "/staff/kept"
    await browser.get("/kept")
    assert 'action="/staff/queue/7"' in browser.page
    assert "how do I pay\r\nwho pays &lt;b&gt;this&lt;/b&gt;</textarea>" in browser.page
    assert 'name="topic" value="faq_pay"' in browser.page
    # There is no such question, but the form has come to its handler.
    assert (await browser.post("/queue/7", {**TYPED, "kept": "yes"})).status_code == 404
    assert len(area.rows(kept_forms)) == 1, "it failed, so nothing is lost"
    await browser.get("/kept")
    assert (await browser.post("/kept/forget")).headers["location"] == "/staff"
    assert area.rows(kept_forms) == []


async def test_a_form_that_was_sent_after_all_is_forgotten(
    area: Area, browser: Browser, email: str, clock: Clock
) -> None:
    clock.now += INACTIVITY
    sent = await browser.post("/calendar/files", {"kind": "classes"})
    await back_in(browser, email, sent.headers["location"])
    await browser.get("/kept")

    await browser.post("/calendar/files", {"kind": "classes", "kept": "yes"})

    assert "Please choose a file first" in browser.text
    assert area.rows(kept_forms) == []


async def test_it_is_stored_so_that_nobody_can_read_it(
    area: Area, browser: Browser, clock: Clock
) -> None:
    clock.now += INACTIVITY
    await browser.post("/queue/7", TYPED)

    stored = str(area.rows(kept_forms))

    assert "pay" not in stored
    assert "queue" not in stored


async def test_it_is_for_the_same_person_only(area: Area, browser: Browser, clock: Clock) -> None:
    clock.now += INACTIVITY
    sent = await browser.post("/queue/7", TYPED)
    other = area.account(Role.PUBLISHER)

    await back_in(browser, other, sent.headers["location"])

    await browser.get("/kept")
    assert "Nothing of yours is kept" in browser.text
    assert "how do I pay" not in browser.page


async def test_neither_a_password_nor_a_file_is_kept(
    area: Area, browser: Browser, clock: Clock
) -> None:
    clock.now += INACTIVITY

    sent = await browser.post("/account/password", {"old": PASSWORD, "new": "x", "again": "x"})
    assert sent.headers["location"] == "/staff/sign-in"
    assert area.rows(kept_forms) == []
    sent = await browser.post(
        "/calendar/files", {"kind": "members"}, files={"file": ("m.csv", b"email\njane@x.org\n")}
    )
    assert sent.headers["location"] == "/staff/sign-in?next=/staff/kept"
    form = area.staff.kept.find(area.staff.accounts.all()[0])
    assert form
    assert form.fields == {"kind": "members"}
    assert area.rows(uploads) == []


@pytest.mark.parametrize("form_token", ["", "0" * 64, "é"])
async def test_another_websites_form_is_not_kept(
    area: Area, browser: Browser, clock: Clock, form_token: str
) -> None:
    clock.now += INACTIVITY

    sent = await browser.post("/queue/7", {**TYPED, "form_token": form_token})
    foreign = await browser.post("/queue/7", TYPED, headers={"Origin": "https://evil.example"})

    assert sent.headers["location"] == "/staff/sign-in"
    assert foreign.status_code == 403
    assert area.rows(kept_forms) == []


async def test_of_somebody_we_do_not_know_nothing_is_kept(area: Area) -> None:
    stranger = area.browser()
    await stranger.get("/sign-in")

    sent = await stranger.post("/queue/7", TYPED)

    assert sent.headers["location"] == "/staff/sign-in"
    assert area.rows(kept_forms) == []


@pytest.mark.parametrize("how", ["sign out", "everywhere", "reset", "role", "twelve hours"])
async def test_however_the_session_ended(
    area: Area, browser: Browser, email: str, clock: Clock, how: str
) -> None:
    accounts = area.staff.accounts
    if how == "sign out":
        accounts.sign_out(browser.http.cookies["nasro_staff"])
    elif how == "everywhere":
        accounts.sign_out_everywhere(accounts.all()[0])
    elif how == "reset":
        accounts.reset_password(email, PASSWORD, by="a test")
    elif how == "role":
        accounts.set_role(email, Role.VIEWER, by="a test")
    else:
        clock.now += LONGEST_SESSION - timedelta(seconds=1)
        accounts.forget_what_is_over()

    await browser.post("/queue/7", TYPED)

    assert len(area.rows(kept_forms)) == 1


async def test_who_signed_in_again_in_another_tab_meanwhile(
    browser: Browser, email: str, clock: Clock
) -> None:
    old = browser.form_token
    clock.now += INACTIVITY
    await browser.sign_in(email)
    assert browser.form_token != old

    sent = await browser.post("/queue/7", {**TYPED, "form_token": old})

    assert (sent.status_code, sent.headers["location"]) == (303, "/staff/kept")
    await browser.get("/kept")
    assert "how do I pay" in browser.page


async def test_somebody_elses_form_stays_refused(area: Area, browser: Browser) -> None:
    old = browser.form_token
    other = area.account(Role.EDITOR)
    await browser.sign_in(other)

    assert (await browser.post("/queue/7", {**TYPED, "form_token": old})).status_code == 403
    assert area.rows(kept_forms) == []


async def test_after_an_hour_it_is_gone(area: Area, browser: Browser, clock: Clock) -> None:
    clock.now += INACTIVITY
    await browser.post("/queue/7", TYPED)
    clock.now += KEPT_FOR + timedelta(seconds=1)

    assert area.staff.kept.find(area.staff.accounts.all()[0]) is None
    area.staff.tidy()
    assert area.rows(kept_forms) == []


async def test_the_newest_is_kept(area: Area, browser: Browser, clock: Clock) -> None:
    clock.now += INACTIVITY
    for examples in ("first", "second"):
        await browser.post("/queue/7", {"examples": examples})

    form = area.staff.kept.find(area.staff.accounts.all()[0])

    assert form
    assert form.fields == {"examples": "second"}


async def test_an_account_that_is_removed_takes_it_along(
    area: Area, browser: Browser, email: str, clock: Clock
) -> None:
    clock.now += INACTIVITY
    await browser.post("/queue/7", TYPED)

    area.staff.accounts.remove(email, by="a test")

    assert area.rows(kept_forms) == []


async def test_what_a_script_sends_is_no_form_of_theirs(
    area: Area, browser: Browser, clock: Clock
) -> None:
    clock.now += INACTIVITY

    await browser.post("/queue/7", TYPED, headers={"Sec-Fetch-Mode": "cors"})

    assert area.rows(kept_forms) == []
