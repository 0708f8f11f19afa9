"""Who may speak in a conversation, what is kept of it, and how it is forgotten."""

import asyncio
import base64
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.conversations import ConversationTrackerStore, HeldEvents
from bot.privacy import purge
from bot.settings import Settings
from bot.webchat.config import WebChatConfig
from bot.webchat.database import off_loop
from bot.webchat.history import History
from bot.webchat.messages import Message
from bot.webchat.sessions import Session
from tests.running_server import wait_until

SECRET = "a secret of the tests, thirty-two bytes or more"
NOW = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(claims: dict[str, Any], algorithm: str = "none") -> str:
    return f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(claims)}."


def without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


def signed(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


BAD_HEADERS = {
    "missing": lambda _: None,
    "empty": lambda _: "",
    "no scheme": lambda token: token,
    "another scheme": lambda token: f"Token {token}",
    "basic": lambda _: "Basic dXNlcjpwYXNz",
    "no token": lambda _: "Bearer",
    "garbage": lambda _: "Bearer not.a.token",
    "no text": lambda _: b"Bearer abc\xff",
    "no text in the middle": lambda token: f"Bearer {token[:20]}\xff{token[20:]}".encode("latin-1"),
    "no text in the signature": lambda token: f"Bearer {token}".encode() + b"\xc3",
    "letters of the world": lambda token: f"Bearer {token}\u00e9\u4e2d".encode(),
    "cut": lambda token: f"Bearer {token[:-2]}",
    "another signature": lambda token: f"Bearer {token[:-4]}AAAA",
    "alg none": lambda token: f"Bearer {unsigned(claims_of(token))}",
    "alg None": lambda token: f"Bearer {unsigned(claims_of(token), 'None')}",
    "another secret": lambda token: f"Bearer {signed(claims_of(token), 'x' * 40)}",
    "another algorithm": lambda token: (
        f"Bearer {signed(claims_of(token), SECRET + 'x' * 20, 'HS512')}"
    ),
    "HS512 by our secret": lambda token: (
        f"Bearer {jwt.encode(claims_of(token), SECRET.ljust(64), 'HS512')}"
    ),
    "another conversation": lambda token: f"Bearer {signed({**claims_of(token), 'sub': 'f' * 32})}",
    "no conversation": lambda token: f"Bearer {signed(without(claims_of(token), 'sub'))}",
    "a number as conversation": lambda token: f"Bearer {signed({**claims_of(token), 'sub': 7})}",
    "another audience": lambda token: f"Bearer {signed({**claims_of(token), 'aud': 'x'})}",
    "no audience": lambda token: f"Bearer {signed(without(claims_of(token), 'aud'))}",
    "another purpose": lambda token: f"Bearer {signed({**claims_of(token), 'purpose': 'x'})}",
    "no purpose": lambda token: f"Bearer {signed(without(claims_of(token), 'purpose'))}",
    "no expiry": lambda token: f"Bearer {signed(without(claims_of(token), 'exp'))}",
    "an expiry in words": lambda token: f"Bearer {signed({**claims_of(token), 'exp': 'never'})}",
}
CALLS = [
    ("POST", "/messages", {"text": "hello"}),
    ("GET", "/messages", None),
    ("POST", "/feedback", {"message_id": "x", "helpful": True}),
    ("DELETE", "/sessions", None),
]


@pytest.mark.parametrize("kind", BAD_HEADERS)
async def test_a_bad_token_opens_nothing_and_learns_nothing(
    chat: Any, error_code: Any, kind: str
) -> None:
    header = BAD_HEADERS[kind](chat.token)
    headers = {} if header is None else {"Authorization": header}

    responses = [
        await chat.http.request(method, path, json=body, headers=headers)
        for method, path, body in CALLS
    ]

    assert {response.status_code for response in responses} == {401}
    assert {error_code(response) for response in responses} == {"session_invalid"}
    assert {response.headers["www-authenticate"] for response in responses} == {"Bearer"}
    assert len({response.text for response in responses}) == 1
    assert chat.agent.processor.handled == []
    assert len(await chat.history()) == 1


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["Authorization", "Content-Type", "Origin", "X-Forwarded-For", "X-Other"]),
    st.sampled_from([b"", b"Bearer ", b"application/json; charset=", b"10.0.0.1, "]),
    # All that a line of HTTP can hold.
    st.binary(max_size=40).map(lambda b: bytes(c for c in b if c >= 32 and c != 127)),
)
async def test_no_bytes_in_a_header_are_an_error_of_ours(
    chat: Any, name: str, begin: bytes, rest: bytes
) -> None:
    for method, path, body in CALLS[:3]:
        headers = {**chat.headers, name: (begin + rest).strip()}
        response = await chat.http.request(method, path, json=body, headers=headers)

        assert response.status_code < 500, (method, headers)


