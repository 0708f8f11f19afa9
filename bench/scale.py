"""Several processes behind nginx: `make bench-scale` (ARGS="--turns 100000 --processes 4").

Two questions, on the topology of `make scale-up` with durable commits. How many turns a second do 1, 2
and 4 processes answer, with and without a conversation staying with its process? And does anything get
lost, doubled or out of order while processes are killed? Everything here shares this machine's cores:
processes, PostgreSQL, nginx and the people who ask.

The people keep to the limits by address and by conversation: each conversation comes from an address
of its own (127.x.y.z).
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import os
import random
import signal
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import psutil
import sqlalchemy as sa
import uvloop

from bench.client import Client, client
from bench.processes import resident_megabytes
from deploy.scale_up import LEAST_CONNECTIONS, STICKY, Topology
from tests.running_server import ROOT, free_port
from tests.services.postgres import PostgresServer

TEXTS = (
    "how do I get a copy of my certificate",
    "upcoming classes in texas",
    "tell me more",
    "what is a school resource officer?",
    "any basic sro classes in ohio",
    "can I hold a spot in a class?",
    "classes in florida",
    "how do I become an sro",
    "how much does it cost to register",
    "thank you",
)
"""Each asks one thing, so that Rasa stores one event of the person for each."""

PATIENCE = 180.0
"""Seconds after which a turn that is still not answered counts as lost."""

_addresses = itertools.count(random.randrange(1 << 20))


@dataclass
class Turn:
    """A message, and what came of it."""

    text: str
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answers: list[list[str]] = field(default_factory=list)
    """Ids of the answer's messages, for each time that it was acknowledged."""
    seconds: float = 0.0
    """From the first attempt to the first acknowledgement."""
    attempts: int = 0


@dataclass
class Conversation:
    token: str
    turns: list[Turn] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(jwt.decode(self.token, options={"verify_signature": False})["sub"])


def somebody(url: str) -> AbstractAsyncContextManager[Client]:
    """A client with an address of its own."""
    number = next(_addresses) % (1 << 22)
    return client(url, f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}")


