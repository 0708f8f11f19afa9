"""E-mail addresses and codes that a person types: taken out before anything is stored or understood.

What remains shows them masked. The values themselves go on as entities, sealed for this conversation:
the tracker, the history and the logs hold nothing that anybody could read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from identity.addresses import masked, replaced

CODE = re.compile(r"(?<![\w.-])(\d(?:[ -]?\d){5})(?![\w-]|[ -]\d)")
SHOWN_CODE = "••••••"

HARDLY_ANY, FEW = 2, 6
"""Around an address or a code, hardly any words are no question of their own ("it's ..."); a few may be
one, if they are understood as such."""

UNFINISHED = re.compile(r"(?<![\w.+@-])([^\W\d_])[\w.+'%-]{0,63}@([^\W\d_][\w.,-]{0,63})")
"""What would be an address if it were whole: "jane@example", "jane@example,org"."""

GIVES_CREDENTIAL = {"name": "sign_in", "confidence": 1.0}
TRIES_TO = {"name": "inform", "confidence": 1.0}
"""An answer that the sign-in can't use; it says what is wrong with it."""


@dataclass(frozen=True)
class Heard:
    """What was typed, fit to be stored."""

    text: str
    entities: tuple[dict[str, Any], ...] = ()
    unfinished: tuple[str, ...] = ()
    """What is no whole address, masked."""

    def added_to(self, parsed: dict[str, Any]) -> dict[str, Any]:
        """Rasa's parse of the text, with what was taken out of it as entities."""
        if not (self.entities or self.unfinished):
            return parsed
        taken_out = self.text
        for shown in (SHOWN_CODE, *self.unfinished, *(e["shown"] for e in self.entities)):
            taken_out = taken_out.replace(shown, "")
        words = len(re.findall(r"\w+", taken_out))
        is_understood = parsed.get("understanding", {}).get("band") == "answer"
        is_all = words <= HARDLY_ANY or (words <= FEW and not is_understood)
        return {
            **parsed,
            "entities": [*parsed["entities"], *self.entities],
            **({"intent": GIVES_CREDENTIAL if self.entities else TRIES_TO} if is_all else {}),
        }


def hear(text: str, seal: Callable[[str], str]) -> Heard:
    """Takes addresses and codes out of a text.

    Args:
        seal: Closes a value for the conversation.
    """
    entities: list[dict[str, Any]] = []

    def take(name: str, value: str, shown: str) -> str:
        entities.append({"entity": name, "value": seal(value), "shown": shown})
        return shown

    text = replaced(text, lambda address: take("email", address, masked(address)))
    text = CODE.sub(lambda m: take("code", m[1], SHOWN_CODE), text)
    unfinished: list[str] = []

    def hide(match: re.Match[str]) -> str:
        unfinished.append(masked(match[0]))
        return unfinished[-1]

    return Heard(UNFINISHED.sub(hide, text), tuple(entities), tuple(unfinished))


def hidden(text: str) -> str:
    """The text with addresses and codes masked."""
    return hear(text, lambda _: "").text
