"""E-mail addresses: found in what a person types, normalized, and shown so that only they know whose."""

from __future__ import annotations

import re
import string
from collections.abc import Callable

_FILE = r"(?:png|jpe?g|gif|pdf|docx?|xlsx?|pptx?|csv|txt|zip)"

# What may stand before the @ (RFC 5322's atext, and dots). All of it belongs to the name, or there is
# none: of "jane&john@example.org", "john@example.org" would be somebody else's.
_SIGNS = "!#$%&'*+/=?^_`{|}~.-"
NAME_SIGNS = re.escape(_SIGNS)

# Each part is bounded and none can match what the next begins with: linear on any text. Letters that
# only look like these are none, and no part of an address with such is an address: it would be
# somebody else's.
_HOST = (
    r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}"
    rf"(?!{_FILE}\b)[A-Za-z]{{2,24}}(?![\w@]|[.-]\w)"
)
EMAIL = re.compile(rf"(?<![\w@{NAME_SIGNS}])[A-Za-z0-9_][A-Za-z0-9{NAME_SIGNS}]{{0,63}}{_HOST}")

_AT_HOST = re.compile(_HOST)
_AROUND = re.compile(r"(?:e-?mail=)?[*`'/|&={]*", re.IGNORECASE)
"""What sets an address off from what is before it: "**jane@example.org", "E-mail=jane@example.org"."""

# The same in any letters: to be hidden, but nobody's account.
_IN_OTHER_LETTERS = re.compile(
    r"(?<![\w.+@-])\w[\w.+'%-]{0,63}[@\uff20](?:[\w-]{1,63}[.\u2024\u3002\uff0e]){1,8}\w{2,24}"
)

# Beside what is typed on purpose: comes along when an address or a code is copied from a mail.
_INVISIBLE = "[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+"
_INVISIBLE_INSIDE = re.compile(rf"(?<=[\w@.-]){_INVISIBLE}(?=[\w@.-])", re.ASCII)

_SIGN = r"(?: (?:dot|underscore|dash|hyphen|plus) |[._+-])"
_BEGIN = rf"(?<![\w@{NAME_SIGNS}])"
_NAME = rf"[a-z0-9]{{1,64}}(?:{_SIGN}[a-z0-9]{{1,64}}){{0,4}}"
_DOMAIN = r"[a-z0-9-]{1,63}(?:(?: dot | ?[(\[]dot[)\]] ?|\.)[a-z0-9-]{1,63}){1,4}"
_NO_NAME = r"(?:look|looking|available|listed|posted|found|online|here|it|is|that|up|live|me|us|meet|see|you)"
_BEFORE = r"^\W*(?:(?:yes|yeah|sure|ok|it's|its|it is|i'm|i am|this is)\W+){0,2}"
_AFTER = r"(?:\W+(?:thanks|thank you|thx|ty|please|pls)){0,2}\W*$"
_SPOKEN = (
    # jane [at] example [dot] org
    re.compile(rf"{_BEGIN}({_NAME} ?[(\[]at[)\]] ?{_DOMAIN})\b", re.IGNORECASE | re.ASCII),
    # my email is jane at example.org
    re.compile(
        rf"\be-?mail(?: address)?(?: is|:) ({_NAME} (?:at|@) {_DOMAIN})\b", re.IGNORECASE | re.ASCII
    ),
    # jane.doe at example.org: the sign makes it a name, a letter alone after it doesn't ("e.g. at")
    re.compile(
        rf"{_BEGIN}((?:[a-z0-9]{{1,64}}[._+-]){{0,3}}[a-z0-9]{{1,64}}[._+][a-z0-9]{{2,64}} (?:at|@) "
        rf"{_DOMAIN})\b",
        re.IGNORECASE | re.ASCII,
    ),
    # jane at example dot org, jane @ example.org, and nothing else: "look at nasro.org" is no address
    re.compile(
        rf"{_BEFORE}(?!{_NO_NAME} )({_NAME} (?:at [a-z0-9-]{{1,63}}(?: dot [a-z0-9-]{{1,63}}){{1,4}}"
        rf"|@ ?{_DOMAIN})){_AFTER}",
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

    text = _INVISIBLE_INSIDE.sub("", text)
    for pattern in _SPOKEN:
        text = pattern.sub(spoken, text)
    return _IN_OTHER_LETTERS.sub(
        lambda match: match[0] if match[0].isascii() else masked(match[0].replace("\uff20", "@")),
        _written_replaced(text, put),
    )


def _written_replaced(text: str, put: Callable[[str], str]) -> str:
    parts, end = [], 0
    for host in _AT_HOST.finditer(text):
        before = text[end : host.start()]
        outside = before.rstrip(string.ascii_letters + string.digits + _SIGNS)
        around = _AROUND.match(before, len(outside))
        begin = around.end() if around else len(outside)
        address = before[begin:] + host[0]
        if EMAIL.fullmatch(address) and not re.search(r"[\w@]$", outside):
            parts += [before[:begin], put(normalized(address))]
        else:
            parts += [before, host[0]]
        end = host.end()
    return "".join((*parts, text[end:]))


def normalized(address: str) -> str:
    """The address as accounts hold it: in lower case, without what surrounds it.

    Nothing else is folded: look-alikes in other letters belong to somebody else.
    """
    return address.strip().strip("<>").lower()


def masked(address: str) -> str:
    """ "j•••@example.org": enough to recognize one's own."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}"
