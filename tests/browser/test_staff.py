"""The staff area in a real Chromium, on the real server: whole flows, axe on every page, hostile text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from bot.staff.accounts import Accounts, Role
from bot.staff.database import METADATA
from bot.staff.pages import PARTS
from bot.webchat.database import ConversationDatabase
from identity.keys import Keys
from registration import models
from registration.database import Database
from tests.browser.conftest import OpenPage
from tests.browser.staff import StaffPages, an_account
from tests.browser.test_accessibility import violations
from tests.conversations.chat import Person
from tests.openid_provider import CLIENT_SECRET, OpenIdProvider
from tests.running_server import SECRET, Server

SOON = datetime.now(timezone.utc).date() + timedelta(days=30)
HEAD = "id,course,city,state,starts_on,ends_on,capacity,zip,venue,status\n"
DATES = f"{SOON},{SOON + timedelta(days=4)}"
XSS = "<img src=x onerror=alert(1)><script>alert(2)</script>"

OpenStaff = Callable[..., StaffPages]


@pytest.fixture
def calendar(registration: Database) -> Iterator[Database]:
    """The running server's calendar, empty before and after."""
    tables = [table for table in models.metadata.sorted_tables if table is not models.courses]
    for is_after in (False, True):
        with registration.transaction() as connection:
            for table in reversed(tables):
                connection.execute(sa.delete(table))
        if not is_after:
            yield registration


@pytest.fixture
def open_staff(open_page: OpenPage, server: Server) -> OpenStaff:
    """Opens the staff pages, signed in where a role is named."""

    def open_staff(role: Role | None = None, path: str = "", **options: Any) -> StaffPages:
        staff = StaffPages(open_page(f"{server.url}/staff{path}", **options))
        if role:
            staff.sign_in(an_account(server, role))
            expect(staff.button("Sign out")).to_be_visible()
        return staff

    return open_staff


@pytest.mark.usefixtures("calendar")
@pytest.mark.parametrize("scripts", [True, False], ids=["", "without scripts"])
def test_an_editor_loads_the_calendar_and_takes_it_back(
    open_staff: OpenStaff, server: Server, scripts: bool
) -> None:
    visitor = Person(server.url)
    staff = open_staff(Role.EDITOR, java_script_enabled=scripts)

    staff.go_to("Calendar")
    staff.link("see and load files").click()
    staff.shows("Calendar files")
    staff.choose_file("spring.csv", HEAD + f"TX-1,basic,Austin,TX,{DATES},4o,,,\n")
    staff.says("'4o' is not a number of at least 1")
    staff.link("Choose another file").click()
    staff.choose_file("spring.csv", HEAD + f"TX-1,basic,Austin,TX,{DATES},40,,City Hall,\n")
    staff.shows("spring.csv")
    staff.says("1 new, 0 changed, 0 unchanged")
    assert "Austin" not in str(visitor.say("any classes in texas?"))
    staff.button("Load").click()
    staff.says("spring.csv is loaded: 1 new")
    assert "Austin" in str(visitor.say("any classes in texas?"))

    staff.go_to("Calendar")
    staff.page.get_by_label("Course, city").fill("city hall")
    staff.button("Find").click()
    expect(staff.row("Basic SRO Course")).to_contain_text("Austin, TX")
    expect(staff.row("Basic SRO Course")).to_contain_text("40")

    staff.link("see and load files").click()
    staff.button("Undo this file").click()
    expect(staff.row("spring.csv")).to_contain_text("by editor")
    assert "Austin" not in str(visitor.say("any classes in texas?"))
    staff.button("Sign out").click()
    staff.shows("Sign in")