async def test_the_bad_tokens_above_are_bad_for_their_one_reason(chat: Any) -> None:
    chat.use(signed(claims_of(chat.token)))

    assert len(await chat.history()) == 1


async def test_an_expired_token_says_so_in_the_same_words(chat: Any, error_code: Any) -> None:
    invalid = await chat.http.get("/messages")
    chat.clock.now += timedelta(hours=24) - timedelta(seconds=1)
    before = await chat.http.get("/messages", headers=chat.headers)
    chat.clock.now += timedelta(seconds=1)

    responses = [
        await chat.http.request(method, path, json=body, headers=chat.headers)
        for method, path, body in CALLS
    ]

    assert before.status_code == 200
    assert {response.status_code for response in responses} == {401}
    assert {error_code(response) for response in responses} == {"session_expired"}
    assert responses[0].json()["error"]["message"] == invalid.json()["error"]["message"]


async def test_a_session_tells_when_it_expires(chat: Any) -> None:
    session = await chat.open()
    claims = claims_of(session["token"])

    assert session["expires_at"] == "2027-03-02T12:00:00.000Z"
    assert set(claims) == {"sub", "iat", "exp", "aud", "purpose"}
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert chat.rows(f"select count(*) from webchat_sessions where id = '{claims['sub']}'") == [
        (1,)
    ]


async def test_conversations_have_ids_of_the_servers_own(chat: Any) -> None:
    for wish in ({"sender": "me"}, {"conversation_id": "me"}, {"sub": "me"}):
        chat.use((await chat.post(wish, "/sessions")).json()["token"])
        await chat.say("hello")

    ids = {row[0] for row in chat.rows("select sender_id from events")}
    assert len(ids) == 3
    assert all(len(i) == 32 and int(i, 16) for i in ids)


async def test_a_token_survives_a_restart_of_the_server(start_chat: Any) -> None:
    async with start_chat() as chat:
        await chat.open()
        await chat.say("hello")
        history, token = await chat.history(), chat.token

    async with start_chat() as chat:
        chat.use(token)

        assert await chat.history() == history
        assert (await chat.say("again"))[0]["text"] == "You said again"


async def test_a_genuine_token_of_an_unknown_conversation_is_refused(
    chat: Any, error_code: Any
) -> None:
    chat.execute("delete from webchat_messages")
    chat.execute("delete from webchat_sessions")

    response = await chat.post({"text": "hello"})

    assert (response.status_code, error_code(response)) == (401, "session_invalid")


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("abc", "identity_not_configured"),
        ("", "identity_not_configured"),
        (7, "invalid_request"),
        ({"a": 1}, "invalid_request"),
    ],
)
async def test_an_identity_token_is_not_ignored(
    chat: Any, error_code: Any, token: Any, code: str
) -> None:
    sessions = chat.rows("select count(*) from webchat_sessions")

    response = await chat.post({"identity_token": token}, "/sessions")

    assert (response.status_code, error_code(response)) == (400, code)
    assert chat.rows("select count(*) from webchat_sessions") == sessions


@pytest.mark.parametrize("body", [{}, {"identity_token": None}, {"unknown": 1}])
async def test_a_session_needs_nothing(chat: Any, body: dict[str, Any]) -> None:
    assert (await chat.post(body, "/sessions")).status_code == 201


