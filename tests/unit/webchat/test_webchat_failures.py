"""When something breaks: a kind 503, nothing half stored, and a log that quotes nobody."""

import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

PRIVATE = "my mother's name is Xanthippe"


def stored(chat: Any) -> list[Any]:
    return [
        chat.rows("select * from events order by id"),
        chat.rows("select * from webchat_messages order by number"),
    ]


def assert_unavailable(response: Any, error_code: Any) -> None:
    assert (response.status_code, error_code(response)) == (503, "temporarily_unavailable")
    assert int(response.headers["retry-after"]) >= 1


def fail(*_: Any) -> Any:
    raise RuntimeError(f"could not understand {PRIVATE}")


async def fail_later(*_: Any) -> Any:
    fail()


@pytest.mark.parametrize("broken", ["parse_message", "handle_message", "reply"])
async def test_a_failing_agent_is_a_503_that_stores_nothing(
    chat: Any, error_code: Any, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    await chat.say("before")
    before = stored(chat)
    setattr(chat.agent.processor, broken, fail if broken == "reply" else fail_later)

    with caplog.at_level(logging.DEBUG):
        response = await chat.post({"text": PRIVATE})

    assert_unavailable(response, error_code)
    assert stored(chat) == before
    assert "RuntimeError" in caplog.text
    assert "Xanthippe" not in caplog.text


async def test_a_failing_database_is_a_503_that_stores_nothing(
    chat: Any, error_code: Any, caplog: pytest.LogCaptureFixture
) -> None:
    [answer] = await chat.say("before")
    before = stored(chat)
    chat.execute("alter table webchat_messages rename to hidden")

    with caplog.at_level(logging.INFO):
        responses = [
            await chat.post({"text": PRIVATE}),
            await chat.http.get("/messages", headers=chat.headers),
            await chat.post(
                {"message_id": answer["id"], "helpful": True, "comment": PRIVATE}, "/feedback"
            ),
            await chat.http.post("/sessions"),
            await chat.end(),
        ]

    for response in responses:
        assert_unavailable(response, error_code)
    chat.execute("alter table hidden rename to webchat_messages")
    assert stored(chat) == before
    assert "OperationalError" in caplog.text
    assert "Xanthippe" not in caplog.text
    assert (await chat.say("after"))[0]["text"] == "You said after"


async def test_rasas_events_and_the_history_are_stored_together(chat: Any, error_code: Any) -> None:
    """The answer can't be stored after Rasa is done: Rasa must not remember the turn either."""
    chat.execute(
        "create trigger refuse before insert on webchat_messages "
        "when new.sender = 'assistant' begin select raise(abort, 'no'); end"
    )

    response = await chat.post({"text": "hello"})

    assert_unavailable(response, error_code)
    assert len(chat.agent.processor.handled) == 1
    assert chat.rows("select * from events") == []
    assert len(await chat.history()) == 1


async def test_the_history_is_not_stored_without_rasas_events(chat: Any, error_code: Any) -> None:
    chat.execute(
        "create trigger refuse before insert on events begin select raise(abort, 'no'); end"
    )

    response = await chat.post({"text": "hello"})

    assert_unavailable(response, error_code)
    assert chat.rows("select * from events") == []
    assert len(await chat.history()) == 1


async def test_an_end_erases_everything_or_nothing(chat: Any, error_code: Any) -> None:
    await chat.say("hello")
    chat.execute(
        "create trigger refuse before delete on events begin select raise(abort, 'no'); end"
    )

    response = await chat.end()

    assert_unavailable(response, error_code)
    assert len(await chat.history()) == 3


async def test_a_locked_database_is_a_503_and_recovers(
    chat: Any, error_code: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.agent.processor.reply = lambda _: [{"text": "fine"}]
    await chat.say("hello")
    database = chat.agent.tracker_store.database
    database.dispose()
    monkeypatch.setattr("identity.database.BUSY_TIMEOUT", 0.1)
    other = sqlite3.connect(tmp_path / "var" / "conversations.sqlite", isolation_level=None)
    other.execute("begin immediate")

    response = await chat.post({"text": "hello"})

    assert_unavailable(response, error_code)
    other.execute("rollback")
    assert (await chat.say("hello"))[0]["text"] == "fine"


@pytest.mark.parametrize(
    ("table", "mode"),
    [
        pytest.param("webchat_sessions", "access exclusive", id="when a turn begins"),
        pytest.param("events", "access exclusive", id="in a turn"),
        pytest.param("webchat_messages", "share", id="when it is stored"),
    ],
)
async def test_a_locked_table_of_postgresql_is_a_503_and_recovers(
    start_chat: Any,
    error_code: Any,
    postgres_url: str,
    table: str,
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("identity.database.STATEMENT_TIMEOUT", 1)
    async with start_chat(url=postgres_url) as chat:
        await chat.open()
        await chat.say("hello")
        with sa.create_engine(postgres_url, future=True).connect() as other:
            other.execute(sa.text(f"lock table {table} in {mode} mode"))

            response = await chat.post({"text": "lost"})

            assert_unavailable(response, error_code)
        await chat.say("there again")
        said = [m["text"] for m in await chat.history() if m["from"] == "user"]
        assert said == ["hello", "there again"]


async def test_without_a_model_there_is_no_answer_but_a_history(chat: Any, error_code: Any) -> None:
    await chat.say("hello")
    chat.agent.processor = None

    assert_unavailable(await chat.post({"text": "hello"}), error_code)
    assert_unavailable(await chat.http.post("/sessions"), error_code)
    assert len(await chat.history()) == 3


async def test_without_an_agent_everything_is_unavailable(start_chat: Any, error_code: Any) -> None:
    async with start_chat() as chat:
        await chat.open()
        chat.app.ctx.agent = None

        assert_unavailable(await chat.post({"text": "hello"}), error_code)
        assert_unavailable(await chat.http.get("/messages", headers=chat.headers), error_code)
        assert_unavailable(await chat.http.post("/sessions"), error_code)


async def test_an_answer_that_takes_too_long_is_given_up(start_chat: Any, error_code: Any) -> None:
    is_slow = asyncio.Event()

    async def be_slow_once() -> None:
        if not is_slow.is_set():
            is_slow.set()
            await asyncio.sleep(60)

    async with start_chat(turn_timeout=1) as chat:
        await chat.open()
        chat.agent.processor.work = be_slow_once
        slow = asyncio.ensure_future(chat.post({"text": "slow"}))
        await is_slow.wait()
        next_one = asyncio.ensure_future(chat.post({"text": "quick"}))

        assert_unavailable(await slow, error_code)
        assert (await next_one).status_code == 200
        assert [message["text"] for message in await chat.history()][1:] == [
            "quick",
            "You said quick",
        ]


async def test_a_failing_welcome_opens_no_session(chat: Any, error_code: Any) -> None:
    before = chat.rows("select * from webchat_sessions")
    chat.agent.nlg.generate = fail_later

    assert_unavailable(await chat.http.post("/sessions"), error_code)
    assert chat.rows("select * from webchat_sessions") == before


async def test_a_store_that_can_not_keep_the_promises_is_refused(
    chat: Any, error_code: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from rasa.core.tracker_store import InMemoryTrackerStore  # noqa: PLC0415 (this test alone)

    chat.agent.tracker_store = InMemoryTrackerStore(chat.agent.domain)

    assert_unavailable(await chat.post({"text": "hello"}), error_code)
    assert "WrongTrackerStore" in caplog.text


async def test_a_bug_of_ours_is_a_500_without_details(
    chat: Any, error_code: Any, caplog: pytest.LogCaptureFixture
) -> None:
    chat.channel._said = fail

    response = await chat.post({"text": PRIVATE})

    assert (response.status_code, error_code(response)) == (500, "internal_error")
    assert "Xanthippe" not in response.text + caplog.text
    assert "RuntimeError" in caplog.text
