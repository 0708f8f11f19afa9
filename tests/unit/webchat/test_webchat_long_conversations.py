"""Of a long conversation a turn reads the end, and what of the rest still holds."""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Event,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from bot.conversations import EVENTS, TURNS_READ, ConversationTrackerStore, StoredTracker
from bot.webchat.database import ConversationDatabase
from bot.webchat.history import MOST_MESSAGES, OFFERS_READ, History
from bot.webchat.messages import Message
from bot.webchat.sessions import Session

DOMAIN = Domain.from_yaml(
    """
    version: '3.1'
    intents: [ask]
    slots:
      place: {type: text, mappings: [{type: custom}]}
      course: {type: text, mappings: [{type: custom}]}
      shown: {type: any, initial_value: 0, mappings: [{type: custom}]}
    forms:
      seats_form: {required_slots: [place]}
      search_form: {required_slots: [course]}
    actions: [action_show]
    """
)
BEGINNING: list[Event] = [
    ActionExecuted("action_session_start"),
    SessionStarted(),
    ActionExecuted("action_listen"),
]
names = itertools.count()

what_happens = st.one_of(
    st.tuples(st.sampled_from(["place", "course", "shown"]), st.sampled_from(["a", "b", None])).map(
        lambda slot: SlotSet(*slot)
    ),
    st.sampled_from(["seats_form", "search_form", "action_show"]).map(ActionExecuted),
    st.sampled_from(["seats_form", "search_form", None]).map(ActiveLoop),
    st.sampled_from(["seats_form", "search_form"]).map(ActionExecutionRejected),
)
turns = st.lists(st.lists(what_happens, max_size=5), max_size=4 * TURNS_READ)


def a_turn(text: str, *events: Event) -> list[Event]:
    return [UserUttered(text, {"name": "ask"}), *events, ActionExecuted("action_listen")]


def state(tracker: DialogueStateTracker) -> dict[str, Any]:
    """All that a tracker is, but for the events behind it."""
    return {**tracker.current_state(), "events": None}


async def kept(
    store: ConversationTrackerStore, events: list[Event]
) -> tuple[DialogueStateTracker, DialogueStateTracker]:
    """The whole conversation, and what a turn reads of it."""
    whole = DialogueStateTracker.from_events(f"conversation {next(names)}", events, DOMAIN.slots)
    await store.save(whole)
    read = await store.retrieve(whole.sender_id)
    assert read is not None
    return whole, read


@pytest.fixture(scope="module")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> ConversationTrackerStore:
    file = tmp_path_factory.mktemp("store") / "conversations.sqlite"
    return ConversationTrackerStore(DOMAIN, url=f"sqlite:///{file}")


@settings(deadline=None)
@given(turns)
async def test_what_is_read_is_in_the_state_of_the_whole(
    sqlite_store: ConversationTrackerStore, turns: list[list[Event]]
) -> None:
    conversation = [e for n, events in enumerate(turns) for e in a_turn(str(n), *events)]

    whole, read = await kept(sqlite_store, BEGINNING + conversation)

    assert state(read) == state(whole)
    end = list(whole.events)[-len(read.events) :] if len(turns) < TURNS_READ else None
    assert end is None or list(read.events) == end
    said = [event.text for event in read.events if isinstance(event, UserUttered)]
    assert said[-TURNS_READ + 1 :] == [str(n) for n in range(len(turns))][-TURNS_READ + 1 :]


@settings(deadline=None)
@given(turns, st.lists(what_happens, max_size=5))
def test_a_copy_is_in_the_same_state_and_goes_its_own_way(
    turns: list[list[Event]], more: list[Event]
) -> None:
    said = [e for n, events in enumerate(turns) for e in a_turn(str(n), *events)]
    tracker = StoredTracker.from_events("one", BEGINNING + said, DOMAIN.slots)
    replayed = DialogueStateTracker.copy(tracker)

    copied = tracker.copy()
    assert state(copied) == state(replayed)
    assert list(copied.events) == list(replayed.events)
    for event in [*more, ActionExecuted("action_show")]:
        copied.update(event)
        replayed.update(event)

    assert state(copied) == state(replayed)
    assert state(tracker) == state(DialogueStateTracker.copy(tracker))
    assert list(tracker.events) == BEGINNING + said


async def test_what_is_read_of_a_long_conversation_does_not_grow(url: str) -> None:
    store = ConversationTrackerStore(DOMAIN, url=url)
    slots = [SlotSet("place", "Texas"), SlotSet("course", "basic"), ActionExecuted("action_show")]
    began = a_turn("where?", ActionExecuted("seats_form"), ActiveLoop("seats_form"))
    numbers = []
    for length in (20, 200):
        after = [e for n in range(length) for e in a_turn(str(n), *slots)]
        whole, read = await kept(store, [*BEGINNING, *began, *after])
        numbers.append(len(read.events))
        assert state(read) == state(whole)

    assert numbers[0] == numbers[1]


