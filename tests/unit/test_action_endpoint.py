"""Custom actions inside the server: they run, and a failing one never leaves a person in silence."""

import asyncio
from typing import Any

import pytest
from rasa.utils.endpoints import EndpointConfig

from bot.action_endpoint import ActionEndpoint

APOLOGY = {"events": [], "responses": [{"response": "utter_action_failed"}]}


def call(action: str) -> dict[str, Any]:
    tracker = {
        "sender_id": "someone",
        "slots": {"listed_classes": []},
        "latest_message": {"intent": {"name": "more"}, "entities": []},
        "events": [],
        "paused": False,
        "followup_action": None,
        "active_loop": {},
        "latest_action_name": "action_listen",
    }
    return {
        "next_action": action,
        "sender_id": "someone",
        "tracker": tracker,
        "domain": {"responses": {}},
    }


async def test_action_runs_in_the_process() -> None:
    answer = await ActionEndpoint().request(json=call("action_more"))

    assert [r["response"] for r in answer["responses"]] == ["utter_nothing_more"]


async def test_action_that_raises_apologizes(caplog: pytest.LogCaptureFixture) -> None:
    broken = call("action_more")
    broken["tracker"]["events"] = [{"event": "bot", "metadata": "secret words of somebody"}]

    assert await ActionEndpoint().request(json=broken) == APOLOGY
    assert "action_more failed" in caplog.text
    assert "secret words" not in caplog.text


async def test_unknown_action_apologizes() -> None:
    assert await ActionEndpoint().request(json=call("action_of_nobody")) == APOLOGY


async def test_action_server_that_is_not_there_apologizes() -> None:
    server = EndpointConfig(url="http://127.0.0.1:9/webhook")

    assert await ActionEndpoint(server).request(json=call("action_more")) == APOLOGY


async def test_slow_action_server_apologizes_in_time() -> None:
    async def never_answer(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    listener = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server = EndpointConfig(url=f"http://127.0.0.1:{port}/webhook")

    started = asyncio.get_running_loop().time()
    answer = await ActionEndpoint(server, timeout=0.2).request(json=call("action_more"))

    assert answer == APOLOGY
    assert asyncio.get_running_loop().time() - started < 5
    listener.close()


async def test_apology_is_fresh_for_each_failure() -> None:
    # Rasa takes the responses apart while it says them.
    first = await ActionEndpoint().request(json=call("action_of_nobody"))
    first["responses"][0].clear()

    assert await ActionEndpoint().request(json=call("action_of_nobody")) == APOLOGY


async def test_action_server_that_answers_nonsense_apologizes() -> None:
    async def answer_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"events": "none", "responses": []}'
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer_nonsense, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server = EndpointConfig(url=f"http://127.0.0.1:{port}/webhook")

    assert await ActionEndpoint(server).request(json=call("action_more")) == APOLOGY
    listener.close()
