"""What outcomes, the queue and the reports cost, and where their two thresholds come from.

python -m bench.outcomes scores      answers below a score, and how many of them are wrong
python -m bench.outcomes clusters    what the queue would make of the held-out messages
python -m bench.outcomes turns       what reading outcomes costs a turn
python -m bench.outcomes load        how long the pages take with a million messages (or `load postgresql`)
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import httpx
import numpy as np
import sqlalchemy as sa
from rasa.core.agent import Agent
from scipy import stats

from bench import growth
from bot import logs
from bot.conversations import require_durable
from bot.nlu.classifier import NEGATIVES
from bot.nlu.encoder import encoder
from bot.nlu.report import read_utterances, understand
from bot.server import assistant
from bot.settings import Settings
from bot.staff import clusters
from bot.staff.accounts import Account, Accounts, Role
from bot.staff.clusters import packed
from bot.staff.consumer import Consumer, keep_up
from bot.staff.drafts import Drafts
from bot.staff.embedding import embedded
from bot.staff.outcome_tables import clusters as clusters_table
from bot.staff.outcome_tables import conversations, figures, questions
from bot.staff.outcomes import Conversation, Question
from bot.staff.queue import Queue
from bot.staff.redaction import redacted
from bot.staff.weekly import WeeklyReports
from bot.webchat.database import ConversationDatabase, off_loop
from bot.webchat.metrics import Metrics
from bot.webchat.turns import Turns
from identity.keys import Keys
from registration.database import Database
from registration.place_tables import STATE_NAMES
from registration.sample import load_sample
from tests.outcomes.stream import database_at
from tests.running_server import SECRET, Server, free_port
from tests.services.postgres import PostgresServer


def scores() -> None:
    """Of the held-out messages that are answered, how many are wrong by score."""
    answered = [u for u in understand(read_utterances()) if u.band == "answer"]
    print("score from  answered  of these wrong")
    steps = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01]
    for low, high in pairwise(steps):
        within = [u for u in answered if low <= u.score < high]
        wrong = sum(u.outcome == "wrong" for u in within)
        print(
            f"{low:>10.2f}  {len(within):>8}  {wrong:>6} ({100 * wrong / max(len(within), 1):.0f} %)"
        )


def cluster() -> None:
    """How pure clusters are, and how many messages share one, for several thresholds."""
    held_out = [u for u in read_utterances() if u.intent not in NEGATIVES]
    order = np.random.default_rng(0).permutation(len(held_out))
    vectors = encoder().encode([redacted(u.text) for u in held_out])
    print(f"{len(held_out)} messages of {len({u.intent for u in held_out})} topics")
    print("alike from  clusters  of the largest's topic  in clusters of 3 and more")
    for alike in (0.45, 0.5, 0.55, 0.58, 0.6, 0.62, 0.64, 0.66, 0.68, 0.7, 0.75, 0.8):
        clusters.ALIKE = alike
        known = clusters.Clusters(vectors.shape[1])
        members: list[list[int]] = []
        centers: list[np.ndarray] = []
        for n in order:
            number, _ = known.nearest(vectors[n])
            if number is None:
                number = len(members)
                members.append([])
                centers.append(vectors[n])
            centers[number] = clusters.moved(centers[number], len(members[number]), vectors[n])
            members[number].append(n)
            known.put([(number, centers[number])])
        of_largest = sum(
            Counter(held_out[n].intent for n in group).most_common(1)[0][1] for group in members
        )
        shared = sum(len(group) for group in members if len(group) >= 3)
        print(
            f"{alike:>10.2f}  {len(members):>8}  {100 * of_largest / len(order):>20.1f} %"
            f"  {100 * shared / len(order):>23.1f} %"
        )


MADE, TIMES = 20_000, 50
"""Messages that are made up, and how often each is stored: a million in all."""
DAYS = 730
CLUSTERS = 20_000
CHUNK = 20_000


def made_up(number: int) -> Iterator[list[Question]]:
    """MADE-UP questions of two years, three a conversation, none of them real, in 20,000 clusters."""
    chance = random.Random(0)
    topics = [f"faq_made_up_{n}" for n in range(30)]
    states = list(STATE_NAMES)
    first = datetime(2025, 1, 1, tzinfo=timezone.utc)
    for n in range(number // 3):
        began = first + timedelta(seconds=chance.random() * DAYS * 86400)
        conversation = []
        for m in range(3):
            outcome = chance.choices(
                ["answered", "none_found", "not_covered", "offered", "small_talk"],
                [60, 8, 8, 6, 18],
            )[0]
            is_lookup = outcome == "none_found" or (outcome == "answered" and chance.random() < 0.3)
            question = Question(
                at=began + timedelta(seconds=30 * m),
                topic=chance.choice(topics),
                is_typed=True,
                ranking=[(topic, 0.1) for topic in chance.sample(topics, 3)],
                score=chance.uniform(0.7, 1),
                band="answer",
                language="en",
                message_id=f"{n:032d}{m:04d}",
                outcome=outcome,
                handed_over="not_known" if outcome == "not_covered" else None,
                lookup="classes" if is_lookup else None,
                states=chance.choice(states) if is_lookup else "",
                results=(0 if outcome == "none_found" else 3) if is_lookup else None,
                offer="shown" if outcome == "offered" else None,
                is_helpful=chance.choice([None, None, None, None, True, False]),
                milliseconds=round(chance.lognormvariate(3, 0.5)),
                conversation=n + 1,
            )
            if question.queued_for:
                # Few clusters are asked often: the largest has a tenth of all.
                question.cluster = int(CLUSTERS ** chance.random())
                question.text = (
                    f"MADE-UP question {question.cluster} in words {chance.randrange(50)}"
                )
            conversation.append(question)
        yield conversation


def fill(database: ConversationDatabase) -> None:
    """Stores the made-up questions, with all that the consumer would have stored beside them."""
    counted: Counter[tuple[date, str, str]] = Counter()
    found: dict[int, list[Question]] = {}
    rows: list[dict[str, Any]] = []
    talks: list[dict[str, Any]] = []

    def store() -> None:
        with database.writing() as connection:
            connection.execute(conversations.insert(), talks)
            connection.execute(questions.insert(), rows)
        rows.clear()
        talks.clear()

    for number, asked in enumerate(made_up(MADE), start=1):
        talk = Conversation(f"{number:032x}", asked[0].at, asked[-1].at, id=number, questions=asked)
        counted.update(talk.figures())
        talks.append({"id": number, "conversation_id": talk.conversation_id, **talk.counts()})
        for question in asked:
            row = asdict(question)
            del row["id"]
            rows.append(row)
            if question.cluster:
                found.setdefault(question.cluster, []).append(question)
        if len(rows) >= CHUNK:
            store()
    store()
    _repeat(database, number)
    center = packed(np.random.default_rng(0).normal(size=768).astype(np.float32))
    with database.writing() as connection:
        connection.execute(
            clusters_table.insert(),
            [_cluster(number, found.get(number), center) for number in range(1, CLUSTERS + 1)],
        )
        connection.execute(
            figures.insert(),
            [
                {"day": day, "measure": measure, "key": key, "number": TIMES * n}
                for (day, measure, key), n in counted.items()
            ],
        )


def _cluster(number: int, asked: list[Question] | None, center: bytes) -> dict[str, Any]:
    """A cluster's row; of what was never asked, one that was asked once."""
    size = TIMES * len(asked) if asked else 1
    times = [question.at for question in asked or ()] or [datetime(2025, 1, 1, tzinfo=timezone.utc)]
    return {
        "id": number,
        "version": 1,
        "center": center,
        "size": size,
        "text": f"MADE-UP question {number}",
        "nearest": [("faq_made_up_1", 0.3), ("faq_made_up_2", 0.2), ("faq_made_up_3", 0.1)],
        "reasons": {"not_answered": size},
        "first_at": min(times),
        "last_at": max(times),
    }


