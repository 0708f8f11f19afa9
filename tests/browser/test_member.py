"""A member of the website in the chat: signed in by its token, shown, refreshed, signed out."""

import pytest
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat, OpenPage
from tests.browser.stand_in import Failure, StandInServer
from tests.running_server import wait_until

JANE = "j•••@example.org"
HALF_AN_HOUR = "const now = Date.now; Date.now = () => now() + 26 * 60_000;"
COUNT_SIGN_OUTS = """
window.signOuts = 0;
addEventListener("nasro-chat:sign-out", () => { window.signOuts++; });
"""


@pytest.fixture(autouse=True)
def members(stand_in: StandInServer) -> None:
    stand_in.identities = {"jane": JANE, "fresh": JANE, "max": "m•••@example.org"}


@pytest.mark.parametrize(
    "hand_over",
    [
        "chat.setAttribute('identity-token', 'jane')",
        "chat.identityToken = 'jane'",
        "chat.identityToken = async () => 'jane'",
        "chat.setIdentity('jane')",
        "chat.setIdentity(() => Promise.resolve('jane'))",
    ],
)
def test_the_websites_token_opens_the_session(
    open_page: OpenPage, stand_in: StandInServer, hand_over: str
) -> None:
    chat = Chat(open_page(stand_in.url + "/host"))
    chat.tell(hand_over)
    assert stand_in.requests == []
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    [opened] = stand_in.calls("POST", "sessions")
    assert opened.body == {"identity_token": "jane"}
    chat.button("More options").click()
    expect(chat.page.get_by_text(f"Signed in as {JANE}")).to_be_visible()


def test_who_is_not_signed_in_is_offered_no_way_out(open_chat: OpenChat) -> None:
    chat = open_chat()
    chat.button("More options").click()
    expect(chat.button("Download conversation")).to_be_visible()
    expect(chat.page.get_by_text("Sign out")).to_be_hidden()


