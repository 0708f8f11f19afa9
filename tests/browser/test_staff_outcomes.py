"""From a visitor's question to staff who see it: the real server reads its own conversations."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from playwright.sync_api import expect

from bot.staff.accounts import Role
from tests.browser.conftest import OpenPage
from tests.browser.staff import StaffPages, an_account
from tests.browser.test_staff import look
from tests.conversations.chat import Person
from tests.outcomes.stream import Talk, database_at
from tests.running_server import Server, wait_until

BOTH = ("light", "dark")

CONTRASTS = """
() => {
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const fill = (node) => luminance(getComputedStyle(node).fill);
  return [...document.querySelectorAll("svg.map g")].flatMap((tile) =>
    [...tile.querySelectorAll("text")].flatMap((text) =>
      [...tile.querySelectorAll("rect")].map((rect) => {
        const [low, high] = [fill(text), fill(rect)].sort((one, other) => one - other);
        return (high + 0.05) / (low + 0.05);
      })));
}
"""
"""Of every text of the map with every area of its tile, by WCAG 2.2; axe looks at no drawings."""


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
    expect(staff.page.get_by_role("img", name="Map of the states")).to_be_visible()
    look_on_both(staff, "Where classes are looked for")


def test_the_map_can_be_read_in_every_shade(open_page: OpenPage, server: Server) -> None:
    database = database_at(server.conversations_url)
    talk = Talk(database, datetime(2027, 3, 1, 12, tzinfo=timezone.utc))
    for state, number in (("Texas", 9), ("Ohio", 5), ("Utah", 2), ("Maine", 0)):
        for _ in range(number):
            talk.turn("classes", "find_classes", "utter_classes_found", place=state, total=1)
        if number < 6:
            talk.turn("classes", "find_classes", "utter_no_classes", place=state)
    database.dispose()
    staff = StaffPages(open_page(f"{server.url}/staff/reports?from=2027-03-01&to=2027-03-01"))
    staff.sign_in(an_account(server, Role.VIEWER))

    def is_there() -> bool:
        staff.page.reload()
        return staff.row("Texas").count() == 1 and staff.row("Maine").count() == 1

    wait_until(is_there)
    shades = staff.page.locator("svg.map g").evaluate_all(
        "all => all.map((one) => one.className.baseVal)"
    )
    assert set(shades) == {"step-0", "step-2 all-none", "step-3", "step-4"}
    for scheme in BOTH:
        staff.page.emulate_media(color_scheme=scheme)
        contrasts = staff.page.evaluate(CONTRASTS)
        assert len(contrasts) > 60
        assert min(contrasts) >= 4.5, scheme
    staff.page.emulate_media(forced_colors="active")
    assert min(staff.page.evaluate(CONTRASTS)) >= 4.5


def test_a_viewer_asks_for_the_weekly_report(open_page: OpenPage, server: Server) -> None:
    staff = StaffPages(open_page(f"{server.url}/staff/reports"))
    email = an_account(server, Role.VIEWER)
    staff.sign_in(email)
    staff.link("Each week by e-mail").click()
    look_on_both(staff, "from next Monday on")
    staff.button("Send it to me each week").click()
    look_on_both(staff, f"goes to {email}")
    end = re.search(r"/staff/reports/mail/\S+", staff.main.inner_text())
    assert end
    elsewhere = StaffPages(open_page(server.url + end[0]))
    look_on_both(elsewhere, "Shall the weekly report")
    elsewhere.button("End it").click()
    look_on_both(elsewhere, "No more reports")
    staff.page.reload()
    staff.says("from next Monday on")


def look_on_both(staff: StaffPages, shows: str) -> None:
    """On a desktop, and on a phone."""
    look(staff, shows, BOTH)
    staff.page.set_viewport_size({"width": 360, "height": 740})
    look(staff, shows, ("light",))
    staff.page.set_viewport_size({"width": 1280, "height": 860})
