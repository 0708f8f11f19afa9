"""What all requests and responses of the API have in common: errors, headers, reading a body.

`install` puts it on the whole Sanic app and not on the channel's routes alone, because an unknown
address or a wrong method has no route, and its answer should look like all others.
"""

import json
import logging
from typing import Any

from sanic import Sanic
from sanic.exceptions import (
    InvalidUsage,
    MethodNotSupported,
    NotFound,
    PayloadTooLarge,
    RequestTimeout,
    ServiceUnavailable,
)
from sanic.handlers import ErrorHandler
from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse

from bot.webchat.config import WebChatConfig
from bot.webchat.errors import ApiError, unavailable
from bot.webchat.metrics import Metrics

logger = logging.getLogger(__name__)

API = "/api/"

PREFLIGHT_SECONDS = 7_200
"""How long a browser may remember that it was allowed; Chromium remembers no longer."""

DRAIN_BYTES = 1024 * 1024
"""How much of a refused body is still taken in and thrown away: a connection that is closed while
the client is sending loses the answer on its way."""


def install(app: Sanic, config: WebChatConfig, metrics: Metrics) -> None:
    """Makes the app answer as the API promises, below /api/; everything else stays as it was."""
    app.error_handler = ApiErrorHandler(app.error_handler)

    async def finish(request: Request, response: BaseHTTPResponse) -> None:
        metrics.responses.labels(str(response.status)).inc()
        if request.path.startswith(API):
            response.headers["Cache-Control"] = "no-store"
            response.headers["X-Content-Type-Options"] = "nosniff"
            _allow_origin(request, response, config.allowed_origins)

    app.register_middleware(finish, "response")


class ApiErrorHandler(ErrorHandler):
    """Answers errors below /api/; leaves all others to the handler the app had before."""

    def __init__(self, others: ErrorHandler) -> None:
        super().__init__()
        self._others = others

    def add(self, *arguments: Any, **options: Any) -> None:
        self._others.add(*arguments, **options)

    def lookup(self, exception: Exception, route_name: str | None = None) -> Any:
        return self._others.lookup(exception, route_name)

    _lookup = lookup  # The name Sanic calls.

    def response(self, request: Request, exception: Exception) -> Any:
        if not request.path.startswith(API):
            return self._others.response(request, exception)
        refusal = _as_api_error(exception)
        return json_response(refusal.as_json(), refusal.status, refusal.headers)


def _as_api_error(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, MethodNotSupported):
        return ApiError("method_not_allowed", headers=error.headers)
    if isinstance(error, NotFound):
        return ApiError("not_found")
    if isinstance(error, PayloadTooLarge):
        return ApiError("body_too_large")
    if isinstance(error, RequestTimeout):
        return ApiError("request_timeout")
    if isinstance(error, ServiceUnavailable):
        return unavailable()
    if isinstance(error, InvalidUsage):
        return ApiError("invalid_request", detail="it is not proper HTTP.")
    # No traceback with its message here either: see turns.answering_503.
    logger.error("Unexpected %s in the web chat API", type(error).__qualname__)
    return ApiError("internal_error")


def _allow_origin(
    request: Request, response: BaseHTTPResponse, allowed_origins: tuple[str, ...]
) -> None:
    response.headers["Vary"] = "Origin"
    origin = request.headers.get("origin")
    if origin not in allowed_origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)


def json_response(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> HTTPResponse:
    text = json.dumps(body, ensure_ascii=False)
    return HTTPResponse(text, status, headers, content_type="application/json")


def invalid(detail: str) -> ApiError:
    return ApiError("invalid_request", detail=detail)


async def read_object(request: Request, max_bytes: int) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty object.

    Raises:
        ApiError: It is too large, not JSON, or not an object.
    """
    # The route is a streaming one, so nothing has been read yet and Sanic stops at our size.
    assert request.stream is not None
    request.stream.request_max_size = max_bytes
    try:
        await request.receive_body()
    except PayloadTooLarge:
        request.stream.request_max_size = DRAIN_BYTES
        raise
    if not request.body:
        return {}
    media_type = request.headers.get("content-type", "").partition(";")[0]
    if media_type.strip().lower() != "application/json":
        raise ApiError("unsupported_media_type")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        raise invalid("it is not JSON.") from None
    if not isinstance(body, dict):
        raise invalid("it is not a JSON object.")
    return body


def text_field(body: dict[str, Any], name: str) -> str | None:
    """A field that may be missing or null, but is a string otherwise."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name} is not a string.")
    return value


def client_address(request: Request) -> str:
    """Sanic knows a forwarded address only if it was told how many proxies to trust."""
    return request.remote_addr or request.ip
