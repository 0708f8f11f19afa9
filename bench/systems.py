"""What is measured side by side: the assistant, the same one as stock Rasa would have it, and the floor.

Each runs as processes of its own on one core of the machine; whoever asks has the others.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import httpx

from bench import stock
from bench.processes import cpu_seconds, resident_megabytes
from registration.database import Database
from registration.sample import load_sample
from tests.running_server import ROOT, Server, free_port

CORE = 0

START_TIMEOUT = 600.0
"""Seconds; stock takes minutes on a machine that does other things too."""


class System(ABC):
    """A system under measurement.

    Args:
        folder: For its databases and logs.
    """

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    @abstractmethod
    def start(self) -> None:
        """Starts it and waits until it answers."""

    @abstractmethod
    def stop(self) -> None: ...

    @property
    @abstractmethod
    def processes(self) -> list[int]:
        """Numbers of its processes."""

    async def begin(self, http: aiohttp.ClientSession) -> str:  # noqa: ARG002  for those that need it
        """Begins a conversation; gives what `say` needs to know of it."""
        return uuid4().hex

    @abstractmethod
    async def say(self, http: aiohttp.ClientSession, conversation: str, text: str) -> None:
        """One turn."""

    @property
    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds, self.processes))

    @property
    def megabytes(self) -> int:
        return sum(map(resident_megabytes, self.processes))


class Ours(System):
    name = "ours"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = Server(folder=folder, port=free_port(), cores={CORE})
        fill(self.server.registration_url)

    def start(self) -> None:
        self.server.start()

    def stop(self) -> None:
        self.server.stop()

    @property
    def processes(self) -> list[int]:
        assert self.server.process
        return [self.server.process.pid]

    async def begin(self, http: aiohttp.ClientSession) -> str:
        answer = await _post(http, f"{self.server.url}/api/chat/v1/sessions", {})
        return str(answer["token"])

    async def say(self, http: aiohttp.ClientSession, conversation: str, text: str) -> None:
        await _post(
            http,
            f"{self.server.url}/api/chat/v1/messages",
            {"text": text},
            {"Authorization": f"Bearer {conversation}"},
        )


class _Commands(System):
    """A system of commands that serve."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def stop(self) -> None:
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            process.wait(30)
        self._running = []

    @property
    def processes(self) -> list[int]:
        return [process.pid for process in self._running]

    def _run(self, *command: object, **environment: str) -> None:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *map(str, command)],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        os.sched_setaffinity(process.pid, {CORE})
        self._running.append(process)

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            with suppress(httpx.TransportError):
                httpx.get(url)
                return
            if any(process.poll() is not None for process in self._running):
                raise RuntimeError(f"{self.name} has ended: {self._log.read_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} doesn't answer: {self._log.read_text()[-2000:]}")
            time.sleep(0.1)


class Stock(_Commands):
    """Rasa with its `rest` channel, SQL tracker store and action server: two processes."""

    name = "stock"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.training = stock.trained()
        self._registration_url = f"sqlite:///{folder / 'registration.sqlite'}"
        fill(self._registration_url)

    def start(self) -> None:
        actions = free_port()
        self._run(
            "rasa", "run", "actions", "--port", actions, NASRO_REGISTRATION_URL=self._registration_url,
            NASRO_CONVERSATIONS_URL=f"sqlite:///{self.folder / 'identity.sqlite'}",
            NASRO_SECRET="a secret that only the benchmarks use, 32 or more",
        )  # fmt: skip
        self._run(
            "rasa", "run", "--port", self.port, "--interface", "127.0.0.1",
            "--model", self.training.model, "--endpoints", stock.HERE / "endpoints.yml",
            "--credentials", stock.HERE / "credentials.yml",
            STOCK_ACTIONS=f"http://127.0.0.1:{actions}/webhook",
            STOCK_TRACKERS=str(self.folder / "trackers.sqlite"),
        )  # fmt: skip
        self._wait(f"http://127.0.0.1:{actions}/health")
        self._wait(f"http://127.0.0.1:{self.port}/")

    async def say(self, http: aiohttp.ClientSession, conversation: str, text: str) -> None:
        url = f"http://127.0.0.1:{self.port}/webhooks/rest/webhook"
        await _post(http, url, {"sender": conversation, "message": text})


class Floor(_Commands):
    name = "floor"

    def start(self) -> None:
        self._run("bench.floor", self.port, self.folder / "floor.sqlite", OMP_NUM_THREADS="1")
        self._wait(f"http://127.0.0.1:{self.port}/")

    async def say(self, http: aiohttp.ClientSession, conversation: str, text: str) -> None:
        await _post(http, f"http://127.0.0.1:{self.port}/", {"sender": conversation, "text": text})


@contextmanager
def systems(*kinds: type[System]) -> Iterator[list[System]]:
    """Systems that aren't started yet; they are stopped in the end."""
    # Whoever asks keeps off the core of those who are asked.
    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)) - {CORE} or {CORE})
    with tempfile.TemporaryDirectory() as folder:
        made = [kind(Path(folder) / kind.name) for kind in kinds]
        try:
            yield made
        finally:
            for system in made:
                system.stop()


def fill(registration_url: str) -> None:
    """Makes a registration database with the sample classes."""
    database = Database(registration_url)
    database.upgrade()
    load_sample(database, today=datetime.now(timezone.utc).date())
    database.dispose()


async def _post(
    http: aiohttp.ClientSession,
    url: str,
    body: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> Any:
    async with http.post(url, json=body, headers=headers) as response:
        response.raise_for_status()
        return await response.json()
