"""The API as HTTP: forms, sizes, limits, headers, other websites, and its description."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from openapi_spec_validator import validate_spec
from rasa.core.channels.channel import register
from sanic import Sanic

from bot.webchat import channel
from bot.webchat.config import Limit
from bot.webchat.errors import REFUSALS

UUID = "5f0c8d2e-6d0b-4e0c-9a3f-0b8f7f0e4a11"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": None},
        {"text": None, "payload": None},
        {"text": "a", "payload": "/find_classes"},
        {"text": 5},
        {"text": ["a"]},
        {"text": {"a": 1}},
        {"text": True},
        {"payload": 5},
        {"text": "a", "client_id": 7},
        {"text": "a", "client_id": ""},
        {"text": "a", "client_id": "1"},
        {"text": "a", "client_id": UUID[:-1]},
        {"text": "a", "client_id": f"{{{UUID}}}"},
        {"text": "a", "client_id": UUID.replace("-", "")},
        {"text": "a", "client_id": f"urn:uuid:{UUID}"},
        [],
        "text",
        7,
        None,
        True,
    ],
    ids=str,
)
async def test_a_message_in_another_form_is_refused(chat: Any, error_code: Any, body: Any) -> None:
    response = await chat.post(body)

    assert (response.status_code, error_code(response)) == (400, "invalid_request")
    assert chat.agent.processor.handled == []


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"text=hello",
        b"\xff\xfe",
        b'{"text": "a"',
        b"[" * 10_000,
        b'{"text": "a"} {"text": "b"}',
        b'{"text": \xe4}',
    ],
    ids=lambda content: ascii(content[:20]),
)
@pytest.mark.parametrize("path", ["/messages", "/sessions", "/feedback"])
async def test_what_is_not_json_is_refused(
    chat: Any, error_code: Any, content: bytes, path: str
) -> None:
    response = await chat.http.post(
        path, content=content, headers={**chat.headers, "Content-Type": "application/json"}
    )

    assert (response.status_code, error_code(response)) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_a_body_is_json_and_says_so(chat: Any, media_type: str, status: int) -> None:
    response = await chat.http.post(
        "/messages",
        content=b'{"text": "hello"}',
        headers={**chat.headers, "Content-Type": media_type},
    )

    assert response.status_code == status


@pytest.mark.parametrize("path", ["/api/chat/v1/nothing", "/api/chat/v1", "/api/nothing", "/api/"])
async def test_an_unknown_address_of_the_api_is_a_json_404(
    chat: Any, error_code: Any, path: str
) -> None:
    response = await chat.http.get(f"http://127.0.0.1:{chat.port}{path}")

    assert (response.status_code, error_code(response)) == (404, "not_found")


async def test_addresses_outside_the_api_are_left_to_the_app(chat: Any) -> None:
    response = await chat.http.get(f"http://127.0.0.1:{chat.port}/nothing")

    assert response.status_code == 404
    assert response.headers["content-type"] != "application/json"
    assert "cache-control" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/messages", {"GET", "POST", "OPTIONS"}),
        ("DELETE", "/messages", {"GET", "POST", "OPTIONS"}),
        ("GET", "/sessions", {"DELETE", "POST", "OPTIONS"}),
        ("PATCH", "/feedback", {"POST", "OPTIONS"}),
        ("GET", "/feedback", {"POST", "OPTIONS"}),
        ("POST", "/openapi.yaml", {"GET"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    chat: Any, error_code: Any, method: str, path: str, allowed: set[str]
) -> None:
    response = await chat.http.request(method, path, headers=chat.headers)

    assert (response.status_code, error_code(response)) == (405, "method_not_allowed")
    assert set(response.headers["allow"].split(", ")) == allowed


# --- sizes


@pytest.mark.parametrize("text", ["x" * 2_000, "\N{GRINNING FACE}" * 2_000, f" {'x' * 2_000}\n"])
async def test_a_long_message_fits(chat: Any, text: str) -> None:
    response = await chat.http.post(
        "/messages",
        content=json.dumps({"text": text}, ensure_ascii=False).encode(),
        headers={**chat.headers, "Content-Type": "application/json"},
    )

    assert response.status_code == 200
    assert (await chat.history())[1]["text"] == text.strip()


async def test_a_message_that_is_too_long_is_told_the_limit(chat: Any, error_code: Any) -> None:
    response = await chat.post({"text": "x" * 2_001})

    assert (response.status_code, error_code(response)) == (413, "message_too_long")
    assert "2,000" in response.json()["error"]["message"]
    assert chat.agent.processor.handled == []


@pytest.mark.parametrize("path", ["/messages", "/sessions", "/feedback"])
@pytest.mark.parametrize("size", [16 * 1024 + 1, 300_000])
async def test_a_large_body_is_refused(chat: Any, error_code: Any, path: str, size: int) -> None:
    filler = b'{"text": "a", "message_id": "", "helpful": true, "more": "'
    body = filler + b"x" * (size - len(filler) - 2) + b'"}'

    response = await chat.http.post(
        path, content=body, headers={**chat.headers, "Content-Type": "application/json"}
    )

    assert (response.status_code, error_code(response)) == (413, "body_too_large")
    assert chat.agent.processor.handled == []


async def test_a_large_body_is_refused_without_reading_it(chat: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", chat.port)
    writer.write(
        b"POST /api/chat/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 90000000\r\n\r\n{"
    )

    status = await asyncio.wait_for(reader.readline(), 5)

    assert status.startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_body_without_a_declared_size_has_the_same_limit(
    chat: Any, error_code: Any
) -> None:
    async def chunks() -> Any:
        for _ in range(40):
            yield b" " * 1_000

    response = await chat.http.post(
        "/messages", content=chunks(), headers={**chat.headers, "Content-Type": "application/json"}
    )

    assert (response.status_code, error_code(response)) == (413, "body_too_large")


async def test_a_body_of_just_the_limit_is_read(chat: Any) -> None:
    body = b'{"text": "hello"}'.ljust(16 * 1024)

    response = await chat.http.post(
        "/messages", content=body, headers={**chat.headers, "Content-Type": "application/json"}
    )

    assert response.status_code == 200


# --- limits


async def test_a_conversation_that_is_too_fast_is_told_when_to_go_on(
    start_chat: Any, error_code: Any
) -> None:
    async with start_chat(messages_per_conversation=Limit(3, 30)) as chat:
        await chat.open()
        for number in range(3):
            await chat.say(f"message {number}")
        refused = await chat.post({"text": "one too many"})
        feedback = await chat.post({"message_id": "x", "helpful": True}, "/feedback")
        await chat.open()
        others = await chat.post({"text": "hello"})

        assert (refused.status_code, error_code(refused)) == (429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert feedback.status_code == 429
        assert others.status_code == 200
        assert len(chat.agent.processor.handled) == 4


async def test_a_conversation_may_go_on_after_the_time_it_was_told(start_chat: Any) -> None:
    async with start_chat(messages_per_conversation=Limit(1, 1)) as chat:
        await chat.open()
        await chat.say("one")
        refused = await chat.post({"text": "two"})
        await asyncio.sleep(int(refused.headers["retry-after"]))

        assert (await chat.say("two"))[0]["text"] == "You said two"


async def test_an_address_opens_only_so_many_sessions(start_chat: Any, error_code: Any) -> None:
    async with start_chat(sessions_per_address=Limit(2, 60)) as chat:
        await chat.open()
        await chat.open()
        refused = await chat.http.post("/sessions")

        assert (refused.status_code, error_code(refused)) == (429, "rate_limited")
        assert int(refused.headers["retry-after"]) >= 1
        assert (await chat.post({"text": "hello"})).status_code == 200


async def test_an_address_has_only_so_many_tries_at_tokens(start_chat: Any) -> None:
    async with start_chat(requests_per_address=Limit(5, 60)) as chat:
        statuses = [
            (await chat.http.get("/messages", headers={"Authorization": "Bearer x"})).status_code
            for _ in range(7)
        ]

        assert statuses == [401] * 5 + [429] * 2


@pytest.mark.parametrize(("proxies", "last"), [(None, 429), (1, 201)])
async def test_a_forwarded_address_counts_only_behind_a_proxy(
    start_chat: Any, proxies: int | None, last: int
) -> None:
    async with start_chat({"PROXIES_COUNT": proxies}, sessions_per_address=Limit(1, 60)) as chat:
        responses = [
            await chat.http.post("/sessions", headers={"X-Forwarded-For": f"9.9.9.9, {address}"})
            for address in ("203.0.113.1", "203.0.113.2")
        ]

        assert [response.status_code for response in responses] == [201, last]


# --- headers


async def test_every_answer_of_the_api_is_kept_out_of_caches(chat: Any) -> None:
    responses = [
        await chat.http.post("/sessions"),
        await chat.post({"text": "hello"}),
        await chat.post({}),
        await chat.http.get("/messages"),
        await chat.http.get("/messages", headers=chat.headers),
        await chat.http.get("/nothing"),
        await chat.http.put("/messages"),
        await chat.http.get("/openapi.yaml"),
        await chat.http.options("/messages"),
        await chat.end(),
    ]

    assert [response.status_code for response in responses] == [
        201, 200, 400, 401, 200, 404, 405, 200, 204, 204,
    ]  # fmt: skip
    for response in responses:
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["vary"] == "Origin"


SITE = "https://www.nasro.org"


@pytest.mark.parametrize("path", ["/sessions", "/messages", "/feedback"])
async def test_an_allowed_website_may_call(start_chat: Any, path: str) -> None:
    async with start_chat(allowed_origins=(SITE, "https://nasro.org")) as chat:
        preflight = await chat.http.options(
            path,
            headers={
                "Origin": SITE,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type",
            },
        )
        refused = await chat.http.post(path, headers={"Origin": SITE}, content=b"{")

        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == SITE
        assert preflight.headers["access-control-allow-methods"] == "GET, POST, DELETE"
        assert preflight.headers["access-control-allow-headers"] == "Authorization, Content-Type"
        assert int(preflight.headers["access-control-max-age"]) > 0
        # A page must be able to read why it was refused, and for how long.
        assert refused.status_code in (401, 415)
        assert refused.headers["access-control-allow-origin"] == SITE
        assert "Retry-After" in refused.headers["access-control-expose-headers"]
        for response in (preflight, refused):
            assert "access-control-allow-credentials" not in response.headers
            assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://www.nasro.org",
        "https://www.nasro.org.evil.example",
        "https://WWW.NASRO.ORG",
        "https://www.nasro.org:8443",
        "https://nasro.org",
        "null",
        "*",
        "",
    ],
)
async def test_another_website_may_not(start_chat: Any, origin: str) -> None:
    async with start_chat(allowed_origins=(SITE,)) as chat:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        responses = [
            await chat.http.options("/messages", headers=headers),
            await chat.http.post("/sessions", headers=headers),
            await chat.http.get("/nothing", headers=headers),
        ]

        for response in responses:
            assert not any(name.startswith("access-control") for name in response.headers)


# --- the description


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return yaml.safe_load(Path(channel.OPENAPI_FILE).read_text())


def test_the_description_is_valid(description: dict[str, Any]) -> None:
    validate_spec(description)


async def test_the_description_is_served(chat: Any, description: dict[str, Any]) -> None:
    response = await chat.http.get("/openapi.yaml")

    assert response.headers["content-type"].startswith("application/yaml")
    assert yaml.safe_load(response.text) == description


def test_what_is_served_is_described_and_the_other_way_round(
    chat: Any, description: dict[str, Any]
) -> None:
    served = {
        (f"/{route.path}", method)
        for route in chat.app.router.routes
        for method in route.methods
        if method != "OPTIONS"
    }
    described = {
        (path, method.upper())
        for path, methods in description["paths"].items()
        for method in methods
        if path.startswith("/api/")
    }

    assert served == described


@pytest.mark.parametrize("route", [None, "/webhooks/"], ids=["our server", "rasa run"])
def test_addresses_do_not_depend_on_who_registers(
    route: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASRO_SECRET", "a secret of thirty-two characters or more")
    monkeypatch.setenv("NASRO_ALLOWED_ORIGINS", "https://www.nasro.org")
    webchat = channel.WebChat.from_credentials(None)
    app = Sanic(f"registered_{route}".replace("/", "_"), configure_logging=False)

    register([webchat], app, route=route)

    assert webchat.config.allowed_origins == ("https://www.nasro.org",)
    assert {f"/{registered.path}" for registered in app.router.routes} == {
        f"/api/chat/v1/{path}"
        for path in ("sessions", "identity", "messages", "feedback", "openapi.yaml")
    }


def test_every_error_is_described(description: dict[str, Any]) -> None:
    error = description["components"]["schemas"]["Error"]["properties"]["error"]

    assert error["properties"]["code"]["enum"] == list(REFUSALS)


def test_the_limits_of_the_description_are_the_defaults(description: dict[str, Any]) -> None:
    from bot.webchat.config import WebChatConfig  # noqa: PLC0415 (this test alone)

    schemas, config = description["components"]["schemas"], WebChatConfig(secret="x" * 32)

    assert schemas["NewMessage"]["properties"]["text"]["maxLength"] == config.max_text
    assert schemas["Feedback"]["properties"]["comment"]["maxLength"] == config.max_comment


async def test_answers_are_as_described(chat: Any, description: dict[str, Any]) -> None:
    chat.agent.processor.reply = lambda _: [
        {
            "text": "One class",
            "buttons": [{"title": "More", "payload": "/more"}],
            "links": [{"title": "All", "url": "https://example.org"}],
            "custom": {
                "cards": [{"title": "Basic", "fields": [{"label": "Seats left", "value": 4}]}],
                "source": {"title": "FAQ"},
                "as_of": "2027-03-01T12:00:00Z",
            },
        }
    ]

    def check(response: httpx.Response, schema: str) -> None:
        validator = jsonschema.Draft202012Validator(
            {
                "$ref": f"#/components/schemas/{schema}",
                "components": description["components"],
            },
            format_checker=jsonschema.FormatChecker(),
        )
        validator.validate(response.json())

    check(await chat.http.post("/sessions"), "Session")
    check(await chat.post({"text": "hello"}), "Messages")
    check(await chat.http.get("/messages", headers=chat.headers), "Messages")
    check(await chat.post({"text": ""}), "Error")
    check(await chat.http.get("/messages"), "Error")
