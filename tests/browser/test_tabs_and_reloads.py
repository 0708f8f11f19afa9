"""What a browser keeps of a conversation: across reloads, pages and tabs, and while the line is down."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat, OpenPage
from tests.browser.stand_in import LAUNCHER_PAGE, Failure, StandInServer

SOON = 5_000
"""Milliseconds in which one tab shows what was said in another."""

IMPATIENT = """
const inTime = AbortSignal.timeout;
AbortSignal.timeout = (time) => inTime.call(AbortSignal, window.isImpatient ? 500 : time);
"""
"""Makes the widget's fifteen seconds half a second while `window.isImpatient`."""


def test_an_open_chat_is_open_on_the_next_page_with_what_was_half_typed(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.pages["/next"] = LAUNCHER_PAGE
    chat = open_chat(launcher=True)
    chat.ask("hello")
    before = chat.texts()
    chat.input.press_sequentially("half a ques")
    chat.page.goto(stand_in.url + "/next")
    chat.shows("You said: hello")
    assert chat.texts() == before
    expect(chat.input).to_have_value("half a ques")
    expect(chat.input).not_to_be_focused()  # the new page has the focus
    assert len(stand_in.calls("POST", "sessions")) == 1


def test_a_closed_chat_stays_closed_and_quiet_on_the_next_page(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.ask("hello")
    chat.page.keyboard.press("Escape")
    asked = len(stand_in.requests)
    chat.page.reload()
    expect(chat.launcher).to_have_attribute("aria-expanded", "false")
    chat.page.wait_for_timeout(300)
    assert len(stand_in.requests) == asked


def test_the_order_after_a_reload_is_the_order_before(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.delay = 0.3
    chat.say("first")
    chat.say("second")
    chat.shows("You said: second")
    before = chat.texts()
    chat.page.reload()
    chat.shows("You said: second")
    assert chat.texts() == before


def test_a_message_kept_offline_survives_a_reload_and_is_sent_once(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    stand_in.fail_next("messages", Failure(503, "Busy."))
    stand_in.fail_next("messages", Failure(503, "Busy."))
    chat.say("first")
    chat.shows("Busy.")
    chat.say("second")
    expect(chat.log.locator(".problem")).to_have_count(2)
    chat.page.reload()
    chat.shows("You said: second")
    texts = ["first", "You said: first", "second", "You said: second"]
    assert chat.texts()[1:] == texts
    (conversation,) = stand_in.conversations.values()
    assert [message["text"] for message in conversation.messages][1:] == texts
    chat.page.reload()
    chat.shows("You said: second")
    assert chat.texts()[1:] == texts


def test_a_kept_message_survives_a_second_reload_before_it_could_be_sent(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    stand_in.fail_next("messages", Failure(503, "Busy."))
    chat.say("hello")
    chat.shows("Busy.")
    chat.page.route("**/api/chat/v1/**", lambda _: None)  # no answer, and no failure either
    with chat.page.expect_request("**/messages"):
        chat.page.reload()
    # As where the browser kills a tab: the page learns nothing more, so it keeps nothing more.
    chat.page.evaluate("Storage.prototype.setItem = () => {}")
    chat.page.unroute("**/api/chat/v1/**")
    chat.page.reload()
    chat.shows("You said: hello")
    assert chat.texts()[1:] == ["hello", "You said: hello"]


def test_a_message_that_arrived_though_its_answer_was_lost_is_shown_once_after_a_reload(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.fail_next("messages", Failure(is_lost=True))
    chat.say("hello")
    chat.shows("Your message is kept.")
    chat.page.reload()
    chat.shows("You said: hello")
    expect(chat.log.locator(".problem")).to_have_count(0)
    assert chat.texts()[1:] == ["hello", "You said: hello"]
    assert len(stand_in.calls("POST", "messages")) == 1


def test_an_answer_that_takes_too_long_is_asked_for_again_under_the_same_id(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(before=IMPATIENT)
    stand_in.delay = 1.0
    chat.page.evaluate("window.isImpatient = true")
    chat.say("hello")
    chat.shows("Your message is kept.")
    chat.page.evaluate("window.isImpatient = false")
    stand_in.delay = 0
    chat.button("Try again").click()
    chat.shows("You said: hello")
    first, second = stand_in.calls("POST", "messages")
    assert first.body == second.body
    (conversation,) = stand_in.conversations.values()
    assert len(conversation.messages) == 3


def test_what_was_lost_is_caught_up_with_when_the_page_is_looked_at_again(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.fail_next("messages", Failure(is_lost=True))
    chat.say("hello")
    chat.shows("Your message is kept.")
    look_again(chat.page)
    chat.shows("You said: hello")
    expect(chat.log.locator(".problem")).to_have_count(0)
    assert len(stand_in.calls("POST", "messages")) == 1


def test_a_message_in_one_tab_appears_in_the_other_once_and_in_order(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    one = open_chat()
    other = one.another_tab()
    other.shows(stand_in.welcome["text"])
    assert len(stand_in.calls("POST", "sessions")) == 1
    one.ask("from one")
    expect(other.messages).to_have_count(3, timeout=SOON)
    other.ask("from the other")
    expect(one.messages).to_have_count(5, timeout=SOON)
    one.ask("and back")
    expect(other.messages).to_have_count(7, timeout=SOON)
    assert one.texts() == other.texts()
    (conversation,) = stand_in.conversations.values()
    assert one.texts() == [message["text"] for message in conversation.messages]


def test_what_was_said_elsewhere_while_a_tab_waited_is_not_missed(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    one = open_chat()
    other = one.another_tab()
    other.shows(stand_in.welcome["text"])
    stand_in.delay = 0.5
    one.say("slow")
    other.say("meanwhile")
    for chat in (one, other):
        chat.shows("You said: slow")
        chat.shows("You said: meanwhile")
        expect(chat.messages).to_have_count(5)


def test_starting_over_in_one_tab_clears_the_other(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    one = open_chat()
    one.ask("a secret")
    other = one.another_tab()
    other.shows("a secret")
    one.start_over()
    expect(one.messages).to_have_count(1)
    expect(other.messages).to_have_count(1, timeout=SOON)
    assert "a secret" not in other.page.evaluate(
        "document.querySelector('nasro-chat').shadowRoot.textContent"
    )
    other.ask("still here")
    one.shows("You said: still here")
    assert len(stand_in.conversations) == 1


def test_a_tab_that_never_opened_the_chat_asks_for_nothing_when_another_does(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    one = open_chat(launcher=True)
    other = one.another_tab()
    expect(other.launcher).to_be_visible()
    before = len(stand_in.requests)
    one.ask("hello")
    other.page.wait_for_timeout(300)
    assert len(stand_in.requests) == before + 1


@pytest.mark.parametrize("storage", ["localStorage", "sessionStorage"])
def test_with_storage_blocked_everything_but_restoring_works(
    open_chat: OpenChat, stand_in: StandInServer, storage: str
) -> None:
    chat = open_chat(
        before=f"""Object.defineProperty(window, "{storage}",
          {{ get() {{ throw new DOMException("blocked", "SecurityError"); }} }});"""
    )
    chat.ask("hello")
    chat.button("Helpful").click()
    chat.button("No, thanks").click()
    chat.start_over()
    expect(chat.messages).to_have_count(1)
    chat.page.reload()
    chat.shows(stand_in.welcome["text"])


def test_what_somebody_else_left_in_the_storage_does_no_harm(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    key = f"nasro-chat:{stand_in.url}/"
    page = open_page(
        stand_in.url,
        before=f"""if (location.protocol === "http:")
          for (const storage of [localStorage, sessionStorage])
            if (!storage.length) storage.setItem("{key}", "{{not JSON");""",
    )
    chat = Chat(page)
    chat.shows(stand_in.welcome["text"])
    chat.ask("hello")


def test_a_conversation_is_forgotten_by_the_browser_with_the_session(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.ask("hello")
    a_day_and_a_minute = 24 * 3600 * 1000 + 60_000
    chat.page.add_init_script(
        f"const now = Date.now; Date.now = () => now() + {a_day_and_a_minute};"
    )
    chat.page.reload()
    chat.shows(stand_in.welcome["text"])
    assert chat.texts() == [stand_in.welcome["text"]]


def test_the_transcript_has_both_sides_with_times_sources_and_classes(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["classes"] = [
        {
            "text": "One class:",
            "cards": [
                {
                    "title": "Basic SRO Course",
                    "subtitle": "Dallas, Texas",
                    "fields": [{"label": "Seats left", "value": "Full"}],
                    "url": "https://nasro.org/register/1",
                }
            ],
            "source": {"title": "The calendar", "url": "https://nasro.org/training"},
            "as_of": "2026-11-23T20:30:00Z",
        }
    ]
    chat = open_chat(timezone_id="America/Chicago")
    chat.ask("classes")
    with chat.page.expect_download() as downloading:
        chat.choose("Download conversation")
    download = downloading.value
    assert re.fullmatch(r"nasro-chat-\d{4}-\d\d-\d\d\.txt", download.suggested_filename)
    text = download.path().read_text("utf-8").replace("\u202f", " ")
    assert text.splitlines() == [
        "NASRO Assistant",
        "",
        "Assistant, Nov 23, 2026, 9:04 AM",
        stand_in.welcome["text"],
        "",
        "You, Nov 23, 2026, 9:04 AM",
        "classes",
        "",
        "Assistant, Nov 23, 2026, 9:04 AM",
        "One class:",
        "Basic SRO Course, Dallas, Texas",
        "  Seats left: Full",
        "  Register: https://nasro.org/register/1",
        "Source: The calendar: https://nasro.org/training",
        "As of Nov 23, 2026, 2:30 PM",
    ]


def test_sound_is_off_until_it_is_turned_on_and_stays_so(open_chat: OpenChat) -> None:
    chat = open_chat(
        launcher=True,
        before="""window.notes = 0;
        const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function () { window.notes++; start.call(this); };""",
    )
    chat.ask("hello")
    assert chat.page.evaluate("window.notes") == 0
    chat.choose("Sound")
    expect(chat.button("Sound")).to_have_attribute("aria-pressed", "true")
    chat.page.keyboard.press("Escape")
    chat.ask("again")
    assert chat.page.evaluate("window.notes") == 2  # when it was turned on, and for the answer
    chat.page.reload()
    expect(chat.messages).to_have_count(5)
    chat.ask("and again")
    assert chat.page.evaluate("window.notes") == 1
    chat.choose("Sound")
    chat.page.keyboard.press("Escape")
    chat.ask("no more")
    assert chat.page.evaluate("window.notes") == 1


def look_again(page: Page) -> None:
    """As when somebody comes back to a tab."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
