"""Conversations as tables tell them: what a person says, and what they may expect of the answers.

A turn of a conversation, as `tests/conversations/**/*.yml` write it:

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

A contact stands there by its name: `{office_phone}` is its text, in `links` its URL.

A message is one of the web chat API's, as JSON. `given.py` says how the rows are that a conversation is
about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import yaml

from bot.contacts import Contact, filled

Said = dict[str, Any]
"""A message of the assistant."""

_EXPECTED = {"text", "not", "buttons", "cards", "source", "links", "as_of"}


class NotPossible(Exception):
    """A turn can't be taken; the message says why."""


class Person(Protocol):
    """Whoever takes the turns of a conversation. Each call gives the assistant's answers.

    They raise `NotPossible`.
    """

    messages: list[Said]
    """What the assistant has said so far."""

    def say(self, text: str) -> list[Said]: ...

    def send(self, payload: str) -> list[Said]: ...

    def code_for(self, email: str) -> str:
        """The code that was mailed to an address."""


@dataclass(frozen=True)
class Conversation:
    """A conversation of a table.

    Attributes:
        name: With the table that it is from: `lookups/seats: one seat left`.
        given: The rows that it is about.
        turns: What is said, and expected.
    """

    name: str
    given: dict[str, Any]
    turns: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Problem:
    """Where a conversation went another way than its table tells.

    Attributes:
        said: What the person said last.
        differences: What isn't as expected, each in a few words.
        answers: What the assistant said to it, a line each.
    """

    said: str
    differences: tuple[str, ...]
    answers: tuple[str, ...]

    def __str__(self) -> str:
        shown = "".join(f"\n    - {answer}" for answer in self.answers) or " nothing."
        return f"after '{self.said}': {'; '.join(self.differences)}\nThe assistant said:{shown}"


def read_conversations(folder: Path) -> list[Conversation]:
    """The conversations of a folder's tables, in the order of the files."""
    found = []
    for path in sorted(folder.rglob("*.yml")):
        table = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        if isinstance(table, dict):
            found += [
                Conversation(
                    f"{path.relative_to(folder).with_suffix('')}: {told['name']}",
                    told.get("given", table.get("given", {})),
                    told["turns"],
                )
                for told in table["conversations"]
            ]
    return found


def with_contacts(conversation: Conversation, contacts: Mapping[str, Contact]) -> Conversation:
    """A conversation whose expectations name the contacts as people see them."""

    def seen(expected: Any, key: str = "") -> Any:
        if isinstance(expected, dict):
            return {name: seen(value, name) for name, value in expected.items()}
        if isinstance(expected, list):
            return [seen(value, key) for value in expected]
        if not isinstance(expected, str):
            return expected
        if key == "links":
            contact = contacts.get(expected.strip("{}"))
            return contact.url if contact else expected
        return filled(expected, contacts)

    turns = [{**turn, "assistant": seen(turn["assistant"])} for turn in conversation.turns]
    return replace(conversation, turns=turns)


def first_problem(person: Person, turns: Sequence[dict[str, Any]]) -> Problem | None:
    """Takes the turns up to the first that goes another way; None if none does."""
    return next((problem for turn in turns if (problem := take(person, turn))), None)


def take(person: Person, turn: dict[str, Any]) -> Problem | None:
    """Takes one turn of a table and holds the answers against what it expects.

    Raises:
        ValueError: The table expects something that nothing checks.
    """
    said = _words_of(turn)
    try:
        answers = _say(person, turn)
    except NotPossible as error:
        return Problem(said, (str(error),), ())
    expected = turn["assistant"]
    shown = tuple(map(show, answers))
    if len(answers) != len(expected):
        return Problem(said, (f"{len(answers)} messages, not {len(expected)}",), shown)
    differing = [
        difference
        for answer, item in zip(answers, expected, strict=True)
        for difference in differences(answer, item if isinstance(item, dict) else {"text": item})
    ]
    return Problem(said, tuple(differing), shown) if differing else None


def payload_of(messages: Sequence[Said], title: str) -> str:
    """What the newest button with this title sends.

    Raises:
        NotPossible: None was offered.
    """
    for message in reversed(messages):
        for button in message["buttons"]:
            if button["title"] == title:
                return button["payload"]
    raise NotPossible(f"no button '{title}' was offered")


def _words_of(turn: dict[str, Any]) -> str:
    if "press" in turn:
        return f"[{turn['press']}]"
    return "the code" if "code" in turn else turn.get("user") or turn["payload"]


def _say(person: Person, turn: dict[str, Any]) -> list[Said]:
    if "user" in turn:
        return person.say(turn["user"])
    if "press" in turn:
        return person.send(payload_of(person.messages, turn["press"]))
    if "code" in turn:
        return person.say(person.code_for(turn["code"]))
    return person.send(turn["payload"])


def differences(message: Said, expected: dict[str, Any]) -> list[str]:
    """What in a message isn't as a table expects it.

    Raises:
        ValueError: The table expects something that nothing checks.
    """
    if unknown := set(expected) - _EXPECTED:
        raise ValueError(f"a table expects {unknown}, which nothing checks")
    problems = []
    text = plain(message["text"])
    for part in _listed(expected.get("text")):
        if plain(part) not in text:
            problems.append(f"no '{part}' in the text")
    whole = plain(show(message))
    for part in _listed(expected.get("not")):
        if plain(part) in whole:
            problems.append(f"'{part}' should not be there")
    if "buttons" in expected:
        titles = [button["title"] for button in message["buttons"]]
        if titles != expected["buttons"]:
            problems.append(f"buttons are {titles}, not {expected['buttons']}")
    if "cards" in expected:
        problems += _card_differences(message["cards"], expected["cards"])
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
    return problems


def _card_differences(cards: list[dict[str, Any]], expected: list[str]) -> list[str]:
    if len(cards) != len(expected):
        return [f"{len(cards)} cards, not {len(expected)}"]
    return [
        f"no '{part.strip()}' in card {number} ({_show_card(card)})"
        for number, (card, parts) in enumerate(zip(cards, expected, strict=True), start=1)
        for part in parts.split("|")
        if plain(part) not in plain(_show_card(card))
    ]


def show(message: Said) -> str:
    """A message in one line, for a failure to read."""
    buttons = " ".join(f"[{button['title']}]" for button in message["buttons"])
    cards = " ".join(f"<{_show_card(card)}>" for card in message["cards"])
    return " ".join(part for part in (message["text"], cards, buttons) if part)


def _show_card(card: dict[str, Any]) -> str:
    fields = " | ".join(f"{fact['label']} {fact['value']}" for fact in card["fields"])
    return f"{card['title']} | {card['subtitle']} | {fields}"


def plain(text: str) -> str:
    """A text up to how it is broken into lines."""
    return re.sub(r"\s+", " ", text).strip()


def _listed(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
