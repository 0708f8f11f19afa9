"""What probes and dashboards are told."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bot.webchat.health import health_blueprint
from bot.webchat.metrics import Metrics


def fine() -> None:
    pass


def broken() -> None:
    raise ConnectionError("postgresql://user:password@host")


@pytest.fixture
def probing(serving: Any) -> Any:
    @asynccontextmanager
    async def probe(**checks: Any) -> Any:
        given = {"model": fine, "conversations": fine, "registration": fine, **checks}
        blueprint = health_blueprint(metrics=Metrics(), **given)
        async with (
            serving(blueprint) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
        ):
            yield http

    return probe


async def test_it_is_alive_whatever_else_is_broken(probing: Any) -> None:
    async with probing(model=broken, conversations=broken, registration=broken) as http:
        response = await http.get("/health/live")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["cache-control"] == "no-store"


async def test_a_server_that_is_ending_is_not_ready(probing: Any) -> None:
    async with probing(is_closing=lambda: True) as http:
        ready, live = await http.get("/health/ready"), await http.get("/health/live")

    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert live.status_code == 200


@pytest.mark.parametrize(
    ("part", "status_code", "status"),
    [
        (None, 200, "ok"),
        ("model", 503, "unavailable"),
        ("conversations", 503, "unavailable"),
        ("registration", 200, "degraded"),
    ],
)
@pytest.mark.parametrize("check", [broken, lambda: False], ids=["raises", "says no"])
async def test_readiness_depends_on_its_parts(
    probing: Any, part: str | None, status_code: int, status: str, check: Any
) -> None:
    async with probing(**({part: check} if part else {})) as http:
        response = await http.get("/health/ready")

    parts = {"model": "ok", "conversations": "ok", "registration": "ok"}
    if part:
        parts[part] = "unavailable"
    assert (response.status_code, response.json()) == (status_code, {"status": status, **parts})
    assert "password" not in response.text


async def test_a_hanging_check_is_not_ready_and_hangs_nothing_else(probing: Any) -> None:
    go_on, calls = threading.Event(), []

    def hang() -> None:
        calls.append(1)
        go_on.wait(10)

    async with probing(conversations=hang, timeout=0.1) as http:
        began = time.monotonic()
        responses = await asyncio.gather(
            *(http.get("/health/ready") for _ in range(5)), http.get("/health/live")
        )
        took = time.monotonic() - began
        go_on.set()
        await asyncio.sleep(0.05)
        after = await http.get("/health/ready")

    assert [response.status_code for response in responses] == [503] * 5 + [200]
    assert responses[0].json()["conversations"] == "unavailable"
    assert took < 5
    assert after.status_code == 200
    assert len(calls) == 2


async def test_metrics_count_and_tell_nothing_about_anyone(start_chat: Any, serving: Any) -> None:
    async with start_chat() as chat:
        await chat.open()
        [answer] = await chat.say("my secret", client_id="5f0c8d2e-6d0b-4e0c-9a3f-0b8f7f0e4a11")
        await chat.say("my secret", client_id="5f0c8d2e-6d0b-4e0c-9a3f-0b8f7f0e4a11")
        await chat.post({"message_id": answer["id"], "helpful": True}, "/feedback")
        reply, chat.agent.processor.reply = chat.agent.processor.reply, lambda _: []
        await chat.say("silence")
        chat.agent.processor.reply = lambda _: 1 / 0
        await chat.post({"text": "failure"})
        chat.agent.processor.reply = reply
        await chat.post({"payload": "/not_offered"})
        blueprint = health_blueprint(
            model=fine, conversations=fine, registration=fine, metrics=chat.channel.metrics
        )
        async with (
            serving(blueprint) as port,
            httpx.AsyncClient(trust_env=False) as http,
        ):
            response = await http.get(f"http://127.0.0.1:{port}/metrics")

    assert response.headers["content-type"].startswith("text/plain; version=")
    lines = {
        line
        for line in response.text.splitlines()
        if not line.startswith("#") and "_created" not in line
    }
    assert lines >= {
        'nasro_chat_turns_total{outcome="answered"} 1.0',
        'nasro_chat_turns_total{outcome="repeated"} 1.0',
        'nasro_chat_turns_total{outcome="silent"} 1.0',
        'nasro_chat_turns_total{outcome="failed"} 1.0',
        "nasro_chat_turn_seconds_count 3.0",
        "nasro_chat_sessions_total 1.0",
        'nasro_chat_feedback_total{helpful="true"} 1.0',
        'nasro_chat_http_responses_total{status="200"} 3.0',
        'nasro_chat_http_responses_total{status="201"} 1.0',
        'nasro_chat_http_responses_total{status="204"} 1.0',
        'nasro_chat_http_responses_total{status="400"} 1.0',
        'nasro_chat_http_responses_total{status="503"} 1.0',
    }
    for private in ("secret", answer["id"], "127.0.0.1", "5f0c8d2e"):
        assert private not in response.text
