"""Locks over several processes, Rasa's in Redis and ours in PostgreSQL: `python -m bench.locks`.

Processes take turns in one conversation, as fast as they can, and count how often two were in it at
once. Then a process is killed in the middle of a turn, and another waits for its conversation. Needs
redis-server (on Debian and Ubuntu, apt-get install redis-server).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

from rasa.core.lock_store import LockStore, RedisLockStore

from bot.locks import ConversationLockStore
from tests.running_server import free_port, wait_until
from tests.services.postgres import PostgresServer

PROCESSES = 4
POLL_SECONDS = 0.05
"""Of Rasa's lock store, which asks again and again; `bot.webchat.turns` has the same."""
SECONDS = 8.0
IN_THE_TURN = 0.002
"""Seconds that each stays."""

_spawning = multiprocessing.get_context("spawn")


async def take_turns(store: LockStore, inside: Any, result: Any) -> None:
    """Counts turns and collisions, and how long one waits where nobody else is."""
    turns = collisions = failures = 0
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        try:
            async with store.lock("one", wait_time_in_seconds=POLL_SECONDS):
                with inside.get_lock():
                    inside.value += 1
                    collisions += inside.value > 1
                await asyncio.sleep(IN_THE_TURN)
                with inside.get_lock():
                    inside.value -= 1
                turns += 1
        except Exception:
            failures += 1
    alone = []
    for number in range(200):
        began = time.perf_counter()
        async with store.lock(f"alone {os.getpid()} {number}", wait_time_in_seconds=POLL_SECONDS):
            pass
        alone.append(time.perf_counter() - began)
    result.put((turns, collisions, failures, statistics.median(alone)))


async def hold(store: LockStore, held: Any) -> None:
    async with store.lock("two"):
        held.set()
        await asyncio.sleep(3600)


def _in_a_process(make: Callable[..., LockStore], where: Any, what: Any, *arguments: Any) -> None:
    asyncio.run(what(make(where), *arguments))


def redis_store(port: int) -> LockStore:
    return RedisLockStore(host="127.0.0.1", port=port)


def postgres_store(url: str) -> LockStore:
    return ConversationLockStore(url=url)


def measure(name: str, make: Callable[..., LockStore], where: Any) -> str:
    inside, result = _spawning.Value("i", 0), _spawning.Queue()
    processes = [
        _spawning.Process(target=_in_a_process, args=(make, where, take_turns, inside, result))
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    results = [result.get() for _ in processes]
    turns, collisions, failures = (sum(column) for column in list(zip(*results, strict=True))[:3])
    alone = statistics.median(r[3] for r in results)

    held = _spawning.Event()
    holder = _spawning.Process(target=_in_a_process, args=(make, where, hold, held))
    holder.start()
    held.wait()
    assert holder.pid
    os.kill(holder.pid, signal.SIGKILL)
    killed = time.monotonic()
    asyncio.run(_take_once(make(where)))
    waited = time.monotonic() - killed
    return (
        f"{name:12} {turns} turns, two at once {collisions} times, {failures} failed;"
        f" {alone * 1000:.1f} ms where nobody waits; {waited:.1f} s after a process was killed"
    )


async def _take_once(store: LockStore) -> None:
    async with store.lock("two", wait_time_in_seconds=POLL_SECONDS):
        pass


def main() -> None:
    postgres = PostgresServer()
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        redis = subprocess.Popen(
            ["redis-server", "--port", str(port), "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: subprocess.call(["redis-cli", "-p", str(port), "ping"]) == 0)
            print(f"{PROCESSES} processes, {SECONDS:.0f} s, load {os.getloadavg()[0]:.1f}")
            print(measure("PostgreSQL", postgres_store, postgres.url("postgres")), flush=True)
            print(measure("Redis", redis_store, port), flush=True)
        finally:
            redis.terminate()
            redis.wait()
            postgres.remove()


if __name__ == "__main__":
    main()
