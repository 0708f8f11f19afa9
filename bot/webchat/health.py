"""Is the server alive, is it ready, how does it go: the routes that operators and probes ask.

What is checked comes from outside as plain functions. They run in threads of their own, so that a
hanging database makes the answer "not ready" and nothing else.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from prometheus_client import CONTENT_TYPE_LATEST
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, text

from bot.webchat.http import json_response
from bot.webchat.metrics import Metrics

Check = Callable[[], object]
"""Passes unless it raises, returns False or takes too long."""

NO_STORE = {"Cache-Control": "no-store"}


class Readiness:
    """Runs the checks, each at most once at a time however often it is asked."""

    def __init__(self, checks: Mapping[str, Check], timeout: float) -> None:
        self._checks = checks
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(len(checks), thread_name_prefix="readiness")
        self._running: dict[str, Future[object]] = {}

    async def passes(self) -> dict[str, bool]:
        names = list(self._checks)
        return dict(zip(names, await asyncio.gather(*map(self._passes, names)), strict=True))

    async def _passes(self, name: str) -> bool:
        running = self._running.get(name)
        if running is None or running.done():
            running = self._running[name] = self._threads.submit(self._checks[name])
        try:
            # Shielded: a check that is too slow goes on, and the next question waits for it
            # instead of starting another.
            waiting = asyncio.shield(asyncio.wrap_future(running))
            return await asyncio.wait_for(waiting, self._timeout) is not False
        except Exception:
            # Whatever it was, it is not ready; the part itself logs why it failed.
            return False


def health_blueprint(
    *,
    model: Check,
    conversations: Check,
    registration: Check,
    metrics: Metrics,
    is_closing: Callable[[], bool] = lambda: False,
    timeout: float = 2.0,
) -> Blueprint:
    """GET /health/live, /health/ready and /metrics.

    Without a model or the conversations nobody can be answered, and a server that was told to stop
    answers nobody new: 503, and a load balancer sends people elsewhere. Without the registration
    database most questions still can be answered: "degraded".
    """
    blueprint = Blueprint("health")
    readiness = Readiness(
        {"model": model, "conversations": conversations, "registration": registration}, timeout
    )

    @blueprint.get("/health/live")
    async def live(_: Request) -> HTTPResponse:
        return json_response({"status": "ok"}, headers=dict(NO_STORE))

    @blueprint.get("/health/ready")
    async def ready(_: Request) -> HTTPResponse:
        passes = await readiness.passes()
        can_answer = passes["model"] and passes["conversations"] and not is_closing()
        status = ("ok" if passes["registration"] else "degraded") if can_answer else "unavailable"
        parts = {name: "ok" if passed else "unavailable" for name, passed in passes.items()}
        return json_response(
            {"status": status, **parts}, 200 if can_answer else 503, dict(NO_STORE)
        )

    @blueprint.get("/metrics")
    async def counters(_: Request) -> HTTPResponse:
        return text(metrics.as_text(), headers=dict(NO_STORE), content_type=CONTENT_TYPE_LATEST)

    return blueprint
