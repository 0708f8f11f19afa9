"""The answers: what `domain.yml` says, beside who keeps it right (`answers.yml`).

An answer is a response that says facts. Every `utter_faq_*` is one; others may be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

ANSWERS_FILE = Path("answers.yml")
DOMAIN_FILE = Path("domain.yml")

MORE = "_more"
"""What the name of a response ends with that says more about a topic."""


class AnswersInvalid(Exception):
    """`answers.yml` can't be used; the message says which entry is wrong, and how."""


@dataclass(frozen=True)
class Button:
    title: str
    payload: str
    """As the chat sends it, like `/more{"topic": "register"}`; `domain.yml` doubles the braces."""


@dataclass(frozen=True)
class Source:
    title: str
    url: str
    """May be a contact: `{faq_page}`."""


@dataclass(frozen=True)
class Answer:
    """One approved answer."""

    name: str
    """Of the response, like `utter_faq_hold_spot`."""
    topic: str
    """The intent that it answers."""
    text: str
    """As `domain.yml` has it, with `{office_phone}`."""
    buttons: tuple[Button, ...]
    source: Source | None
    owner: str
    """Who keeps it right."""
    review_by: date
    """From the day after on, the owner should be asked whether it still holds."""
    facts: Mapping[str, str]
    """The facts that it says, by number (`M10.1`), each with the words by which it says it."""
    given_up: tuple[str, ...] = ()
    """Facts that were left off on purpose."""

    @property
    def is_more(self) -> bool:
        """Whether it is what a "Tell me more" brings."""
        return self.name.endswith(MORE)


def read_answers(root: Path = Path(), domain: Mapping[str, Any] | None = None) -> dict[str, Answer]:
    """The answers by the name of their response, in the order of `answers.yml`.

    Args:
        root: The folder with `answers.yml` and `domain.yml`.
        domain: What that `domain.yml` says, if it was read already.

    Raises:
        AnswersInvalid: A file is missing, an entry lacks something, or one lacks its other half.
    """
    entries = _loaded(root / ANSWERS_FILE)
    domain = _loaded(root / DOMAIN_FILE) if domain is None else domain
    responses: dict[str, Any] = domain.get("responses") or {}
    if missing := [n for n in responses if n.startswith("utter_faq_") and n not in entries]:
        raise AnswersInvalid(f"{ANSWERS_FILE} has no entry for {', '.join(missing)}")
    if unknown := [name for name in entries if name not in responses]:
        raise AnswersInvalid(f"{DOMAIN_FILE} has no response {', '.join(unknown)}")
    return {name: _answer(name, entry, responses[name][0]) for name, entry in entries.items()}


def says(text: str, words: str) -> bool:
    """Whether a text says something in these words, up to case, spaces and the kind of quotes."""
    return _plain(words) in _plain(text)


def _plain(text: str) -> str:
    return " ".join(text.translate(_QUOTES).split()).casefold()


_QUOTES = str.maketrans({"“": '"', "”": '"', "\N{LEFT SINGLE QUOTATION MARK}": "'", "’": "'"})


def topic_of(response: str) -> str:
    """The intent that a response answers by its name: `faq_register` of `utter_faq_register_more`."""
    return response.removeprefix("utter_").removesuffix(MORE)


def _answer(name: str, entry: Any, response: dict[str, Any]) -> Answer:
    keys = ("owner", "review_by", "facts")
    missing = [key for key in keys if not (isinstance(entry, dict) and entry.get(key))]
    if missing == ["facts"] and entry.get("given_up"):
        missing = []
    if missing:
        raise AnswersInvalid(f"{ANSWERS_FILE}: '{name}' has no {' and no '.join(missing)}")
    if not isinstance(entry["review_by"], date):
        raise AnswersInvalid(f"{ANSWERS_FILE}: review_by of '{name}' is not a date like 2027-06-30")
    facts = entry.get("facts") or {}
    if not all(isinstance(words, str) for words in facts.values()):
        raise AnswersInvalid(f"{ANSWERS_FILE}: the words of a fact of '{name}' are no text")
    source = (response.get("custom") or {}).get("source")
    return Answer(
        name=name,
        topic=entry.get("topic") or topic_of(name),
        text=response["text"],
        buttons=tuple(
            Button(button["title"], re.sub(r"([{}])\1", r"\1", button["payload"]))
            for button in response.get("buttons") or ()
        ),
        source=Source(source["title"], source["url"]) if source else None,
        owner=entry["owner"],
        review_by=entry["review_by"],
        facts=facts,
        given_up=tuple(entry.get("given_up") or ()),
    )


def _loaded(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) or {}
    except OSError as error:
        raise AnswersInvalid(f"{path} can't be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise AnswersInvalid(f"{path} is no YAML: {error}") from error
