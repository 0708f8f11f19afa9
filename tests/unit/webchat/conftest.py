"""A web chat on a real Sanic server and a real database, with a stand-in for Rasa's agent.

The stand-in is small and fast, but what it is trusted with is real: it keeps its trackers in the
real tracker store, and it takes `/intent{...}` for an order exactly where Rasa would.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from rasa.core.channels.channel import UserMessage, register
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.training_data.message import Message as NluMessage
from sanic import Blueprint, Sanic

from bot.conversations import ConversationTrackerStore
from bot.webchat.channel import WebChat
from bot.webchat.config import Limit, WebChatConfig
from identity.database import IdentityDatabase
from identity.service import IdentityService
from identity.settings import IdentityConfig
from tests.clock import Clock

SECRET = "a secret of the tests, thirty-two bytes or more"
WELCOME_BUTTONS = [
    {"title": "Find a class", "payload": "/find_classes"},
    {"title": "In Texas", "payload": '/inform{"place": "Texas"}'},
]
RESPONSES = {
    "utter_welcome": {"text": "Hello!", "buttons": WELCOME_BUTTONS},
    "utter_action_failed": {"text": "Sorry, that went wrong."},
}
DOMAIN = Domain.from_yaml("{version: '3.1', intents: [inform, find_classes], entities: [place]}")

app_numbers = itertools.count()


class FakeProcessor:
    """What Rasa does with a message, without a model."""

    def __init__(self, store: Any) -> None:
        self.tracker_store = store
        self.handled: list[UserMessage] = []
        self.reply: Callable[[UserMessage], list[dict[str, Any]]] = lambda message: [
            {"text": f"You said {message.text}"}
        ]
        self.seconds = 0.0
        self.is_at_work = asyncio.Event()

    async def parse_message(self, message: UserMessage) -> dict[str, Any]:
        nlu = YAMLStoryReader.unpack_regex_message(NluMessage({"text": message.text}), DOMAIN)
        intent = nlu.get("intent") or {"name": "words", "confidence": 1.0}
        return {"text": message.text, "intent": intent, "entities": nlu.get("entities") or []}

    async def handle_message(self, message: UserMessage) -> None:
        tracker = await self.tracker_store.get_or_create_tracker(
            message.sender_id, append_action_listen=False
        )
        parsed = message.parse_data or await self.parse_message(message)
        tracker.update(UserUttered(message.text, parsed["intent"], parsed["entities"], parsed))
        await self.work()
        self.handled.append(message)
        for response in self.reply(message):
            tracker.update(BotUttered(response.get("text")))
            await message.output_channel.send_response(message.sender_id, response)
        await self.tracker_store.save(tracker)

    async def work(self) -> None:
        self.is_at_work.set()
        await asyncio.sleep(self.seconds)

    def intents(self) -> list[str]:
        return [message.parse_data["intent"]["name"] for message in self.handled]


class FakeNlg:
    def __init__(self) -> None:
        self.responses: dict[str, Any] = dict(RESPONSES)

    async def generate(self, name: str, tracker: Any, channel: str) -> dict[str, Any] | None:
        assert tracker.sender_id
        assert channel == "webchat"
        return self.responses.get(name)


class FakeAgent:
    def __init__(self, url: str) -> None:
        # Wrapped as Rasa wraps it.
        self.tracker_store: Any = FailSafeTrackerStore(ConversationTrackerStore(DOMAIN, url=url))
        self.lock_store = InMemoryLockStore()
        self.nlg = FakeNlg()
        self.domain = DOMAIN
        self.processor: Any = FakeProcessor(self.tracker_store)

    def is_ready(self) -> bool:
        return self.processor is not None


@pytest.fixture(autouse=True)
def several_apps_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    # Sanic rewrites its own methods when an app starts, and twice only in this mode.
    monkeypatch.setattr(Sanic, "test_mode", True)


@dataclass
class Chat:
    """A running web chat, and a client of it."""

    http: httpx.AsyncClient
    app: Sanic
    port: int
    agent: FakeAgent
    channel: WebChat
    clock: Clock
    url: str
    """Of the database."""
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def open(self) -> dict[str, Any]:
        response = await self.http.post("/sessions")
        assert response.status_code == 201, response.text
        self.use(response.json()["token"])
        return response.json()

    def use(self, token: str) -> None:
        self.token = token
        self.headers = {"Authorization": f"Bearer {token}"}

    async def post(self, body: Any, path: str = "/messages") -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.headers)

    async def say(self, text: str, **more: Any) -> list[dict[str, Any]]:
        response = await self.post({"text": text, **more})
        assert response.status_code == 200, response.text
        return response.json()["messages"]

    async def history(self) -> list[dict[str, Any]]:
        response = await self.http.get("/messages", headers=self.headers)
        assert response.status_code == 200, response.text
        return response.json()["messages"]

    async def end(self) -> httpx.Response:
        return await self.http.delete("/sessions", headers=self.headers)

    def rows(self, query: str) -> list[Any]:
        """What is really in the database, past all our own code."""
        engine = sa.create_engine(self.url, future=True)
        with engine.connect() as connection:
            return connection.execute(sa.text(query)).all()

    def execute(self, statement: str) -> None:
        engine = sa.create_engine(self.url, future=True)
        with engine.begin() as connection:
            connection.execute(sa.text(statement))


def error_code(response: httpx.Response) -> str:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"]
    return body["error"]["code"]


@pytest.fixture(name="error_code")
def error_code_fixture() -> Callable[[httpx.Response], str]:
    """Reads an error's code and holds its form against the API's."""
    return error_code


@asynccontextmanager
async def serving(*blueprints: Blueprint) -> AsyncIterator[int]:
    """Serves blueprints on a free port."""
    app = Sanic(f"webchat_test_{next(app_numbers)}", configure_logging=False)
    for blueprint in blueprints:
        app.blueprint(blueprint)
    async with serving_app(app) as port:
        yield port


@asynccontextmanager
async def serving_app(app: Sanic) -> AsyncIterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = await app.create_server(
            sock=listening, return_asyncio_server=True, access_log=False
        )
        await server.startup()
        await server.before_start()
        await server.after_start()
        yield listening.getsockname()[1]
        await server.before_stop()
        await server.close()
        for connection in list(server.connections):
            connection.abort()


@pytest.fixture(name="serving")
def serving_fixture() -> Any:
    return serving


@pytest.fixture(name="serving_app")
def serving_app_fixture() -> Any:
    return serving_app


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty conversations database: each test that asks for one runs on both kinds."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/deep/down/conversations.sqlite"


@pytest.fixture(name="start_chat")
def start_chat_fixture(tmp_path: Path) -> Any:
    """Starts a web chat with settings of the test's own."""

    @asynccontextmanager
    async def start(
        app_config: dict[str, Any] | None = None,
        url: str = f"sqlite:///{tmp_path}/var/conversations.sqlite",
        **settings: Any,
    ) -> AsyncIterator[Chat]:
        agent, clock = FakeAgent(url), Clock()
        plenty = Limit(1_000, 1)
        config = WebChatConfig(
            **{
                "secret": SECRET,
                "messages_per_conversation": plenty,
                "sessions_per_address": plenty,
                "requests_per_address": plenty,
                **settings,
            }
        )
        identity = IdentityService(
            IdentityDatabase(url),
            IdentityConfig.from_environment({"NASRO_SECRET": SECRET}),
            now=clock,
        )
        channel = WebChat(config, identity, clock=clock)
        app = Sanic(f"webchat_test_{next(app_numbers)}", configure_logging=False)
        app.ctx.agent = agent
        app.config.update(app_config or {})
        register([channel], app, route=None)
        async with (
            serving_app(app) as port,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}/api/chat/v1", trust_env=False, timeout=20
            ) as http,
        ):
            yield Chat(http, app, port, agent, channel, clock, url)

    return start


@pytest.fixture
async def chat(start_chat: Any) -> AsyncIterator[Chat]:
    """A web chat with a session open."""
    async with start_chat() as chat:
        await chat.open()
        yield chat
