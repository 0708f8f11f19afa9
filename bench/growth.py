"""What a turn, a look-up, the stores, training and a message cost as they grow: `make bench-growth`.

Times are lower quartiles, within this process, on this machine, with real databases (SQLite and
PostgreSQL); of training and understanding, which wait for nothing, the processor's time. What is made up
or duplicated says so. `--help` lists the sizes; the largest take long to make.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rasa.core.agent import Agent
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot import logs
from bot.conversations import EVENTS, ConversationTrackerStore, require_durable
from bot.nlu.classifier import TopicClassifier
from bot.nlu.encoder import SentenceEncoder
from bot.nlu.report import parser
from bot.nlu.spelling import SpellingCorrector
from bot.server import assistant
from bot.settings import Settings
from bot.webchat.database import ConversationDatabase, messages, sessions
from bot.webchat.history import History
from bot.webchat.metrics import Metrics
from bot.webchat.sessions import Session
from bot.webchat.turns import Said, Turns
from registration.database import Database
from registration.places import Place, resolve
from registration.queries import classes_by_id, upcoming_classes
from registration.sample import generate, load_sample
from tests.services.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "models/assistant.tar.gz"

Rows = Iterator[tuple[str, str]]

TURNS = (
    "what is a school resource officer?",
    "any basic sro classes in ohio?",
    "how many seats in the second one?",
    "how do I get a copy of my certificate",
    "tell me more",
    "can I hold a spot in a class?",
    "thank you",
    "classes in texas",
)
CONVERSATIONS = 5
REPEATS = 51

ORDINARY = "I'd like to know whether there are any basic classes near Dallas in March. "
NEARLY_PLACES = "dalas ohoi texs "
"""The costliest of what a search over building blocks found (tests/nlu/test_long_messages.py)."""


def main() -> None:
    sizes = arguments()
    logs.configure()
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        folder = Path(name)
        os.environ["NASRO_SECRET"] = "a secret that only benchmarks use, 32 or more"
        os.environ["NASRO_REGISTRATION_URL"] = f"sqlite:///{folder / 'registration.sqlite'}"
        for title, rows in (
            ("a turn, at the channel, SQLite", conversation(folder, sizes.turns)),
            ("look-ups (made-up classes)", look_ups(folder, server, sizes)),
            ("the conversation's stores (made-up others)", stores(folder, server, sizes)),
            ("training of the classifier (examples duplicated)", training(sizes.examples)),
            ("understanding, by the message's length", understanding()),
        ):
            print(f"\n{title}")
            for name, value in rows:
                print(f"  {name:54} {value}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=200, help="turns of a conversation")
    parser.add_argument("--classes", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--registrations", type=int, default=1, help="for each class")
    parser.add_argument("--conversations", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--examples", type=int, default=1_000, help="of the training data")
    parser.add_argument("--only-sqlite", action="store_true")
    return parser.parse_args()


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        yield server
    finally:
        server.remove()


# --- one conversation


def conversation(folder: Path, length: int) -> Rows:
    """Turns of conversations that go on, the same eight again and again; and the collector."""
    url = f"sqlite:///{folder / 'turns.sqlite'}"
    os.environ["NASRO_CONVERSATIONS_URL"] = url
    registration = Database(os.environ["NASRO_REGISTRATION_URL"])
    registration.upgrade()
    load_sample(registration, today=today())

    async def talk() -> dict[str, list[float]]:
        agent = await assistant(MODEL)
        gc.collect()
        gc.freeze()  # as the server does
        turns = Turns(60, now, Metrics(), Settings.from_environment().identity_service())
        long = new_conversation(agent)
        await go_on(agent, turns, long, (length - 1) // len(TURNS) + 1)
        times: dict[str, list[float]] = {"new": [], "long": []}
        # One after the other, as the machine isn't always as fast.
        for _ in range(CONVERSATIONS):
            times["new"] += await go_on(agent, turns, new_conversation(agent))
            times["long"] += await go_on(agent, turns, long)
        return times

    times = asyncio.run(talk())
    first = best_quarter(times["new"])
    yield f"turns 1 to {len(TURNS)}", compared(first, first)
    begins = ((length - 1) // len(TURNS) + 1) * len(TURNS)
    ends = begins + CONVERSATIONS * len(TURNS)
    yield f"turns {begins + 1} to {ends}", compared(best_quarter(times["long"]), first)
    yield "a full collection of garbage", f"{milliseconds(gc.collect, repeats=5):8.2f} ms"


def new_conversation(agent: Agent) -> str:
    conversation_id = uuid.uuid4().hex
    session = Session(conversation_id, "", now(), now() + timedelta(days=1))
    History(require_durable(agent).database).open(session, [])
    return conversation_id


async def go_on(agent: Agent, turns: Turns, conversation_id: str, cycles: int = 1) -> list[float]:
    """Milliseconds of the next turns of a conversation."""
    times = []
    for text in TURNS * cycles:
        said = Said(now(), text, None, uuid.uuid4().hex)
        began = time.perf_counter()
        await turns.answer(agent, conversation_id, said)
        times.append((time.perf_counter() - began) * 1000)
    return times


# --- look-ups


def look_ups(folder: Path, server: PostgresServer, sizes: argparse.Namespace) -> Rows:
    questions: dict[str, dict[str, Any]] = {
        "everywhere": {"place": None},
        "in a state": {"place": place("Texas")},
        "one course in a state": {"place": place("Texas"), "course": "basic"},
        "near a city": {"place": place("Dallas, TX")},
        "in a state without classes": {"place": place("Maine")},
    }
    firsts: dict[str, float] = {}
    for size in sizes.classes:
        for url in urls(folder, server, sizes, f"classes_{size}"):
            db = Database(url)
            db.upgrade()
            generate(db, classes=size, registrations=size * sizes.registrations, today=today())
            if not db.is_sqlite:
                with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as c:
                    c.execute(sa.text("VACUUM ANALYZE"))
            kind = f"{'SQLite' if db.is_sqlite else 'PostgreSQL'}, {size:,} classes"
            for name, asked in questions.items():
                took = milliseconds(lambda d=db, a=asked: upcoming_classes(d, now=now(), **a))
                first = firsts.setdefault(f"{name} {db.is_sqlite}", took)
                yield f"{kind}, {name}", compared(took, first)
            ids = [c.id for c in upcoming_classes(db, now=now(), place=None).classes]
            took = milliseconds(lambda d=db, i=ids: classes_by_id(d, i, now=now()))
            yield (
                f"{kind}, seats of five",
                compared(took, firsts.setdefault(f"seats {db.is_sqlite}", took)),
            )
            db.dispose()


# --- the tracker store and the history


def stores(folder: Path, server: PostgresServer, sizes: argparse.Namespace) -> Rows:
    firsts: dict[str, float] = {}
    for size in sizes.conversations:
        for url in urls(folder, server, sizes, f"conversations_{size}"):
            store = ConversationTrackerStore(Domain.load(str(ROOT / "domain.yml")), url=url)
            one = make_up(store.database, size)
            history = History(store.database)
            kind = f"{'SQLite' if url.startswith('sqlite') else 'PostgreSQL'}, {size:,}"

            def read(one: str = one, store: ConversationTrackerStore = store) -> None:
                asyncio.run(store.retrieve(one))

            questions: dict[str, Callable[[], Any]] = {
                "the tracker": read,
                "is it open": lambda o=one, h=history: h.is_open(o),
                "was it answered before": lambda o=one, h=history: h.answer_to(o, "new"),
                "what was said": lambda o=one, h=history: h.messages(o),
            }
            for name, ask in questions.items():
                took = milliseconds(ask)
                first = firsts.setdefault(f"{name} {url[:6]}", took)
                yield f"{kind} conversations, {name}", compared(took, first)
            store.database.dispose()


def make_up(database: ConversationDatabase, number: int) -> str:
    """Made-up conversations of one turn each, written in bulk; the id of one in their midst."""
    at = datetime(2027, 3, 1, tzinfo=timezone.utc)
    one = f"{number // 2:032x}"
    with database.writing() as connection:
        for first in range(0, number, 5_000):
            ids = [f"{n:032x}" for n in range(first, min(first + 5_000, number))]
            opened = [{"id": id_, "created_at": at, "expires_at": at} for id_ in ids]
            connection.execute(sessions.insert(), opened)
            connection.execute(messages.insert(), [m for id_ in ids for m in _said(id_, at)])
            connection.execute(EVENTS.insert(), [e for id_ in ids for e in _events(id_)])
    if database.url.startswith("postgresql"):
        with database.writing() as connection:
            connection.execute(sa.text("ANALYZE"))
    return one


def _said(conversation_id: str, at: datetime) -> Iterable[dict[str, Any]]:
    turn = uuid.uuid4().hex
    for sender in ("user", "assistant"):
        yield {
            "conversation_id": conversation_id,
            "id": uuid.uuid4().hex,
            "turn": turn,
            "client_id": turn if sender == "user" else None,
            "sender": sender,
            "at": at,
            "content": {"text": "made up", "buttons": []},
        }


def _events(conversation_id: str) -> Iterable[dict[str, Any]]:
    parsed = {"intent": {"name": "greet"}, "entities": [], "text": "made up"}
    for event in (
        {"event": "action", "name": "action_session_start"},
        {"event": "session_started"},
        {"event": "action", "name": "action_listen"},
        {"event": "user", "text": "made up", "parse_data": parsed},
        {"event": "action", "name": "utter_greet"},
        {"event": "bot", "text": None, "data": {}, "metadata": {"utter_action": "utter_greet"}},
        {"event": "action", "name": "action_listen"},
    ):
        yield {
            "sender_id": conversation_id,
            "type_name": event["event"],
            "timestamp": 0.0,
            "action_name": event.get("name"),
            "intent_name": None,
            "data": json.dumps({**event, "timestamp": 0.0}),
        }


# --- training and understanding


def training(number: int) -> Rows:
    """The classifier's part of a training, the examples as they are and each several times."""
    data = TrainingDataImporter.load_from_dict(
        {}, str(ROOT / "config.yml"), str(ROOT / "domain.yml"), [str(ROOT / "data/nlu")]
    ).get_nlu_data()
    # Some of every intent.
    step = max(1, len(data.intent_examples) // number)
    some = TrainingData(sorted(data.intent_examples, key=lambda e: e.get("intent"))[::step])
    with tempfile.TemporaryDirectory() as folder:
        storage: Any = LocalModelStorage.create(Path(folder))
        context = ExecutionContext(GraphSchema({}), node_name="encoder")
        speller = SpellingCorrector.create({}, storage, Resource("spelling"), context)
        speller.train(some)
        speller = SpellingCorrector.load({}, storage, Resource("spelling"), context)
        speller.process_training_data(some)
        encoder = SentenceEncoder.create({}, storage, Resource("encoder"), context)
        encoder.process_training_data(some)
        first = None
        for times in (1, 2, 10):
            classifier = TopicClassifier.create({}, storage, Resource(f"x{times}"), context)
            # Rasa drops what is the same twice.
            copies = [
                Message(data={**example.data, "copy": copy}, features=example.features)
                for copy in range(times)
                for example in some.intent_examples
            ]
            began = time.process_time()
            classifier.train(TrainingData(copies))
            took = (time.process_time() - began) * 1000
            first = first or took
            yield (
                f"{len(some.intent_examples):,} examples, each {times} times",
                compared(took, first),
            )


def understanding() -> Rows:
    with parser(MODEL) as parse:
        gc.collect()
        gc.freeze()
        first = None
        for kind, block in (("ordinary", ORDINARY), ("nearly places", NEARLY_PLACES)):
            for length in (20, 200, 1_000, 2_000, 4_000):
                text = (block * length)[:length]
                took = milliseconds(lambda t=text: parse(t), 11, time.thread_time)
                first = first or took
                yield f"{kind}, {length:,} characters", compared(took, first)


# --- small things


def urls(
    folder: Path, server: PostgresServer, sizes: argparse.Namespace, name: str
) -> Iterator[str]:
    yield f"sqlite:///{folder / name}.sqlite"
    if not sizes.only_sqlite:
        server.execute(f"CREATE DATABASE {name}")
        yield server.url(name)


def milliseconds(
    ask: Callable[[], Any],
    repeats: int = REPEATS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Of many, the first two don't count: they fill caches."""
    times = []
    for _ in range(repeats + 2):
        began = clock()
        ask()
        times.append((clock() - began) * 1000)
    return best_quarter(times[2:])


def best_quarter(times: list[float]) -> float:
    """What the fastest quarter took at most: the machine serves others, who only make it slower."""
    return statistics.quantiles(times, n=4)[0]


def compared(took: float, first: float) -> str:
    return f"{took:8.2f} ms  {took / first:5.2f} x"


def place(text: str) -> Place:
    found = resolve(text)
    assert isinstance(found, Place)
    return found


def now() -> datetime:
    return datetime.now(timezone.utc)


def today() -> date:
    return now().date()


if __name__ == "__main__":
    main()
