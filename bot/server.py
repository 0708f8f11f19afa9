"""The server: one Sanic application with the web chat API, the widget, the page and the health routes.

Rasa's own application isn't used: it would add a root route, and with its HTTP API eighteen
administrative ones. The channel is registered as Rasa registers channels.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import socket
from asyncio import AbstractEventLoop
from contextlib import suppress
from functools import partial
from pathlib import Path

from rasa.core import agent as agents
from rasa.core import processor
from rasa.core.agent import Agent
from rasa.core.brokers.broker import EventBroker
from rasa.core.channels.channel import register
from rasa.core.lock_store import LockStore
from rasa.core.tracker_store import TrackerStore
from rasa.core.utils import AvailableEndpoints
from rasa.exceptions import ModelNotFound
from rasa.model import get_latest_model
from sanic import Sanic
from sqlalchemy.exc import SQLAlchemyError

from bot.action_endpoint import ActionEndpoint
from bot.conversations import require_durable
from bot.locks import OneProcessOnly
from bot.mails import outbox_blueprint, send_mails
from bot.nlu.encoder import EncoderUnusable
from bot.reload import Reload, sha256_of
from bot.served_model import ServedGraph, ServedModel, ServedProcessor
from bot.settings import Settings
from bot.site import site_blueprint
from bot.staff.blueprint import staff_blueprint
from bot.staff.consumer import Consumer, keep_up
from bot.staff.embedding import embedded
from bot.staff.publications import repair
from bot.webchat.channel import WebChat
from bot.webchat.database import off_loop
from bot.webchat.health import health_blueprint
from registration.database import Database

ENDPOINTS_FILE = Path("endpoints.yml")


class CannotStart(Exception):
    """The assistant can't start; the message says why, and what to do."""


async def assistant(model: Path, endpoints_file: Path = ENDPOINTS_FILE) -> Agent:
    """Loads the model, with custom actions and conversations as the endpoints file says.

    Args:
        model: A model file, or a folder whose newest is taken.
        endpoints_file: Rasa's file of that name.

    Raises:
        CannotStart: There is no model, or it can't be loaded.
    """
    endpoints = AvailableEndpoints.read_endpoints(str(endpoints_file))
    broker = await EventBroker.create(endpoints.event_broker)
    tracker_store = TrackerStore.create(endpoints.tracker_store, event_broker=broker)
    # Rasa takes no other way to read a model's files, to run its graph, or to go through a turn.
    processor.LocalModelStorage, processor.DaskGraphRunner = ServedModel, ServedGraph
    agents.MessageProcessor = ServedProcessor
    try:
        # Rasa's own `load_agent` would only log why a model can't be loaded.
        agent = Agent.load(
            model,
            generator=endpoints.nlg,
            tracker_store=tracker_store,
            lock_store=LockStore.create(endpoints.lock_store),
            action_endpoint=ActionEndpoint(endpoints.action),
        )
    except ModelNotFound as error:
        raise CannotStart(f"There is no model in {model}: run 'nasro-chat train' first.") from error
    except OneProcessOnly as error:
        raise CannotStart(str(error)) from error
    except Exception as error:
        raise CannotStart(_why_not(error, model)) from error
    require_durable(agent)
    return agent


def with_another_model(agent: Agent, model: Path, endpoints_file: Path = ENDPOINTS_FILE) -> Agent:
    """An agent with another model, and the contacts of today, that shares all else with this one.

    Args:
        agent: The one at work; nothing of it is changed.
        model: A model file.

    Raises:
        CannotStart: The model can't be loaded.
    """
    endpoints = AvailableEndpoints.read_endpoints(str(endpoints_file))
    try:
        other = Agent.load(
            model,
            generator=endpoints.nlg,
            tracker_store=require_durable(agent).beside(),
            lock_store=agent.lock_store,
            action_endpoint=agent.action_endpoint,
        )
    except Exception as error:
        raise CannotStart(_why_not(error, model)) from error
    require_durable(other)
    return other


def _why_not(error: BaseException, model: Path) -> str:
    """What is to be done when a model can't be loaded. Rasa wraps the reason."""
    while error.__cause__:
        error = error.__cause__
    if isinstance(error, EncoderUnusable):
        return str(error)
    reason = f"{type(error).__name__}: {error}"
    return f"The model in {model} can't be loaded ({reason}): run 'nasro-chat train' again."


