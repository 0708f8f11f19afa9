"""A person at the web chat API of a running server, who takes the turns of a table.

`bot/content/expectations.py` says how a turn is written.
"""

from __future__ import annotations

import random
import weakref
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

import httpx

from bot.content import expectations
from tests.post_office import PostOffice


@dataclass
class Person:
    """Somebody who chats: a session, the messages so far, and expectations put into assertions."""

    url: str
    token: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    post_office: PostOffice | None = None
    address: str = field(default_factory=lambda: str(IPv4Address(random.getrandbits(32))))
    """On the net, as a proxy would tell it: everybody has one of their own."""

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=f"{self.url}/api/chat/v1",
            timeout=30,
            headers={"X-Forwarded-For": self.address},
        )
        weakref.finalize(self, self.http.close)
        if not self.token:
            self.open()

    def open(self) -> None:
        session = self.http.post("/sessions").raise_for_status().json()
        self.token = session["token"]
        self.messages += session["messages"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def post(self, body: dict[str, Any]) -> httpx.Response:
        return self.http.post("/messages", json=body, headers=self.headers)

    def say(self, text: str) -> list[dict[str, Any]]:
        return self._post({"text": text})

    def send(self, payload: str) -> list[dict[str, Any]]:
        return self._post({"payload": payload})

    def press(self, title: str) -> list[dict[str, Any]]:
        """Presses the newest button with this title."""
        return self.send(expectations.payload_of(self.messages, title))

    def code_for(self, email: str) -> str:
        assert self.post_office
        return self.post_office.code_for(email)

    def _post(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.post(body)
        if answer.status_code == 401 and "text" in body:
            # A member's conversation is over when they have signed out; the widget goes on like this.
            self.open()
            answer = self.post(body)
        assert answer.status_code == 200, f"{body} got {answer.status_code}: {answer.text}"
        messages = answer.json()["messages"]
        self.messages += messages
        return messages

    def take(self, turn: dict[str, Any]) -> None:
        """Takes one turn of a table and holds the answers against what it expects."""
        problem = expectations.take(self, turn)
        assert not problem, str(problem)
