"""The staff area on a real Sanic server and real databases, without a model; a clock that a test moves."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from sanic import Sanic

from bot.content import files
from bot.staff import passwords
from bot.staff.accounts import Accounts, Role
from bot.staff.area import Staff, StaffArea
from bot.staff.config import StaffConfig
from bot.staff.database import METADATA
from bot.staff.pages import PARTS
from bot.webchat.database import ConversationDatabase, off_loop
from identity.keys import Keys
from registration.database import Database
from tests.clock import Clock
from tests.running_server import ROOT

SECRET = "a secret of the tests, more than thirty-two characters"
PASSWORD = "correct horse battery"

_numbers = count(1)


@pytest.fixture
def database(url: str) -> Iterator[ConversationDatabase]:
    database = ConversationDatabase(url, metadata=(METADATA,))
    yield database
    database.dispose()


@pytest.fixture
def accounts(database: ConversationDatabase, clock: Clock) -> Accounts:
    return Accounts(database, Keys(SECRET), now=clock)


@pytest.fixture(autouse=True)
def several_apps_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    # Sanic rewrites its own methods when an app starts, and twice only in this mode.
    monkeypatch.setattr(Sanic, "test_mode", True)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashing passwords is slow on purpose; `test_passwords.py` has the real one."""
    monkeypatch.setattr(
        passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture(autouse=True)
def no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are loaded here: a process takes a second to begin. `test_apart.py` has the real one, and
    so have the tests in a browser."""

    async def here(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return await off_loop(partial(function, *arguments, **options))

    monkeypatch.setattr("bot.staff.pages.calendar.apart", here)


@dataclass
class Browser:
    """A person's browser, as far as forms need one: cookies, and the token of the page before."""

    http: httpx.AsyncClient
    origin: str
    form_token: str = ""
    page: str = ""

    async def get(self, path: str = "", **options: Any) -> httpx.Response:
        return self._seen(await self.http.get(f"/staff{path}", **options))

    async def post(
        self, path: str, fields: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Sends a form as the page before would."""
        headers = {"Origin": self.origin, **options.pop("headers", {})}
        data = {"form_token": self.form_token, **(fields or {})}
        return self._seen(
            await self.http.post(f"/staff{path}", data=data, headers=headers, **options)
        )

    async def sign_in(self, email: str, password: str = PASSWORD, **options: Any) -> httpx.Response:
        await self.get("/sign-in")
        response = await self.post("/sign-in", {"email": email, "password": password}, **options)
        if response.status_code == 303:
            await self.get("/account")
        return response

    @property
    def text(self) -> str:
        """What the page says, without its tags."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.page)).split())

    def _seen(self, response: httpx.Response) -> httpx.Response:
        self.page = response.text
        if found := re.search(r'name="form_token" value="(\w+)"', self.page):
            self.form_token = found[1]
        return response


@dataclass
class Area:
    """A running staff area."""

    url: str
    staff: Staff
    area: StaffArea
    app: Sanic
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(self, **headers: str) -> Browser:
        client = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30, headers=headers)
        self.clients.append(client)
        return Browser(client, self.staff.config.origin)

    def account(self, role: Role, name: str = "") -> str:
        """Makes an account, and gives its address."""
        email = f"{role.value}{next(_numbers)}@example.org"
        self.staff.accounts.add(email, name or f"A {role.value}", role, PASSWORD, by="a test")
        return email

    def rows(self, table: sa.Table) -> list[Any]:
        with self.staff.database.reading() as connection:
            return list(connection.execute(sa.select(table)))


StartArea = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The content, in a folder of its own."""
    folder = tmp_path / "root"
    folder.mkdir()
    files.copy(ROOT, folder)
    return folder


@pytest.fixture
def start_area(tmp_path: Path, clock: Clock, root: Path) -> StartArea:
    @asynccontextmanager
    async def start(origin: str = "", **settings: Any) -> AsyncIterator[Area]:
        registration = Database(f"sqlite:///{tmp_path / 'registration.sqlite'}")
        registration.upgrade()
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            config = StaffConfig(
                *(origin or url, SECRET, f"sqlite:///{tmp_path / 'conversations.sqlite'}"),
                **settings,
            )
            staff = Staff(config, registration, now=clock, root=root)
            pages = StaffArea(staff, PARTS)
            app = Sanic(f"staff_test_{next(_numbers)}", configure_logging=False)
            app.config.PROXIES_COUNT = 1
            app.blueprint(pages.blueprint())
            server = await app.create_server(
                sock=listening, return_asyncio_server=True, access_log=False
            )
            await server.startup()
            await server.before_start()
            await server.after_start()
            area = Area(url, staff, pages, app)
            yield area
            for client in area.clients:
                await client.aclose()
            await server.before_stop()
            await server.close()
            for connection in list(server.connections):
                connection.abort()
            staff.database.dispose()
            registration.dispose()

    return start


@pytest.fixture
async def area(start_area: StartArea) -> AsyncIterator[Area]:
    async with start_area() as area:
        yield area