def test_a_person_mistypes_the_password_and_changes_it(
    open_staff: OpenStaff, server: Server
) -> None:
    email = an_account(server, Role.VIEWER)
    staff = open_staff(path="/account")

    staff.sign_in(email, "correct horse batery")
    staff.says("don’t go together")
    expect(staff.page.get_by_label("E-mail address")).to_have_value(email)
    staff.page.get_by_label("Password").fill("correct horse battery")
    staff.page.get_by_label("Password").press("Enter")
    staff.shows("Your account")
    staff.page.get_by_label("Old password").fill("correct horse battery")
    staff.page.get_by_label("New password, at least").fill("battery staple horse")
    staff.page.get_by_label("New password again").fill("battery staple horse")
    staff.button("Change password").click()
    staff.says("Your password is changed.")
    staff.button("Sign out everywhere").click()
    staff.sign_in(email, "battery staple horse")
    staff.shows("Hello, A viewer")
    for secret in (email, "batery", "battery"):
        assert secret not in server.log


def test_a_person_signs_in_by_the_provider(
    open_staff: OpenStaff, server: Server, openid_provider: OpenIdProvider
) -> None:
    email = an_account(server, Role.EDITOR)
    staff = open_staff(path="/calendar?text=houston")
    for person, said in (
        (
            {"email": "nobody@example.org", "email_verified": True},
            "There is no account for nobody@",
        ),
        (
            {"email": email, "email_verified": False},
            "doesn’t say that your e-mail address is yours",
        ),
    ):
        openid_provider.person = person
        staff.link("Sign in with 127.0.0.1").click()
        staff.says(said)
        assert violations(staff.page) == []
    openid_provider.person = {"email": email, "email_verified": True}
    staff.page.goto(f"{server.url}/staff/calendar?text=houston")

    staff.link("Sign in with 127.0.0.1").click()

    staff.shows("Calendar")
    expect(staff.page.get_by_label("Course, city")).to_have_value("houston")
    assert staff.page.context.cookies()[0]["sameSite"] == "Lax"
    for secret in (email, "nobody@", CLIENT_SECRET, "code="):
        assert secret not in server.log


def test_a_password_that_was_made_is_changed_first(open_staff: OpenStaff, server: Server) -> None:
    email = an_account(server, Role.PUBLISHER, must_change=True)
    staff = open_staff(path="/log")

    staff.sign_in(email)
    staff.says("Please choose your own")
    assert violations(staff.page) == []
    staff.page.goto(f"{server.url}/staff/log")
    staff.shows("Your account")
    staff.page.get_by_label("Old password").fill("correct horse battery")
    staff.page.get_by_label("New password, at least").fill("battery staple horse")
    staff.page.get_by_label("New password again").fill("battery staple horse")
    staff.button("Change password").click()

    staff.says("Your password is changed.")
    staff.go_to("Audit log")


def test_what_was_typed_while_the_session_ended_is_not_lost(
    open_staff: OpenStaff, server: Server
) -> None:
    email = an_account(server, Role.EDITOR)
    staff = open_staff()
    staff.sign_in(email)
    staff.go_to("Calendar")
    staff.link("see and load files").click()
    database = ConversationDatabase(server.conversations_url, metadata=(METADATA,))
    accounts = Accounts(database, Keys(SECRET))
    (account,) = [one for one in accounts.all() if one.email == email]
    accounts.sign_out_everywhere(account)
    database.dispose()

    staff.choose_file("spring.csv", HEAD, kind="Members")
    staff.says("What you typed is kept")
    staff.sign_in(email)

    staff.shows("What you typed")
    staff.says("members")
    assert violations(staff.page) == []
    staff.button("Send it").click()
    staff.says("Please choose a file first.")
    expect(staff.page.get_by_label("What it holds")).to_have_value("members")


def test_the_navigation_shows_what_a_role_may_see(open_staff: OpenStaff) -> None:
    staff = open_staff(Role.VIEWER)
    names = staff.page.get_by_role("navigation", name="Staff pages").get_by_role("link")

    expect(names.get_by_text("Calendar")).to_be_visible()
    expect(names.get_by_text("Audit log")).to_have_count(0)
    staff.page.goto(staff.page.url + "/log")
    staff.says("Your account is that of a viewer.")


