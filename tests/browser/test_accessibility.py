"""axe-core in each state of the chat, light and dark: no violation, best practices included."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat, OpenPage
from tests.browser.stand_in import Failure, StandInServer
from tests.browser.test_answers import AUSTIN, DALLAS, STEPS

WIDGET = Path(__file__).parents[2] / "widget"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(chat: Chat) -> list[dict[str, Any]]:
    axe = WIDGET / "node_modules" / "axe-core" / "axe.min.js"
    assert axe.exists(), "axe-core is missing: run `npm ci` in widget/."
    chat.page.evaluate(axe.read_text("utf-8"))
    found = chat.page.evaluate(
        "(tags) => axe.run(document, { runOnly: tags })", {"type": "tag", "values": RULES}
    )
    assert found["passes"], "axe looked at nothing"
    return [
        {"rule": rule["id"], "where": [node["target"] for node in rule["nodes"]]}
        for rule in found["violations"]
    ]


def closed(chat: Chat, _: StandInServer) -> None:
    chat.page.keyboard.press("Escape")


def welcome(_: Chat, __: StandInServer) -> None:
    pass


def steps(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.answers["steps"] = [
        {
            "text": STEPS + "\n\nOr call 888.316.2776.",
            "source": {"title": "The FAQ", "url": "https://nasro.org"},
            "buttons": [{"title": "More", "payload": "/more"}],
        }
    ]
    chat.ask("steps")
    chat.button("More").click()
    chat.shows("You said: More")


def cards(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.answers["classes"] = [
        {"text": "Classes:", "cards": [DALLAS, AUSTIN], "as_of": "2026-11-23T20:30:00Z"}
    ]
    chat.ask("classes")


def error(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.fail_next("messages", Failure(503, "We can't answer right now."))
    chat.say("hello")
    chat.shows("We can't answer right now.")


def rated(chat: Chat, _: StandInServer) -> None:
    chat.ask("hello")
    chat.button("Not helpful").click()
    expect(chat.button("Send comment")).to_be_visible()


def starting_over(chat: Chat, _: StandInServer) -> None:
    chat.ask("hello")
    chat.choose("Start over")


def too_long(chat: Chat, _: StandInServer) -> None:
    chat.input.fill("a" * 2_001)


def typing(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.delay = 2
    chat.say("hello")
    expect(chat.page.locator(".dots")).to_be_visible()


STATES = [closed, welcome, steps, cards, error, rated, starting_over, too_long, typing]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing(
    open_chat: OpenChat, stand_in: StandInServer, state: Any, scheme: str
) -> None:
    # Without motion: axe would measure colours in the middle of a fade.
    chat = open_chat(launcher=True, color_scheme=scheme, reduced_motion="reduce")
    state(chat, stand_in)
    assert violations(chat) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_demo_page(
    open_page: OpenPage, stand_in: StandInServer, scheme: str
) -> None:
    notice = (WIDGET / "sample-notice.html").read_text("utf-8")
    stand_in.pages["/"] = stand_in.pages["/"].replace("<!-- sample-notice -->", notice)
    chat = Chat(open_page(stand_in.url, color_scheme=scheme, reduced_motion="reduce"))
    cards(chat, stand_in)
    assert violations(chat) == []
