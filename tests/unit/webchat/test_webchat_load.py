"""Too many at once, and the end of a server: a kind refusal soon, and nothing lost of what had begun."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bot.webchat.turns import MOST_WAITING, SHARE


@asynccontextmanager
async def held(start_chat: Any, **settings: Any) -> AsyncIterator[Any]:
    """A web chat whose assistant works until `chat.let_go` is set."""
    async with start_chat({"PROXIES_COUNT": 1}, **settings) as chat:
        chat.let_go, work = asyncio.Event(), chat.agent.processor.work

        async def work_until_let_go() -> None:
            await work()
            await chat.let_go.wait()

        chat.agent.processor.work = work_until_let_go
        yield chat
        chat.let_go.set()


async def somebody(chat: Any, address: int) -> dict[str, str]:
    """Opens a session; gives the headers of who is in it, at an address."""
    await chat.open()
    return {**chat.headers, "X-Forwarded-For": f"203.0.113.{address}"}


@pytest.fixture
async def full_chat(start_chat: Any) -> AsyncIterator[Any]:
    """A web chat that takes on two turns, and three people at three addresses."""
    async with held(start_chat, turns_at_once=2) as chat:
        chat.people = [await somebody(chat, address) for address in range(3)]
        yield chat


async def ask(chat: Any, who: dict[str, str], **more: Any) -> httpx.Response:
    return await chat.http.post("/messages", json={"text": "hi"}, headers=who, **more)


async def until_there_are(chat: Any, number: int) -> None:
    while f"nasro_chat_turns_at_once {number}.0" not in chat.channel.metrics.as_text():
        await asyncio.sleep(0.01)


async def test_who_would_wait_too_long_is_asked_to_come_back(
    full_chat: Any, error_code: Any
) -> None:
    one, other, third = full_chat.people
    begun = [asyncio.ensure_future(ask(full_chat, who)) for who in (one, other)]
    await until_there_are(full_chat, 2)

    refused = [await ask(full_chat, third), await full_chat.http.post("/sessions")]
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
    assert 'nasro_chat_turns_total{outcome="refused"} 2.0' in counted
    assert 'nasro_chat_turns_total{outcome="answered"} 3.0' in counted


def refusals(responses: list[httpx.Response], error_code: Any) -> list[tuple[int, str]]:
    assert all(int(r.headers["retry-after"]) >= 1 for r in responses)
    return [(r.status_code, error_code(r)) for r in responses]


async def test_one_conversation_keeps_only_a_few_turns_waiting(
    start_chat: Any, error_code: Any
) -> None:
    async with held(start_chat) as chat:
        one, other = await somebody(chat, 1), await somebody(chat, 2)
        begun = [asyncio.ensure_future(ask(chat, one)) for _ in range(1 + MOST_WAITING)]
        await until_there_are(chat, 1 + MOST_WAITING)

        refused = [await ask(chat, one)]
        begun.append(asyncio.ensure_future(ask(chat, other)))
        await until_there_are(chat, 2 + MOST_WAITING)
        chat.let_go.set()

        assert refusals(refused, error_code) == [(429, "rate_limited")]
        assert {answer.status_code for answer in await asyncio.gather(*begun)} == {200}
        assert (await ask(chat, one)).status_code == 200


async def test_one_address_takes_only_its_share_of_the_turns(
    start_chat: Any, error_code: Any
) -> None:
    async with held(start_chat, turns_at_once=2 * SHARE) as chat:
        people = [await somebody(chat, 1) for _ in range(3)]
        elsewhere = [await somebody(chat, 2) for _ in range(2)]
        begun = [asyncio.ensure_future(ask(chat, who)) for who in people[:2]]
        await until_there_are(chat, 2)

        refused = [await ask(chat, who) for who in people]
        begun += [asyncio.ensure_future(ask(chat, who)) for who in elsewhere]
        await until_there_are(chat, 4)
        chat.let_go.set()

        assert refusals(refused, error_code) == [(429, "rate_limited")] * 3
        assert {answer.status_code for answer in await asyncio.gather(*begun)} == {200}
        assert (await ask(chat, people[2])).status_code == 200
        assert 'outcome="refused"} 3.0' in chat.channel.metrics.as_text()


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
