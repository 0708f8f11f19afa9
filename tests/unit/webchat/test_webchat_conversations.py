"""Rasa's tracker store in the conversations database, beside the stock one it replaces."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rasa.core.actions.action import create_bot_utterance
from rasa.core.agent import Agent
from rasa.core.tracker_store import (
    FailSafeTrackerStore,
    InMemoryTrackerStore,
    SQLTrackerStore,
    TrackerStore,
    check_if_tracker_store_async,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot.conversations import ConversationTrackerStore, WrongTrackerStore, require_durable
from bot.webchat.database import ConversationDatabase

DOMAIN = Domain.from_yaml("{version: '3.1', intents: [greet]}")


@pytest.fixture
def store(url: str) -> ConversationTrackerStore:
    return ConversationTrackerStore(DOMAIN, url=url)


def tracker_of(sender_id: str, *texts: str) -> DialogueStateTracker:
    tracker = DialogueStateTracker.from_events(
        sender_id, [ActionExecuted("action_session_start"), SessionStarted()]
    )
    for text in texts:
        tracker.update(UserUttered(text, {"name": "greet", "confidence": 1.0}))
    return tracker


def texts_of(tracker: DialogueStateTracker | None) -> list[str]:
    assert tracker is not None
    return [event.text for event in tracker.events if isinstance(event, UserUttered)]


def break_it(store: ConversationTrackerStore) -> None:
    with store.database.writing() as connection:
        connection.execute(sa.text("drop table events"))


async def test_what_is_saved_is_there_for_another_process(
    store: ConversationTrackerStore, url: str
) -> None:
    await store.save(tracker_of("one", "hello", "there"))

    other = ConversationTrackerStore(DOMAIN, url=url)
    assert texts_of(await other.retrieve("one")) == ["hello", "there"]
    assert list(await other.keys()) == ["one"]
    assert await other.retrieve("two") is None


async def test_only_what_is_new_is_stored(store: ConversationTrackerStore) -> None:
    await store.save(tracker_of("one", "hello"))
    tracker = await store.retrieve("one")
    assert tracker is not None
    tracker.update(UserUttered("again", {"name": "greet"}))
    await store.save(tracker)
    await store.save(tracker)

    with store.database.reading() as connection:
        count = connection.execute(sa.text("select count(*) from events")).scalar()
    assert count == 4


async def test_a_tracker_begins_at_the_latest_session(store: ConversationTrackerStore) -> None:
    tracker = tracker_of("one", "old")
    tracker.update(SessionStarted(timestamp=time.time() + 10))
    tracker.update(UserUttered("new", {"name": "greet"}, timestamp=time.time() + 11))
    await store.save(tracker)

    assert texts_of(await store.retrieve("one")) == ["new"]
    assert texts_of(await store.retrieve_full_tracker("one")) == ["old", "new"]


async def test_rows_are_as_the_stock_store_writes_them(
    store: ConversationTrackerStore, url: str, tmp_path: Path
) -> None:
    tracker = tracker_of("one", "hello")
    tracker.update(SlotSet("requested_slot", "x"))
    stock = SQLTrackerStore(DOMAIN, db=str(tmp_path / "stock.sqlite"))
    await stock.save(tracker)
    await store.save(tracker)

    def rows(url: str) -> list[Any]:
        with sa.create_engine(url, future=True).connect() as connection:
            return connection.execute(sa.text("select * from events order by id")).all()

    assert rows(url) == rows(f"sqlite:///{tmp_path / 'stock.sqlite'}")


async def test_of_what_the_assistant_said_only_the_responses_name_is_kept(
    store: ConversationTrackerStore,
) -> None:
    said = {"utter_action": "utter_certificate_ready", "total": 2}
    tracker = tracker_of("one", "hello")
    # As Rasa makes it: with the values that were filled in, and what else the response came with.
    response = {"text": "Jane's certificate", "custom": {"cards": ["Jane's"]}, **said}
    response |= {"class_name": "Jane's class", "links": [{"title": "Jane's"}]}
    tracker.update(create_bot_utterance(response))
    await store.save(tracker)

    restored = await store.retrieve("one")
    assert restored is not None
    (kept,) = [event for event in restored.events if isinstance(event, BotUttered)]
    assert kept.metadata == said
    with store.database.reading() as connection:
        stored = connection.execute(sa.text("select data from events")).scalars().all()
    assert "Jane's" not in "".join(stored)


async def test_deleting_forgets_one_conversation(store: ConversationTrackerStore) -> None:
    await store.save(tracker_of("one", "hello"))
    await store.save(tracker_of("two", "hello"))

    await store.delete("one")

    assert await store.retrieve_full_tracker("one") is None
    assert list(await store.keys()) == ["two"]


async def test_held_back_events_are_stored_when_they_are_written(
    store: ConversationTrackerStore,
) -> None:
    tracker = tracker_of("one", "hello")
    with store.hold_back("one", []) as events:
        await store.save(tracker)
        tracker.update(UserUttered("again", {"name": "greet"}))
        await store.save(tracker)
        await store.save(tracker_of("two", "not held"))
    before = await store.retrieve("one")

    with store.database.writing() as connection:
        events.write(connection)

    assert before is None
    assert texts_of(await store.retrieve("one")) == ["hello", "again"]
    assert texts_of(await store.retrieve("two")) == ["not held"]
    await store.save(tracker_of("three", "hello"))
    assert texts_of(await store.retrieve("three")) == ["hello"]


async def test_the_database_is_asked_off_the_event_loop(store: ConversationTrackerStore) -> None:
    asking: set[str] = set()
    with store.database.reading() as connection:
        engine = connection.engine
    sa.event.listen(
        engine,
        "before_cursor_execute",
        lambda *_: asking.add(threading.current_thread().name),
    )

    await store.save(tracker_of("one", "hello"))
    await store.retrieve("one")
    await store.delete("one")

    assert asking
    assert threading.main_thread().name not in asking


# --- how Rasa makes it


@pytest.mark.parametrize("given", ["url", "environment", "nothing"])
def test_endpoints_yml_makes_the_store(
    given: str, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NASRO_CONVERSATIONS_URL", raising=False)
    endpoint = EndpointConfig(type="bot.conversations.ConversationTrackerStore")
    if given == "url":
        endpoint = EndpointConfig(url=url, type="bot.conversations.ConversationTrackerStore")
    elif given == "environment":
        monkeypatch.setenv("NASRO_CONVERSATIONS_URL", url)

    store = TrackerStore.create(endpoint, DOMAIN)

    assert isinstance(store, ConversationTrackerStore)
    assert check_if_tracker_store_async(store)
    expected = "sqlite:///var/conversations.sqlite" if given == "nothing" else url
    assert store.database.url == expected
    store.database.ping()
    assert (tmp_path / "var/conversations.sqlite").exists() == (given == "nothing")


def test_a_server_starts_while_its_database_is_down() -> None:
    """The stock store connects in its constructor and tries for ever."""
    began = time.monotonic()
    store = ConversationTrackerStore(DOMAIN, url="postgresql://localhost:1/none")

    assert time.monotonic() - began < 5
    with pytest.raises(sa.exc.OperationalError):
        store.database.ping()


def test_a_database_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = ConversationDatabase(f"postgresql://127.0.0.1:{silent.getsockname()[1]}/none")

        with pytest.raises(sa.exc.OperationalError):
            database.ping()


# --- durability


async def test_stock_rasa_loses_a_conversation_quietly(store: ConversationTrackerStore) -> None:
    """The trap: the save succeeds, and the words are nowhere but in this process."""
    agent = Agent(domain=DOMAIN, tracker_store=store)
    break_it(store)

    await agent.tracker_store.save(tracker_of("one", "hello"))

    assert isinstance(agent.tracker_store, FailSafeTrackerStore)
    assert await agent.tracker_store.retrieve("one") is None


async def test_a_durable_agent_fails_loudly(store: ConversationTrackerStore) -> None:
    agent = Agent(domain=DOMAIN, tracker_store=store)
    require_durable(agent)
    break_it(store)

    with pytest.raises(sa.exc.DatabaseError):
        await agent.tracker_store.save(tracker_of("one", "hello"))
    with pytest.raises(sa.exc.DatabaseError):
        await agent.tracker_store.retrieve("one")
    with pytest.raises(sa.exc.DatabaseError):
        await agent.tracker_store.retrieve_full_tracker("one")


def test_the_processor_at_work_is_durable_too(store: ConversationTrackerStore) -> None:
    class Processor:
        tracker_store: Any = None

    agent = Agent(domain=DOMAIN, tracker_store=store)
    agent.processor = Processor()  # type: ignore[assignment]  # a model is not needed for this
    agent.processor.tracker_store = agent.tracker_store

    assert require_durable(agent) is store
    assert require_durable(agent) is store
    assert agent.tracker_store is store
    assert agent.processor.tracker_store is store


@pytest.mark.parametrize("other", [None, InMemoryTrackerStore(DOMAIN)])
def test_another_store_is_refused_with_the_remedy(other: TrackerStore | None) -> None:
    agent = Agent(domain=DOMAIN, tracker_store=other)

    with pytest.raises(WrongTrackerStore) as refused:
        require_durable(agent)

    assert "tracker_store: {type: bot.conversations.ConversationTrackerStore}" in str(refused.value)


# --- the database itself


def test_sqlite_is_set_up_for_a_server(tmp_path: Path) -> None:
    database = ConversationDatabase(f"sqlite:///{tmp_path}/conversations.sqlite")

    with database.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"pragma {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }


def test_a_failed_write_leaves_nothing(url: str) -> None:
    database = ConversationDatabase(url)
    insert = (
        "insert into webchat_sessions (id, created_at, expires_at) "
        "values ('a', '2027-03-01', '2027-03-02')"
    )

    def write_and_fail() -> None:
        with database.writing() as connection:
            connection.execute(sa.text(insert))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()

    with database.reading() as connection:
        assert connection.execute(sa.text("select count(*) from webchat_sessions")).scalar() == 0


def test_two_writers_wait_for_each_other(url: str) -> None:
    database = ConversationDatabase(url)

    def add(number: int) -> None:
        for step in range(20):
            with database.writing() as connection:
                # Reads first: a transaction that had not said it will write would fail here.
                connection.execute(sa.text("select count(*) from webchat_sessions")).all()
                connection.execute(
                    sa.text(
                        "insert into webchat_sessions (id, created_at, expires_at) "
                        "values (:id, '2027-03-01', '2027-03-02')"
                    ),
                    {"id": f"{number}-{step}"},
                )

    writers = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    with database.reading() as connection:
        assert connection.execute(sa.text("select count(*) from webchat_sessions")).scalar() == 80


def test_a_database_that_comes_back_is_used_again(tmp_path: Path) -> None:
    blocked = tmp_path / "var"
    blocked.write_text("a file where the folder should be")
    database = ConversationDatabase(f"sqlite:///{blocked}/conversations.sqlite")
    with pytest.raises(OSError, match="File exists"):
        database.ping()

    blocked.unlink()

    database.ping()
    database.dispose()
    database.ping()


def test_errors_of_the_database_do_not_quote_what_was_written(tmp_path: Path) -> None:
    # PostgreSQL's own words may show a part of the statement: no error is logged with its words.
    database = ConversationDatabase(f"sqlite:///{tmp_path}/conversations.sqlite")

    def write_wrong() -> None:
        with database.writing() as connection:
            connection.execute(sa.text("insert into nowhere values (:text)"), {"text": "private"})

    with pytest.raises(sa.exc.OperationalError) as error:
        write_wrong()

    assert "private" not in str(error.value)