async def test_only_what_is_new_is_stored_of_a_long_conversation(url: str) -> None:
    store = ConversationTrackerStore(DOMAIN, url=url)
    events = [e for n in range(20) for e in a_turn(str(n), SlotSet("place", str(n)))]
    whole, read = await kept(store, BEGINNING + events)
    for event in a_turn("and now?"):
        whole.update(event)
        read.update(event)

    with store.hold_back(whole.sender_id, store.read(whole.sender_id)) as held:
        await store.save(read)
        # The next part of the same turn goes on where this one ended.
        again = await store.retrieve(whole.sender_id)
        assert again is not None
        for event in a_turn("that too"):
            whole.update(event)
            again.update(event)
        await store.save(again)
    with store.database.writing() as connection:
        held.write(connection)

    stored = await store.retrieve_full_tracker(whole.sender_id)
    assert stored is not None
    assert list(stored.events) == list(whole.events)


async def test_what_was_taken_back_does_not_count(url: str) -> None:
    store = ConversationTrackerStore(DOMAIN, url=url)
    said = a_turn("Texas", SlotSet("place", "Texas"))
    taken_back = [*a_turn("Ohio", SlotSet("place", "Ohio"))[:-1], UserUtteranceReverted()]
    after = [e for n in range(20) for e in a_turn(str(n))]

    whole, read = await kept(store, [*BEGINNING, *said, *taken_back, *after])

    assert state(read) == state(whole)
    assert read.get_slot("place") == "Texas"


async def test_slots_of_an_earlier_session_are_forgotten(url: str) -> None:
    store = ConversationTrackerStore(DOMAIN, url=url)
    earlier = [e for n in range(20) for e in a_turn(str(n), SlotSet("place", "Texas"))]
    later = [e for n in range(20) for e in a_turn(str(n), SlotSet("course", "basic"))]

    _, read = await kept(store, [*BEGINNING, *earlier, SessionStarted(), *later])

    assert (read.get_slot("place"), read.get_slot("course")) == (None, "basic")


def test_a_button_of_long_ago_is_found(url: str) -> None:
    history = History(ConversationDatabase(url))
    now = datetime(2027, 3, 1, tzinfo=timezone.utc)
    history.open(Session("one", "token", now, now), [])
    offered = [{"title": "Find a class", "payload": "/find_classes"}]
    history.add_turn(
        "one", Message("user", now, "hi"), [Message("assistant", now, "", offered)], None, id
    )
    for _ in range(2 * OFFERS_READ + 1):
        history.add_turn(
            "one", Message("user", now, "hi"), [Message("assistant", now, "hi")], None, id
        )

    assert history.offered_title("one", "/find_classes") == "Find a class"
    assert history.offered_title("one", "/find_seats") is None


async def test_a_conversation_that_is_full_says_so_and_can_still_be_read_rated_and_ended(
    start_chat: Any, url: str, error_code: Any
) -> None:
    async with start_chat(url=url) as chat:
        await chat.open()
        [(conversation,)] = chat.rows("select id from webchat_sessions")
        now, last = chat.clock(), {"text": "the last", "client_id": str(uuid.uuid4())}
        # With the greeting, and the last one and its answer.
        said = [Message("assistant", now, "hi") for _ in range(MOST_MESSAGES - 4)]
        History(ConversationDatabase(url)).add_turn(
            conversation, Message("user", now, "hi"), said, None, id
        )

        answered = await chat.post(last)
        refused = [await chat.post(body) for body in ({"text": "more"}, {"payload": "/never"})]

        assert answered.status_code == 200
        for response in refused:
            assert (response.status_code, error_code(response)) == (401, "session_expired")
        assert (await chat.post(last)).json() == answered.json(), "who lost the answer asks again"
        assert len(await chat.history()) == MOST_MESSAGES
        rating = {"message_id": answered.json()["messages"][0]["id"], "helpful": True}
        assert (await chat.post(rating, "/feedback")).status_code == 204
        assert (await chat.end()).status_code == 204


def test_tables_of_before_get_the_indexes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'conversations.sqlite'}"
    with ConversationTrackerStore(DOMAIN, url=url).database.writing() as connection:
        for index in EVENTS.indexes:
            index.drop(connection)

    with ConversationTrackerStore(DOMAIN, url=url).database.reading() as connection:
        there = {index["name"] for index in sa.inspect(connection).get_indexes("events")}

    assert there == {index.name for index in EVENTS.indexes}