def _repeat(database: ConversationDatabase, number: int) -> None:
    """Stores what is stored again, until it is there `TIMES` times.

    Args:
        number: The conversations that there are.
    """
    for time_ in range(1, TIMES):
        shift = time_ * number
        new = {
            conversations: {
                "id": conversations.c.id + shift,
                "conversation_id": conversations.c.conversation_id + f"-{time_}",
            },
            questions: {"conversation": questions.c.conversation + shift, "id": None},
        }
        with database.writing() as connection:
            for table, changed in new.items():
                values = {c.name: changed.get(c.name, c) for c in table.columns}
                values = {name: value for name, value in values.items() if value is not None}
                own = conversations.c.id if table is conversations else questions.c.conversation
                query = sa.select(*values.values()).where(own <= number)
                connection.execute(table.insert().from_select(list(values), query))


PASSWORD = "correct horse battery"
ASKED = 15
"""Times that each page is asked for."""


def load() -> None:
    """How long the pages of reports and the queue take with a million made-up messages, on both databases.

    With `sqlite` or `postgresql` after the command, on that one. The pages are the server's own, over HTTP,
    to somebody who is signed in.
    """
    postgres = PostgresServer()
    postgres.execute("CREATE DATABASE outcomes")
    with tempfile.TemporaryDirectory() as folder:
        for url in (f"sqlite:///{folder}/conversations.sqlite", postgres.url("outcomes")):
            kind = url.partition(":")[0]
            if sys.argv[2:] and sys.argv[2] != kind:
                continue
            database = database_at(url)
            began = time.perf_counter()
            fill(database)
            if kind == "postgresql":
                with database.reading() as connection:
                    connection.execute(sa.text("ANALYZE"))
            print(
                f"{kind}: {MADE * TIMES:,} MADE-UP messages in {time.perf_counter() - began:.0f} s"
            )
            email = "reader@example.org"
            Accounts(database, Keys(SECRET)).add(
                email, "A reader", Role.VIEWER, PASSWORD, by="bench"
            )
            largest = Queue(database, Drafts(database)).waiting().clusters[0]
            database.dispose()
            pages = {
                "the queue": "/queue",
                "the queue, its page 500": "/queue?page=500",
                f"a question asked {largest.size:,} times": f"/queue/{largest.id}",
                "the report of four weeks, by day": "/reports?from=2026-12-04&to=2026-12-31",
                "the report of two years, by week": "/reports?from=2025-01-01&to=2026-12-31&by=week",
            }
            _ask_for(pages, url, Path(folder) / kind, email)
            _mails_of_a_week(url)
    postgres.remove()


