"""How an answer looks: text, lists, links, cards, where it comes from; and that text stays text."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenChat
from tests.browser.stand_in import StandInServer

STEPS = """Step one: create an account.
1. Choose "Join NASRO".
2. Complete each box.

Step two: register.
Any time will do.
1. Log in."""

DALLAS = {
    "title": "Basic SRO Course",
    "subtitle": "Dallas, Texas",
    "fields": [
        {"label": "Dates", "value": "Mar 1-5, 2027"},
        {"label": "Seats left", "value": "12 of 40"},
    ],
    "url": "https://nasro.org/register/1",
}
AUSTIN = {
    "title": "Advanced SRO Course",
    "subtitle": None,
    "fields": [{"label": "Seats left", "value": "Full"}],
    "url": None,
}
MARKUP = '<img src="/x.png" onerror="alert(1)"><b>bold</b>'


def test_numbered_lines_become_ordered_lists_between_paragraphs(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["steps"] = [{"text": STEPS}]
    answer = open_chat().ask("steps")
    blocks = answer.locator(".bubble > *").evaluate_all(
        "(blocks) => blocks.map((block) => `${block.localName}: ${block.innerText}`)"
    )
    assert blocks == [
        "p: Step one: create an account.",
        'ol: Choose "Join NASRO".\nComplete each box.',
        "p: Step two: register.\nAny time will do.",
        "ol: Log in.",
    ]


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("Call 888.316.2776 to verify it.", "tel:+18883162776"),
        ("Call (888) 316-2776.", "tel:+18883162776"),
        ("Write to kerri.williamson@nasro.org.", "mailto:kerri.williamson@nasro.org"),
        ("See https://nasro.org/faq/.", "https://nasro.org/faq/"),
        ("It is on nasro.org, under Training.", "https://nasro.org/"),
    ],
)
def test_addresses_in_an_answer_are_links(
    open_chat: OpenChat, stand_in: StandInServer, text: str, href: str
) -> None:
    stand_in.answers["where"] = [
        {"text": text, "links": [{"title": "nasro.org", "url": "https://nasro.org/"}]}
    ]
    answer = open_chat().ask("where")
    link = answer.locator(".bubble p a")
    expect(link).to_have_count(1)
    expect(link).to_have_attribute("href", href)
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(answer.locator(".bubble p")).to_have_text(text)


def test_figures_that_only_look_like_numbers_stay_text(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    text = "Between 14,000 and 20,000 in 2013-2014; order 1888.316.27765."
    stand_in.answers["count"] = [{"text": text}]
    expect(open_chat().ask("count").locator("a")).to_have_count(0)


def test_a_link_that_the_text_does_not_name_is_listed_below_it(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["more"] = [
        {"text": "Read this.", "links": [{"title": "The FAQ", "url": "https://nasro.org/faq"}]}
    ]
    link = open_chat().ask("more").get_by_role("listitem").get_by_role("link", name="The FAQ")
    expect(link).to_have_attribute("href", "https://nasro.org/faq")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "//evil.example",
        "https://evil.example/\nx",
        "blob:https://nasro.org/1",
    ],
)
def test_unsafe_addresses_stay_text(open_chat: OpenChat, stand_in: StandInServer, url: str) -> None:
    stand_in.answers["link"] = [
        {
            "text": "Follow this link.",
            "links": [{"title": "this link", "url": url}, {"title": "Another", "url": url}],
            "cards": [{**DALLAS, "url": url}],
            "source": {"title": "The source", "url": url},
        }
    ]
    answer = open_chat().ask("link")
    expect(answer.locator("a")).to_have_count(0)
    expect(answer).to_contain_text("Follow this link.")
    expect(answer).to_contain_text("Another")
    expect(answer).to_contain_text("The source")


def test_markup_is_shown_as_it_was_written(open_chat: OpenChat, stand_in: StandInServer) -> None:
    stand_in.answers[MARKUP] = [
        {
            "text": f"1. {MARKUP}\n\n{MARKUP}",
            "buttons": [{"title": MARKUP, "payload": "/x"}],
            "cards": [
                {
                    "title": MARKUP,
                    "subtitle": MARKUP,
                    "fields": [{"label": MARKUP, "value": MARKUP}],
                    "url": "https://nasro.org",
                }
            ],
            "links": [{"title": MARKUP, "url": "https://nasro.org"}],
            "source": {"title": MARKUP, "url": "https://nasro.org"},
        }
    ]
    chat = open_chat()
    requested: list[str] = []
    chat.page.on("request", lambda request: requested.append(request.url))
    answer = chat.ask(MARKUP)
    assert answer.inner_text().count(MARKUP) == 8
    assert chat.texts()[-2] == MARKUP
    assert chat.log.locator("img, b:not(.dots *)").count() == 0
    assert [url for url in requested if "x.png" in url] == []


def test_cards_are_list_items_with_heading_facts_and_a_link_that_names_the_class(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["classes"] = [{"text": "Two classes:", "cards": [DALLAS, AUSTIN]}]
    answer = open_chat().ask("classes")
    cards = answer.get_by_role("list", name="Classes").get_by_role("listitem")
    expect(cards).to_have_count(2)
    expect(cards.nth(0).get_by_role("heading", name="Basic SRO Course")).to_be_visible()
    assert cards.nth(0).locator("dt").all_inner_texts() == ["Dates", "Seats left"]
    assert cards.nth(0).locator("dd").all_inner_texts() == ["Mar 1-5, 2027", "12 of 40"]
    register = cards.nth(0).get_by_role("link", name="Register, Basic SRO Course, Dallas, Texas")
    expect(register).to_have_attribute("href", "https://nasro.org/register/1")
    assert cards.nth(1).inner_text().split("\n") == ["Advanced SRO Course", "Seats left", "Full"]
    expect(cards.nth(1).get_by_role("link")).to_have_count(0)


def test_an_answer_names_its_source_and_tells_the_time_of_its_figures_as_the_reader_does(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["seats"] = [
        {
            "text": "12 seats.",
            "source": {"title": "The FAQ", "url": "https://nasro.org/faq"},
            "as_of": "2026-11-23T20:30:00Z",
        }
    ]
    chat = open_chat(locale="de-DE", timezone_id="Europe/Berlin")
    answer = chat.ask("seats")
    expect(answer.get_by_role("link", name="The FAQ")).to_have_attribute(
        "href", "https://nasro.org/faq"
    )
    said, read = answer.locator("time").all()
    expect(said).to_have_attribute("datetime", "2026-11-23T15:04:05Z")
    expect(said).to_have_text("23.11.2026, 16:04")
    expect(read).to_have_attribute("datetime", "2026-11-23T20:30:00Z")
    expect(read).to_have_text("23.11.2026, 21:30")


def test_a_message_of_today_says_the_time_alone(open_chat: OpenChat) -> None:
    chat = open_chat()
    chat.ask("hello")
    said = chat.messages.nth(1).locator("time")
    expect(said).to_have_text(re.compile(r"^\d{1,2}:\d\d\s[AP]M$"))


def test_an_answer_can_be_copied_with_all_that_it_says(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["classes"] = [
        {
            "text": "Two classes:",
            "cards": [DALLAS, AUSTIN],
            "source": {"title": "The calendar", "url": "https://nasro.org/training"},
        }
    ]
    chat = open_chat(permissions=["clipboard-read", "clipboard-write"])
    chat.listen()
    chat.ask("classes").get_by_role("button", name="Copy").click()
    expect(chat.last.locator(".remark")).to_have_text("Copied.")
    assert chat.page.evaluate("navigator.clipboard.readText()").splitlines() == [
        "Two classes:",
        "Basic SRO Course, Dallas, Texas",
        "  Dates: Mar 1-5, 2027",
        "  Seats left: 12 of 40",
        "  Register: https://nasro.org/register/1",
        "Advanced SRO Course",
        "  Seats left: Full",
        "Source: The calendar: https://nasro.org/training",
    ]
    assert chat.spoken[-1] == "Copied."


def test_where_nothing_can_be_copied_it_is_said(open_chat: OpenChat) -> None:
    chat = open_chat(
        before="if (self.Clipboard) Clipboard.prototype.writeText = () => Promise.reject();"
    )
    chat.ask("hello").get_by_role("button", name="Copy").click()
    expect(chat.last.locator(".remark")).to_have_text("This couldn't be copied.")


def test_a_full_class_reads_full_and_a_missing_fact_leaves_no_gap(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["classes"] = [{"text": "", "cards": [AUSTIN, {**DALLAS, "fields": []}]}]
    answer = open_chat().ask("classes")
    expect(answer.locator(".bubble")).to_have_count(0)
    expect(answer.locator("dd")).to_have_text(["Full"])
    full, bare = answer.locator(".card").all()
    expect(full.locator("p")).to_have_count(0)
    expect(full.locator("a")).to_have_count(0)
    expect(bare.locator("dl")).to_have_count(0)


def test_a_malformed_answer_is_shown_as_far_as_it_can_be(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["odd"] = [
        {"text": "Still here.", "cards": "none", "buttons": [None], "links": None, "as_of": "soon"}
    ]
    expect(open_chat().ask("odd")).to_contain_text("Still here.")
    stand_in.sent.clear()  # no server of ours sends that