async def test_the_history_has_both_sides_in_order(chat: Any) -> None:
    [first] = await chat.say("one")
    [second] = await chat.say("two")

    history = await chat.history()

    assert [(message["from"], message["text"]) for message in history] == [
        ("assistant", "Hello!"),
        ("user", "one"),
        ("assistant", "You said one"),
        ("user", "two"),
        ("assistant", "You said two"),
    ]
    assert (history[2], history[4]) == (first, second)
    assert all(set(message) == set(first) for message in history)


async def test_either_database_keeps_a_conversation_and_forgets_it(
    start_chat: Any, url: str, error_code: Any
) -> None:
    async with start_chat(url=url) as chat:
        opened = await chat.open()
        payload = opened["messages"][0]["buttons"][0]["payload"]
        [answer] = await chat.say(
            "my badge number is 4711", client_id="5f0c8d2e-6d0b-4e0c-9a3f-0b8f7f0e4a11"
        )
        assert (await chat.post({"payload": payload})).status_code == 200
        rating = {"message_id": answer["id"], "helpful": True}
        assert (await chat.post(rating, "/feedback")).status_code == 204

        said = [m["text"] for m in await chat.history() if m["from"] == "user"]
        ended = await chat.end()

        assert said == ["my badge number is 4711", "Find a class"]
        assert ended.status_code == 204
        assert error_code(await chat.post({"text": "hello"})) == "session_invalid"
        for table in ("webchat_sessions", "webchat_messages", "webchat_feedback", "events"):
            assert "4711" not in str(chat.rows(f"select * from {table}"))


async def test_histories_are_apart(chat: Any) -> None:
    await chat.say("mine")
    await chat.open()
    await chat.say("theirs")

    assert [message["text"] for message in await chat.history()] == [
        "Hello!",
        "theirs",
        "You said theirs",
    ]


# --- ending


async def test_ending_erases_every_word(chat: Any, error_code: Any) -> None:
    [answer] = await chat.say("my badge number is 4711")
    await chat.post({"message_id": answer["id"], "helpful": False, "comment": "4711!"}, "/feedback")
    ended = chat.token
    await chat.open()
    await chat.say("another conversation")
    other = await chat.history()

    chat.use(ended)
    response = await chat.end()

    assert (response.status_code, response.content) == (204, b"")
    everything = [
        chat.rows(f"select * from {table}")
        for table in ("webchat_sessions", "webchat_messages", "webchat_feedback", "events")
    ]
    assert "4711" not in str(everything)
    assert chat.rows("select helpful, comment from webchat_feedback") == [(0, None)]
    assert chat.rows("select count(*) from webchat_sessions where ended_at is not null") == [(1,)]
    for method, path, body in CALLS:
        refused = await chat.http.request(method, path, json=body, headers=chat.headers)
        assert (refused.status_code, error_code(refused)) == (401, "session_invalid")
    assert other[1]["text"] == "another conversation"
    assert len(chat.rows("select * from webchat_messages")) == len(other)
    assert "another conversation" in str(chat.rows("select data from events"))


async def test_a_message_that_waits_behind_the_end_is_refused(chat: Any, error_code: Any) -> None:
    chat.agent.processor.seconds = 0.2
    first = asyncio.ensure_future(chat.post({"text": "one"}))
    await asyncio.sleep(0.05)
    ending = asyncio.ensure_future(chat.end())
    await asyncio.sleep(0.05)
    last = asyncio.ensure_future(chat.post({"text": "two"}))

    responses = await asyncio.gather(first, ending, last)

    assert [response.status_code for response in responses] == [200, 204, 401]
    assert error_code(responses[2]) == "session_invalid"
    assert chat.rows("select * from events") == []
    assert chat.rows("select * from webchat_messages") == []


