"""What a turn, a look-up, the stores, training and a message cost as they grow: `make bench-growth`.

Times are lower quartiles, within this process, on this machine, with real databases (SQLite and
PostgreSQL); of training and understanding, which wait for nothing, the processor's time. What is made up
or duplicated says so. `--help` lists the sizes; the largest take minutes to make:

    python -m bench.growth --only look-ups --on postgresql --classes 100 1000000 --registrations 10
    python -m bench.growth --only stores --on sqlite --conversations 100 1000000
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bench.made_up import EACH, events, many_classes, many_conversations, many_registrations
from bot import logs
from bot.conversations import EVENTS, ConversationTrackerStore, require_durable
from bot.nlu.classifier import TopicClassifier
from bot.nlu.encoder import SentenceEncoder
from bot.nlu.report import parser
from bot.nlu.spelling import SpellingCorrector
from bot.server import assistant
from bot.settings import Settings
from bot.webchat.database import ConversationDatabase
from bot.webchat.history import History
from bot.webchat.metrics import Metrics
from bot.webchat.sessions import Session
from bot.webchat.turns import Said, Turns
from registration.database import Database
from registration.members import attendances
from registration.places import Place, resolve
from registration.queries import classes_by_id, upcoming_classes
from registration.sample import PLACES, load_sample
from tests.services.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "models/assistant.tar.gz"

Rows = Iterator[tuple[str, str]]

Made = dict[str, dict[int, dict[str, Callable[[], Any]]]]
"""Questions by name, of databases by kind and size."""

DATABASES = ["sqlite", "postgresql"]

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
        parts: dict[str, tuple[str, Callable[[], Rows]]] = {
            "turns": (
                "a turn, at the channel, SQLite",
                lambda: conversation(folder, sizes.turns),
            ),
            "look-ups": (
                "look-ups (classes and registrations made up)",
                lambda: look_ups(folder, server, sizes),
            ),
            "stores": (
                "the conversation's stores (conversations made up)",
                lambda: stores(folder, server, sizes),
            ),
            "training": (
                "training of the classifier (examples duplicated)",
                lambda: training(sizes.examples),
            ),
            "understanding": ("understanding, by the message's length", understanding),
        }
        for part in sizes.only or parts:
            title, rows = parts[part]
            print(f"\n{title}")
            for name, value in rows():
                print(f"  {name:62} {value}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = ["turns", "look-ups", "stores", "training", "understanding"]
    parser.add_argument("--only", nargs="+", choices=parts)
    parser.add_argument("--on", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--turns", type=int, default=200, help="turns of a conversation")
    parser.add_argument("--classes", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--registrations", type=int, default=1, help="for each class")
    parser.add_argument("--conversations", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--examples", type=int, default=1_000, help="of the training data")
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
        turns = Turns(60, 64, now, Metrics(), Settings.from_environment().identity_service())
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
    month = today().replace(day=1) + timedelta(days=92)
    five = "Dallas, TX; Houston, TX; Chicago, IL; Atlanta, GA; Denver, CO"
    places: dict[str, dict[str, Any]] = {
        "everywhere": {"place": None},
        "in a month": {"place": None, "period": (month, month + timedelta(days=29))},
        "in a state": {"place": place("Texas")},
        "one course in a state": {"place": place("Texas"), "course": "basic"},
        "in a state without classes": {"place": place("Maine")},
        "in twelve states": {"place": place("Midwest")},
        "near a city": {"place": place("Dallas, TX")},
        "one course near a city": {"place": place("Dallas, TX"), "course": "basic"},
        "near a city without classes": {"place": place("Billings, MT")},
        "near any of five cities": {"place": place(five)},
        "near a city or in its state": {"place": place("Dallas, TX; Texas")},
    }
    # Some lie amid many classes, some beside.
    cities = [place(f"{city}, {state}") for city, state, _ in PLACES]
    made: Made = {}
    for size in sizes.classes:
        for kind, url in databases(folder, server, sizes, f"classes_{size}"):
            db = Database(url)
            db.upgrade()
            began = time.perf_counter()
            many_classes(db, size, today())
            registrations = many_registrations(db, size * sizes.registrations)
            took = f"made in {time.perf_counter() - began:.0f} s"
            yield f"{kind}: {size:,} classes, {registrations:,} registrations", took
            ids = [c.id for c in upcoming_classes(db, now=now(), place=None).classes]
            email = f"sample-bulk-{max(1, registrations // EACH // 2)}@example.org"
            made.setdefault(kind, {})[size] = {
                f"near {len(cities)} cities, one after the other": partial(_each_of, cities, db),
                **{n: partial(upcoming_classes, db, now=now(), **p) for n, p in places.items()},
                "the seats of five classes": partial(classes_by_id, db, ids, now=now()),
                "certificates of a member with twenty classes": partial(
                    attendances, db, email=email, now=now()
                ),
            }
    yield from side_by_side(made)


def _each_of(cities: list[Place], db: Database) -> None:
    for city in cities:
        upcoming_classes(db, now=now(), place=city)


# --- the tracker store and the history


def stores(folder: Path, server: PostgresServer, sizes: argparse.Namespace) -> Rows:
    made: Made = {}
    for size in sizes.conversations:
        for kind, url in databases(folder, server, sizes, f"conversations_{size}"):
            store = ConversationTrackerStore(Domain.load(str(ROOT / "domain.yml")), url=url)
            began = time.perf_counter()
            one = many_conversations(store.database, size)
            yield f"{kind}: {size:,} conversations", f"made in {time.perf_counter() - began:.0f} s"
            history = History(store.database)
            made.setdefault(kind, {})[size] = {
                "a tracker is read": partial(_read, store, one),
                "is it open": partial(history.state, one),
                "was it answered before": partial(history.answer_to, one, "new"),
                "what was said": partial(history.messages, one),
                "a turn's events are stored": partial(_store, store.database),
            }
    yield from side_by_side(made)


def _read(store: ConversationTrackerStore, conversation_id: str) -> None:
    asyncio.run(store.retrieve(conversation_id))


def _store(database: ConversationDatabase) -> None:
    with database.writing() as connection:
        connection.execute(EVENTS.insert(), list(events(uuid.uuid4().hex)))


def side_by_side(made: Made) -> Rows:
    """What each question costs in databases of several sizes, asked in turns."""
    for kind, sizes in made.items():
        for name in next(iter(sizes.values())):
            times: dict[int, list[float]] = {size: [] for size in sizes}
            for _ in range(REPEATS + 2):
                for size, questions in sizes.items():
                    began = time.perf_counter()
                    questions[name]()
                    times[size].append((time.perf_counter() - began) * 1000)
            took = {size: best_quarter(values[2:]) for size, values in times.items()}
            first = next(iter(took.values()))
            for size, value in took.items():
                yield f"{kind}, {name}, {size:,}", compared(value, first)


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


def databases(
    folder: Path, server: PostgresServer, sizes: argparse.Namespace, name: str
) -> Iterator[tuple[str, str]]:
    """New ones: what they are called, and their URLs."""
    if "sqlite" in sizes.on:
        yield "SQLite", f"sqlite:///{folder / name}.sqlite"
    if "postgresql" in sizes.on:
        server.execute(f"CREATE DATABASE {name}")
        yield "PostgreSQL", server.url(name)


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
