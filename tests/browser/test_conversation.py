"""A conversation on a real line: answered in order, once, across reloads, failures and endings."""

import re
import time

from playwright.sync_api import Page, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat, OpenPage
from tests.browser.stand_in import Failure, StandInServer

BUSY = "Sorry, we can't answer right now."


def test_a_chip_sends_its_payload_and_stands_as_the_persons_message(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["/faq_register"] = [{"text": "Log in first."}]
    chat = open_chat()
    chat.button("How do I register?").click()
    chat.shows("Log in first.")
    assert chat.texts()[1:] == ["How do I register?", "Log in first."]
    assert stand_in.calls("POST", "messages")[0].body["payload"] == "/faq_register"
    chip = chat.button("How do I register?")
    expect(chip).to_have_attribute("aria-disabled", "true")
    chip.click(force=True)
    chat.ask("one more")
    assert len(stand_in.calls("POST", "messages")) == 2


def test_messages_sent_in_haste_are_answered_in_order(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.delay = 0.3
    chat = open_chat()
    chat.say("first")
    chat.say("second")
    chat.shows("You said: second")
    answers = [text for text in chat.texts() if text.startswith("You said")]
    assert answers == ["You said: first", "You said: second"]


def test_reload_restores_both_sides_in_order(open_chat: OpenChat, stand_in: StandInServer) -> None:
    chat = open_chat()
    chat.ask("one")
    chat.ask("two")
    before = chat.texts()
    assert len(before) == 5
    chat.page.reload()
    chat.shows("You said: two")
    assert chat.texts() == before
    assert len(stand_in.calls("POST", "sessions")) == 1


def test_a_refused_message_is_kept_with_the_servers_words_and_sent_again_under_its_id(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.fail_next("messages", Failure(503, BUSY))
    chat.say("hello")
    chat.shows(BUSY)
    chat.button("Try again").click()
    chat.shows("You said: hello")
    expect(chat.log).not_to_contain_text(BUSY)
    assert chat.texts()[1:] == ["hello", "You said: hello"]
    first, second = stand_in.calls("POST", "messages")
    assert first.body == second.body


def test_a_lost_response_is_fetched_by_the_same_id_and_nothing_is_done_twice(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.fail_next("messages", Failure(is_lost=True))
    chat.say("hello")
    chat.shows("Your message is kept.")
    chat.button("Try again").click()
    chat.shows("You said: hello")
    (conversation,) = stand_in.conversations.values()
    assert [message["from"] for message in conversation.messages] == [
        "assistant",
        "user",
        "assistant",
    ]


def test_offline_messages_wait_and_are_sent_in_order_when_the_line_is_back(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.page.context.set_offline(True)
    chat.say("first")
    chat.shows("You're offline.")
    chat.say("second")
    expect(chat.log.locator(".problem")).to_have_count(2)
    chat.page.context.set_offline(False)
    chat.shows("You said: second")
    assert [call.body["text"] for call in stand_in.calls("POST", "messages")] == ["first", "second"]


def test_what_was_said_after_a_message_that_failed_does_not_overtake_it(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.listen()
    stand_in.delay = 0.3
    stand_in.fail_next("messages", Failure(503, BUSY))
    chat.say("first")
    chat.say("second")
    expect(chat.log.locator(".problem")).to_have_count(2)
    assert chat.spoken == [BUSY]
    stand_in.delay = 0
    chat.button("Try again").last.click()
    chat.shows("You said: second")
    texts = ["first", "You said: first", "second", "You said: second"]
    assert chat.texts()[1:] == texts
    (conversation,) = stand_in.conversations.values()
    assert [message["text"] for message in conversation.messages][1:] == texts


def test_a_line_that_comes_and_goes_is_not_complained_of_again(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.fail_next("messages", Failure(503, BUSY))
    chat.say("hello")
    chat.shows(BUSY)
    chat.listen()
    stand_in.fail_next("messages", Failure(503, BUSY))
    with chat.page.expect_response("**/messages"):
        chat.page.evaluate("dispatchEvent(new Event('online'))")
    chat.page.wait_for_timeout(300)
    assert chat.spoken == []
    assert len(stand_in.calls("POST", "messages")) == 1
    chat.page.evaluate("dispatchEvent(new Event('online'))")
    chat.shows("You said: hello")


def test_too_many_messages_wait_as_long_as_the_server_asks(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.fail_next("messages", Failure(429, "That was a bit fast.", retry_after=1))
    chat.say("hello")
    chat.shows("That was a bit fast.")
    chat.button("Try again").click()
    chat.shows("You said: hello")
    first, second = stand_in.calls("POST", "messages")
    assert second.at - first.at >= 1


def test_a_message_the_server_will_not_take_goes_back_into_the_input(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.fail_next("messages", Failure(413, "That message is too long."))
    chat.say("a long story")
    chat.shows("That message is too long.")
    chat.button("Edit").click()
    expect(chat.input).to_have_value("a long story")
    assert chat.texts() == [stand_in.welcome["text"]]


def test_an_ended_session_is_renewed_once_and_the_typed_text_sent(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.ask("before")
    stand_in.end_all_sessions()
    chat.listen()
    chat.ask("after")
    chat.shows("a new one has begun")
    assert chat.texts().count("after") == 1
    assert len(stand_in.calls("POST", "sessions")) == 2
    assert chat.spoken == ["Assistant: You said: after."]
    chip = chat.button("How do I register?")
    expect(chip).to_have_attribute("aria-disabled", "true")


def test_the_welcome_of_a_renewed_session_does_not_turn_up_later(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.end_all_sessions()
    chat.ask("hello")
    before = chat.texts()
    other = chat.another_tab()
    other.shows("You said: hello")
    other.ask("and again")
    chat.shows("You said: and again")
    assert chat.texts() == [*before, "and again", "You said: and again"]


def test_a_chip_of_an_ended_session_is_sent_as_the_words_on_it(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.end_all_sessions()
    chat.button("How do I register?").click()
    chat.shows("You said: How do I register?")
    assert "payload" not in stand_in.calls("POST", "messages")[-1].body


def test_a_reload_after_the_session_ended_begins_anew(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.ask("before")
    stand_in.end_all_sessions()
    chat.page.reload()
    chat.shows(stand_in.welcome["text"])
    assert chat.texts() == [stand_in.welcome["text"]]


def test_a_server_that_is_away_at_the_start_can_be_tried_again(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.fail_next("sessions", Failure(503, BUSY))
    chat = Chat(open_page(stand_in.url))
    chat.shows(BUSY)
    chat.button("Try again").click()
    chat.shows(stand_in.welcome["text"])
    expect(chat.log).not_to_contain_text(BUSY)


def test_what_is_typed_before_the_session_began_comes_after_the_welcome(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.fail_next("sessions", Failure(503, BUSY))
    chat = Chat(open_page(stand_in.url))
    chat.shows(BUSY)
    chat.say("anybody there?")
    chat.shows("You said: anybody there?")
    assert chat.texts() == [
        stand_in.welcome["text"],
        "anybody there?",
        "You said: anybody there?",
    ]


def test_what_is_typed_offline_before_the_session_began_is_sent_when_the_line_is_back(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    chat = Chat(open_page(stand_in.url + "/host"))
    chat.page.context.set_offline(True)
    chat.launcher.click()
    chat.say("anybody there?")
    chat.shows("You're offline.")
    chat.page.context.set_offline(False)
    chat.shows("You said: anybody there?")
    assert chat.texts() == [
        stand_in.welcome["text"],
        "anybody there?",
        "You said: anybody there?",
    ]
    expect(chat.log.locator(".problem")).to_have_count(0)


def test_start_over_erases_the_conversation_and_greets_anew(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.ask("a secret")
    old = stand_in.calls("POST", "messages")[0].token
    chat.start_over()
    expect(chat.messages).to_have_count(1)
    chat.shows(stand_in.welcome["text"])
    assert [call.token for call in stand_in.calls("DELETE", "sessions")] == [old]
    assert old not in stand_in.conversations
    assert old not in str(chat.saved())
    assert "a secret" not in chat.page.evaluate(
        "document.querySelector('nasro-chat').shadowRoot.textContent"
    )


def test_start_over_can_be_thought_better_of(open_chat: OpenChat, stand_in: StandInServer) -> None:
    chat = open_chat()
    chat.ask("hello")
    chat.choose("Start over")
    chat.button("Keep it").click()
    expect(chat.asked).to_have_count(0)
    expect(chat.button("More options")).to_be_focused()
    chat.shows("You said: hello")
    assert stand_in.calls("DELETE", "sessions") == []


def test_start_over_that_fails_says_so_and_keeps_everything(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.ask("hello")
    stand_in.fail_next("sessions", Failure(is_lost=False, status=500))
    chat.start_over()
    chat.shows("Something went wrong")
    chat.shows("You said: hello")


def test_who_leaves_leaves_nothing_in_the_browser_though_the_tab_is_closed_at_once(
    open_chat: OpenChat,
) -> None:
    chat = open_chat(
        before="""const send = fetch;
        window.fetch = (url, how) => {
          if (how.method === "DELETE")
            window.leaving = [how.keepalive, { ...localStorage }];
          return send(url, how);
        };"""
    )
    chat.ask("a secret")
    chat.start_over()
    expect(chat.messages).to_have_count(1)
    assert chat.page.evaluate("window.leaving") == [True, {}]


def test_starting_over_that_fails_is_as_if_it_had_not_been_asked_for(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.ask("hello")
    other = chat.another_tab()
    other.shows("You said: hello")
    stand_in.fail_next("sessions", Failure(503, "Not now."))
    chat.start_over()
    chat.shows("Not now.")
    other.ask("and here?")
    chat.shows("You said: and here?")
    chat.page.reload()
    chat.shows("You said: and here?")
    assert len(stand_in.conversations) == 1


def test_a_conversation_that_takes_no_more_goes_on_in_a_new_one(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.ask("before")
    stand_in.fail_next("messages", Failure(401, "This chat has ended."))
    chat.ask("one too many")
    chat.shows("a new one has begun")
    assert chat.texts().count("one too many") == 1
    (conversation,) = stand_in.conversations.values()
    assert [m["text"] for m in conversation.messages if m["from"] == "user"] == ["one too many"]


def test_an_answer_that_arrives_after_starting_over_is_not_shown(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    stand_in.delay = 0.8
    chat.say("slow one")
    chat.start_over()
    expect(chat.messages).to_have_count(1)
    chat.page.wait_for_timeout(1_000)
    assert chat.texts() == [stand_in.welcome["text"]]


def test_a_rating_is_sent_can_be_changed_and_survives_a_reload(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    expect(chat.button("Helpful")).to_have_count(0)  # a greeting is no answer
    chat.ask("hello")
    with chat.page.expect_response("**/feedback"):
        chat.button("Helpful").click()
    expect(chat.button("Helpful")).to_have_attribute("aria-pressed", "true")
    with chat.page.expect_response("**/feedback"):
        chat.button("Not helpful").click()
    expect(chat.button("Helpful")).to_have_attribute("aria-pressed", "false")
    expect(chat.button("Not helpful")).to_have_attribute("aria-pressed", "true")
    (answer,) = [m for c in stand_in.conversations.values() for m in c.messages[2:]]
    assert stand_in.feedback == [
        {"message_id": answer["id"], "helpful": True},
        {"message_id": answer["id"], "helpful": False},
    ]
    chat.page.reload()
    expect(chat.button("Not helpful")).to_have_attribute("aria-pressed", "true")


def test_a_rating_may_come_with_a_comment(open_chat: OpenChat, stand_in: StandInServer) -> None:
    chat = open_chat()
    chat.ask("hello")
    chat.button("Not helpful").click()
    chat.page.get_by_role("textbox", name=re.compile("like to add")).fill("Too short.")
    chat.button("Send comment").click()
    chat.shows("Thank you for your feedback.")
    assert stand_in.feedback[-1]["comment"] == "Too short."
    expect(chat.button("Not helpful")).to_be_focused()


def test_a_rating_that_fails_says_so_and_can_be_tried_again(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.ask("hello")
    stand_in.fail_next("feedback", Failure(503, BUSY))
    chat.button("Helpful").click()
    chat.shows(BUSY)
    expect(chat.button("Helpful")).to_have_attribute("aria-pressed", "false")
    with chat.page.expect_response("**/feedback"):
        chat.button("Helpful").click()
    expect(chat.button("Helpful")).to_have_attribute("aria-pressed", "true")
    assert len(stand_in.feedback) == 1


def test_a_comment_that_cannot_be_sent_stays_in_its_form_to_be_sent_again(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat()
    chat.ask("hello")
    chat.button("Not helpful").click()
    comment = chat.page.get_by_role("textbox", name=re.compile("like to add"))
    comment.fill("Too short.")
    chat.listen()
    stand_in.fail_next("feedback", Failure(503, BUSY))
    chat.button("Send comment").click()
    expect(chat.log.locator("form")).to_contain_text(BUSY)
    assert chat.spoken == [BUSY]
    expect(comment).to_have_value("Too short.")
    expect(chat.button("Send comment")).to_be_focused()
    chat.button("Send comment").click()
    chat.shows("Thank you for your feedback.")
    expect(chat.log).not_to_contain_text(BUSY)
    assert stand_in.feedback[-1]["comment"] == "Too short."


def test_scrolled_up_a_new_answer_waits_below_a_button(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["long"] = [{"text": "\n\n".join(f"Line {n}." for n in range(60))}]
    chat = open_chat()
    chat.ask("long")
    stand_in.delay = 0.5
    chat.say("short")
    _scroll(chat.page, 0)
    chat.shows("You said: short")
    assert chat.log.evaluate("(log) => log.scrollTop") == 0
    chat.button("New messages").click()
    expect(chat.last).to_be_in_viewport()
    expect(chat.button("New messages")).to_have_count(0)


def test_a_long_answer_is_shown_from_its_beginning(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.answers["long"] = [{"text": "\n\n".join(f"Line {n}." for n in range(60))}]
    answer = open_chat().ask("long")
    expect(answer.get_by_text("Line 0.", exact=True)).to_be_in_viewport()


def _scroll(page: Page, top: int) -> None:
    page.get_by_role("log").evaluate("(log, top) => { log.scrollTop = top; }", top)
    time.sleep(0.05)
