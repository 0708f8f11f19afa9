"""A real Chromium, and the chat as somebody in front of it sees it.

Every page that a test opens is watched: an error on the page or a breach of its
Content-Security-Policy fails the test, whatever the test is about.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.chat import Chat
from tests.browser.stand_in import StandInServer

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""

# A busy machine is no fault of the page's: what is promised about time is in test_budgets.py.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)

OpenPage = Callable[..., Page]
OpenChat = Callable[..., Chat]


# Of a module, not of the session: Playwright keeps an event loop running, and the other rooms'
# asynchronous tests couldn't start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert executable, "No Chromium: install Debian's chromium, or set CHROMIUM to one's path."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def stand_in() -> Iterator[StandInServer]:
    server = StandInServer()
    yield server
    server.stop()
    assert server.contradictions() == []


@pytest.fixture
def problems() -> list[str]:
    """What went wrong on the pages opened so far; must be empty when the test ends."""
    return []


@pytest.fixture
def open_page(browser: Browser, problems: list[str]) -> Iterator[OpenPage]:
    """Opens an address in a fresh browser profile; keywords are those of a browser context."""
    contexts = []

    def on_console(message: ConsoleMessage) -> None:
        # A refused request is also written to the console; that one is no fault of the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            problems.append(message.text)

    def watch(page: Page) -> None:
        page.on("console", on_console)
        page.on("pageerror", lambda error: problems.append(str(error)))

    def open_page(url: str, *, before: str = "", **options: Any) -> Page:
        options = {"viewport": {"width": 1280, "height": 860}, "locale": "en-US", **options}
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        context.add_init_script(REPORT_VIOLATIONS + before)
        context.on("page", watch)  # further tabs too
        page = context.new_page()
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def open_chat(open_page: OpenPage, stand_in: StandInServer) -> OpenChat:
    """Opens the demo page, or with `launcher=True` a host page with its chat opened."""

    def open_chat(*, launcher: bool = False, **options: Any) -> Chat:
        page = open_page(stand_in.url + ("/host" if launcher else "/"), **options)
        chat = Chat(page)
        if launcher:
            page.get_by_role("button", name="Open chat").click()
        chat.shows(stand_in.welcome["text"])
        return chat

    return open_chat
