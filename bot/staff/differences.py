"""What a change changes, in words that somebody reads: names of fields, and what goes and comes in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from bot.contacts import Contact
from bot.content.answers import Answer, Button
from bot.content.changes import AnswerChanged, Change, ContactChanged, ExamplesAdded, TopicAdded

Piece = tuple[Literal["same", "gone", "new"], str]


@dataclass(frozen=True)
class Difference:
    """One field of what is changed."""

    field: str
    pieces: tuple[Piece, ...]


def differences(
    change: Change, answers: Mapping[str, Answer], contacts: Mapping[str, Contact]
) -> list[Difference]:
    """The fields that a change changes.

    Args:
        answers: As they are published.
        contacts: The same.
    """
    if isinstance(change, AnswerChanged):
        answer = answers.get(change.response)
        return _between(_of_answer(answer) if answer else {}, _of_answer(change))
    if isinstance(change, ContactChanged):
        contact = contacts.get(change.name)
        return _between(_of_contact(contact) if contact else {}, _of_contact(change))
    if isinstance(change, ExamplesAdded):
        return _between({}, {"Examples": _lines(change.texts)})
    assert isinstance(change, TopicAdded)
    return _between(
        {},
        {
            "In the list of topics": change.title,
            "Answer": change.text,
            "More": change.more,
            "Facts": _lines(f"{fact}: {words}" for fact, words in change.facts.items()),
            "Source": change.source_title,
            "Owner": change.owner,
            "Review by": f"{change.review_by}",
            "Examples": _lines(change.examples),
        },
    )


def _of_answer(of: Answer | AnswerChanged) -> dict[str, str]:
    given_up = of.gives_up if isinstance(of, AnswerChanged) else of.given_up
    return {
        "Answer": of.text,
        "Buttons": _lines(map(_button, of.buttons)),
        "Facts": _lines(f"{fact}: {words}" for fact, words in of.facts.items()),
        "No longer said": ", ".join(given_up),
        "Owner": of.owner,
        "Review by": f"{of.review_by}",
    }


def _button(button: Button) -> str:
    return f"{button.title} (leads to {button.payload.removeprefix('/')})"


def _of_contact(of: Contact | ContactChanged) -> dict[str, str]:
    return {
        "Is shown as": of.text,
        "Leads to": of.url or "",
        "Owner": of.owner,
        "Review by": f"{of.review_by}",
    }


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)


def _between(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    return [
        Difference(field, compared(before.get(field, ""), value))
        for field, value in after.items()
        if value != before.get(field, "")
    ]


def compared(before: str, after: str) -> tuple[Piece, ...]:
    """A text word by word: what stays, what goes and what comes, in reading order."""
    old, new = _words(before), _words(after)
    pieces: list[Piece] = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(old[i:j])))
            continue
        if i < j:
            pieces.append(("gone", "".join(old[i:j])))
        if k < m:
            pieces.append(("new", "".join(new[k:m])))
    return tuple(pieces)


def _words(text: str) -> list[str]:
    """Each word with the space after it, the last one too: spaces alone are alike everywhere."""
    return re.findall(r"^\s+|\S+\s*", f"{text} " if text else "")
