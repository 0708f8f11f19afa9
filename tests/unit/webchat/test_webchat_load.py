"""Too many at once, and the end of a server: a kind 503 soon, and nothing lost of what had begun."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest


@pytest.fixture
async def full_chat(start_chat: Any) -> AsyncIterator[Any]:
    """A web chat that takes on two turns, and an assistant that works until `chat.let_go` is set."""
    async with start_chat(turns_at_once=2) as chat:
        chat.let_go, work = asyncio.Event(), chat.agent.processor.work

        async def work_until_let_go() -> None:
            await work()
            await chat.let_go.wait()

        chat.agent.processor.work = work_until_let_go
        chat.people = []
        for _ in range(3):
            await chat.open()
            chat.people.append(chat.headers)
        yield chat
        chat.let_go.set()


async def ask(chat: Any, who: dict[str, str], **more: Any) -> httpx.Response:
    return await chat.http.post("/messages", json={"text": "hi"}, headers=who, **more)


async def until_there_are(chat: Any, number: int) -> None:
    while f"nasro_chat_turns_at_once {number}.0" not in chat.channel.metrics.as_text():
        await asyncio.sleep(0.01)


async def test_who_would_wait_too_long_is_asked_to_come_back(
    full_chat: Any, error_code: Any
) -> None:
    one, other, third = full_chat.people
    # The second waits for the first.
    begun = [asyncio.ensure_future(ask(full_chat, who)) for who in (one, one)]
    await until_there_are(full_chat, 2)

    refused = [await ask(full_chat, who) for who in (one, other, third)]
    refused.append(await full_chat.http.post("/sessions"))
    read = await full_chat.http.get("/messages", headers=third)
    full_chat.let_go.set()
    answers = await asyncio.gather(*begun)

    for response in refused:
        assert (response.status_code, error_code(response)) == (503, "busy")
        assert int(response.headers["retry-after"]) >= 1
    assert read.status_code == 200
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (await ask(full_chat, third)).status_code == 200
    counted = full_chat.channel.metrics.as_text()
    assert 'nasro_chat_turns_total{outcome="refused"} 4.0' in counted
    assert 'nasro_chat_turns_total{outcome="answered"} 3.0' in counted


async def test_a_client_that_hangs_up_makes_no_room(full_chat: Any) -> None:
    for number, who in enumerate(full_chat.people[:2], start=1):
        gone = asyncio.ensure_future(ask(full_chat, who))
        await until_there_are(full_chat, number)
        gone.cancel()
        await asyncio.wait([gone])

    assert (await ask(full_chat, full_chat.people[2])).status_code == 503


async def test_a_server_that_ends_finishes_what_has_begun(full_chat: Any, error_code: Any) -> None:
    one, other, _ = full_chat.people
    begun = asyncio.ensure_future(ask(full_chat, one))
    await until_there_are(full_chat, 1)
    assert not full_chat.channel.is_closing()

    ending = asyncio.ensure_future(full_chat.channel._turns.close())
    await asyncio.sleep(0)
    late = [await ask(full_chat, other), await full_chat.http.post("/sessions")]

    assert full_chat.channel.is_closing()
    assert not ending.done()
    full_chat.let_go.set()
    await ending
    assert full_chat.rows("select count(*) from webchat_messages where sender = 'user'") == [(1,)]
    assert (await begun).status_code == 200
    for response in late:
        assert (response.status_code, error_code(response)) == (503, "temporarily_unavailable")
        assert int(response.headers["retry-after"]) >= 1