def create_app(settings: Settings, model: Path, endpoints_file: Path = ENDPOINTS_FILE) -> Sanic:
    """The application; it loads the model when its server starts."""
    app = Sanic("nasro_chat", configure_logging=False)
    app.config.FALLBACK_ERROR_FORMAT = "text"
    app.config.PROXIES_COUNT = settings.proxies or None

    identity = settings.identity_service()
    webchat = WebChat(settings.webchat_config(), identity)
    register([webchat], app, route=None)
    registration = Database(settings.registration_url)

    def model_is_loaded() -> bool:
        return hasattr(app.ctx, "agent")

    app.blueprint(
        health_blueprint(
            model=model_is_loaded,
            conversations=lambda: require_durable(app.ctx.agent).database.ping(),
            registration=registration.ping,
            metrics=webchat.metrics,
            is_closing=webchat.is_closing,
        )
    )
    app.blueprint(site_blueprint(is_demonstration=not settings.is_production))
    if settings.identity.outbox:
        app.blueprint(outbox_blueprint(settings.identity.outbox))
    if staff := settings.staff_config():
        app.blueprint(staff_blueprint(staff, registration, settings.identity))
    send_mails(app, identity, registration)

    @app.before_server_start
    async def load(app: Sanic, _: AbstractEventLoop) -> None:
        await off_loop(repair, settings.conversations_url)
        file = _newest(model)
        sha256 = sha256_of(file)
        app.ctx.agent = await assistant(file, endpoints_file)
        # A full collection would go through the whole model each time, and hold up everybody.
        gc.freeze()
        app.ctx.reload = Reload(
            require_durable(app.ctx.agent).database,
            file,
            sha256,
            load=lambda other: with_another_model(app.ctx.agent, other, endpoints_file),
            put=partial(_put, app),
            name=f"{socket.gethostname()}:{settings.port}",
        )

    @app.after_server_start
    async def read_what_is_new(app: Sanic, loop: AbstractEventLoop) -> None:
        consumer = Consumer(require_durable(app.ctx.agent).database, embedded)
        app.ctx.reading = [
            loop.create_task(keep_up(consumer)),
            loop.create_task(app.ctx.reload.keep_up()),
        ]

    @app.before_server_stop
    async def stop_reading(app: Sanic, _: AbstractEventLoop) -> None:
        for task in app.ctx.reading:
            task.cancel()
        await asyncio.gather(*app.ctx.reading, return_exceptions=True)

    @app.after_server_stop
    async def close(app: Sanic, _: AbstractEventLoop) -> None:
        # Now that all turns have ended: it may have to wait for who is writing.
        with suppress(SQLAlchemyError, OSError):
            await app.ctx.reload.end()
        registration.dispose()

    return app


def _newest(model: Path) -> Path:
    """A model's file: of a folder the newest."""
    found = model if model.is_file() else get_latest_model(model)
    if not found:
        raise CannotStart(f"There is no model in {model}: run 'nasro-chat train' first.")
    return Path(found)


def _put(app: Sanic, agent: Agent) -> Agent:
    """Has the next turn use another agent; gives the one that was used before."""
    before: Agent = app.ctx.agent
    app.ctx.agent = agent
    return before


def serve_forever(settings: Settings, model: Path, endpoints_file: Path) -> None:
    """Serves until it is told to stop.

    Raises:
        CannotStart: There is no model to serve, or the port is taken.
    """
    _newest(model)  # what is missing is better said before the port is taken
    listening = _bound(settings.host, settings.port)
    app = create_app(settings, model, endpoints_file)

    @app.after_server_start
    async def say_where(_: Sanic, __: AbstractEventLoop) -> None:
        host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0") else settings.host
        port = listening.getsockname()[1]
        print(f"The assistant is ready: http://{host}:{port}  (Ctrl-C ends it)", flush=True)

    # Sanic would log it with a traceback; whoever called this says it in a line.
    logging.getLogger("sanic.error").addFilter(
        lambda record: not (record.exc_info and isinstance(record.exc_info[1], CannotStart))
    )
    app.run(
        sock=listening,
        access_log=False,
        motd=False,
    )


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the port, before the model is loaded: Sanic would try it after that.

    It doesn't listen yet: nobody shall wait for a server that isn't ready.

    Raises:
        CannotStart: The port is taken, or the address isn't this machine's.
    """
    try:
        # Of a name's several addresses the IPv4 one, as browsers try both.
        family, kind, *_, address = min(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        bound = socket.socket(family, kind)
        # Connections of a server that has just ended don't keep the next from starting.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} is in use: choose another with PORT=..., like PORT=8001."
        else:
            message = f"The server can't listen on {host}, port {port}: {error.strerror}."
        raise CannotStart(message) from error
    return bound
