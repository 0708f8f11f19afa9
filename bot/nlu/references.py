"""Which of the classes just listed is meant: "the second one", "#3", "that class".

Values: "1", "2", ... count from the first, "-1" is the last, "that" the one spoken of, and "one"
says that the other entities of the message tell which ("the Dallas one"). "First" and "second" are
commoner as other words ("my first class", "give me a second"), so an ordinal counts only before
one, class, option and the like, or as the whole message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.nlu.mentions import Mention, is_free, lowered

_ORDINALS = {
    word: str(number)
    for number, words in enumerate(
        (
            ("first", "1st", "frist"),
            ("second", "2nd", "secound"),
            ("third", "3rd"),
            ("fourth", "4th"),
            ("fifth", "5th"),
            ("sixth", "6th"),
            ("seventh", "7th"),
            ("eighth", "8th"),
            ("ninth", "9th"),
            ("tenth", "10th"),
        ),
        start=1,
    )
    for word in words
} | {"last": "-1", "top": "1", "bottom": "-1"}
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=1
    )
} | {str(number): str(number) for number in range(1, 11)}

_ORDINAL = "|".join(_ORDINALS)
_NUMBER = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_THING = r"(?:class|course|training|option|choice|item|result|listing|event)"

_ORDINAL_ONE = re.compile(
    rf"\b(?:the )?(?P<which>{_ORDINAL}) (?P<thing>one|{_THING})(?: (?:on|in) (?:the"
    rf"|that|your) list)?(?![\w-])"
)
_ON_THE_LIST = re.compile(
    rf"\b(?:the )?(?P<which>{_ORDINAL}) (?:on|in|of) (?:the|that|your) list\b"
)
_NUMBERED = re.compile(
    rf"(?:(?<![\w#])#\s?|\b(?:(?:{_THING}|choose|pick) )?(?:number|nr|num|no\.) ?#?|\b"
    rf"(?:option|choice|item|result) #?)"
    rf"(?P<which>{_NUMBER})(?![\w-]|[.,/:]\d)"
)
_THAT = re.compile(rf"\b(?:that|this|the same|same)(?: same)? (?:one|{_THING})(?![\w'-])")
_WHOLE = re.compile(
    rf"\W*(?:(?:uh|um|ok|okay|yes|no|and|the|for|what about|how about|i want|i meant?"
    rf"|please|let's do|lets do) )*"
    rf"(?P<which>(?P<ordinal>{_ORDINAL})|(?P<number>\d0?))\W*(?:please|thanks)?\W*"
)

_OWN = re.compile(r"\b(?:my|our|his|her|their|your|a|an|very|new|every|each)\s+$")
_NOT_LISTED_AFTER = re.compile(
    r"\s+(?:in|near|of|at|for|on|after|before|around|i|i'm|we|you|they|he|she|that|to"
    r"|since|ever|available|mail|citizen)\b"
)
"""After these "the first class" is described, not pointed at: "the first class in Ohio"."""

_IS_THAT = re.compile(
    r"\W*(?:(?:and|so|but|ok|okay|oh|wait),? )*(?P<that>(?:is|isn't|was) (?:that|this|it))"
    r"(?= (?:the|a|one|also|in|on|at|near|for)\b)"
)
"""Before a course, place or month: "is that the basic course?"."""
_ANY = re.compile(r"\b(?:an?|any|another|is there|are there)\s+$")
_ONE_AFTER = re.compile(r"(?:'s)?\s+(one)(?![\w-])")
_THE_ONE_BEFORE = re.compile(
    r"\b(the one)(?: (?:in|near|at|on|for|from|starting|that's in|thats in))?(?: the)? $"
)


def find_references(text: str, others: Sequence[Mention] = ()) -> tuple[Mention, ...]:
    """What points at one of the classes just listed, in order, none overlapping.

    Args:
        text: the message.
        others: its places, courses and periods; "one" refers only beside one of them.
    """
    low = lowered(text)
    found: list[Mention] = []

    def add(start: int, end: int, value: str) -> None:
        if is_free(start, end, found):
            found.append(Mention(start, end, value))

    if whole := _WHOLE.fullmatch(low):
        which = whole.group("which")
        value = _ORDINALS.get(which) or _NUMBERS.get(which)
        if value and which not in ("top", "bottom"):
            return (Mention(*whole.span("which"), value),)
    for match in _ON_THE_LIST.finditer(low):
        add(*match.span(), _ORDINALS[match.group("which")])
    for match in _ORDINAL_ONE.finditer(low):
        if _points(low, match):
            add(*match.span(), _ORDINALS[match.group("which")])
    for match in _NUMBERED.finditer(low):
        add(*match.span(), _NUMBERS[match.group("which")])
    for match in _THAT.finditer(low):
        add(*match.span(), "that")
    if others and (asked := _IS_THAT.match(low)):
        add(*asked.span("that"), "that")
    for other in others:
        if after := _ONE_AFTER.match(low, other.end):
            if not _ANY.search(low, max(0, other.start - 20), other.start):
                add(*after.span(1), "one")
        elif before := _THE_ONE_BEFORE.search(low, max(0, other.start - 30), other.start):
            add(*before.span(1), "one")
    return tuple(sorted(found, key=lambda mention: mention.start))


def _points(text: str, match: re.Match[str]) -> bool:
    """Whether "the first class" is one of a list rather than somebody's first class ever."""
    if _OWN.search(text, max(0, match.start() - 20), match.start()):
        return False
    if match.group("thing") == "one" or _ORDINALS[match.group("which")] not in ("1", "-1"):
        return True
    return not _NOT_LISTED_AFTER.match(text, match.end())
