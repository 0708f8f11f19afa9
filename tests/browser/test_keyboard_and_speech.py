"""What people without a mouse or without sight meet: keys, focus, and what is said to them."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat, OpenPage
from tests.browser.stand_in import CARD, Failure, StandInServer
from tests.browser.test_answers import DALLAS


def test_a_question_is_asked_and_answered_by_keyboard_alone(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    page = open_page(stand_in.url + "/host")
    chat = Chat(page)
    page.keyboard.press("Tab")  # the page's own link
    page.evaluate("scrollTo(0, 120)")
    page.keyboard.press("Tab")
    expect(chat.launcher).to_be_focused()
    page.keyboard.press("Enter")
    expect(chat.input).to_be_focused()
    expect(chat.launcher).to_have_attribute("aria-expanded", "true")
    page.keyboard.type("Any classes in Texas?")
    page.keyboard.press("Enter")
    chat.shows("You said: Any classes in Texas?")
    expect(chat.input).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(chat.launcher).to_be_focused()
    expect(chat.launcher).to_have_attribute("aria-expanded", "false")
    assert page.evaluate("scrollY") == 120


def test_on_a_desktop_tab_leaves_the_panel_into_the_page(open_chat: OpenChat) -> None:
    chat = open_chat(launcher=True)
    dialog = chat.page.get_by_role("dialog", name="NASRO Assistant")
    expect(dialog).to_be_visible()
    expect(dialog).not_to_have_attribute("aria-modal", "true")
    for _ in range(12):
        chat.page.keyboard.press("Tab")
        if not chat.focused:
            return
    pytest.fail(f"the focus stays in the chat, on {chat.focused}")


def test_on_a_phone_the_page_behind_is_out_of_reach_until_the_chat_is_closed(
    open_chat: OpenChat,
) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    chat = open_chat(launcher=True, **phone)
    assert chat.page.locator("dialog").evaluate("(dialog) => dialog.matches(':modal')")
    host_link = chat.page.locator("main a")
    host_link.evaluate("(link) => link.focus()")
    expect(host_link).not_to_be_focused()
    assert chat.focused == "log", "a touch keyboard would have come up"
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("dialog")).to_have_count(0)
    expect(chat.launcher).to_be_focused()
    host_link.evaluate("(link) => link.focus()")
    expect(host_link).to_be_focused()


def test_a_closed_panel_has_nothing_in_the_tab_order(open_chat: OpenChat) -> None:
    chat = open_chat(launcher=True)
    chat.page.keyboard.press("Escape")
    chat.page.locator("main a").focus()
    chat.page.keyboard.press("Tab")
    expect(chat.launcher).to_be_focused()
    chat.page.keyboard.press("Tab")
    assert chat.focused == ""


def test_an_arriving_answer_leaves_the_focus_where_it_is(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.delay = 0.4
    chat = open_chat(launcher=True)
    chat.say("hello")
    link = chat.page.locator("main a")
    link.focus()
    chat.shows("You said: hello")
    expect(link).to_be_focused()


def test_after_a_chip_the_input_is_focused_with_a_mouse_and_the_log_on_touch(
    open_chat: OpenChat,
) -> None:
    chat = open_chat()
    chat.button("How do I register?").click()
    expect(chat.input).to_be_focused()
    touch = open_chat(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    touch.button("How do I register?").click()
    expect(touch.log).to_be_focused()


def test_the_control_that_goes_away_hands_its_focus_on(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.fail_next("messages", Failure(503, "Busy."))
    chat.say("hello")
    chat.button("Try again").press("Enter")
    expect(chat.input).to_be_focused()


def test_a_message_that_goes_by_itself_leaves_the_focus_in_the_chat(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.fail_next("messages", Failure(503, "Busy."))
    chat.say("hello")
    chat.button("Try again").focus()
    chat.page.evaluate("dispatchEvent(new Event('online'))")
    chat.shows("You said: hello")
    expect(chat.input).to_be_focused()


def test_closed_the_focus_goes_back_to_the_pages_own_button(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.pages["/host"] = stand_in.pages["/host"].replace(
        "<main>",
        """<main><link rel="stylesheet" href="/own.css"><script src="/own.js" defer></script>
        <button id="own">Ask the assistant</button>""",
    )
    stand_in.texts["/own.css"] = "nasro-chat::part(launcher) { display: none }"
    stand_in.texts["/own.js"] = """document.querySelector("#own").addEventListener("click",
      () => document.querySelector("nasro-chat").open());"""
    chat = Chat(open_page(stand_in.url + "/host"))
    chat.button("Ask the assistant").press("Enter")
    expect(chat.input).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(chat.button("Ask the assistant")).to_be_focused()


def test_a_menu_that_was_open_when_the_chat_was_closed_is_closed(open_chat: OpenChat) -> None:
    chat = open_chat(launcher=True)
    chat.button("More options").click()
    chat.tell("chat.close()")
    chat.button("Open chat").click()
    expect(chat.button("More options")).to_have_attribute("aria-expanded", "false")


def test_shift_enter_makes_a_line(open_chat: OpenChat, stand_in: StandInServer) -> None:
    chat = open_chat()
    chat.input.press_sequentially("one")
    chat.input.press("Shift+Enter")
    chat.input.press_sequentially("two")
    chat.input.press("Enter")
    chat.shows("You said:")
    assert stand_in.calls("POST", "messages")[0].body["text"] == "one\ntwo"


@pytest.mark.parametrize("event", [{"isComposing": True}, {"keyCode": 229}], ids=str)
def test_enter_that_ends_a_composition_does_not_send(
    open_chat: OpenChat, stand_in: StandInServer, event: dict[str, object]
) -> None:
    chat = open_chat()
    chat.input.fill("日本")
    chat.input.evaluate(
        """(input, event) => input.dispatchEvent(new KeyboardEvent(
          "keydown", { key: "Enter", bubbles: true, cancelable: true, ...event }))""",
        event,
    )
    expect(chat.input).to_have_value("日本")
    chat.ask("sent")
    assert [call.body["text"] for call in stand_in.calls("POST", "messages")] == ["sent"]


def test_the_limit_is_explained_before_anything_is_sent(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.input.fill("a" * 1_799)
    expect(chat.page.get_by_text("characters")).to_have_count(0)
    chat.input.fill("😀" * 1_990)
    expect(chat.page.get_by_text("1990 of 2000 characters")).to_be_visible()
    chat.input.fill("a" * 2_005)
    chat.input.press("Enter")
    expect(chat.page.locator("#count")).to_contain_text("5 characters too many")
    expect(chat.input).to_have_attribute("aria-invalid", "true")
    expect(chat.input).to_have_value("a" * 2_005)
    chat.input.fill("a" * 2_000)
    chat.input.press("Enter")
    chat.shows("You said:")
    assert len(stand_in.calls("POST", "messages")) == 1


def test_an_answer_is_said_exactly_once_in_one_piece_and_taken_back(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["classes"] = [
        {
            "text": "Two classes:",
            "cards": [{**CARD, "title": "Basic"}, {**CARD, "title": "Advanced"}],
            "buttons": [{"title": "More", "payload": "/more"}],
        }
    ]
    chat = open_chat()
    chat.listen()
    chat.ask("classes")
    assert chat.spoken == ["Assistant: Two classes: 2 classes. 1 suggestion."]
    speaker = chat.page.locator("[aria-live=polite]")
    chat.page.wait_for_timeout(900)
    expect(speaker).to_have_text("Assistant: Two classes: 2 classes. 1 suggestion.")
    expect(speaker).to_be_empty()
    assert len(chat.spoken) == 1


def test_the_log_is_there_to_read_and_says_nothing_itself(open_chat: OpenChat) -> None:
    chat = open_chat()
    expect(chat.log).to_have_attribute("aria-live", "off")
    expect(chat.log).to_have_attribute("tabindex", "0")
    chat.ask("hello")
    starts = ["Assistant:Hello! What would you like", "You:hello", "Assistant:You said: hello"]
    for message, start in zip(chat.messages.all(), starts, strict=True):
        expect(message).to_have_text(re.compile(f"^{re.escape(start)}"))


def test_restored_messages_are_not_said_again(open_chat: OpenChat) -> None:
    chat = open_chat(launcher=True)
    for number in range(25):
        chat.ask(f"message {number}")
    chat.page.keyboard.press("Escape")
    chat.page.reload()
    chat.listen()  # the speaker doesn't exist yet: what it says later is seen by its parent
    chat.button("Open chat").click()
    chat.listen()
    chat.shows("You said: message 24")
    tab = chat.another_tab()
    tab.button("Open chat").click()
    tab.listen()
    tab.shows("You said: message 24")
    tab.ask("one more")
    chat.shows("You said: one more")
    chat.page.wait_for_timeout(300)
    assert chat.spoken == []
    assert tab.spoken == ["Assistant: You said: one more."]
    chat.start_over()
    expect(chat.messages).to_have_count(1)
    assert [line for line in chat.spoken if "You said" in line] == []


def test_typing_is_said_once_and_only_if_the_wait_is_long(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.listen()
    stand_in.delay = 0.5
    chat.ask("quick")
    stand_in.delay = 1.6
    chat.ask("slow")
    assert chat.spoken == [
        "Assistant: You said: quick.",
        "The assistant is typing",
        "Assistant: You said: slow.",
    ]


def test_an_answer_that_was_lost_is_said_and_counted_when_it_is_found(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    for times in (1, 2):
        stand_in.fail_next("messages", Failure(is_lost=True))
        chat.say(f"hello {times}")
        chat.shows("Your message is kept.")
        chat.listen()
        if times == 2:
            chat.page.keyboard.press("Escape")
        chat.page.evaluate("dispatchEvent(new Event('online'))")
        if times == 1:
            chat.shows("You said: hello 1")
            assert chat.spoken == ["Assistant: You said: hello 1."]
    expect(chat.button("Open chat, 1 new")).to_be_visible()
    assert len(stand_in.calls("POST", "messages")) == 2


def test_each_of_the_persons_messages_is_named_theirs_also_when_sent_in_haste(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.delay = 0.3
    chat = open_chat()
    chat.say("first")
    chat.say("second")
    chat.shows("You said: second")
    starts = ["Assistant:Hello", "You:first", "Assistant:You", "You:second", "Assistant:You"]
    for message, start in zip(chat.messages.all(), starts, strict=True):
        expect(message).to_have_text(re.compile(f"^{re.escape(start)}"))


def test_being_offline_is_said_once(open_chat: OpenChat) -> None:
    chat = open_chat()
    chat.listen()
    chat.page.context.set_offline(True)
    chat.say("hello")
    chat.shows("You're offline.")
    chat.page.wait_for_timeout(300)
    assert chat.spoken == ["You're offline. Your message will be sent when you're back."]
    chat.page.context.set_offline(False)
    chat.shows("You said: hello")
    assert chat.spoken[1:] == ["Assistant: You said: hello."]


def test_the_menu_is_opened_left_and_closed_by_keyboard(open_chat: OpenChat) -> None:
    chat = open_chat(launcher=True)
    more = chat.button("More options")
    more.focus()
    chat.page.keyboard.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    chat.page.keyboard.press("Tab")
    expect(chat.button("Sound")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(more).to_be_focused()
    expect(more).to_have_attribute("aria-expanded", "false")
    expect(chat.page.locator("dialog")).to_be_visible()
    more.click()
    chat.log.click()
    expect(more).to_have_attribute("aria-expanded", "false")


def test_assistive_technology_finds_the_dialog_the_speakers_and_each_class(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["classes"] = [{"text": "One class:", "cards": [DALLAS]}]
    chat = open_chat(launcher=True)
    chat.ask("classes")
    expect(chat.page.locator("dialog")).to_match_aria_snapshot(
        """
        - dialog "NASRO Assistant":
          - heading "NASRO Assistant" [level=2]
          - button "More options"
          - button "Close chat"
          - log "Conversation":
            - text: "/Assistant:/"
            - text: "/You:/"
            - paragraph: classes
            - text: "/Assistant:/"
            - list "Classes":
              - listitem:
                - heading "Basic SRO Course" [level=3]
                - paragraph: Dallas, Texas
                - term: Dates
                - definition: Mar 1-5, 2027
                - term: Seats left
                - definition: 12 of 40
                - link "Register, Basic SRO Course, Dallas, Texas"
          - textbox "Type your question"
          - button "Send"
          - button "Talk to a person"
        """
    )


def test_a_failure_is_said_once(open_chat: OpenChat, stand_in: StandInServer) -> None:
    chat = open_chat()
    chat.listen()
    stand_in.fail_next("messages", Failure(503, "We can't answer right now."))
    chat.say("hello")
    chat.shows("We can't answer right now.")
    assert chat.spoken == ["We can't answer right now."]


def test_an_answer_that_arrives_while_the_panel_is_closed_is_counted_on_the_launcher(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    stand_in.delay = 0.4
    chat.say("hello")
    chat.page.keyboard.press("Escape")
    expect(chat.button("Open chat, 1 new")).to_be_visible()
    chat.button("Open chat, 1 new").click()
    expect(chat.launcher).to_have_accessible_name("Close chat")
