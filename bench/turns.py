"""Turns over HTTP, beside stock Rasa and the floor: `make bench-turn`.

    python -m bench.turns [--without-stock]

Six-turn conversations (FAQ, look-up, follow-up), 1, 8 and 64 at once. Each system has one core of the
machine and a database of its own (SQLite); who asks has the others. The systems take turns at each
step, so that a machine that is slow for a while is slow for all.
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import time
from dataclasses import dataclass
from itertools import cycle

import aiohttp
import click

from bench.stages import Staged
from bench.systems import Floor, Ours, Stock, System, systems
from registration.places import STATE_NAMES

CONVERSATIONS = {1: 20, 8: 32, 64: 64}
"""How many there are in all, by how many there are at once."""

WARMING_UP = 4
"""Conversations before anything is measured."""

HEAD = "at once  system    p50 ms    p95 ms    p99 ms   turns/s  CPU ms/turn      MB"


def texts(state: str) -> list[str]:
    """What is said in a conversation."""
    return [
        "what is a school resource officer?",
        "how do I get a copy of my certificate",
        "tell me more",
        f"any upcoming classes in {state}?",
        "and in Ohio?",
        "how many seats are left in the second one?",
    ]


@dataclass(frozen=True)
class Measured:
    """Turns of a system.

    Attributes:
        milliseconds: Of each turn, as who asked saw it.
        seconds: From the first question to the last answer.
        cpu_seconds: Of all processes of the system meanwhile.
        megabytes: Resident, afterwards.
    """

    milliseconds: list[float]
    seconds: float
    cpu_seconds: float
    megabytes: int

    @property
    def percentiles(self) -> tuple[float, float, float]:
        cuts = statistics.quantiles(self.milliseconds, n=100)
        return cuts[49], cuts[94], cuts[98]

    @property
    def turns_a_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    def __str__(self) -> str:
        cpu = 1000 * self.cpu_seconds / len(self.milliseconds)
        times = "".join(f"{value:10.1f}" for value in (*self.percentiles, self.turns_a_second, cpu))
        return f"{times}{'':3}{self.megabytes:8}"


@click.command()
@click.option("--without-stock", is_flag=True, help="Its model takes long to train, once.")
def main(without_stock: bool) -> None:
    """Turns over HTTP, ours beside stock Rasa's and the floor."""
    click.echo(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    kinds: list[type[System]] = [Floor, Ours] if without_stock else [Floor, Ours, Stock]
    found: dict[tuple[int, str], Measured] = {}
    with systems(*kinds) as running:
        for system in running:
            system.start()
            asyncio.run(measure(system, at_once=1, conversations=WARMING_UP))
        click.echo(HEAD)
        for at_once, conversations in CONVERSATIONS.items():
            for system in running:
                measured = asyncio.run(measure(system, at_once, conversations))
                found[at_once, system.name] = measured
                click.echo(f"{at_once:7}  {system.name:6}{measured}")
    for at_once in CONVERSATIONS:
        for other in kinds:
            if other is not Ours:
                click.echo(
                    _beside(found[at_once, "ours"], found[at_once, other.name], at_once, other.name)
                )
    with systems(Staged) as (staged,):
        staged.start()
        asyncio.run(measure(staged, at_once=1, conversations=WARMING_UP))
        staged.forget()
        turns = asyncio.run(measure(staged, at_once=1, conversations=CONVERSATIONS[1]))
        click.echo("\nmilliseconds of a turn by stage, medians, one conversation at a time")
        for stage, milliseconds in staged.stages(turns.percentiles[0]):
            click.echo(f"{milliseconds:8.2f}  {stage}")


async def measure(system: System, at_once: int, conversations: int) -> Measured:
    """Has conversations with a system, `at_once` of them at a time."""
    milliseconds: list[float] = []
    async with aiohttp.ClientSession() as http:
        begun = [await system.begin(http) for _ in range(conversations)]
    waiting = iter(zip(begun, cycle(STATE_NAMES.values())))

    async def talk(number: int) -> None:
        # As browsers do: a connection for each who asks, kept open, from an address of its own.
        connection = aiohttp.TCPConnector(local_addr=(f"127.0.1.{number}", 0))
        async with aiohttp.ClientSession(connector=connection) as http:
            for conversation, state in waiting:
                for text in texts(state):
                    began = time.perf_counter()
                    await system.say(http, conversation, text)
                    milliseconds.append(1000 * (time.perf_counter() - began))

    began, used = time.perf_counter(), system.cpu_seconds
    await asyncio.gather(*(talk(number) for number in range(1, at_once + 1)))
    seconds, cpu_seconds = time.perf_counter() - began, system.cpu_seconds - used
    return Measured(milliseconds, seconds, cpu_seconds, system.megabytes)


def _beside(ours: Measured, other: Measured, at_once: int, name: str) -> str:
    times = ours.percentiles[0] / other.percentiles[0]
    return (
        f"{at_once:7}  ours beside {name}: p50 {times:.2f} of it, "
        f"turns/s {ours.turns_a_second / other.turns_a_second:.1f} times, "
        f"memory {ours.megabytes / other.megabytes:.0%}"
    )


if __name__ == "__main__":
    main()
