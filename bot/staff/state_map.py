"""A map of the states as tiles of one size: each about where it lies, and none too small to be read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from registration.place_tables import STATE_NAMES

LAYOUT = """
    AK .. .. .. .. .. .. .. .. .. .. ME
    .. .. .. .. .. .. .. .. .. .. VT NH
    .. WA ID MT ND MN IL WI MI NY RI MA
    .. OR NV WY SD IA IN OH PA NJ CT ..
    .. CA UT CO NE MO KY WV VA MD DE ..
    .. .. AZ NM KS AR TN NC SC DC .. ..
    MP GU .. .. OK LA MS AL GA .. .. ..
    AS HI .. .. TX .. .. .. .. FL PR VI
"""

STEPS = 4
"""Shades of tiles with look-ups."""


@dataclass(frozen=True)
class Tile:
    code: str
    name: str
    column: int
    row: int
    number: int
    """Look-ups."""
    none: int
    """Of these, those that found no class."""
    step: int
    """From 0, where there are no look-ups, to `STEPS`, where there are most."""


def tiles(states: Iterable[tuple[str, int, int]]) -> list[Tile]:
    """All states, with what was looked up in some of them.

    Args:
        states: Code, look-ups, those without any class.
    """
    numbers = {code: (number, none) for code, number, none in states}
    most = max((number for number, _ in numbers.values()), default=0)
    found = []
    for row, line in enumerate(LAYOUT.split("\n")[1:-1]):
        for column, code in enumerate(line.split()):
            if code != "..":
                number, none = numbers.get(code, (0, 0))
                # By the root: beside a state with a hundred, one with five is still seen.
                step = math.ceil(STEPS * math.sqrt(number / most)) if number else 0
                found.append(Tile(code, STATE_NAMES[code], column, row, number, none, step))
    return found