def test_a_token_can_come_while_the_chat_is_under_way(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.ask("hello")
    chat.page.locator("main a").focus()
    chat.tell("await chat.setIdentity('jane')")
    assert [call.body for call in stand_in.calls("POST", "identity")] == [
        {"identity_token": "jane"}
    ]
    chat.shows("You said: hello")
    expect(chat.page.locator("main a")).to_be_focused()
    chat.button("More options").click()
    expect(chat.page.get_by_text(f"Signed in as {JANE}")).to_be_visible()


def test_another_members_token_begins_another_conversation(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.tell("await chat.setIdentity('jane')")
    chat.ask("is my certificate ready?")
    chat.tell("await chat.setIdentity('max')")
    expect(chat.messages).to_have_count(1)
    (conversation,) = stand_in.conversations.values()
    assert conversation.member == "m•••@example.org"
    assert "certificate" not in chat.page.evaluate(
        "document.querySelector('nasro-chat').shadowRoot.textContent"
    )


def test_who_logs_out_of_the_website_leaves_nothing_in_the_chat(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.tell("await chat.setIdentity('jane')")
    chat.ask("is my certificate ready?")
    chat.tell("await chat.setIdentity(null)")
    expect(chat.messages).to_have_count(1)
    (conversation,) = stand_in.conversations.values()
    assert conversation.member is None


def test_the_next_page_says_that_nobody_is_signed_in_any_more(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    tag = "<nasro-chat></nasro-chat>"
    host = stand_in.pages["/host"]
    stand_in.pages["/in"] = host.replace(tag, '<nasro-chat identity-token="jane"></nasro-chat>')
    stand_in.pages["/out"] = host.replace(tag, '<nasro-chat identity-token=""></nasro-chat>')
    chat = Chat(open_page(stand_in.url + "/in"))
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    chat.ask("is my certificate ready?")
    chat.page.goto(stand_in.url + "/out")
    expect(chat.messages).to_have_count(1)
    assert len(stand_in.conversations) == 1


def test_an_expired_token_is_fetched_afresh_once(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    chat = Chat(open_page(stand_in.url + "/host"))
    chat.tell("const tokens = ['expired', 'fresh']; chat.setIdentity(() => tokens.shift());")
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    assert [call.body["identity_token"] for call in stand_in.calls("POST", "sessions")] == [
        "expired",
        "fresh",
    ]
    expect(chat.log.locator(".note")).to_have_count(0)


def test_a_refused_token_leaves_a_chat_without_an_account_and_says_so(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    chat = Chat(open_page(stand_in.url + "/host"))
    chat.tell("chat.setAttribute('identity-token', 'old')")
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    chat.shows("We couldn't sign you in.")
    first, second = stand_in.calls("POST", "sessions")
    assert (first.body, second.body) == ({"identity_token": "old"}, {})


@pytest.mark.parametrize(
    "trouble", ["() => { throw new Error('no'); }", "() => Promise.reject(new Error('no'))"]
)
def test_trouble_on_the_page_leaves_a_chat_without_an_account(
    open_page: OpenPage, stand_in: StandInServer, trouble: str
) -> None:
    chat = Chat(open_page(stand_in.url + "/host"))
    chat.tell(f"chat.setIdentity({trouble})")
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    chat.ask("hello")


def test_after_a_long_silence_the_website_is_asked_again_before_the_message_goes(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.tell("await chat.setIdentity(() => 'fresh')")
    chat.ask("hello")
    chat.page.evaluate(HALF_AN_HOUR)
    for conversation in stand_in.conversations.values():
        conversation.member = None
    chat.ask("is my certificate ready?")
    sent = [call.path.rpartition("/")[2] for call in stand_in.requests if call.method == "POST"]
    assert sent[-2:] == ["identity", "messages"]
    (conversation,) = stand_in.conversations.values()
    assert conversation.member == JANE


def test_an_ended_session_and_an_expired_token_are_renewed_once_and_the_text_is_sent(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.tell("await chat.setIdentity('jane')")
    chat.ask("before")
    stand_in.end_all_sessions()
    chat.tell("const tokens = ['expired', 'fresh']; chat.identityToken = () => tokens.shift();")
    chat.listen()
    chat.ask("after")
    assert chat.texts().count("after") == 1
    assert chat.spoken == ["Assistant: You said: after."]
    (conversation,) = stand_in.conversations.values()
    assert conversation.member == JANE


def test_signing_out_erases_the_conversation_and_the_pages_word_is_not_asked_again(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.tell("await chat.setIdentity('jane')")
    chat.ask("is my certificate ready?")
    old = stand_in.calls("POST", "messages")[0].token
    chat.page.evaluate("addEventListener('nasro-chat:sign-out', () => { window.hasLeft = true; })")
    _sign_out(chat)
    expect(chat.messages).to_have_count(1)
    assert [call.token for call in stand_in.calls("DELETE", "sessions")] == [old]
    assert old not in stand_in.conversations
    assert old not in str(chat.saved())
    assert chat.page.evaluate("window.hasLeft")
    (conversation,) = stand_in.conversations.values()
    assert conversation.member is None
    chat.page.reload()
    chat.ask("hello")
    assert conversation.member is None
    assert stand_in.conversations


def test_who_thinks_better_of_signing_out_and_starts_over_stays_signed_in(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    chat = Chat(open_page(stand_in.url + "/host", before=COUNT_SIGN_OUTS))
    chat.tell("chat.setIdentity(() => 'fresh')")
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    chat.choose("Sign out")
    chat.page.keyboard.press("Escape")
    chat.choose("Start over")  # nothing was said yet: it isn't asked about
    wait_until(lambda: len(stand_in.calls("POST", "sessions")) == 2)
    expect(chat.messages).to_have_count(1)
    (conversation,) = stand_in.conversations.values()
    assert conversation.member == JANE
    assert chat.page.evaluate("window.signOuts") == 0


def test_a_sign_out_that_fails_is_none_and_the_next_one_is_told_once(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    chat = Chat(open_page(stand_in.url + "/host", before=COUNT_SIGN_OUTS))
    chat.tell("chat.setIdentity(() => 'fresh')")
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    chat.ask("is my certificate ready?")
    stand_in.fail_next("sessions", Failure(503, "Not now."))
    _sign_out(chat)
    chat.shows("Not now.")
    assert chat.page.evaluate("window.signOuts") == 0
    _sign_out(chat)
    expect(chat.messages).to_have_count(1)
    assert chat.page.evaluate("window.signOuts") == 1
    (conversation,) = stand_in.conversations.values()
    assert conversation.member is None


def test_who_signs_out_in_words_stays_signed_out(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.tell("await chat.setIdentity(() => 'fresh')")
    chat.ask("sign out")
    chat.page.evaluate(HALF_AN_HOUR)
    chat.ask("hello")
    (conversation,) = stand_in.conversations.values()
    assert conversation.member is None


@pytest.mark.parametrize("last_words", ["sign out", "my membership"], ids=["signed out", "silent"])
def test_of_a_member_who_left_nothing_stays_when_the_server_ends_the_conversation(
    open_chat: OpenChat, stand_in: StandInServer, last_words: str
) -> None:
    chat = open_chat(launcher=True)
    chat.tell("await chat.setIdentity('jane')")
    chat.ask("is my certificate ready")
    chat.ask(last_words)
    chat.tell("chat.identityToken = null")
    stand_in.end_all_sessions()
    chat.say("hello")
    chat.shows("You said: hello")
    assert chat.texts() == ["hello", "You said: hello"]


DEAF = "addEventListener('storage', (event) => event.stopImmediatePropagation(), true)"


@pytest.mark.parametrize("is_deaf", [False, True], ids=["", "not told yet"])
def test_the_token_is_renewed_at_once_and_in_every_tab(
    open_chat: OpenChat, stand_in: StandInServer, is_deaf: bool
) -> None:
    one = open_chat(launcher=True)
    one.ask("hello")
    other = one.another_tab()
    if is_deaf:
        other.page.evaluate(DEAF)
    other.launcher.click()
    other.shows("You said: hello")
    (before,) = stand_in.conversations

    one.tell("await chat.setIdentity('jane')")

    wait_until(lambda: list(stand_in.conversations) == [f"{before}-renewed"])
    other.ask("is my certificate ready?")
    one.shows("You said: is my certificate ready?")
    one.ask("and the other one?")
    (conversation,) = stand_in.conversations.values()
    assert [m["text"] for m in conversation.messages if m["from"] == "user"] == [
        "hello",
        "is my certificate ready?",
        "and the other one?",
    ]
    assert len(stand_in.calls("POST", "sessions")) == 1


@pytest.mark.parametrize("is_in_words", [False, True], ids=["menu", "words"])
def test_who_signs_out_in_one_tab_is_not_signed_in_by_another(
    open_page: OpenPage, stand_in: StandInServer, is_in_words: bool
) -> None:
    tag = "<nasro-chat></nasro-chat>"
    stand_in.pages["/host"] = stand_in.pages["/host"].replace(
        tag, '<nasro-chat identity-token="jane"></nasro-chat>'
    )
    one = Chat(open_page(stand_in.url + "/host"))
    one.launcher.click()
    one.shows(stand_in.welcome["text"])
    one.ask("is my certificate ready?")
    other = one.another_tab()
    other.launcher.click()
    other.shows("is my certificate ready?")
    if is_in_words:
        one.ask("sign out")
        other.shows("You said: sign out")
    else:
        _sign_out(one)
        expect(one.messages).to_have_count(1)
        expect(other.messages).to_have_count(1)
    other.page.evaluate(HALF_AN_HOUR)
    other.ask("still here")
    (conversation,) = stand_in.conversations.values()
    assert conversation.member is None
    other.tell("await chat.setIdentity('jane')")  # the website's log-in is another matter
    assert conversation.member == JANE


def test_a_members_conversation_is_forgotten_by_the_browser_after_half_an_hour(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.tell("await chat.setIdentity('jane')")
    chat.ask("is my certificate ready?")
    chat.page.add_init_script("const now = Date.now; Date.now = () => now() + 31 * 60_000;")
    chat.page.reload()
    chat.shows(stand_in.welcome["text"])
    assert chat.texts() == [stand_in.welcome["text"]]


def _sign_out(chat: Chat) -> None:
    chat.choose("Sign out")
    chat.asked.get_by_role("button", name="Sign out").click()
