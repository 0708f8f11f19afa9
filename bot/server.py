"""The server: one Sanic application with the web chat API, the widget, the page and the health routes.

Rasa's own application isn't used: it would add a root route, and with its HTTP API eighteen
administrative ones. The channel is registered as Rasa registers channels.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from pathlib import Path

from rasa.core.agent import Agent, load_agent
from rasa.core.channels.channel import register
from rasa.core.utils import AvailableEndpoints
from sanic import Sanic

from bot.action_endpoint import ActionEndpoint
from bot.conversations import require_durable
from bot.mails import outbox_blueprint, send_mails
from bot.settings import Settings
from bot.site import site_blueprint
from bot.webchat.channel import WebChat
from bot.webchat.health import health_blueprint
from registration.database import Database

ENDPOINTS_FILE = Path("endpoints.yml")


class ModelMissing(Exception):
    """There is no model to serve; the message says how to get one."""


async def assistant(model: Path, endpoints_file: Path = ENDPOINTS_FILE) -> Agent:
    """Loads the model, with custom actions and conversations as the endpoints file says.

    Args:
        model: A model file, or a folder whose newest is taken.
        endpoints_file: Rasa's file of that name.

    Raises:
        ModelMissing: There is none, or it can't be loaded.
    """
    endpoints = AvailableEndpoints.read_endpoints(str(endpoints_file))
    endpoints.action = ActionEndpoint(endpoints.action)
    agent = await load_agent(model_path=str(model), endpoints=endpoints)
    if not agent.is_ready():
        raise ModelMissing(f"No model could be loaded from {model}: run 'nasro-chat train' first.")
    require_durable(agent)
    return agent


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
        )
    )
    app.blueprint(site_blueprint(is_demonstration=not settings.is_production))
    if settings.identity.outbox:
        app.blueprint(outbox_blueprint(settings.identity.outbox))
    send_mails(app, identity, registration)

    @app.before_server_start
    async def load(app: Sanic, _: AbstractEventLoop) -> None:
        app.ctx.agent = await assistant(model, endpoints_file)

    @app.after_server_stop
    async def close(_: Sanic, __: AbstractEventLoop) -> None:
        registration.dispose()

    return app


def serve_forever(settings: Settings, model: Path, endpoints_file: Path) -> None:
    """Serves until it is told to stop.

    Raises:
        ModelMissing: There is no model to serve.
    """
    if not (model.is_file() or any(model.glob("*.tar.gz"))):
        raise ModelMissing(f"There is no model in {model}: run 'nasro-chat train' first.")
    app = create_app(settings, model, endpoints_file)

    @app.after_server_start
    async def say_where(_: Sanic, __: AbstractEventLoop) -> None:
        host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0") else settings.host
        print(
            f"The assistant is ready: http://{host}:{settings.port}  (Ctrl-C ends it)", flush=True
        )

    app.run(
        host=settings.host,
        port=settings.port,
        access_log=False,
        motd=False,
    )