async def request(
    http: Client, method: str, path: str, attempts: Turn | None = None, **more: Any
) -> dict[str, Any]:
    """Asks until there is an answer, as the widget does: after a while, and the same again.

    Raises:
        TimeoutError: There was none for a very long time.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if attempts:
            attempts.attempts += 1
        pause = 0.5
        try:
            answer = await http.request(method, f"/api/chat/v1{path}", **more)
        except OSError:
            pass
        else:
            if answer.status < 300:
                return answer.json()
            assert answer.status in (429, 503), f"{answer.status}: {answer.body!r}"
            pause = float(answer.headers["retry-after"])
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))
    raise TimeoutError(f"{method} {path}")


async def say(http: Client, conversation: Conversation, turn: Turn) -> None:
    began = time.perf_counter()
    message = {"text": turn.text, "client_id": turn.client_id}
    answer = await request(
        http, "POST", "/messages", turn, json_body=message, token=conversation.token
    )
    turn.seconds = turn.seconds or time.perf_counter() - began
    turn.answers.append([message["id"] for message in answer["messages"]])


# How fast ---------------------------------------------------------------------------------------------


async def throughput(url: str, people: int, seconds: float) -> list[float]:
    """Seconds of each turn that so many people got answered in that time, after a warming-up."""
    times: list[float] = []
    counts_from = time.monotonic() + min(3.0, seconds / 4)
    ends = counts_from + seconds

    async def person() -> None:
        while time.monotonic() < ends:
            async with somebody(url) as http:
                opened = await request(http, "POST", "/sessions")
                conversation = Conversation(opened["token"])
                for text in TEXTS:
                    turn = Turn(text)
                    await say(http, conversation, turn)
                    if counts_from < time.monotonic() < ends:
                        times.append(turn.seconds)

    await asyncio.gather(*(person() for _ in range(people)))
    return times


def cpu_seconds(topology: Topology) -> dict[str, float]:
    """What each part has used of the cores so far, and what nobody has."""
    assert topology.postgres
    parts = {
        "process": [server.process.pid for server in topology.servers if server.process],
        "PostgreSQL": [topology.postgres.process_id()],
        "nginx": [topology.nginx_id()],
        "people": [os.getpid()],
    }
    used = {}
    for name, pids in parts.items():
        processes = [psutil.Process(pid) for pid in pids]
        if name != "people":  # whose children are all the others
            processes += [child for p in processes for child in p.children(recursive=True)]
        times = [process.cpu_times() for process in processes]
        used[name] = sum(t.user + t.system for t in times)
        if name == "PostgreSQL":  # connections that have ended
            used[name] += times[0].children_user + times[0].children_system
    machine = psutil.cpu_times()
    # A virtual machine is told how long its cores ran for others.
    idle, stolen = (getattr(machine, name, 0.0) for name in ("idle", "steal"))
    return {**used, "idle": idle + getattr(machine, "iowait", 0.0), "stolen": stolen}


def measure_speed(
    processes: int, balance: str, people: int, seconds: float, arguments: tuple[str, ...]
) -> str:
    """A line of the table."""
    with running(processes, balance, arguments) as topology:
        before, began = cpu_seconds(topology), time.monotonic()
        times = uvloop.run(throughput(topology.url, people, seconds))
        after, took = cpu_seconds(topology), time.monotonic() - began
        pids = [server.process.pid for server in topology.servers if server.process]
        memory = sum(map(resident_megabytes, pids)) // processes
    percentiles = statistics.quantiles(times, n=100)
    # The turns before and after the counted ones took their share too.
    turns = len(times) * took / seconds
    used = {name: after[name] - before[name] for name in after}
    parts = ("process", "PostgreSQL", "nginx", "people")
    shares = ", ".join(f"{name} {1000 * used[name] / turns:.2f}" for name in parts)
    cores = ", ".join(f"{name} {used[name] / took:.2f}" for name in ("process", "idle", "stolen"))
    name = "sticky" if balance == STICKY else "least connections"
    return (
        f"{processes} processes, {name:17}  {len(times) / seconds:6.1f} turns/s"
        f"   p50 {percentiles[49] * 1000:5.0f} ms  p95 {percentiles[94] * 1000:5.0f} ms"
        f"  p99 {percentiles[98] * 1000:5.0f} ms   CPU ms a turn: {shares}"
        f"   cores: {cores}   {memory} MB each"
    )


# Whether it is right ----------------------------------------------------------------------------------


@dataclass
class Report:
    """What a run with killed processes came to."""

    turns: int = 0
    conversations: int = 0
    kills: int = 0
    attempts: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    slow: int = 0
    """Turns of more than ten seconds."""
    connections: int = 0
    """To PostgreSQL, of all processes, at the end."""
    bytes: int = 0
    """In the tables and indexes of the conversations."""
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.turns} acknowledged turns in {self.conversations} conversations,"
            f" {self.kills} kills, {self.attempts} requests, {self.seconds:.0f} s;"
            f" longest wait for an answer {self.longest:.1f} s, {self.slow} over 10 s;"
            f" {self.connections} connections to PostgreSQL, {self.bytes // self.turns} bytes a turn;"
            f" lost, doubled or out of order: {len(self.wrong)}"
        )


async def converse(url: str, length: int) -> Conversation:
    """A conversation of a hasty person: two messages at once, one sent twice, the rest in order."""
    async with somebody(url) as http:
        conversation = Conversation((await request(http, "POST", "/sessions"))["token"])
        texts = itertools.cycle(TEXTS)
        turns = conversation.turns = [Turn(next(texts)) for _ in range(length)]
        # Two that begin at once; a conversation has one beginning whoever wins.
        await asyncio.gather(*(say(http, conversation, turn) for turn in turns[:2]))
        # One sent twice at once, as by a client whose connection broke.
        await asyncio.gather(*(say(http, conversation, turns[2]) for _ in range(2)))
        for turn in turns[3:]:
            await say(http, conversation, turn)
        read = await request(http, "GET", "/messages", token=conversation.token)
        conversation.history = read["messages"]
        return conversation


def problems(conversation: Conversation, stored: list[tuple[str, str | None]]) -> list[str]:
    """What is wrong with a conversation.

    Args:
        stored: Rasa's events of it, in order: their type, and the person's message's id.
    """
    found = []
    acknowledged = {turn.client_id: turn.answers for turn in conversation.turns}
    for client_id, answers in acknowledged.items():
        if not answers or any(answer != answers[0] for answer in answers):
            found.append(f"{client_id} was answered in several ways: {answers}")
    said = [m["id"] for m in conversation.history if m["from"] == "user"]
    wanted = [turn.client_id for turn in conversation.turns]
    if said[:2] != wanted[:2]:
        wanted[:2] = reversed(wanted[:2])  # which of two at once came first is nobody's right
    if said != wanted:
        found.append(f"the history has {said}, not {wanted}")
    shown: dict[str, list[str]] = {}
    for message in conversation.history[1:]:  # after the welcome
        if message["from"] == "user":
            shown[message["id"]] = answer = []
        else:
            answer.append(message["id"])
    for client_id, answers in acknowledged.items():
        if shown.get(client_id) != answers[0]:
            found.append(f"after {client_id} the history has {shown.get(client_id)}: {answers}")
    heard = [id_ for kind, id_ in stored if kind == "user"]
    if heard != said:
        found.append(f"Rasa heard {heard}, the history has {said}")
    if (begun := sum(kind == "session_started" for kind, _ in stored)) != 1:
        found.append(f"the conversation has {begun} beginnings")
    return found


async def under_kills(
    topology: Topology,
    *,
    turns: int,
    people: int,
    length: int,
    kill_every: float,
    kills: int,
    minutes: float = math.inf,
) -> Report:
    """Lets people talk while processes are killed and started again, and counts turn by turn.

    Args:
        turns: So many at least, where the time is enough.
        length: Turns of a conversation, at least three.
        kill_every: Seconds between two kills, of one process after the other.
        kills: At most so many.
        minutes: After so long no new conversation begins.
    """
    report, began = Report(), time.monotonic()
    conversations: list[Conversation] = []
    left = -(-turns // length)
    ended = asyncio.Event()

    async def person() -> None:
        nonlocal left
        while left > 0 and time.monotonic() - began < 60 * minutes:
            left -= 1
            conversations.append(await converse(topology.url, length))

    async def killer() -> None:
        for server in itertools.islice(itertools.cycle(topology.servers), kills):
            try:
                await asyncio.wait_for(ended.wait(), kill_every)
            except asyncio.TimeoutError:
                assert server.process
                server.process.send_signal(signal.SIGKILL)
                server.process.wait()
                report.kills += 1
                starting.append(asyncio.ensure_future(asyncio.to_thread(server.start)))
                if sum(not s.done() for s in starting) == len(topology.servers):
                    await asyncio.wait(starting, return_when=asyncio.FIRST_COMPLETED)
            else:
                return

    starting: list[asyncio.Future[None]] = []
    killing = asyncio.ensure_future(killer())
    await asyncio.gather(*(person() for _ in range(people)))
    ended.set()
    await killing
    report.seconds = time.monotonic() - began
    await asyncio.gather(*starting)

    assert topology.postgres
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE '%\\_{port}'"
    report.connections = topology.postgres.ask(count.format(port=topology.port))
    stored, report.bytes = await asyncio.to_thread(_stored, topology.conversations_url)
    for conversation in conversations:
        report.wrong += problems(conversation, stored[conversation.id])
    all_turns = [turn for conversation in conversations for turn in conversation.turns]
    report.conversations, report.turns = len(conversations), len(all_turns)
    report.attempts = sum(turn.attempts for turn in all_turns)
    report.longest = max(turn.seconds for turn in all_turns)
    report.slow = sum(turn.seconds > 10 for turn in all_turns)
    return report


def _stored(url: str) -> tuple[dict[str, list[tuple[str, str | None]]], int]:
    """Rasa's events by conversation, in order; and the bytes that all conversations take."""
    engine = sa.create_engine(url, future=True)
    stored: dict[str, list[tuple[str, str | None]]] = {}
    with engine.connect() as connection:
        query = "SELECT sender_id, type_name, data FROM events ORDER BY id"
        for sender, kind, data in connection.exec_driver_sql(query):
            id_ = json.loads(data)["message_id"] if kind == "user" else None
            stored.setdefault(sender, []).append((kind, id_))
        tables = ("events", "webchat_messages", "webchat_sessions")
        size = " + ".join(f"pg_total_relation_size('{table}')" for table in tables)
        total = connection.exec_driver_sql(f"SELECT {size}").scalar_one()
    engine.dispose()
    return stored, total


