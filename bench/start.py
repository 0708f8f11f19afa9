"""From the start of the process to the first answer, and memory: `make bench-start`.

    python -m bench.start [--without-stock] [--only-memory] [--conversations 1000]

Cold is with the files of Python, the packages and the model dropped from the machine's memory, where
that is allowed; warm is right after. Each system has one core and a database of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import aiohttp
import click
import uvloop

from bench.client import Client, client
from bench.systems import Ours, Stock, System, systems
from bench.turns import texts
from registration.places import STATE_NAMES
from tests.running_server import ROOT

STARTS = 3
"""Warm ones; the median counts."""

LOADED = """
import asyncio, json, os, sys, time
began = time.process_time()
took = {}

def lap(stage):
    global began
    took[stage] = time.process_time() - began
    began = time.process_time()

import bot.cli
from bot.deferred import defer_tensorflow
defer_tensorflow()
import bot.server
lap("imports")
from pathlib import Path
from rasa.core.channels.channel import UserMessage
from rasa.engine.storage.local_model_storage import LocalModelStorage
from bot.served_model import ServedModel

unpack = LocalModelStorage.from_model_archive.__func__

def unpacked(cls, *args, **kwargs):
    lap("database, domain, answers")
    found = unpack(cls, *args, **kwargs)
    lap("model unpacked")
    return found

ServedModel.from_model_archive = classmethod(unpacked)
agent = asyncio.run(bot.server.assistant(Path("models")))
lap("graph loaded")
asyncio.run(agent.processor.parse_message(UserMessage("hello")))
lap("first message understood")
print(json.dumps(took))
"""


@click.command()
@click.option("--without-stock", is_flag=True, help="Its model takes long to train, once.")
@click.option("--conversations", default=10_000, show_default=True, help="For the memory of ours.")
@click.option("--only-memory", is_flag=True, help="Of ours, after the start and the conversations.")
def main(without_stock: bool, conversations: int, only_memory: bool) -> None:
    """Start and memory, ours beside stock Rasa's."""
    kinds: list[type[System]] = [Ours] if without_stock or only_memory else [Ours, Stock]
    with systems(*kinds) as running:
        if not only_memory:
            _starts(running)
        ours = running[0]
        assert isinstance(ours, Ours)
        seconds_to_first_answer(ours)
        click.echo("megabytes of ours, after so many conversations of two turns")
        had = 0
        for part in (0.0, 0.1, 0.25, 0.5, 1.0):
            uvloop.run(converse(ours.server.url, round(conversations * part) - had))
            had = round(conversations * part)
            click.echo(f"  {ours.megabytes:6}  {had:7,}")


def _starts(running: list[System]) -> None:
    warm: dict[str, float] = {}
    megabytes: dict[str, int] = {}
    click.echo("seconds to the first answer, of the clock and of the processor")
    for system in running:
        cold = drop_caches()
        first = seconds_to_first_answer(system)
        click.echo(f"  {system.name:6} {'cold' if cold else 'first'}: {_both(first)}")
    starts: dict[str, list[tuple[float, float]]] = {system.name: [] for system in running}
    for _ in range(STARTS):
        for system in running:
            starts[system.name].append(seconds_to_first_answer(system))
    for system in running:
        ordered = sorted(starts[system.name])[STARTS // 2]
        warm[system.name], megabytes[system.name] = ordered[0], system.megabytes
        click.echo(f"  {system.name:6} warm: {_both(ordered)}; {system.megabytes} MB then")
    if "stock" in warm:
        click.echo(
            f"  ours beside stock: start {warm['ours'] / warm['stock']:.2f} of it, "
            f"memory {megabytes['ours'] / megabytes['stock']:.0%}"
        )
    click.echo("seconds of the processor that a start of ours takes, by stage")
    for stage, seconds in stages().items():
        click.echo(f"  {seconds:6.2f}  {stage}")


async def converse(url: str, conversations: int, at_once: int = 8) -> None:
    """Has conversations of two turns: what the FAQ answers, and a look-up."""

    async def person() -> None:
        async with client(url) as http:
            for state in waiting:
                token = await _answered(http, "/sessions", {})
                for text in texts(state)[::3]:
                    await _answered(http, "/messages", {"text": text}, token["token"])

    waiting = islice(cycle(STATE_NAMES.values()), conversations)
    await asyncio.gather(*(person() for _ in range(at_once)))


async def _answered(http: Client, path: str, body: Any, token: str | None = None) -> Any:
    answer = await http.request("POST", f"/api/chat/v1{path}", json_body=body, token=token)
    assert answer.status < 300, f"{answer.status}: {answer.body!r}"
    return answer.json()


def seconds_to_first_answer(system: System) -> tuple[float, float]:
    """Stops a system and starts it; by the clock, and of the processor."""
    system.stop()
    began = time.perf_counter()
    system.start()
    asyncio.run(_first_answer(system))
    return time.perf_counter() - began, system.cpu_seconds


def stages() -> dict[str, float]:
    """Seconds of the processor for each stage, in a process that starts alike and serves nobody."""
    environment = {
        **os.environ,
        "NASRO_CONVERSATIONS_URL": "sqlite://",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    said = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    took: dict[str, float] = json.loads(said.splitlines()[-1])
    return took


def drop_caches() -> bool:
    """Has Linux forget which files it holds in memory; whether it may."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


async def _first_answer(system: System) -> None:
    async with aiohttp.ClientSession() as http:
        await system.say(http, await system.begin(http), "hello")


def _both(seconds: tuple[float, float]) -> str:
    return f"{seconds[0]:.1f} s ({seconds[1]:.1f} s)"


if __name__ == "__main__":
    main()
