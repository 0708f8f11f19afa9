"""Turns while a server takes on what is published, and its memory: `make bench-reload`.

    python -m bench.reload [--times 6] [--people 4]

The server has one core of the machine; who asks, and who publishes, have the others. An answer is published
and taken back again and again, while people ask without a pause.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from itertools import cycle
from pathlib import Path

import aiohttp
import click

from bench.processes import resident_megabytes
from bench.systems import CORE
from bench.turns import texts
from bot.staff.drafts import Drafts
from bot.staff.publications import Publications
from registration.database import Database
from registration.places import STATE_NAMES
from tests.publishing.conftest import JANE, PutTogether, database_at, reads
from tests.roots import copy_of_the_root
from tests.running_server import Server, free_port

BETWEEN = 5.0
"""Seconds without a publication, before each."""


@click.command()
@click.option("--times", default=6, show_default=True, help="Models that are taken on.")
@click.option("--people", default=4, show_default=True, help="Who ask at once.")
def main(times: int, people: int) -> None:
    """Turns while a model is taken on, beside turns when none is."""
    with tempfile.TemporaryDirectory() as folder:
        root = copy_of_the_root(Path(folder) / "root")
        server = Server(folder=Path(folder), port=free_port(), root=root, cores={CORE})
        Database(server.registration_url).upgrade()
        server.start()
        try:
            asyncio.run(Measurement(server, people).take(times))
        finally:
            server.stop()


class Measurement:
    def __init__(self, server: Server, people: int) -> None:
        self._server = server
        self._people = people
        self._turns: list[tuple[float, float]] = []
        """When each began, and how long it took, in seconds."""
        self._failed = 0

    async def take(self, times: int) -> None:
        async with aiohttp.ClientSession() as http:
            talking = [asyncio.create_task(self._talk(http)) for _ in range(self._people)]
            await asyncio.sleep(BETWEEN)  # warming up
            loads: list[tuple[float, float]] = []
            began = time.perf_counter()
            megabytes = [self._megabytes()]
            for number in range(times):
                await asyncio.sleep(BETWEEN)
                loads.append(await asyncio.to_thread(self._publish, number))
                await asyncio.sleep(2)  # what was served before is let go
                megabytes.append(self._megabytes())
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
        turns = [turn for turn in self._turns if turn[0] > began]
        during = [took for at, took in turns if any(a - took <= at <= b for a, b in loads)]
        beside = [took for at, took in turns if not any(a - took <= at <= b for a, b in loads)]
        click.echo(f"{self._people} people at once; {self._failed} turns failed")
        click.echo("                        turns    p50 ms    p95 ms    max ms")
        for name, taken in (("while one is taken on", during), ("otherwise", beside)):
            cuts = statistics.quantiles(taken, n=100)
            values = "".join(f"{1000 * value:10.0f}" for value in (cuts[49], cuts[94], max(taken)))
            click.echo(f"{name:22}{len(taken):7}{values}")
        seconds = statistics.median(b - a for a, b in loads)
        click.echo(f"from the word to the next model: {seconds:.1f} s (median of {times})")
        click.echo(f"MB at first and after each: {', '.join(map(str, megabytes))}")

    async def _talk(self, http: aiohttp.ClientSession) -> None:
        url = f"{self._server.url}/api/chat/v1"
        for state in cycle(STATE_NAMES.values()):
            async with http.post(f"{url}/sessions", json={}) as answer:
                headers = {"Authorization": f"Bearer {(await answer.json())['token']}"}
            for text in texts(state):
                began = time.perf_counter()
                async with http.post(f"{url}/messages", json={"text": text}, headers=headers) as a:
                    await a.read()
                    self._failed += a.status != 200
                self._turns.append((began, time.perf_counter() - began))

    def _publish(self, number: int) -> tuple[float, float]:
        """Publishes or takes back; from when that counts until the server has taken it on."""
        database = database_at(self._server.conversations_url)
        publications = Publications(database, self._server.root)
        try:
            if number % 2:
                publications.roll_back(by=JANE)
            else:
                drafts = Drafts(database, self._server.root)
                if not drafts.waiting():
                    drafts.add(reads(self._server.root, "It says this now."), by=JANE)
                candidate = PutTogether(database, self._server.root).build_now(by=JANE)
                publications.publish(candidate.id, by=JANE)
            began = time.perf_counter()
            while not publications.servers():
                time.sleep(0.02)
            return began, time.perf_counter()
        finally:
            database.dispose()

    def _megabytes(self) -> int:
        assert self._server.process
        return resident_megabytes(self._server.process.pid)


if __name__ == "__main__":
    main()
