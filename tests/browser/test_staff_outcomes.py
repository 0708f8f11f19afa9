"""From a visitor's question to staff who see it: the real server reads its own conversations."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import expect

from bot.staff.accounts import Role
from tests.browser.conftest import OpenPage
from tests.browser.staff import StaffPages, an_account
from tests.browser.test_staff import VIEWS, look
from tests.conversations.chat import Person
from tests.running_server import Server, wait_until


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_asked_three_ways_stands_as_one_question(
    open_page: OpenPage, server: Server, view: str
) -> None:
    visitor = Person(server.url)
    # Of each run its own, so that no other test's questions are alike.
    word = f"zyx{uuid.uuid4().hex[:5]}"
    for text in (
        f"do you sell {word} hats for horses",
        f"where can i buy {word} hats for my horse",
        f"are {word} horse hats for sale, jane@example.org",
    ):
        visitor.say(text)
    visitor.say("classes in Alaska")
    staff = StaffPages(open_page(f"{server.url}/staff/queue", **VIEWS[view]))
    staff.sign_in(an_account(server, Role.EDITOR))
    staff.shows("Unanswered questions")

    def is_there() -> bool:
        staff.page.reload()
        return staff.row(word).count() == 1 and "3" in staff.row(word).inner_text().split()

    wait_until(is_there)
    look(staff, word, ("light", "dark"))
    staff.row(word).get_by_role("link").click()
    expect(staff.main.get_by_role("listitem")).to_have_count(3)
    assert "jane" not in staff.main.inner_text()
    look(staff, "What people wrote", ("light", "dark"))
    staff.page.get_by_label("A new topic").check()
    staff.button("Decide").click()
    staff.says("needs a topic")
    look(staff, "Nothing was changed", ("light",))
    staff.page.get_by_label("Ignore").check()
    staff.button("Decide").click()
    staff.says("Decided.")
    look(staff, "See it again", ("light",))
    expect(staff.row(word)).to_have_count(0)
    staff.go_to("Reports")
    expect(staff.row("Alaska")).to_be_visible()
    look(staff, "Where classes are looked for", ("light", "dark"))
