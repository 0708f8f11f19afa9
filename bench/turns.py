"""Training, start, FAQ turns and look-up turns: `make bench`.

The server runs as a process of its own on one core; the client shares the machine's other cores. Times
are those a client sees over HTTP on this machine, databases included (SQLite).
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

import httpx

from bench.memory import resident_megabytes
from registration.database import Database
from registration.places import STATE_NAMES
from registration.sample import generate
from tests.running_server import ROOT, Server, free_port

CONVERSATIONS = 40
CLASSES = 100_000
REGISTRATIONS = 1_000_000

FAQ_TURNS = (
    "hello",
    "what is a school resource officer?",
    "how do I get a copy of my certificate",
    "tell me more",
    "can I hold a spot in a class?",
    "thank you",
)


def main() -> None:
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, one for the server"
    )
    rows = [("training, nothing cached", f"{training_seconds():.1f} s")]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder=Path(folder), port=free_port(), cores={0})
        database = Database(server.registration_url)
        database.upgrade()
        today = datetime.now(timezone.utc).date()
        generate(database, classes=CLASSES, registrations=REGISTRATIONS, today=today)
        database.dispose()
        try:
            rows += [
                ("start to first answer, first", f"{seconds_to_first_answer(server):.1f} s"),
                ("start to first answer, again", f"{seconds_to_first_answer(server):.1f} s"),
            ]
            rows += summary("FAQ turn, six-turn conversation", faq_turns(server))
            rows += summary(f"look-up turn, {CLASSES:,} classes", look_up_turns(server))
            assert server.process
            rows.append(
                ("memory after these turns", f"{resident_megabytes(server.process.pid)} MB")
            )
        finally:
            server.stop()
    for name, value in rows:
        print(f"{name:45} {value}")


def training_seconds() -> float:
    """Trains into a folder of its own, without Rasa's cache."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "rasa", "train", "--force", "--out", folder]
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        return time.perf_counter() - started


def seconds_to_first_answer(server: Server) -> float:
    server.stop()
    started = time.perf_counter()
    server.start()
    list(conversation(server, ["hello"]))
    return time.perf_counter() - started


def faq_turns(server: Server) -> list[float]:
    return [t for _ in range(CONVERSATIONS) for t in conversation(server, FAQ_TURNS)]


def look_up_turns(server: Server) -> list[float]:
    states = list(STATE_NAMES.values())[:CONVERSATIONS]
    return [t for state in states for t in conversation(server, [f"upcoming classes in {state}"])]


def conversation(server: Server, texts: Iterable[str]) -> Iterable[float]:
    """Milliseconds of each turn of a new conversation."""
    with httpx.Client(base_url=f"{server.url}/api/chat/v1") as http:
        token = http.post("/sessions").raise_for_status().json()["token"]
        for text in texts:
            started = time.perf_counter()
            http.post(
                "/messages", json={"text": text}, headers={"Authorization": f"Bearer {token}"}
            ).raise_for_status()
            yield (time.perf_counter() - started) * 1000


def summary(name: str, milliseconds: list[float]) -> list[tuple[str, str]]:
    percentiles = statistics.quantiles(milliseconds, n=100)
    p50, p95 = percentiles[49], percentiles[94]
    return [(f"{name} ({len(milliseconds)})", f"p50 {p50:.1f} ms, p95 {p95:.1f} ms")]


if __name__ == "__main__":
    main()
