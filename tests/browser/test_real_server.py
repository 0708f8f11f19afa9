"""The real server: one visit, a restart, other websites, a sub-path, a member."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenPage
from tests.browser.host_site import HostSite
from tests.conversations.test_members import site_token
from tests.running_server import Server


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


def test_a_restart_of_the_server_costs_nobody_their_conversation(
    open_page: OpenPage, server: Server
) -> None:
    chat = Chat(open_page(server.url))
    chat.ask("what is a school resource officer?")
    server.stop()
    chat.say("how many school resource officers are there?")
    chat.shows("Your message is kept.")
    server.start()
    chat.button("Try again").click()
    expect(chat.messages).to_have_count(5, timeout=20_000)
    chat.shows("20,000")
    chat.page.reload()
    expect(chat.messages).to_have_count(5)


@pytest.fixture
def host_site() -> Iterator[Callable[..., HostSite]]:
    sites = []

    def start(*arguments: Any, **options: Any) -> HostSite:
        sites.append(HostSite(*arguments, **options))
        return sites[-1]

    yield start
    for site in sites:
        site.stop()


def test_on_another_website_that_is_let_in(
    open_page: OpenPage, server_url: str, host_port: int, host_site: Callable[..., HostSite]
) -> None:
    script = f'<script src="{server_url}/widget.js" data-side="start" async></script>'
    site = host_site(script, server_url, port=host_port)
    chat = Chat(open_page(site.url))
    chat.launcher.click()
    chat.shows("automated assistant")
    chat.ask("what is a school resource officer?")
    chat.page.reload()
    expect(chat.messages).to_have_count(3)
    chat.start_over()
    expect(chat.messages).to_have_count(1)


def test_on_a_website_that_is_not_let_in_it_says_that_it_can_not_start(
    open_page: OpenPage,
    problems: list[str],
    server_url: str,
    host_site: Callable[..., HostSite],
) -> None:
    script = f'<script src="{server_url}/widget.js" data-side="start" async></script>'
    chat = Chat(open_page(host_site(script, server_url).url))
    chat.launcher.click()
    chat.shows("The assistant can't be reached right now.")
    assert all("blocked by CORS policy" in problem for problem in problems)
    assert problems
    problems.clear()


@pytest.mark.parametrize(
    "tags",
    [
        '<script src="/chat/widget.js" data-theme="light"></script>',
        '<script src="/chat/widget.js" defer></script><nasro-chat></nasro-chat>',
        '<script src="/chat/widget.js" defer></script><nasro-chat server="/chat"></nasro-chat>',
    ],
)
def test_behind_a_sub_path_of_the_website(
    open_page: OpenPage, server_url: str, host_site: Callable[..., HostSite], tags: str
) -> None:
    site = host_site(tags, "'self'", proxied=server_url)
    chat = Chat(open_page(site.url))
    chat.launcher.click()
    chat.ask("what is a school resource officer?")
    chat.last.get_by_role("button", name="Helpful", exact=True).click()
    expect(chat.button("Send comment")).to_be_visible()


def test_a_member_of_the_website_is_shown_signed_in_and_signs_out(
    open_page: OpenPage, server_url: str
) -> None:
    page = open_page("about:blank")
    token = site_token("jane@example.org")
    # Before the page's own scripts: the demo page's chat begins at once.
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => "
        f"document.querySelector('nasro-chat').setIdentity('{token}'));"
    )
    page.goto(server_url)
    chat = Chat(page)
    chat.shows("automated assistant")
    chat.button("More options").click()
    expect(page.get_by_text("Signed in as j•••@example.org")).to_be_visible()
    page.keyboard.press("Escape")
    chat.ask("can I hold a spot?")
    chat.choose("Sign out")
    chat.asked.get_by_role("button", name="Sign out").click()
    expect(chat.log).not_to_contain_text("can I hold a spot?")
    chat.shows("automated assistant")
    chat.ask("is my certificate ready?")
    chat.shows("e-mail address")


def test_the_page_comes_under_the_strictest_policy(server_url: str) -> None:
    policy = httpx.get(server_url).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "trusted-types 'none'" in policy
    assert "unsafe" not in policy