# The command ------------------------------------------------------------------------------------------


@contextmanager
def running(processes: int, balance: str, arguments: tuple[str, ...]) -> Iterator[Topology]:
    postgres = PostgresServer(is_durable=True)
    with tempfile.TemporaryDirectory() as folder:
        topology = Topology(
            Path(folder),
            processes=processes,
            balance=balance,
            postgres=postgres,
            arguments=arguments,
        )
        try:
            topology.start()
            yield topology
        finally:
            topology.stop()
            postgres.remove()


@contextmanager
def lock_store(kind: str) -> Iterator[tuple[str, ...]]:
    """Arguments of `nasro-chat serve` for another lock store than the project's, to compare."""
    if kind == "postgresql":
        yield ()
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        ours, file = "type: bot.locks.ConversationLockStore", Path(folder, "endpoints.yml")
        other = f"type: redis\n  url: 127.0.0.1\n  port: {port}"
        text = (ROOT / "endpoints.yml").read_text()
        assert ours in text
        file.write_text(text.replace(ours, other if kind == "redis" else "type: in_memory"))
        redis = None
        if kind == "redis":
            redis = subprocess.Popen(
                ["redis-server", "--port", str(port), "--save", "", "--dir", folder],
                stdout=subprocess.DEVNULL,
            )
        try:
            yield ("--endpoints", str(file))
        finally:
            if redis:
                redis.terminate()
                redis.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--processes", type=int, default=4, help="in the run with kills")
    parser.add_argument("--turns", type=int, default=10_000, help="in the run with kills")
    parser.add_argument("--minutes", type=float, default=math.inf, help="no more of them than that")
    parser.add_argument("--people", type=int, default=32, help="who talk at once")
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement of speed")
    parser.add_argument("--only", choices=["speed", "kills"])
    parser.add_argument(
        "--locks",
        choices=["postgresql", "redis", "in_memory"],
        default="postgresql",
        help="redis: Rasa's lock store; in_memory: none over processes, to see that it is noticed",
    )
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, locks: {asked.locks}")
    with lock_store(asked.locks) as arguments:
        if asked.only != "kills":
            for processes in (1, 2, 4):
                for balance in (LEAST_CONNECTIONS, STICKY)[: min(processes, 2)]:
                    line = measure_speed(processes, balance, asked.people, asked.seconds, arguments)
                    print(line, flush=True)
        if asked.only != "speed":
            with running(asked.processes, LEAST_CONNECTIONS, arguments) as topology:
                report = uvloop.run(
                    under_kills(
                        topology,
                        turns=asked.turns,
                        people=asked.people,
                        length=20,
                        kill_every=20,
                        kills=1_000,
                        minutes=asked.minutes,
                    )
                )
            print(f"{asked.processes} processes, one killed every 20 s: {report}")
            print(*report.wrong[:20], sep="\n")


if __name__ == "__main__":
    main()
