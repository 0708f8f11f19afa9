"""The server: one Sanic application with the web chat API, the widget, the page and the health routes.

Rasa's own application isn't used: it would add a root route, and with its HTTP API eighteen
administrative ones. The channel is registered as Rasa registers channels.
"""

from __future__ import annotations

import errno
import gc
import logging
import socket
from asyncio import AbstractEventLoop
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
from sanic import Sanic

from bot.action_endpoint import ActionEndpoint
from bot.conversations import require_durable
from bot.locks import OneProcessOnly
from bot.mails import outbox_blueprint, send_mails
from bot.nlu.encoder import EncoderUnusable
from bot.served_model import ServedGraph, ServedModel, ServedProcessor
from bot.settings import Settings
from bot.site import site_blueprint
from bot.staff.blueprint import staff_blueprint
from bot.staff.consumer import Consumer, keep_up
from bot.staff.embedding import embedded
from bot.webchat.channel import WebChat
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
        app.ctx.agent = await assistant(model, endpoints_file)
        # A full collection would go through the whole model each time, and hold up everybody.
        gc.freeze()

    @app.after_server_start
    async def read_outcomes(app: Sanic, loop: AbstractEventLoop) -> None:
        consumer = Consumer(require_durable(app.ctx.agent).database, embedded)
        app.ctx.outcomes = loop.create_task(keep_up(consumer))

    @app.before_server_stop
    async def stop_reading(app: Sanic, _: AbstractEventLoop) -> None:
        app.ctx.outcomes.cancel()

    @app.after_server_stop
    async def close(_: Sanic, __: AbstractEventLoop) -> None:
        registration.dispose()

    return app


def serve_forever(settings: Settings, model: Path, endpoints_file: Path) -> None:
    """Serves until it is told to stop.

    Raises:
        CannotStart: There is no model to serve, or the port is taken.
    """
    if not (model.is_file() or any(model.glob("*.tar.gz"))):
        raise CannotStart(f"There is no model in {model}: run 'nasro-chat train' first.")
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
