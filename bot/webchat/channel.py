"""The web chat as a Rasa input channel: the routes under /api/chat/v1.

A thin HTTP side. Every handler checks who is asking and how fast, reads what was sent, and has
`turns` or `history` do the rest. Neither the conversation's id nor anything about the member is
ever taken from what a client sends: see "Trust" in the design.
"""

import os
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty

from bot.conversations import require_durable
from bot.webchat import http
from bot.webchat.config import WebChatConfig
from bot.webchat.database import off_loop
from bot.webchat.errors import ApiError, rate_limited, unavailable
from bot.webchat.history import History
from bot.webchat.http import client_address, invalid, json_response, read_object, text_field
from bot.webchat.limits import TokenBuckets, address_key
from bot.webchat.messages import Message, clean_text, iso, plain_words
from bot.webchat.metrics import Metrics
from bot.webchat.private import hidden
from bot.webchat.sessions import Caller, SessionTokens
from bot.webchat.turns import CHANNEL, Said, Turns, answering_503, require_going_on, require_open
from identity.addresses import masked
from identity.service import Identity, IdentityService, Shown, SomebodyElse
from identity.site_tokens import IdentityRefused

PREFIX = "/api/chat/v1"
OPENAPI_FILE = Path(__file__).with_name("openapi.yaml")

Handler = Callable[[Request], Awaitable[HTTPResponse]]


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