async def test_who_leaves_and_closes_the_page_at_once_is_forgotten_too(chat: Any) -> None:
    let_go, has_arrived = asyncio.Event(), asyncio.Event()
    chat.agent.processor.work = let_go.wait
    caller = chat.channel._caller

    def noticed(request: Any) -> Any:
        has_arrived.set()
        return caller(request)

    asked = asyncio.ensure_future(chat.post({"text": "my badge number is 4711"}))
    while "nasro_chat_turns_at_once 1.0" not in chat.channel.metrics.as_text():
        await asyncio.sleep(0.01)
    chat.channel._caller = noticed
    leaving = asyncio.ensure_future(chat.end())
    await has_arrived.wait()

    leaving.cancel()
    await asyncio.sleep(0.2)  # until the server has noticed, too
    let_go.set()

    assert (await asked).status_code == 200
    ended = "select count(*) from webchat_sessions where ended_at is not null"
    for _ in range(500):
        if chat.rows(ended) == [(1,)]:
            break
        await asyncio.sleep(0.02)
    assert chat.rows(ended) == [(1,)]
    assert chat.rows("select * from events") == []
    assert chat.rows("select * from webchat_messages") == []


async def test_what_is_forgotten_while_it_is_answered_stays_so(
    start_chat: Any, url: str, error_code: Any
) -> None:
    """`nasro-chat privacy` asks nobody whether a turn is under way."""
    settings = Settings.from_environment({"NASRO_SECRET": SECRET, "NASRO_CONVERSATIONS_URL": url})
    async with start_chat(url=url) as chat:
        await chat.open()
        await chat.say("hello")
        is_at_work, let_go = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            is_at_work.set()
            await let_go.wait()

        chat.agent.processor.work = work
        asked = asyncio.ensure_future(chat.post({"text": "my badge number is 4711"}))
        await is_at_work.wait()
        now = chat.clock()
        forgotten = await off_loop(purge, settings, now + timedelta(days=1), now)
        let_go.set()

        response = await asked
        assert forgotten == 1
        assert (response.status_code, error_code(response)) == (401, "session_invalid")
        assert chat.rows("select * from events") == []
        assert chat.rows("select * from webchat_messages") == []


@pytest.mark.parametrize("table", ["events", "webchat_feedback"])
def test_the_end_waits_for_what_is_being_stored(url: str, table: str) -> None:
    with Storing(url, f"INSERT INTO {table}") as storing:
        storing.threads.submit(storing.add if table == "events" else storing.rate)
        assert storing.has_begun.wait(20)
        ended = storing.threads.submit(storing.end)
        storing.wait_for(ended)
        storing.let_go.set()
        ended.result()

    assert "4711" not in storing.everything()


@pytest.mark.parametrize("what", ["turn", "rating"])
def test_what_comes_while_a_conversation_is_being_erased_is_not_stored(url: str, what: str) -> None:
    with Storing(url, "DELETE FROM events") as storing:
        ended = storing.threads.submit(storing.end)
        assert storing.has_begun.wait(20)
        stored = storing.threads.submit(storing.add if what == "turn" else storing.rate)
        storing.wait_for(stored)
        storing.let_go.set()
        ended.result()
        assert stored.result() is False

    assert "4711" not in storing.everything()


