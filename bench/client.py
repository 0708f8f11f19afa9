"""People who ask over HTTP and cost next to nothing of the processor: it is for those who answer.

An HTTP client made for all that the web may hold uses as much of a core for a question as a server has
for a tenth of the answer. This one writes its request at once and leaves reading to httptools, which
Sanic reads with too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httptools

PATIENCE = 70.0
"""Seconds until a connection that doesn't answer is given up."""


@dataclass
class Answer:
    """What came back.

    Attributes:
        headers: By name, in lower case.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Somebody who asks a server; as many connections as questions at once, kept open.

    Args:
        url: Of the server, without TLS and path.
        address: Of the client, on this machine.
    """

    def __init__(self, url: str, address: str | None = None) -> None:
        parsed = urlsplit(url)
        self._host, self._port = parsed.hostname, parsed.port or 80
        self._address = (address, 0) if address else None
        self._idle: list[_Connection] = []

    async def request(
        self, method: str, path: str, *, json_body: Any = None, token: str | None = None
    ) -> Answer:
        """Asks once.

        Raises:
            OSError: No connection, or it broke, or nothing came for very long; a server that ended
                may have got the question or not.
        """
        body = b"" if json_body is None else json.dumps(json_body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n"
        if body:
            head += "Content-Type: application/json\r\n"
        if token:
            head += f"Authorization: Bearer {token}\r\n"
        connection = await self._connection()
        answer = await connection.ask(head.encode() + b"\r\n" + body)
        self._idle.append(connection)
        return answer

    async def _connection(self) -> _Connection:
        while self._idle:
            if (connection := self._idle.pop()).is_open:
                return connection
        _, opened = await asyncio.get_running_loop().create_connection(
            _Connection, self._host, self._port, local_addr=self._address
        )
        return opened

    def close(self) -> None:
        for connection in self._idle:
            connection.close()


@asynccontextmanager
async def client(url: str, address: str | None = None) -> AsyncIterator[Client]:
    """A client whose connections end with the block."""
    made = Client(url, address)
    try:
        yield made
    finally:
        made.close()


class _Connection(asyncio.Protocol):
    """A connection; the methods with `on_` are what httptools calls."""

    def __init__(self) -> None:
        self.is_open = False

    def connection_made(self, transport: Any) -> None:
        self._transport, self.is_open = transport, True
        self._asked: asyncio.Future[Answer] | None = None

    async def ask(self, request: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        self._answer, self._asked = Answer(), loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)
        patience = loop.call_later(PATIENCE, self._transport.abort)
        try:
            return await self._asked
        finally:
            patience.cancel()

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._asked and not self._asked.done():
            self._asked.set_exception(error or ConnectionResetError())

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._answer.body += body

    def on_message_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()
        self.is_open = self.is_open and self._parser.should_keep_alive()
        assert self._asked
        if not self._asked.done():
            self._asked.set_result(self._answer)
