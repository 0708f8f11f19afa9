"""What a text of an answer may be: words, and contacts by their name. Nothing in it is ever executed.

Texts come from people who write them in a browser, or paste them from somewhere. Each rule that a text
breaks is told in a plain sentence.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from bot.contacts import Contact
from bot.content.contacts import EMAIL_ADDRESS, PHONE, WEB, kind_of

LONGEST = 1500
"""Characters of an answer. More is scrolled past."""

_SPACES = re.compile(r"[^\S\n]+")

_HTML = re.compile(r"</?[a-z!?][^>\n]*>?|&(?:#\d+|#x[0-9a-f]+|[a-z]{2,8});", re.IGNORECASE)
_MARKDOWN = re.compile(
    r"!?\[[^\]\n]*\]\([^)\n]*\)"  # a link or a picture
    r"|\*\*|__|~~|`"
    r"|^#{1,6}\s",
    re.MULTILINE,
)
_EMAIL = re.compile(r"[^\s@<>()]{1,64}@[^\s@<>()]{1,255}")
_WEB = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+"
    r"|\b(?:mailto|tel|javascript|data):\S+"
    r"|\b(?:[a-z0-9-]{1,63}\.)+(?:com|org|net|gov|edu|us|info|io|co|app|me|biz)\b(?!\.\w)(?:/\S*)?",
    re.IGNORECASE,
)
_PHONE = re.compile(
    # 888.316.2776, 1-888-316-2776, and what isn't complete; sections of a law have shorter groups
    r"(?<![\w.])(?:\+?1[\s./-]{1,3})?\(?\d{3}\)?[\s./-]{1,3}\d{3}[\s./-]{1,3}\d{1,5}(?!\w)"
    r"|(?<![\w.,$-])[2-9]\d{2}[-.]\d{4}(?![\w%]|[-.,]\d)"  # 316-2776
    r"|\(\d{3}\)\s?\d{2,}"
    r"|\+\d[\d .()/-]{5,18}\d"
    r"|(?<![\w.,$])\d{7,}"
)
_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_WORD = re.compile(r"\w+(?:\W+)?$")


def tidied(text: str) -> str:
    """A text as it is kept: composed, with plain spaces and line ends, and none around it."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = "\n".join(_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def placeholders(text: str) -> list[str]:
    """The names in braces, like `office_phone`."""
    return _PLACEHOLDER.findall(text)


def text_problems(
    text: str,
    contacts: Mapping[str, Contact],
    *,
    longest: int = LONGEST,
    others: Collection[str] = (),
    is_one_line: bool = False,
) -> Iterator[str]:
    """What is wrong with a text that the assistant is to say; a sentence for each.

    Args:
        text: As it is kept (`tidied`).
        contacts: What it may name in braces.
        longest: Characters that it may have.
        others: What else it may name in braces: what a look-up fills in.
        is_one_line: Whether it is a title.
    """
    yield from plain_problems(text, longest=longest, is_one_line=is_one_line)
    yield from _brace_problems(text, {*contacts, *others})
    yield from _address_problems(text, contacts)


def plain_problems(text: str, *, longest: int, is_one_line: bool = True) -> Iterator[str]:
    """What is wrong with any text: empty, too long, or not plain."""
    if not re.search(r"\w", text):
        yield "There are no words in it."
        return
    if len(text) > longest:
        yield f"It has {len(text)} characters; the most is {longest}."
    if is_one_line and "\n" in text:
        yield "It has to be on one line."
    for place, character in enumerate(text):
        if character != "\n" and unicodedata.category(character) in _INVISIBLE:
            word = _WORD.search(text[max(place - 30, 0) : place])
            where = f'after "{word[0].strip()}"' if word else "at the start"
            yield (
                f"There is an invisible character {where} (U+{ord(character):04X}): "
                "delete what is there and type it again."
            )
            break
    if found := _HTML.search(text):
        yield f'"{found[0]}" is HTML: an answer is plain text, and people would see it as it stands.'
    if found := _MARKDOWN.search(text):
        yield (
            f'"{found[0].strip()}" is formatting: an answer is plain text, and people would see it '
            "as it stands."
        )


_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of what can't be seen, or that turns the direction of what can."""


def _brace_problems(text: str, known: set[str]) -> Iterator[str]:
    names = ", ".join(f"{{{name}}}" for name in sorted(known))
    for name in dict.fromkeys(placeholders(text)):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {{{near[0]}}}?" if near else f" There are {names}."
            yield f"There is no contact {{{name}}}.{meant}"
    if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        yield f"{{ and }} stand only around the name of a contact: {names}."


def _address_problems(text: str, contacts: Mapping[str, Contact]) -> Iterator[str]:
    """Phone numbers, addresses and names that stand in one place, spelled out."""
    for contact in contacts.values():
        spelled = re.compile(rf"(?<![\w.@]){re.escape(contact.text)}(?![\w@]|\.\w)", re.IGNORECASE)
        if spelled.search(text):
            yield (
                f'"{contact.text}" stands in one place: write {{{contact.name}}}, '
                "and a change there changes it here."
            )
            text = spelled.sub("", text)
    for kind, (what, pattern) in _ADDRESSES.items():
        names = [f"{{{c.name}}}" for c in contacts.values() if kind_of(c) == kind]
        instead = f"Write {' or '.join(names)} instead." if names else "Leave it out."
        for found in pattern.finditer(text):
            yield (f'"{found[0].strip()}" looks like {what}: those stand in one place. {instead}')
        text = pattern.sub("", text)


_ADDRESSES = {
    EMAIL_ADDRESS: ("an e-mail address", _EMAIL),
    WEB: ("a web address", _WEB),
    PHONE: ("a phone number", _PHONE),
}
