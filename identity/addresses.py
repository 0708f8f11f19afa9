"""E-mail addresses: found in what a person types, normalized, and shown so that only they know whose."""

from __future__ import annotations

import re

# Each part is bounded and none can match what the next begins with: linear on any text.
EMAIL = re.compile(
    r"(?<![\w.+-])[a-z0-9][\w.+'%-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])",
    re.IGNORECASE | re.ASCII,
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
