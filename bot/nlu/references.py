"""Which of the classes just listed is meant: "the second one", "#3", "that class".

Values: "1", "2", ... count from the first, "-1" is the last, "-2" the one before it, "that" the one
spoken of, "next", "previous" and "other" are counted from that one, and "one" says that the other
entities of the message tell which ("the Dallas one", "which of them is the advanced course").
"First" and "second" are commoner as other words ("my first class", "give me a second"), so an ordinal
counts only before one, class, option and the like, or as the whole message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.nlu.mentions import Ground, Mention, Respelt, corrected, lowered
from registration.place_tables import NUMBERED_THINGS

_ORDINALS = {
    word: str(number)
    for number, words in enumerate(
        (
            ("first", "1st"),
            ("second", "2nd"),
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
}
_COUNTED = "|".join(_ORDINALS)
_MISSPELLABLE = tuple(word for word in _ORDINALS if word.isalpha() and len(word) > 4)
_ORDINALS |= {"last": "-1", "top": "1", "bottom": "-1", "final": "-1"}
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=1
    )
} | {str(number): str(number) for number in range(1, 11)}

_ORDINAL = "|".join(_ORDINALS)
_NUMBER = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_THING = r"(?:class|course|training|option|choice|item|result|listing|event)"

_ONE = r"(?:one|1(?![.,/:]?\d))"
_ORDINAL_ONE = re.compile(
    rf"\b(?:the )?(?:very )?(?P<which>{_ORDINAL}) (?P<thing>{_ONE}|ones|{_THING})"
    r"(?: (?:on|in) (?:the|that|your) list)?(?![\w-])"
)
_ORDINAL_OF_SEVERAL = re.compile(
    rf"\b(?:the )?(?P<which>{_ORDINAL})(?=,? (?:and|or|&) (?:the )?(?:{_ORDINAL})"
    rf" (?P<thing>{_ONE}|ones|{_THING})(?![\w-]))"
)
_FROM_THE_END = re.compile(
    rf"\b(?:the )?(?P<which>{_COUNTED}) (?:to(?: the)? last|from the (?:bottom|end|(?P<top>top)))"
    rf"(?: {_ONE})?\b"
)
_ON_THE_LIST = re.compile(
    rf"\b(?:the )?(?P<which>{_ORDINAL}) (?:(?:on|in|of) (?:the|that|your) list|of (?:these|those))\b"
)
_NUMBERED = re.compile(
    rf"(?:(?<![\w#])#\s?|\b(?:(?:{_THING}|choose|pick) )?(?:number|nr|num|no\.) ?#?|\b"
    rf"(?:option|choice|item|result) #?)"
    rf"(?P<which>{_NUMBER})(?![\w-]|[.,/:]\d)"
)
_THAT = re.compile(
    rf"\b(?:that|this|the same|same)(?: same)? (?:{_ONE}|{_THING})(?![\w'-])"
    rf"(?! (?:time|day|night|week|year|guy|girl|kid|person|officer|thing|way|place)\b)"
    rf"|\bthe (?:one|{_THING}) (?:you|u|that you|that u) (?:just )?(?:said|mentioned|listed|showed|named)\b"
)
_SMALL_TALK = (
    r"\W*(?:(?:uh|um|hmm|ok|okay|yes|no|and|so|or|then|maybe|actually|sorry|oops|wait|the|for|what about"
    r"|how about|i want|i meant?|please|let's do|lets do|show me|tell me about|more about|about)\W+)*"
)
_WHOLE = re.compile(
    _SMALL_TALK + rf"(?P<which>{_ORDINAL}|\d0?)\W*(?:(?:please|pls|thanks|then|instead)\W*)*"
)
_BESIDE = tuple(
    (value, re.compile(pattern))
    for value, pattern in (
        ("next", rf"\bthe {_ONE} (?:right )?(?:after|below)(?: (?:that|it|this)(?: {_ONE})?)?(?=\W*$)"),
        ("previous", rf"\bthe {_ONE} (?:right )?(?:before|above)(?: (?:that|it|this)(?: {_ONE})?)?(?=\W*$)"),
        ("previous", rf"\bthe (?:previous|prior) (?:{_ONE}|{_THING})(?![\w-])"),
        ("next", rf"\bthe (?:following|next) (?:{_ONE}|{_THING}) (?:on|in) (?:the|that|your) list\b"),
        ("other", rf"\bthe other (?:{_ONE}|{_THING})(?![\w-])"),
    )
)  # fmt: skip
_NEXT = re.compile(_SMALL_TALK + rf"(?P<which>next {_ONE})\W*(?:(?:please|pls|then)\W*)*")
"""Only as the whole message: "the next one in Ohio" is the next in time."""
_ONLY_BEFORE_A_THING = ("top", "bottom", "final")

_OWN = re.compile(r"\b(?:my|our|his|her|their|your|a|an|new|every|each)\s+$")
_THING_WITH_A_NUMBER = re.compile(rf"\b(?:{'|'.join(sorted(NUMBERED_THINGS))})\s+$")
_NOT_LISTED_AFTER = re.compile(
    r"\s+(?:in|near|of|at|for|on|after|before|around|i|i'm|we|you|they|he|she|that|to"
    r"|since|ever|available|mail|citizen)\b"
)
"""After these "the first class" is described, not pointed at: "the first class in Ohio"."""

_IS_THAT = re.compile(
    rf"\W*(?:(?:and|so|but|ok|okay|oh|wait),? )*(?P<that>(?:is|isn't|was) (?:that|this|it)(?: {_ONE})?)"
    r"(?= (?:the|a|one|also|in|on|at|near|for)\b)"
)
"""Before a course, place or month: "is that the basic course?"."""
_WHICH_OF = re.compile(
    rf"\b(which (?:{_ONE} |ones )?(?:of (?:them|these|those)(?: {_THING}(?:e?s)?)? )?(?:is|are))"
    r"(?: (?:the|a|an|in|near|at|on|for))* $"
)
"""Before a course, place or month, of what was listed: "which of them is the advanced course"."""
_ANY = re.compile(r"\b(?:an?|any|another|is there|are there)\s+$")
_ONE_AFTER = re.compile(rf"(?:'s)?\s+({_ONE})(?![\w-])")
_THE_ONE_BEFORE = re.compile(
    r"\b(the one)(?: (?:that (?:is|starts|begins)|that's|thats|starting))?"
    r"(?: (?:in|near|at|on|for|from))?(?: the)? $"
)


def find_references(text: str, others: Sequence[Mention] = ()) -> tuple[Mention, ...]:
    """What points at one of the classes just listed, in order, none overlapping.

    Args:
        text: the message.
        others: its places, courses and periods; "one" refers only beside one of them.
    """
    low, respelt = lowered(text), Respelt(text, lambda word: corrected(word, _MISSPELLABLE))
    found: list[Mention] = []
    ground = Ground(len(text))

    def add(start: int, end: int, value: str) -> None:
        if ground.claim(start, end):
            found.append(Mention(start, end, value))

    if whole := _WHOLE.fullmatch(respelt.text):
        which = whole["which"]
        value = _ORDINALS.get(which) or _NUMBERS.get(which)
        if value and which not in _ONLY_BEFORE_A_THING:
            return (Mention(*respelt.span(*whole.span("which")), value),)
    if following := _NEXT.fullmatch(low):
        return (Mention(*following.span("which"), "next"),)
    for value, pattern in _BESIDE:
        for match in pattern.finditer(low):
            add(*match.span(), value)
    for match in _FROM_THE_END.finditer(respelt.text):
        value = _ORDINALS[match["which"]]
        if match["top"] or value != "1":  # "from first to last"
            add(*respelt.span(*match.span()), value if match["top"] else f"-{value}")
    for match in _ON_THE_LIST.finditer(respelt.text):
        add(*respelt.span(*match.span()), _ORDINALS[match["which"]])
    for pattern in (_ORDINAL_OF_SEVERAL, _ORDINAL_ONE):
        for match in pattern.finditer(respelt.text):
            if _points(respelt.text, match):
                add(*respelt.span(*match.span()), _ORDINALS[match["which"]])
    for match in _NUMBERED.finditer(low):
        if not any(
            pattern.search(low, max(0, match.start() - 20), match.start())
            for pattern in (_OWN, _THING_WITH_A_NUMBER)
        ):
            add(*match.span(), _NUMBERS[match["which"]])
    if others and (asked := _IS_THAT.match(low)):
        add(*asked.span("that"), "that")
    for match in _THAT.finditer(low):
        add(*match.span(), "that")
    for other in others:
        if after := _ONE_AFTER.match(low, other.end):
            if not _ANY.search(low, max(0, other.start - 20), other.start):
                add(*after.span(1), "one")
        elif before := _THE_ONE_BEFORE.search(low, max(0, other.start - 30), other.start):
            add(*before.span(1), "one")
        elif asked := _WHICH_OF.search(low, max(0, other.start - 40), other.start):
            add(*asked.span(1), "one")
    return tuple(sorted(found, key=lambda mention: mention.start))


def _points(text: str, match: re.Match[str]) -> bool:
    """Whether "the first class" is one of a list rather than somebody's first class ever."""
    if _OWN.search(text, max(0, match.start() - 20), match.start()):
        return False
    if match["thing"] in ("one", "ones", "1") or _ORDINALS[match["which"]] not in ("1", "-1"):
        return True
    return not _NOT_LISTED_AFTER.match(text, match.end())
