"""The demo page on the real server: one visit, from the question to starting over."""

import re

import httpx
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenPage


def test_a_visitor_asks_by_keyboard_follows_a_chip_rates_comes_back_and_starts_over(
    open_page: OpenPage, server_url: str
) -> None:
    chat = Chat(open_page(server_url))
    chat.shows("automated assistant")

    chat.input.focus()
    chat.page.keyboard.type("how do i get my certifcate")
    chat.page.keyboard.press("Enter")
    chat.shows("my certificates")
    expect(chat.last.get_by_role("link", name=re.compile("certificate"))).to_have_attribute(
        "href", re.compile("^https://nasro.org/")
    )

    chat.last.get_by_role("group", name="Suggestions").get_by_role("button").first.click()
    expect(chat.last.get_by_role("listitem").first).to_be_visible()

    chat.last.get_by_role("button", name="Helpful", exact=True).click()
    expect(chat.button("Send comment")).to_be_visible()

    said = chat.texts()
    chat.page.reload()
    expect(chat.messages).to_have_count(len(said))
    assert chat.texts() == said

    chat.start_over()
    expect(chat.messages).to_have_count(1)


def test_the_page_comes_under_the_strictest_policy(server_url: str) -> None:
    policy = httpx.get(server_url).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "trusted-types 'none'" in policy
    assert "unsafe" not in policy
