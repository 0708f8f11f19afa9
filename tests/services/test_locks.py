"""Turns of one conversation in several processes, on a real PostgreSQL: order, death, many at once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from rasa.core.lock_store import LockStore
from rasa.core.tracker_store import SQLTrackerStore
from rasa.core.utils import AvailableEndpoints

from bot.locks import AT_ONCE, ConversationLockStore, OneProcessOnly
from bot.webchat.database import METADATA, ConversationDatabase
from identity.database import IdentityDatabase
from tests.running_server import ROOT
from tests.services.postgres import PostgresServer

HOLD_FOR_EVER = """
import asyncio, sys
from bot.locks import ConversationLockStore

async def hold():
    async with ConversationLockStore(url=sys.argv[1]).lock("one"):
        print("held", flush=True)
        await asyncio.sleep(3600)

asyncio.run(hold())
"""


@pytest.fixture
def stores(postgres_url: str) -> Iterator[tuple[ConversationLockStore, ConversationLockStore]]:
    """As two processes have them: they share nothing but the database."""
    both = ConversationLockStore(url=postgres_url), ConversationLockStore(url=postgres_url)
    yield both
    for store in both:
        store.dispose()


def test_the_endpoints_file_names_this_lock(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("NASRO_CONVERSATIONS_URL", postgres_url)
    endpoints = AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml"))

    assert isinstance(LockStore.create(endpoints.lock_store), ConversationLockStore)


def test_several_workers_are_refused_where_nothing_is_shared(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("SANIC_WORKERS", "2")

    ConversationLockStore(url=postgres_url)
    with pytest.raises(OneProcessOnly, match="NASRO_CONVERSATIONS_URL"):
        ConversationLockStore(url=f"sqlite:///{tmp_path / 'conversations.sqlite'}")


async def test_one_after_another_in_the_order_they_came(stores: Any, postgres: Any) -> None:
    one, other = stores
    happened: list[str] = []

    async def turn(store: ConversationLockStore, name: str) -> None:
        async with store.lock("one"):
            happened.append(f"{name} begins")
            await asyncio.sleep(0.01)
            happened.append(f"{name} ends")

    async with one.lock("one"):
        turns = []
        for name, store in (("a", other), ("b", one), ("c", other), ("d", one)):
            turns.append(asyncio.create_task(turn(store, name)))
            await waiting(postgres, len(turns))
        async with other.lock("another conversation"):
            assert happened == []
    await asyncio.gather(*turns)

    assert happened == [f"{name} {what}" for name in "abcd" for what in ("begins", "ends")]


async def waiting(postgres: PostgresServer, number: int) -> None:
    """Until so many wait for a lock."""
    question = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    while postgres.ask(question) != number:
        await asyncio.sleep(0.01)


async def test_whoever_stops_waiting_keeps_nobody_waiting(stores: Any, postgres: Any) -> None:
    one, other = stores

    async with one.lock("one"):
        gone = asyncio.create_task(other.lock("one").__aenter__())
        await waiting(postgres, 1)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone

    async def both() -> None:
        async with one.lock("one"), other.lock("two"):
            pass

    await asyncio.wait_for(both(), 20)


async def test_more_than_there_are_connections_for(stores: Any) -> None:
    running: set[str] = set()

    async def turn(store: ConversationLockStore, conversation: str) -> None:
        async with store.lock(conversation):
            assert conversation not in running
            running.add(conversation)
            await asyncio.sleep(0)
            running.remove(conversation)

    await asyncio.gather(
        *(turn(store, f"{n % 7}") for n in range(3 * AT_ONCE) for store in (*stores, *stores))
    )


async def test_a_killed_process_keeps_nobody_waiting(
    stores: Any, postgres: Any, postgres_url: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_FOR_EVER, postgres_url], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        mine = asyncio.create_task(stores[0].lock("one").__aenter__())
        await waiting(postgres, 1)

        os.kill(process.pid, signal.SIGKILL)

        # Rasa's tickets live for a minute; this is for a slow machine.
        await asyncio.wait_for(mine, 20)


async def test_a_machine_without_power_is_noticed(stores: Any) -> None:
    (store, _) = stores
    connection = store._take("one")
    try:
        for setting in ("tcp_keepalives_idle", "tcp_keepalives_interval"):
            assert connection.exec_driver_sql(f"SHOW {setting}").scalar_one() == "5"
    finally:
        connection.close()


def test_tables_are_made_by_several_processes_at_once(postgres_url: str) -> None:
    several = 6
    together = Barrier(several)
    databases: list[Any] = [IdentityDatabase(postgres_url) for _ in range(several // 2)]
    tables = (METADATA, SQLTrackerStore.Base.metadata)
    databases += [ConversationDatabase(postgres_url, metadata=tables) for _ in range(several // 2)]

    def open_(database: Any) -> None:
        together.wait()
        database._open()

    with ThreadPoolExecutor(several) as threads:
        list(threads.map(open_, databases))
    for database in databases:
        database.dispose()
