"""`nasro-chat serve` as a process of its own, for tests and benchmarks: the assistant as people get it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
SECRET = "a secret that only the tests use, 32 or more"
START_TIMEOUT = 120.0
"""Seconds; a start takes about ten, on a busy machine several times that."""


@dataclass
class Server:
    """`nasro-chat serve` as a process of its own, with databases of its own."""

    folder: Path
    port: int
    extra_environment: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = (str(Path(sys.executable).with_name("nasro-chat")), "serve")
    arguments: tuple[str, ...] = ()
    root: Path = ROOT
    """Its working directory: where the content and the model are."""
    cores: set[int] | None = None
    """The processor cores it may use; by default all."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def registration_url(self) -> str:
        return f"sqlite:///{self.folder / 'registration.sqlite'}"

    @property
    def conversations_url(self) -> str:
        return f"sqlite:///{self.folder / 'conversations.sqlite'}"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PORT": str(self.port),
            "NASRO_SECRET": SECRET,
            "NASRO_REGISTRATION_URL": self.registration_url,
            "NASRO_CONVERSATIONS_URL": self.conversations_url,
            # All tests come from one address.
            "NASRO_REQUESTS_PER_MINUTE": "1000000",
            **self.extra_environment,
        }

    def start(self) -> None:
        """Starts the server and waits until it is ready.

        Raises:
            RuntimeError: It ended or didn't get ready; the message shows what it printed.
        """
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, *self.arguments],
                cwd=self.root,
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if self.cores:
            os.sched_setaffinity(self.process.pid, self.cores)
        try:
            wait_until(self._is_ready)
        except TimeoutError:
            self.stop()
            raise RuntimeError(f"The server didn't get ready. It printed:\n{self.log}") from None

    def _is_ready(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise TimeoutError("the server has ended")
        return httpx.get(f"{self.url}/health/ready").status_code == 200

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for something that other processes bring about.

    Raises:
        TimeoutError: It didn't come about within `START_TIMEOUT`.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
