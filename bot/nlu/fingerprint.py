"""Has Rasa train anew when this package's code has changed, not only when its data or settings have.

Rasa keeps what a component made of the same input (.rasa/cache) and knows a component by its name and
settings alone: with a new version of the code it would go on with what the old one had made.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=1)
def of_code(folder: Path = Path(__file__).parent) -> str:
    """The sha256 of a package's Python files."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


class CodeCounts:
    """A graph component that counts as another one when the code of `bot.nlu` is another."""

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str:  # noqa: ARG003  Rasa's signature
        return of_code()