class WebChat(InputChannel):
    """The channel; give it to `rasa.core.channels.channel.register`."""

    def __init__(
        self,
        config: WebChatConfig,
        identity: IdentityService,
        metrics: Metrics | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.config = config
        self.metrics = metrics or Metrics()
        self._clock = clock
        self._tokens = SessionTokens(config.secret, config.session_ttl)
        self._identity = identity
        self._turns = Turns(
            config.turn_timeout, config.turns_at_once, clock, self.metrics, identity
        )
        self._by_conversation = TokenBuckets(config.messages_per_conversation)
        self._sessions_by_address = TokenBuckets(config.sessions_per_address)
        self._requests_by_address = TokenBuckets(config.requests_per_address)

    @classmethod
    def name(cls) -> str:
        return CHANNEL

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> "WebChat":  # noqa: ARG003 (Rasa's signature; secrets come from the environment)
        """For `rasa run`: `bot.webchat.channel.WebChat:` in credentials.yml."""
        from bot.settings import Settings  # noqa: PLC0415 (only this way in needs them)

        settings = Settings.from_environment(os.environ)
        return cls(settings.webchat_config(), settings.identity_service())

    def url_prefix(self) -> str:
        # `rasa run` would put the routes under /webhooks/; an absolute path takes them back.
        return "/"

    def blueprint(
        self,
        on_new_message: Callable[[UserMessage], Awaitable[Any]],  # noqa: ARG002 (turns.py asks the agent itself, to hold its lock around the whole turn)
    ) -> Blueprint:
        """The routes, each with its full path, so that registering needs no prefix."""
        blueprint = Blueprint(CHANNEL)

        @blueprint.listener("before_server_start")
        async def install(app: Sanic, _: Any) -> None:
            http.install(app, self.config, self.metrics)

        @blueprint.listener("before_server_stop")
        async def close(_: Sanic, __: Any) -> None:
            await self._turns.close()

        def route(method: str, path: str, handler: Handler) -> None:
            async def handle(
                request: Request,
            ) -> HTTPResponse:  # Sanic marks it; a method can't be.
                return await handler(request)

            # A streaming route: the body is not read before the handler asks, at its own limit.
            blueprint.add_route(
                handle,
                f"{PREFIX}/{path}",
                methods=[method],
                name=f"{method} {path}",
                stream=method == "POST",
            )

        route("POST", "sessions", self._open_session)
        route("DELETE", "sessions", self._end_session)
        route("POST", "identity", self._sign_in_later)
        route("POST", "messages", self._post_message)
        route("GET", "messages", self._get_messages)
        route("POST", "feedback", self._post_feedback)
        route("GET", "openapi.yaml", self._get_openapi)
        for path in ("sessions", "identity", "messages", "feedback"):
            route("OPTIONS", path, self._preflight)
        return blueprint

    def is_closing(self) -> bool:
        """Whether the server was told to stop, and only finishes what it has begun."""
        return self._turns.is_closing

    async def _open_session(self, request: Request) -> HTTPResponse:
        self._slow_down(self._sessions_by_address, address_key(client_address(request)))
        body = await read_object(request, self.config.max_body)
        identity_token = text_field(body, "identity_token")
        agent = _agent(request)
        self._turns.require_room()
        session = self._tokens.open(self._clock())
        async with answering_503("A session could not be opened"):
            history = History(require_durable(agent).database)
            member = None
            if identity_token is not None:
                member = await self._sign_in(session.conversation_id, identity_token)
            welcome = await self._turns.welcome(agent, session.conversation_id, member)
            await off_loop(history.open, session, welcome)
            shown = (
                await off_loop(self._identity.shown, session.conversation_id) if member else None
            )
        token = session.token
        if shown:
            caller = self._tokens.caller(token, session.created_at)
            token = self._tokens.renewed(caller, shown.since)
        self.metrics.sessions.inc()
        return json_response(
            {
                "token": token,
                "expires_at": iso(session.expires_at),
                "messages": _as_json(welcome),
                "member": masked(member.email) if member else None,
            },
            status=201,
        )

    async def _sign_in_later(self, request: Request) -> HTTPResponse:
        caller = self._caller(request)
        conversation_id = caller.conversation_id
        self._slow_down(self._by_conversation, conversation_id)
        body = await read_object(request, self.config.max_body)
        identity_token = text_field(body, "identity_token")
        if identity_token is None:
            raise invalid("identity_token is missing.")
        agent = _agent(request)
        async with (
            answering_503("A member could not be signed in"),
            self._turns.alone(agent, conversation_id),
        ):
            history = History(require_durable(agent).database)
            await off_loop(require_open, history, conversation_id)
            member = await self._sign_in(conversation_id, identity_token)
            shown = await off_loop(self._identity.shown, conversation_id)
        # Whoever holds the website's token is the member, also with a session's token of before.
        return json_response({"member": masked(member.email), **self._renewed(caller, shown)})

    def _renewed(self, caller: Caller, shown: Shown | None) -> dict[str, str]:
        """The token that takes the place of the caller's, where theirs is of before the sign-in."""
        if shown is None or shown.since <= caller.renewed:
            return {}
        return {"token": self._tokens.renewed(caller, shown.since)}

    async def _sign_in(self, conversation_id: str, token: str) -> Identity:
        if not self._identity.config.site_keys:
            raise ApiError("identity_not_configured")
        try:
            return await off_loop(self._identity.sign_in_with_token, conversation_id, token)
        except IdentityRefused:
            raise ApiError("identity_refused") from None
        except SomebodyElse:
            raise ApiError("other_member") from None

    async def _end_session(self, request: Request) -> HTTPResponse:
        caller = self._caller(request)
        # Whoever leaves closes the page at once, and means it all the same.
        await self._turns.to_the_end(self._end(_agent(request), caller))
        return empty()

    async def _end(self, agent: Agent, caller: Caller) -> None:
        conversation_id = caller.conversation_id
        async with (
            answering_503("A session could not be ended"),
            self._turns.alone(agent, conversation_id),
        ):
            store = require_durable(agent)
            history = History(store.database)
            await off_loop(require_open, history, conversation_id)
            if await off_loop(self._identity.is_superseded, conversation_id, caller.renewed):
                raise ApiError("session_expired")
            await off_loop(self._identity.sign_out, conversation_id)
            await off_loop(
                history.end,
                conversation_id,
                self._clock(),
                lambda connection: store.erase(connection, conversation_id),
            )
            # Last: what isn't erased yet must have an owner.
            await off_loop(self._identity.forget, conversation_id)

    async def _post_message(self, request: Request) -> HTTPResponse:
        caller = self._caller(request)
        conversation_id = caller.conversation_id
        self._slow_down(self._by_conversation, conversation_id)
        body = await read_object(request, self.config.max_body)
        said = self._said(body, client_address(request))
        answer = await self._turns.answer(_agent(request), conversation_id, said, caller.renewed)
        renewed = self._renewed(caller, answer.shown) if answer.has_signed_in else {}
        return _conversation_json(answer.messages, answer.shown, **renewed)

    async def _get_messages(self, request: Request) -> HTTPResponse:
        caller = self._caller(request)
        conversation_id = caller.conversation_id
        async with answering_503("A history could not be read"):
            history = History(require_durable(_agent(request)).database)
            await off_loop(
                require_going_on, history, self._identity, conversation_id, caller.renewed
            )
            said = await off_loop(history.messages, conversation_id)
            shown = await off_loop(self._identity.shown, conversation_id)
        return _conversation_json(said, shown)

    async def _post_feedback(self, request: Request) -> HTTPResponse:
        caller = self._caller(request)
        conversation_id = caller.conversation_id
        self._slow_down(self._by_conversation, conversation_id)
        body = await read_object(request, self.config.max_body)
        message_id, helpful, comment = self._feedback(body)
        agent = _agent(request)
        async with (
            answering_503("Feedback could not be stored"),
            self._turns.alone(agent, conversation_id),
        ):
            history = History(require_durable(agent).database)
            await off_loop(
                require_going_on, history, self._identity, conversation_id, caller.renewed
            )
            if not await off_loop(
                history.rate, conversation_id, message_id, helpful, comment, self._clock()
            ):
                raise ApiError("message_not_found")
        self.metrics.feedback.labels(str(helpful).lower()).inc()
        return empty()

    async def _get_openapi(self, _: Request) -> HTTPResponse:
        return HTTPResponse(OPENAPI_FILE.read_bytes(), content_type="application/yaml")

    async def _preflight(self, _: Request) -> HTTPResponse:
        # What the browser wants to know is in the headers that http.install adds.
        return empty()

    def _caller(self, request: Request) -> Caller:
        """Whose token the request carries."""
        self._slow_down(self._requests_by_address, address_key(client_address(request)))
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise ApiError("session_invalid")
        return self._tokens.caller(token.strip(), self._clock())

    def _said(self, body: dict[str, Any], client: str) -> Said:
        text, payload = text_field(body, "text"), text_field(body, "payload")
        client_id = text_field(body, "client_id")
        if (text is None) == (payload is None):
            raise invalid("it needs either text or payload.")
        if client_id is not None:
            client_id = client_id.lower()
            if not _is_uuid(client_id):
                raise invalid("client_id is not a UUID.")
        if text is not None:
            text = clean_text(text)
            if len(text) > self.config.max_text:
                raise ApiError("message_too_long", limit=self.config.max_text)
            if not plain_words(text):
                raise ApiError("empty_message")
        return Said(self._clock(), text, payload, client_id, address_key(client))

    def _feedback(self, body: dict[str, Any]) -> tuple[str, bool, str | None]:
        message_id, helpful = text_field(body, "message_id"), body.get("helpful")
        comment = hidden(clean_text(text_field(body, "comment") or "")) or None
        if message_id is None:
            raise invalid("message_id is missing.")
        if not message_id.isprintable():  # like NUL, which a database wouldn't take
            raise invalid("message_id is not an id.")
        if not isinstance(helpful, bool):
            raise invalid("helpful is neither true nor false.")
        if comment and len(comment) > self.config.max_comment:
            raise ApiError("comment_too_long", limit=self.config.max_comment)
        return message_id, helpful, comment

    def _slow_down(self, buckets: TokenBuckets, key: str) -> None:
        if seconds := buckets.take(key, time.monotonic()):
            raise rate_limited(seconds)


def _agent(request: Request) -> Agent:
    agent = getattr(request.app.ctx, "agent", None)
    if agent is None:
        raise unavailable()
    return agent


def _conversation_json(said: list[Message], shown: Shown | None, **more: str) -> HTTPResponse:
    member = shown.member if shown else None
    return json_response({"messages": _as_json(said), "member": member, **more})


def _as_json(messages: list[Message]) -> list[dict[str, Any]]:
    return [message.as_json() for message in messages]


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
