"""A person at the web chat API, and what they may expect of the assistant's answers.

A turn of a conversation, as `*.yml` files here write it:

    - user: any seets left in the austin class?       # typed; or
    - press: Tell me more                             # a button of an earlier answer; or
    - payload: '/inform{"place": "Texas"}'            # what a button would send, sent by hand
    - code: jane@example.org                          # the code that was mailed there
      assistant:                                      # one item for each message, in order
      - has 4 of 40 seats left                        # a part of its text; or several things:
      - text: has 4 of 40 seats left                  # a part, or a list of parts
        not: Houston                                  # a part, or a list, that must not be there
        buttons: [Show more]                          # all titles, in order
        cards: [Basic SRO Course | Austin, Texas | Seats left 4 of 40]   # parts of each card
        source: Can I hold or reserve a spot?         # the title
        links: [tel:+18883162776]                     # all URLs, in order
        as_of: true                                   # whether it says when figures were read
"""

from __future__ import annotations

import random
import re
import weakref
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

import httpx

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
        return self._send({"text": text})

    def press(self, title: str) -> list[dict[str, Any]]:
        """Presses the newest button with this title."""
        for message in reversed(self.messages):
            for button in message["buttons"]:
                if button["title"] == title:
                    return self._send({"payload": button["payload"]})
        raise AssertionError(f"no button '{title}' was offered")

    def _send(self, body: dict[str, Any]) -> list[dict[str, Any]]:
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
        if "user" in turn:
            said, answers = turn["user"], self.say(turn["user"])
        elif "press" in turn:
            said, answers = f"[{turn['press']}]", self.press(turn["press"])
        elif "code" in turn:
            assert self.post_office
            code = self.post_office.code_for(turn["code"])
            said, answers = "the code", self.say(code)
        else:
            said, answers = turn["payload"], self._send({"payload": turn["payload"]})
        expected = turn["assistant"]
        shown = "\n".join(f"    - {show(answer)}" for answer in answers)
        assert len(answers) == len(expected), (
            f"after '{said}' the assistant said {len(answers)} messages, not {len(expected)}:\n{shown}"
        )
        for answer, item in zip(answers, expected, strict=True):
            problems = differences(answer, item if isinstance(item, dict) else {"text": item})
            assert not problems, (
                f"after '{said}': {'; '.join(problems)}\nThe assistant said:\n{shown}"
            )


def differences(message: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """What in a message isn't as a table expects it."""
    problems = []
    text = plain(message["text"])
    for part in as_list(expected.get("text")):
        if plain(part) not in text:
            problems.append(f"no '{part}' in the text")
    whole = plain(show(message))
    for part in as_list(expected.get("not")):
        if plain(part) in whole:
            problems.append(f"'{part}' should not be there")
    if "buttons" in expected:
        titles = [button["title"] for button in message["buttons"]]
        if titles != expected["buttons"]:
            problems.append(f"buttons are {titles}, not {expected['buttons']}")
    if "cards" in expected:
        problems += card_differences(message["cards"], expected["cards"])
    if "source" in expected:
        source = message["source"] and message["source"]["title"]
        if source != expected["source"]:
            problems.append(f"source is {source!r}, not {expected['source']!r}")
    if "links" in expected:
        urls = [link["url"] for link in message["links"]]
        if urls != expected["links"]:
            problems.append(f"links are {urls}, not {expected['links']}")
    if "as_of" in expected and bool(message["as_of"]) is not expected["as_of"]:
        problems.append(f"as_of is {message['as_of']!r}")
    unknown = set(expected) - {"text", "not", "buttons", "cards", "source", "links", "as_of"}
    assert not unknown, f"a table expects {unknown}, which nothing checks"
    return problems


def card_differences(cards: list[dict[str, Any]], expected: list[str]) -> list[str]:
    if len(cards) != len(expected):
        return [f"{len(cards)} cards, not {len(expected)}"]
    return [
        f"no '{part.strip()}' in card {number} ({show_card(card)})"
        for number, (card, parts) in enumerate(zip(cards, expected, strict=True), start=1)
        for part in parts.split("|")
        if plain(part) not in plain(show_card(card))
    ]


def show(message: dict[str, Any]) -> str:
    """A message in one line, for a failure to read."""
    buttons = " ".join(f"[{button['title']}]" for button in message["buttons"])
    cards = " ".join(f"<{show_card(card)}>" for card in message["cards"])
    return " ".join(part for part in (message["text"], cards, buttons) if part)


def show_card(card: dict[str, Any]) -> str:
    fields = " | ".join(f"{fact['label']} {fact['value']}" for fact in card["fields"])
    return f"{card['title']} | {card['subtitle']} | {fields}"


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def as_list(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
