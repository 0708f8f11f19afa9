"""From a visitor's question to staff who see it: the real server reads its own conversations."""

from __future__ import annotations

from playwright.sync_api import expect

from bot.staff.accounts import Role
from tests.browser.conftest import OpenPage
from tests.browser.staff import StaffPages, an_account
from tests.browser.test_staff import look
from tests.conversations.chat import Person
from tests.running_server import Server, wait_until

BOTH = ("light", "dark")


def test_what_is_asked_three_ways_stands_as_one_question(
    open_page: OpenPage, server: Server
) -> None:
    visitor = Person(server.url)
    visitor.say("do you sell straw hats for horses")
    visitor.say("where can i buy straw hats for my horse")
    visitor.say("My name is Jane Doe. are straw horse hats for sale")
    visitor.say("classes in Alaska")
    staff = StaffPages(open_page(f"{server.url}/staff/queue"))
    staff.sign_in(an_account(server, Role.EDITOR))
    staff.shows("Unanswered questions")
    question = staff.row("straw")

    def is_there() -> bool:
        staff.page.reload()
        return question.count() == 1 and "3" in question.inner_text().split()

    wait_until(is_there)
    look_on_both(staff, "straw")
    question.get_by_role("link").click()
    expect(staff.main.get_by_role("listitem")).to_have_count(3)
    assert "Jane" not in staff.main.inner_text()
    look_on_both(staff, "What people wrote")
    staff.page.get_by_role("radio", name="A new topic").check()
    staff.button("Decide").click()
    staff.says("needs a topic")
    look(staff, "Nothing was changed", BOTH)
    staff.page.get_by_role("radio", name="Ignore").check()
    staff.button("Decide").click()
    staff.says("Decided.")
    look(staff, "See it again", BOTH)
    expect(question).to_have_count(0)
    staff.link("See what was decided").click()
    expect(question).to_contain_text("ignore")
    look_on_both(staff, "editor")
    staff.go_to("Reports")
    expect(staff.row("Alaska")).to_be_visible()
    look_on_both(staff, "Where classes are looked for")


def look_on_both(staff: StaffPages, shows: str) -> None:
    """On a desktop, and on a phone."""
    look(staff, shows, BOTH)
    staff.page.set_viewport_size({"width": 360, "height": 740})
    look(staff, shows, ("light",))
    staff.page.set_viewport_size({"width": 1280, "height": 860})
