"""What a turn costs while a calendar file is looked at and loaded in the same process: `make bench-upload`.

One person chats, one question after another, with a server that has one core; meanwhile somebody of
staff uploads a file of 2 MB, the largest that the page takes. The classes in it are made up.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import click
import httpx

from bench.systems import CORE
from bot.staff.accounts import Role
from bot.staff.pages.calendar import MOST_BYTES
from registration.database import Database
from registration.sample import load_sample
from tests.browser.staff import PASSWORD, an_account
from tests.conversations.chat import Person
from tests.running_server import Server, free_port

QUESTIONS = (
    "what is a school resource officer?",
    "any upcoming classes in texas?",
    "how do I get a copy of my certificate",
    "and in Ohio?",
)
SECONDS_ALONE = 15


@click.command()
@click.option("--rows", default=MOST_BYTES // 51, show_default=True, help="Of the file.")
def main(rows: int) -> None:
    """Turns beside an upload."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        server = Server(
            Path(folder),
            port,
            {"NASRO_STAFF_ORIGIN": origin, "NASRO_ENVIRONMENT": "development"},
            cores={CORE},
        )
        database = Database(server.registration_url)
        database.upgrade()
        load_sample(database, today=date.today())
        database.dispose()
        server.start()
        try:
            chat, staff = Chat(server.url), Staff(server, origin, rows)
            chat.during(lambda: time.sleep(3))
            click.echo("meanwhile            seconds   turns   p50 ms   p95 ms   max ms")
            for name, work in (
                ("nothing", lambda: time.sleep(SECONDS_ALONE)),
                ("a file is looked at", staff.look),
                ("it is loaded", staff.load),
                ("it is undone", staff.undo),
                ("nothing", lambda: time.sleep(SECONDS_ALONE)),
            ):
                began = time.perf_counter()
                turns = chat.during(work)
                seconds = time.perf_counter() - began
                cuts = statistics.quantiles(turns, n=20)
                click.echo(
                    f"{name:20}{seconds:8.1f}{len(turns):8}{cuts[9]:9.1f}{cuts[18]:9.1f}{max(turns):9.1f}"
                )
        finally:
            server.stop()


class Chat:
    """Somebody who asks one question after another."""

    def __init__(self, url: str) -> None:
        self._url = url

    def during(self, work: Callable[[], object]) -> list[float]:
        """Milliseconds of each turn while some work is done."""
        worker = threading.Thread(target=work)
        person = Person(self._url)
        turns: list[float] = []
        worker.start()
        while worker.is_alive():
            if len(turns) % 20 == 19:  # within the limit of messages
                person.open()
            began = time.perf_counter()
            person.say(QUESTIONS[len(turns) % len(QUESTIONS)])
            turns.append(1000 * (time.perf_counter() - began))
        worker.join()
        return turns


class Staff:
    """An editor's browser."""

    def __init__(self, server: Server, origin: str, rows: int) -> None:
        self._rows = rows
        self._http = httpx.Client(
            base_url=f"{server.url}/staff", headers={"Origin": origin}, timeout=300
        )
        self._page = self._http.get("/sign-in").text
        self._post("/sign-in", {"email": an_account(server, Role.EDITOR), "password": PASSWORD})
        self._page = self._http.get("/calendar/files").text

    def look(self) -> None:
        file = ("classes.csv", _file(self._rows).encode())
        self._post("/calendar/files", {"kind": "classes"}, files={"file": file})

    def load(self) -> None:
        fields = {name: self._field(name) for name in ("upload", "seen")}
        response = self._post("/calendar/files/load", fields)
        self._page = self._http.get(response.headers["location"].removeprefix("/staff")).text

    def undo(self) -> None:
        self._post("/calendar/files/undo", {"import": self._field("import")})

    def _post(self, path: str, fields: dict[str, str], **options: object) -> httpx.Response:
        response = self._http.post(
            path, data={"form_token": self._field("form_token"), **fields}, **options
        )  # type: ignore[arg-type]
        assert response.status_code in (200, 303), response.text
        self._page = response.text
        return response

    def _field(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self._page)
        assert found, f"the page has no {name}"
        return found[1]


def _file(rows: int) -> str:
    lines = ["id,course,city,state,starts_on,ends_on,capacity,zip,venue,status"]
    first = date.today() + timedelta(days=30)
    for number in range(rows):
        day = first + timedelta(days=number % 300)
        lines.append(f"B{number},basic,Austin,TX,{day},{day + timedelta(days=4)},40,,,")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
