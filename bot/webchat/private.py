"""E-mail addresses and codes that a person types: taken out before anything is stored or understood.

What remains shows them masked. The values themselves go on as entities, sealed for this conversation:
the tracker, the history and the logs hold nothing that anybody could read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from identity.addresses import NAME_SIGNS, masked, replaced

_BETWEEN = r"\s{0,3}[.\u2010-\u2014-]?\s{0,3}"
_DATE = r"(?:0[1-9]|1[0-2])[.-](?:0[1-9]|[12]\d|3[01])[.-]"
_YEAR = r"(?:19|20)\d\d"
CODE = re.compile(
    r"(?:(?<![\w.-])|(?<=code)|(?<=code[-._]))("
    rf"\d{{3}}{_BETWEEN}\d{{3}}|\d(?:[\s.-]\d){{5}}|(?!{_DATE})\d\d(?:[\s.-]{{1,3}}\d\d){{2}}"
    # "12 2027" is the end of a date
    rf"|(?!{_YEAR})\d{{4}}[\s-]\d\d|\d\d[\s-](?!{_YEAR})\d{{4}}"
    rf")(?!\w|-\w|{_BETWEEN}\d)",
    re.IGNORECASE,
)
"""Six digits, in the groups that people put them in. Dates, ZIP codes and telephone numbers have others."""

TOO_LONG = re.compile(r"(?:^\W*|\bcode(?: is)?\W*)(\d{7,8})\W*$", re.IGNORECASE)
"""What would be a code with a digit less: nothing else, or said to be one."""

SHOWN_CODE = "••••••"

HARDLY_ANY, FEW = 2, 6
"""Around an address or a code, hardly any words are no question of their own ("it's ..."); a few may be
one, if they are understood as such."""

UNFINISHED = re.compile(
    rf"(?<![\w@{NAME_SIGNS}])([\w{NAME_SIGNS}]+)(?<!/)"
    # with spaces around the @ only where a whole domain follows
    r"(?:@+[^\W\d_][\w.,-]{0,63}|\s?@\s?(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b)"
)
"""What would be an address if it were whole: "jane@example", "jane@example,org", "-jane@example.org"."""

GIVES_CREDENTIAL = {"name": "sign_in", "confidence": 1.0}
TRIES_TO = {"name": "inform", "confidence": 1.0}
"""An answer that the sign-in can't use; it says what is wrong with it."""


@dataclass(frozen=True)
class Heard:
    """What was typed, fit to be stored."""

    text: str
    entities: tuple[dict[str, Any], ...] = ()
    unfinished: tuple[str, ...] = ()
    """What is no whole address, or more than a code, masked."""

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

    def hide(shown: str) -> str:
        unfinished.append(shown)
        return shown

    text = TOO_LONG.sub(lambda m: m[0].replace(m[1], hide(SHOWN_CODE)), text)
    text = UNFINISHED.sub(
        lambda m: hide(masked(m[0])) if re.search(r"[^\W\d_]", m[1]) else m[0], text
    )
    return Heard(text, tuple(entities), tuple(unfinished))


def hidden(text: str) -> str:
    """The text with addresses and codes masked."""
    return hear(text, lambda _: "").text