def test_the_keyboard_alone_will_do(open_staff: OpenStaff, server: Server) -> None:
    email = an_account(server, Role.VIEWER)
    staff = open_staff()
    keyboard = staff.page.keyboard

    keyboard.press("Tab")
    expect(staff.link("Skip to the page")).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Tab")
    keyboard.type(email)
    keyboard.press("Tab")
    keyboard.type("correct horse battery")
    keyboard.press("Enter")
    staff.shows("Hello, A viewer")


VIEWS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
}
PATHS = [
    route.path
    for part in PARTS
    for route in part.routes
    if route.method == "GET"
    and route.least
    and "<" not in route.path
    # Saved, or read by a script, or seen inside another one (test_staff_loop.py).
    and not route.path.endswith(("/file", "/progress", "/preview"))
]


def look(staff: StaffPages, shows: str, schemes: tuple[str, ...]) -> None:
    """Axe finds nothing, and nothing is cut off."""
    staff.says(shows)
    staff.page.wait_for_load_state()  # without its styles a page looks otherwise
    for scheme in schemes:
        staff.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert violations(staff.page) == [], (shows, scheme)
    wide = staff.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{shows}: wider than the screen by {wide}"


@pytest.mark.usefixtures("calendar")
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_on_any_page(open_staff: OpenStaff, server: Server, view: str) -> None:
    schemes = ("light", "dark") if view == "desktop" else ("light",)
    staff = open_staff(**VIEWS[view])
    look(staff, "Accounts are made", schemes)
    staff.sign_in("nobody@example.org")
    look(staff, "don’t go together", schemes)
    staff.sign_in(an_account(server, Role.PUBLISHER))
    staff.go_to("Calendar")
    staff.link("see and load files").click()
    long = "A very long name of a venue, " * 6
    rows = "".join(
        f'N{n},basic,Austin,TX,{DATES},40,,"{long}",{status}\n'
        for n, status in enumerate(["scheduled", "cancelled"] * 13)
    )
    staff.choose_file("bad.csv", HEAD + rows.replace(",40,", ",x,"))
    look(staff, "Please mend the file", schemes)
    staff.link("Choose another file").click()
    staff.choose_file("good.csv", HEAD + rows)
    look(staff, "26 new", schemes)
    staff.button("Load").click()
    look(staff, "good.csv is loaded", schemes)
    staff.choose_file("more.csv", HEAD + rows.replace(",40,", ",45,"))
    look(staff, "26 changed", schemes)
    for path in PATHS:
        staff.page.goto(f"{server.url}/staff{path}")
        look(staff, "", ("light",))
    staff.page.goto(f"{server.url}/staff/calendar?text=nothing")
    look(staff, "No class fits", schemes)


@pytest.mark.usefixtures("calendar")
def test_what_others_write_is_shown_as_text(open_staff: OpenStaff, server: Server) -> None:
    staff = open_staff()
    staff.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    email = an_account(server, Role.PUBLISHER, name=f"Jane {XSS}")

    staff.sign_in(XSS + "@example.org")
    expect(staff.page.get_by_label("E-mail address")).to_have_value(XSS + "@example.org")
    staff.sign_in(email)
    staff.shows(f"Hello, Jane {XSS}")
    staff.page.goto(f"{server.url}/staff/calendar/files")
    staff.choose_file(f"{XSS.replace('/', '')}.csv", HEAD + f"{XSS},{XSS},{XSS},TX,{DATES},40,,,\n")
    staff.says(f"'{XSS}' is not one of basic")
    staff.link("Choose another file").click()
    staff.choose_file("x.csv", HEAD + f'"{XSS}",basic,"{XSS}",TX,{DATES},40,78701,"{XSS}",\n')
    staff.says(XSS)
    staff.button("Load").click()
    staff.go_to("Calendar")
    expect(staff.row("Basic SRO Course")).to_contain_text(f"{XSS}, TX")
    staff.page.get_by_label("Course, city").fill(XSS)
    staff.button("Find").click()
    expect(staff.page.get_by_label("Course, city")).to_have_value(XSS)
    staff.go_to("Audit log")
    staff.says("classes: x.csv")
    assert staff.page.locator("main img, main script").count() == 0
