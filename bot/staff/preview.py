"""An answer that isn't published, as the web chat would give it: what the preview's widget shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.contacts import Contact, filled, links_in
from bot.content.answers import Button, Source
from bot.webchat.messages import Message, assistant_message


def exchange(
    asked: str,
    text: str,
    buttons: Sequence[Button],
    source: Source | None,
    contacts: Mapping[str, Contact],
    at: datetime,
) -> list[dict[str, Any]]:
    """A question and its answer.

    Args:
        asked: What somebody asks; may be empty while it isn't written yet.
        text: The answer as `domain.yml` has it, with `{office_phone}`.
        contacts: What is put in their places.
        at: When it is said.

    Returns:
        The messages as `GET /messages` of the web chat API gives them; no answer where nothing is said.
    """
    response: dict[str, Any] = {
        "text": filled(text, contacts),
        "buttons": [{"title": button.title, "payload": button.payload} for button in buttons],
        "links": links_in(text, contacts),
    }
    if source:
        source_ = {"title": source.title, "url": filled(source.url, contacts)}
        response["custom"] = {"source": source_}
    answer = assistant_message(response, at)
    question = Message("user", at, asked) if asked else None
    return [message.as_json() for message in (question, answer) if message]
