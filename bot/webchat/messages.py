"""What a message of the web chat is, and how Rasa's responses and a person's typing become one.

Knows neither HTTP nor the database nor Rasa's classes.
"""

import logging
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

logger = logging.getLogger(__name__)

Sender = Literal["assistant", "user"]


@dataclass(frozen=True)
class Message:
    """One message of either side; `as_json` is the form the API promises."""

    sender: Sender
    at: datetime
    text: str
    buttons: list[dict[str, str]] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    source: dict[str, str] | None = None
    as_of: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def content(self) -> dict[str, Any]:
        """All that is said, without who and when: what `history` stores as one value."""
        return {
            "text": self.text,
            "buttons": self.buttons,
            "cards": self.cards,
            "links": self.links,
            "source": self.source,
            "as_of": self.as_of,
        }

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "from": self.sender, "at": iso(self.at), **self.content()}


def iso(moment: datetime) -> str:
    """A moment in UTC, in the one spelling the API uses."""
    utc = moment.astimezone(timezone.utc)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- what a person types


def clean_text(typed: str) -> str:
    """Text as it is kept and shown: as typed, without what no keyboard types on purpose.

    Composed (NFC), line ends as newlines, other control characters and lone surrogates (which
    no database can store) gone, no space around it.
    """
    text = typed.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", text).strip()


def plain_words(text: str) -> str:
    """What of a typed text the assistant is given to understand; never starts with a slash.

    Rasa takes `/intent{"entity": ...}` from any text as an order instead of words. So every
    leading slash goes, with everything before or between that could hide one from us and
    disappear in a later normalisation: spaces, invisible characters, accents without a letter.
    """
    start = 0
    while start < len(text) and _may_hide_or_be_a_slash(text[start]):
        start += 1
    return text[start:]


def _may_hide_or_be_a_slash(character: str) -> bool:
    visible = "".join(
        c
        for c in unicodedata.normalize("NFKD", character)
        if unicodedata.category(c)[0] not in "CZM"
    )
    return not visible or visible.startswith("/") or visible in LOOKS_LIKE_A_SLASH


LOOKS_LIKE_A_SLASH = "\N{FRACTION SLASH}\N{DIVISION SLASH}\N{BIG SOLIDUS}"
"""No Unicode normalisation makes a slash of these, but someone's list of lookalikes may."""


# --- what the assistant says


def assistant_message(response: Mapping[str, Any], at: datetime) -> Message | None:
    """A message from what Rasa hands to an output channel; None if it says nothing.

    `response["links"]` comes from `bot.nlg`; `response["custom"]` may hold cards, source and as_of.
    Whatever else is in there, or is not in the form the API promises, is left out and logged by
    name: a client can rely on the form, and one bad link must not cost a person the answer.
    """
    custom = response.get("custom")
    custom = custom if isinstance(custom, Mapping) else {}
    message = Message(
        sender="assistant",
        at=at,
        text=str(response.get("text") or "").strip(),
        buttons=_listed(response, "buttons", _button),
        cards=_listed(custom, "cards", _card),
        links=_listed(response, "links", _link),
        source=_one(custom, "source", _source),
        as_of=_one(custom, "as_of", _moment),
    )
    says_something = message.text or message.buttons or message.cards or message.links
    return message if says_something else None


class _Malformed(Exception):
    """A part of a response is not what the API promises."""


def _listed(holder: Mapping[str, Any], key: str, read: Any) -> list[Any]:
    given = holder.get(key) or []
    if not isinstance(given, list):
        logger.error("A response's %r is not a list and was left out.", key)
        return []
    parts = (_read(key, part, read) for part in given)
    return [part for part in parts if part is not None]


def _one(holder: Mapping[str, Any], key: str, read: Any) -> Any:
    given = holder.get(key)
    return None if given is None else _read(key, given, read)


def _read(key: str, part: Any, read: Any) -> Any:
    try:
        return read(part)
    except _Malformed:
        logger.error("A part of a response's %r is malformed and was left out.", key)
        return None


def _object(part: Any) -> Mapping[str, Any]:
    if not isinstance(part, Mapping):
        raise _Malformed
    return part


def _text(part: Mapping[str, Any], key: str) -> str:
    value = part.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise _Malformed
    return str(value)


def _text_or_none(part: Mapping[str, Any], key: str) -> str | None:
    return None if part.get(key) in (None, "") else _text(part, key)


def _button(part: Any) -> dict[str, str]:
    part = _object(part)
    return {"title": _text(part, "title"), "payload": _text(part, "payload")}


def _link(part: Any) -> dict[str, str]:
    part = _object(part)
    return {"title": _text(part, "title"), "url": _text(part, "url")}


def _card(part: Any) -> dict[str, Any]:
    part = _object(part)
    return {
        "title": _text(part, "title"),
        "subtitle": _text_or_none(part, "subtitle"),
        "fields": _listed(part, "fields", _card_field),
        "url": _text_or_none(part, "url"),
    }


def _card_field(part: Any) -> dict[str, str]:
    part = _object(part)
    return {"label": _text(part, "label"), "value": _text(part, "value")}


def _source(part: Any) -> dict[str, str]:
    part = _object(part)
    source = {"title": _text(part, "title")}
    if url := _text_or_none(part, "url"):
        source["url"] = url
    return source


def _moment(part: Any) -> str:
    try:
        moment = datetime.fromisoformat(str(part).replace("Z", "+00:00"))
    except ValueError:
        raise _Malformed from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return iso(moment)