def _ask_for(pages: dict[str, str], url: str, folder: Path, email: str) -> None:
    """Prints what each page takes from a server of its own."""
    folder.mkdir()
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    server = Server(folder, port, {"NASRO_CONVERSATIONS_URL": url, "NASRO_STAFF_ORIGIN": origin})
    Database(server.registration_url).upgrade()
    server.start()
    try:
        with httpx.Client(base_url=f"{origin}/staff", trust_env=False, timeout=60) as browser:
            token = re.search(r'form_token" value="(\w+)"', browser.get("/sign-in").text)
            assert token
            form = {"form_token": token[1], "email": email, "password": PASSWORD}
            browser.post("/sign-in", data=form, headers={"Origin": origin})
            for name, path in pages.items():
                times = []
                for _ in range(ASKED):
                    began = time.perf_counter()
                    answer = browser.get(path)
                    times.append(1000 * (time.perf_counter() - began))
                    assert answer.status_code == 200, answer.text
                _print(name, times)
    finally:
        server.stop()


def _mails_of_a_week(url: str) -> None:
    """Prints what it takes to tell what a week's mail says."""
    database = database_at(url)
    monday = datetime(2026, 12, 28, 12, tzinfo=timezone.utc)
    weekly = WeeklyReports(database, Keys(SECRET), "https://example.org/staff", lambda: monday)
    reader = Account(1, "reader@example.org", "A reader", Role.VIEWER)
    times = []
    for _ in range(ASKED):
        began = time.perf_counter()
        weekly.text(reader)
        times.append(1000 * (time.perf_counter() - began))
    _print("a week's mail, without its sending", times)
    database.dispose()


def _print(name: str, times: list[float]) -> None:
    print(
        f"| {name} | {times[0]:.0f} | {float(np.median(times)):.0f} | {max(times):.0f} |",
        flush=True,
    )


