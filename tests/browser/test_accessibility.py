"""axe-core in each state of the chat: no violation, best practices included."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat, OpenPage
from tests.browser.stand_in import LAUNCHER_PAGE, StandInServer
from tests.browser.states import STATES, State, cards, welcome

WIDGET = Path(__file__).parents[2] / "widget"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[dict[str, Any]]:
    axe = WIDGET / "node_modules" / "axe-core" / "axe.min.js"
    assert axe.exists(), "axe-core is missing: run `npm ci` in widget/."
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.read_text("utf-8"))
    found = page.evaluate(
        "(tags) => axe.run(document, { runOnly: tags })", {"type": "tag", "values": RULES}
    )
    assert found["passes"], "axe looked at nothing"
    return [
        {"rule": rule["id"], "where": [node["target"] for node in rule["nodes"]]}
        for rule in found["violations"]
    ]


PAGES: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "right to left": {},
}
MEDIA: list[dict[str, Any]] = [
    {"color_scheme": "light", "forced_colors": "none"},
    {"color_scheme": "dark", "forced_colors": "none"},
    {"color_scheme": "light", "forced_colors": "active"},
]


@pytest.mark.parametrize("view", PAGES)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing(
    open_chat: OpenChat, stand_in: StandInServer, state: State, view: str
) -> None:
    if view == "right to left":
        stand_in.pages["/host"] = LAUNCHER_PAGE.replace("<html", '<html dir="rtl"')
    # Without motion: axe would measure colours in the middle of a fade.
    chat = open_chat(launcher=True, reduced_motion="reduce", **PAGES[view])
    state(chat, stand_in)
    for media in MEDIA:
        chat.page.emulate_media(**media)
        assert violations(chat.page) == [], media


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", [welcome, cards], ids=lambda state: state.__name__)
def test_axe_finds_nothing_on_the_demo_page(
    open_page: OpenPage, stand_in: StandInServer, scheme: str, state: State
) -> None:
    notice = (WIDGET / "sample-notice.html").read_text("utf-8")
    stand_in.pages["/"] = stand_in.pages["/"].replace("<!-- sample-notice -->", notice)
    chat = Chat(open_page(stand_in.url, color_scheme=scheme, reduced_motion="reduce"))
    chat.shows(stand_in.welcome["text"])
    state(chat, stand_in)
    assert violations(chat.page) == []
