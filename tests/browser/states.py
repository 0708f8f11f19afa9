"""The states of the chat that are looked at as a whole: by axe, in each size, and in the pictures."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.stand_in import Failure, StandInServer
from tests.browser.test_answers import AUSTIN, DALLAS, STEPS

State = Callable[[Chat, StandInServer], None]


def closed(chat: Chat, _: StandInServer) -> None:
    chat.page.keyboard.press("Escape")
    expect(chat.launcher).to_have_attribute("aria-expanded", "false")


def news(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.delay = 0.4
    chat.say("hello")
    chat.page.keyboard.press("Escape")
    expect(chat.button("Open chat, 1 new")).to_be_visible()
    stand_in.delay = 0


def welcome(_: Chat, __: StandInServer) -> None:
    pass


def steps(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.answers["How do I register?"] = [
        {
            "text": STEPS + "\n\nOr call 888.316.2776.",
            "source": {"title": "The FAQ", "url": "https://nasro.org"},
            "buttons": [{"title": "More", "payload": "/more"}],
        }
    ]
    chat.ask("How do I register?")
    chat.button("More").click()
    chat.shows("You said: More")


def cards(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.answers["Any classes in Texas?"] = [
        {
            "text": "Classes in Texas:",
            "cards": [DALLAS, AUSTIN],
            "as_of": "2026-11-23T20:30:00Z",
            "buttons": [{"title": "Show more", "payload": "/more"}],
        }
    ]
    chat.ask("Any classes in Texas?")


def error(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.fail_next("messages", Failure(503, "We can't answer right now."))
    chat.say("hello")
    chat.shows("We can't answer right now.")


def offline(chat: Chat, _: StandInServer) -> None:
    chat.page.context.set_offline(True)
    chat.say("hello")
    chat.shows("You're offline.")


def rated(chat: Chat, _: StandInServer) -> None:
    chat.ask("hello")
    chat.button("Not helpful").click()
    expect(chat.button("Send comment")).to_be_visible()


def menu(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.identities = {"jane": "j•••@example.org"}
    chat.tell("await chat.setIdentity('jane')")
    chat.button("More options").click()
    expect(chat.page.get_by_text("Signed in as")).to_be_visible()


def asking(chat: Chat, _: StandInServer) -> None:
    chat.ask("hello")
    chat.choose("Start over")
    expect(chat.asked).to_be_visible()


def too_long(chat: Chat, _: StandInServer) -> None:
    chat.input.fill("a" * 2_001)


def typing(chat: Chat, stand_in: StandInServer) -> None:
    stand_in.delay = 30
    chat.say("hello")
    expect(chat.page.locator(".dots")).to_be_visible()


STATES: list[State] = [
    closed,
    news,
    welcome,
    steps,
    cards,
    error,
    offline,
    rated,
    menu,
    asking,
    too_long,
    typing,
]