ROUNDS = 30
SECONDS = 3.0
"""Of each half of a round: the reader wakes some times in it."""
CYCLES = 2
"""Times that a conversation goes through the eight turns of `bench.growth`."""


@dataclass
class Half:
    """Turns one after another, as fast as they come."""

    clock: list[float] = field(default_factory=list)
    """Milliseconds of each turn."""
    processor: float = 0.0
    """Milliseconds a turn of the whole process, the reader's too."""
    reader: float = 0.0
    """Of these, the reader's."""


def turns() -> None:
    """What outcomes cost a turn: in one process, with the reader beside the turns and without, in turns.

    Each round has both halves, in an order drawn by lot; a difference is of the two halves of a round,
    and its interval is Student's, of 95 %.
    """
    logs.configure()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NASRO_SECRET"] = "a secret that only benchmarks use, 32 or more"
        os.environ["NASRO_CONVERSATIONS_URL"] = f"sqlite:///{folder}/conversations.sqlite"
        os.environ["NASRO_REGISTRATION_URL"] = f"sqlite:///{folder}/registration.sqlite"
        registration = Database(os.environ["NASRO_REGISTRATION_URL"])
        registration.upgrade()
        load_sample(registration, today=growth.today())
        rounds = asyncio.run(_rounds())
    print(
        f"{ROUNDS} rounds, {sum(len(half.clock) for pair in rounds for half in pair)} turns\n\n"
        "| milliseconds a turn | without outcomes | with | difference, 95 % |\n|---|---|---|---|"
    )
    measures: dict[str, Callable[[Half], float]] = {
        "by the clock, median": lambda half: float(np.median(half.clock)),
        "by the clock, mean": lambda half: float(np.mean(half.clock)),
        "processor, all of the process": lambda half: half.processor,
        "processor, reading the outcomes": lambda half: half.reader,
    }
    for name, measure in measures.items():
        without, with_ = np.array([[measure(half) for half in pair] for pair in rounds]).T
        low, high = stats.t.interval(
            0.95, ROUNDS - 1, np.mean(with_ - without), stats.sem(with_ - without)
        )
        print(
            f"| {name} | {without.mean():.2f} | {with_.mean():.2f} "
            f"| {np.mean(with_ - without):+.2f} ({low:+.2f} to {high:+.2f}) |"
        )


async def _rounds() -> list[tuple[Half, Half]]:
    agent = await assistant(growth.MODEL)
    gc.collect()
    gc.freeze()  # as the server does
    turns = Turns(60, 64, growth.now, Metrics(), Settings.from_environment().identity_service())
    consumer = Consumer(require_durable(agent).database, embedded)
    chance = random.Random(0)
    rounds = []
    await _half(agent, turns, consumer, is_read=True)  # fills caches
    for _ in range(ROUNDS):
        halves = {}
        for is_read in chance.sample([False, True], 2):
            consumer.catch_up()
            halves[is_read] = await _half(agent, turns, consumer, is_read=is_read)
        rounds.append((halves[False], halves[True]))
    return rounds


async def _half(agent: Agent, turns: Turns, consumer: Consumer, *, is_read: bool) -> Half:
    half = Half()
    step = consumer.step

    def timed() -> int | None:
        began = time.thread_time()
        try:
            return step()
        finally:
            half.reader += 1000 * (time.thread_time() - began)

    began, until = time.process_time(), time.perf_counter() + SECONDS
    with patch.object(consumer, "step", timed):
        reading = asyncio.create_task(keep_up(consumer)) if is_read else None
        while time.perf_counter() < until:
            conversation_id = growth.new_conversation(agent)
            for _ in range(CYCLES):
                half.clock += await growth.go_on(agent, turns, conversation_id)
        if reading:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await off_loop(consumer.catch_up)  # what these turns have left
    half.processor = 1000 * (time.process_time() - began) / len(half.clock)
    half.reader /= len(half.clock)
    return half


COMMANDS: dict[str, Callable[[], None]] = {
    "scores": scores,
    "clusters": cluster,
    "load": load,
    "turns": turns,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]]()