class Storing:
    """A conversation of one greeting; a statement that begins with some words waits for `let_go`."""

    def __init__(self, url: str, statement: str) -> None:
        self.url, self._statement = url, statement
        self.store = ConversationTrackerStore(url=url)
        self.history = History(self.store.database)
        self.threads = ThreadPoolExecutor()
        self.has_begun, self.let_go = threading.Event(), threading.Event()
        self._welcome = Message("assistant", NOW, "Hello!")
        self.history.open(Session("one", "token", NOW, NOW), [self._welcome])
        with self.store.database.reading() as connection:
            sa.event.listen(connection.engine, "before_cursor_execute", self._hold)

    def __enter__(self) -> "Storing":
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go.set()
        self.threads.shutdown()

    def _hold(self, _: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith(self._statement):
            self.has_begun.set()
            self.let_go.wait(20)

    def add(self) -> bool:
        row = {"sender_id": "one", "type_name": "user", "data": '{"text": "4711"}'}
        said = Message("user", NOW, "my badge number is 4711")
        return self.history.add_turn("one", said, [], None, HeldEvents([], [row]).write)

    def rate(self) -> bool:
        return self.history.rate("one", self._welcome.id, True, "4711", NOW)

    def end(self) -> None:
        self.history.end("one", NOW, lambda connection: self.store.erase(connection, "one"))

    def wait_for(self, other: "Future[Any]") -> None:
        """Until the other is done, or waits for a lock. On SQLite it does so unseen: one writes."""
        if self.url.startswith("postgresql"):
            waits = "select count(*) from pg_locks where not granted"
            wait_until(lambda: other.done() or self._rows(waits) != [(0,)])

    def everything(self) -> str:
        tables = ("webchat_messages", "webchat_feedback", "events")
        return str([self._rows(f"select * from {table}") for table in tables])

    def _rows(self, query: str) -> list[Any]:
        with self.store.database.reading() as connection:
            return connection.execute(sa.text(query)).all()


# --- feedback


async def test_feedback_is_kept_and_can_be_changed(chat: Any) -> None:
    [answer] = await chat.say("hello")

    first = await chat.post(
        {"message_id": answer["id"], "helpful": False, "comment": " Wrong\x00 date "}, "/feedback"
    )
    kept = chat.rows("select message_id, helpful, comment from webchat_feedback")
    second = await chat.post({"message_id": answer["id"], "helpful": True}, "/feedback")

    assert (first.status_code, first.content, second.status_code) == (204, b"", 204)
    assert kept == [(answer["id"], 0, "Wrong date")]
    assert chat.rows("select message_id, helpful, comment from webchat_feedback") == [
        (answer["id"], 1, None)
    ]


async def test_feedback_needs_a_message_of_the_assistant_here(chat: Any, error_code: Any) -> None:
    await chat.say("hello")
    [_, mine, answer] = await chat.history()
    await chat.open()
    [welcome] = await chat.history()

    strangers = [
        await chat.post({"message_id": message_id, "helpful": True}, "/feedback")
        for message_id in (mine["id"], answer["id"], "nothing", "")
    ]
    own = await chat.post({"message_id": welcome["id"], "helpful": True}, "/feedback")

    assert {(r.status_code, error_code(r)) for r in strangers} == {(404, "message_not_found")}
    assert own.status_code == 204
    assert len(chat.rows("select * from webchat_feedback")) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message_id": "{id}"},
        {"helpful": True},
        {"message_id": 7, "helpful": True},
        {"message_id": "\ud800", "helpful": True},
        {"message_id": "a\x00", "helpful": True},
        {"message_id": "{id}", "helpful": 1},
        {"message_id": "{id}", "helpful": "true"},
        {"message_id": "{id}", "helpful": None},
        {"message_id": "{id}", "helpful": True, "comment": 5},
    ],
    ids=str,
)
async def test_feedback_in_another_form_is_refused(
    chat: Any, error_code: Any, body: dict[str, Any]
) -> None:
    [answer] = await chat.say("hello")
    body = {key: answer["id"] if value == "{id}" else value for key, value in body.items()}

    response = await chat.http.post(
        "/feedback",
        content=json.dumps(body),  # escaped, as httpx itself wouldn't
        headers={**chat.headers, "Content-Type": "application/json"},
    )

    assert (response.status_code, error_code(response)) == (400, "invalid_request")
    assert chat.rows("select * from webchat_feedback") == []


async def test_a_comment_has_a_limit(chat: Any, error_code: Any) -> None:
    [answer] = await chat.say("hello")
    fits = {"message_id": answer["id"], "helpful": True, "comment": "x" * 1_000}

    assert (await chat.post(fits, "/feedback")).status_code == 204
    response = await chat.post({**fits, "comment": "x" * 1_001}, "/feedback")
    assert (response.status_code, error_code(response)) == (413, "comment_too_long")
    assert "1,000" in response.json()["error"]["message"]


# --- settings


@pytest.mark.parametrize(
    "settings",
    [
        {"secret": "too short"},
        {"secret": SECRET, "allowed_origins": ("https://www.nasro.org/",)},
        {"secret": SECRET, "allowed_origins": ("www.nasro.org",)},
        {"secret": SECRET, "allowed_origins": ("*",)},
    ],
    ids=str,
)
def test_settings_that_would_not_protect_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"secret|origin"):
        WebChatConfig(**settings)


def test_settings_do_not_show_the_secret() -> None:
    assert SECRET not in repr(WebChatConfig(secret=SECRET))
