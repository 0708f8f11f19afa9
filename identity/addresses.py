"""E-mail addresses: found in what a person types, normalized, and shown so that only they know whose."""

from __future__ import annotations

import re
from collections.abc import Callable

_FILE = r"(?:png|jpe?g|gif|pdf|docx?|xlsx?|pptx?|csv|txt|zip)"

# Each part is bounded and none can match what the next begins with: linear on any text. Letters that
# only look like these are none, and no part of an address with such is an address: it would be
# somebody else's.
EMAIL = re.compile(
    r"(?<![\w.+@-])[A-Za-z0-9_][A-Za-z0-9_.+'%-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}"
    rf"(?!{_FILE}\b)[A-Za-z]{{2,24}}(?![\w@]|[.-]\w)"
)

# The same in any letters: to be hidden, but nobody's account.
_IN_OTHER_LETTERS = re.compile(
    r"(?<![\w.+@-])\w[\w.+'%-]{0,63}[@\uff20](?:[\w-]{1,63}[.\u2024\u3002\uff0e]){1,8}\w{2,24}"
)

_SIGN = r"(?: (?:dot|underscore|dash|hyphen|plus) |[._+-])"
_NAME = rf"[a-z0-9]{{1,64}}(?:{_SIGN}[a-z0-9]{{1,64}}){{0,4}}"
_DOMAIN = r"[a-z0-9-]{1,63}(?:(?: dot | ?[(\[]dot[)\]] ?|\.)[a-z0-9-]{1,63}){1,4}"
_NO_NAME = r"(?:look|looking|available|listed|posted|found|online|here|it|is|that|up|live|me|us)"
_SPOKEN = (
    # jane [at] example [dot] org
    re.compile(rf"\b({_NAME} ?[(\[]at[)\]] ?{_DOMAIN})\b", re.IGNORECASE | re.ASCII),
    # my email is jane at example.org
    re.compile(
        rf"\be-?mail(?: address)?(?: is|:) ({_NAME} (?:at|@) {_DOMAIN})\b", re.IGNORECASE | re.ASCII
    ),
    # jane at example dot org, and nothing else: "look at nasro.org" is no address
    re.compile(
        rf"^\W*(?:(?:yes|ok|it's|its|it is)\W+)?(?!{_NO_NAME} )"
        rf"({_NAME} at [a-z0-9-]{{1,63}}(?: dot [a-z0-9-]{{1,63}}){{1,4}})\W*$",
        re.IGNORECASE | re.ASCII,
    ),
)
_SAID = {"at": "@", "dot": ".", "underscore": "_", "dash": "-", "hyphen": "-", "plus": "+"}


def replaced(text: str, put: Callable[[str], str]) -> str:
    """The text with another in place of each address, written or spoken ("jane at example dot org").

    Args:
        put: Gets an address, normalized, and gives what takes its place.
    """

    def spoken(match: re.Match[str]) -> str:
        words = re.findall(r"[\w'%]+|[^\w\s()\[\]]", match[1].lower())
        address = "".join(_SAID.get(word, word) for word in words)
        said = match[0].rpartition(match[1])
        return said[0] + put(address) + said[2] if EMAIL.fullmatch(address) else match[0]

    for pattern in _SPOKEN:
        text = pattern.sub(spoken, text)
    text = EMAIL.sub(lambda match: put(normalized(match[0])), text)
    return _IN_OTHER_LETTERS.sub(
        lambda match: match[0] if match[0].isascii() else masked(match[0].replace("\uff20", "@")),
        text,
    )


def normalized(address: str) -> str:
    """The address as accounts hold it: in lower case, without what surrounds it.

    Nothing else is folded: look-alikes in other letters belong to somebody else.
    """
    return address.strip().strip("<>").lower()


def masked(address: str) -> str:
    """ "j•••@example.org": enough to recognize one's own."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}"
