"""The widget as a guest on somebody's page: what it asks for, obeys, offers and weighs."""

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat, OpenPage
from tests.browser.stand_in import LAUNCHER_PAGE, Failure, StandInServer

WIDGET = Path(__file__).parents[2] / "widget"
BUDGET = 15_000
"""Bytes of everything a page loads, as gzip -9 packs it."""

FORBIDDEN = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\"style\""
)
HOSTILE_CSS = "* { all: unset !important; font-size: 40px !important; color: red !important }"


def test_until_it_is_opened_it_asks_for_nothing_and_stores_nothing(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    page = open_page(stand_in.url + "/host")
    chat = Chat(page)
    expect(chat.launcher).to_be_visible()
    page.wait_for_timeout(300)
    assert stand_in.requests == []
    assert chat.saved() == {}
    assert page.context.cookies() == []


def test_every_request_goes_to_the_server_it_came_from(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    requested: list[str] = []
    page = open_page("about:blank")
    page.on("request", lambda request: requested.append(request.url))
    page.goto(stand_in.url)
    Chat(page).ask("hello")
    assert [url for url in requested if not url.startswith(stand_in.url + "/")] == []
    assert stand_in.url + "/widget.js" in requested


def test_a_breach_of_the_policy_would_be_noticed(
    open_page: OpenPage, stand_in: StandInServer, problems: list[str]
) -> None:
    stand_in.pages["/careless"] = "<!doctype html><title>x</title><p style='color: red'>Hello"
    open_page(stand_in.url + "/careless")
    assert any("CSP violation: style-src" in problem for problem in problems)
    problems.clear()


def test_included_twice_it_stays_one(open_page: OpenPage, stand_in: StandInServer) -> None:
    twice = '<script src="/widget.js" defer></script>'
    stand_in.pages["/twice"] = LAUNCHER_PAGE.replace(twice, twice * 2)
    page = open_page(stand_in.url + "/twice")
    expect(page.get_by_role("button", name="Open chat")).to_have_count(1)


def test_a_hosts_styles_change_nothing_inside(open_page: OpenPage, stand_in: StandInServer) -> None:
    stand_in.pages["/hostile"] = LAUNCHER_PAGE.replace(
        "<main>", '<link rel="stylesheet" href="/hostile.css"><main>'
    )
    stand_in.texts["/hostile.css"] = HOSTILE_CSS
    looks = """(button) => {
      const { color, fontSize, fontFamily, backgroundColor, display } = getComputedStyle(button);
      const { width, height, right, bottom } = button.getBoundingClientRect();
      return [color, fontSize, fontFamily, backgroundColor, display, width, height,
        innerWidth - right, innerHeight - bottom];
    }"""
    calm = Chat(open_page(stand_in.url + "/host")).launcher.evaluate(looks)
    hostile_page = open_page(stand_in.url + "/hostile")
    assert hostile_page.locator("h1").evaluate("(h) => getComputedStyle(h).fontSize") == "40px"
    assert Chat(hostile_page).launcher.evaluate(looks) == calm


def test_a_page_can_open_ask_and_close_and_hears_of_it(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    page = open_page(stand_in.url + "/host")
    page.evaluate(
        """() => {
          window.heard = [];
          for (const name of ["open", "close", "message"])
            addEventListener(`nasro-chat:${name}`, (event) => window.heard.push(
              [name, event.detail.from ?? "", Object.keys(event.detail).sort().join(" ")]));
        }"""
    )
    page.evaluate("document.querySelector('nasro-chat').send('Any classes in Ohio?')")
    Chat(page).shows("You said: Any classes in Ohio?")
    page.evaluate("document.querySelector('nasro-chat').close()")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("window.heard") == [
        ["open", "", ""],
        ["message", "user", "from"],
        ["message", "assistant", "from id"],
        ["message", "assistant", "from id"],
        ["close", "", ""],
    ]


def test_every_word_comes_from_the_strings_table(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.welcome = {"text": "«»"}
    stand_in.answers["«»"] = [
        {"text": "«»", "cards": [{"title": "«»", "url": "https://a.example"}]}
    ]
    page = open_page(stand_in.url + "/host")
    page.evaluate(
        """() => {
          const chat = document.querySelector("nasro-chat");
          chat.strings = Object.fromEntries(
            Object.keys(chat.strings).map((name) => [name, "«»"]));
        }"""
    )
    page.get_by_role("button", name="«»").click()
    page.get_by_role("textbox").fill("«»")
    page.get_by_role("textbox").press("Enter")
    page.locator("[aria-pressed]").first.click()
    expect(page.get_by_role("textbox")).to_have_count(2)
    snapshot = page.locator("dialog").aria_snapshot()
    words = re.sub(r"/url: \S+", "", snapshot)
    roles = re.findall(r"^\s*- '?(\w+)", words, re.M)
    for role in {*roles, "level", "expanded", "pressed", "disabled", "active"}:
        words = re.sub(rf"\b{role}\b", "", words)
    assert re.findall(r"[A-Za-z]{2,}", words) == []


def test_no_code_parses_markup_or_runs_text() -> None:
    source = (WIDGET / "nasro-chat.js").read_text("utf-8")
    assert re.findall(FORBIDDEN, source) == []


def test_it_weighs_no_more_than_promised() -> None:
    weight = len(gzip.compress((WIDGET / "nasro-chat.min.js").read_bytes(), 9))
    assert weight <= BUDGET


def test_the_served_copy_is_made_from_the_source(tmp_path: Path) -> None:
    assert (WIDGET / "node_modules").exists(), "Run `npm ci` in widget/."
    made = tmp_path / "made.js"
    subprocess.run(
        [_tool("npm"), "run", "--silent", "build", "--", "--output", str(made)],
        cwd=WIDGET,
        check=True,
        capture_output=True,
    )
    served = (WIDGET / "nasro-chat.min.js").read_text("utf-8")
    assert made.read_text("utf-8") == served, "Run `npm run build` in widget/."


def test_it_can_be_imported_where_there_is_no_page() -> None:
    script = WIDGET / "nasro-chat.min.js"
    subprocess.run([_tool("node"), str(script)], check=True, capture_output=True)


def _tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing from {os.environ.get('PATH')}"
    return found


@pytest.mark.parametrize(
    ("width", "height", "launcher"),
    [(320, 568, False), (320, 568, True), (390, 844, True), (768, 1024, True), (1280, 800, True)],
)
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_scrolls_sideways(
    open_chat: OpenChat,
    stand_in: StandInServer,
    width: int,
    height: int,
    launcher: bool,
    direction: str,
) -> None:
    for path in ("/", "/host"):
        stand_in.pages[path] = stand_in.pages[path].replace("<html", f'<html dir="{direction}"')
    word = "x" * 1_500
    stand_in.answers[word] = [
        {
            "text": f"1. {word}\n\n{word} شكرا",
            "cards": [{"title": word, "fields": [{"label": word, "value": word}]}],
            "buttons": [{"title": word, "payload": "/x"}],
            "links": [{"title": "https://" + word, "url": "https://" + word}],
            "source": {"title": word, "url": None},
        }
    ]
    chat = open_chat(launcher=launcher, viewport={"width": width, "height": height})
    chat.ask(word)
    wide = chat.page.evaluate(
        """() => {
          const root = document.querySelector("nasro-chat").shadowRoot;
          return [document.documentElement, ...root.querySelectorAll(".panel, .log, .card")]
            .filter((node) => node.scrollWidth > node.clientWidth)
            .map((node) => `${node.className} ${node.scrollWidth} > ${node.clientWidth}`);
        }"""
    )
    assert wide == []
    box = chat.page.locator(".panel").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


@pytest.mark.parametrize(("is_touch", "least"), [(False, 24), (True, 44)])
def test_targets_are_large_enough(
    open_chat: OpenChat, stand_in: StandInServer, is_touch: bool, least: int
) -> None:
    stand_in.answers["classes"] = [
        {
            "text": "Classes:",
            "cards": [{"title": "Basic", "url": "https://nasro.org"}],
            "buttons": [{"title": "More", "payload": "/more"}],
        }
    ]
    chat = open_chat(launcher=True, has_touch=is_touch, is_mobile=is_touch)
    chat.ask("classes")
    chat.button("Helpful").click()
    chat.button("Send comment").wait_for()
    chat.button("Start over").click()
    small = chat.page.evaluate(
        """(least) => {
          const root = document.querySelector("nasro-chat").shadowRoot;
          return [...root.querySelectorAll("button, .card a, textarea")]
            .filter((node) => node.checkVisibility())
            .map((node) => [node.textContent || node.ariaLabel, node.getBoundingClientRect()])
            .filter(([, box]) => box.width < least || box.height < least)
            .map(([name, box]) => `${name}: ${box.width} x ${box.height}`);
        }""",
        least,
    )
    assert small == []


def test_who_wants_no_motion_sees_none(open_chat: OpenChat, stand_in: StandInServer) -> None:
    stand_in.delay = 0.8
    chat = open_chat(reduced_motion="reduce")
    chat.say("hello")
    expect(chat.page.locator(".dots")).to_have_text("The assistant is typing")
    count = "document.querySelector('nasro-chat').shadowRoot.getAnimations().length"
    assert chat.page.evaluate(count) == 0
    moving = open_chat(reduced_motion="no-preference")
    moving.say("hello")
    expect(moving.page.locator(".dots")).to_be_visible()
    assert moving.page.evaluate(count) > 0


def test_without_colours_of_its_own_each_control_still_has_a_border(open_chat: OpenChat) -> None:
    chat = open_chat(launcher=True, forced_colors="active")
    chat.ask("hello")
    bare = chat.page.evaluate(
        """() => {
          const root = document.querySelector("nasro-chat").shadowRoot;
          return [...root.querySelectorAll("button:not(.under *), textarea")]
            .filter((node) => node.checkVisibility())
            .filter((node) => getComputedStyle(node).borderTopWidth === "0px"
              || getComputedStyle(node).borderTopStyle === "none")
            .map((node) => node.className || node.ariaLabel);
        }"""
    )
    assert bare == []


@pytest.mark.parametrize(
    "hand_over",
    [
        "chat => chat.setAttribute('identity-token', 'a.b.c')",
        "chat => { chat.identityToken = 'a.b.c'; }",
        "chat => { chat.identityToken = async () => 'a.b.c'; }",
    ],
)
def test_the_websites_token_opens_the_session(
    open_page: OpenPage, stand_in: StandInServer, hand_over: str
) -> None:
    page = open_page(stand_in.url + "/host")
    page.locator("nasro-chat").evaluate(hand_over)

    Chat(page).launcher.click()

    expect(Chat(page).messages).to_have_count(1)
    [opened] = stand_in.calls("POST", "sessions")
    assert opened.body == {"identity_token": "a.b.c"}


def test_a_refused_token_leaves_a_chat_without_an_account(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.fail_next("sessions", Failure(status=401))
    page = open_page(stand_in.url + "/host")
    page.locator("nasro-chat").evaluate("chat => chat.setAttribute('identity-token', 'old')")

    Chat(page).launcher.click()

    expect(Chat(page).messages).to_have_count(1)
    first, second = stand_in.calls("POST", "sessions")
    assert (first.body, second.body) == ({"identity_token": "old"}, {})
