"""All entities of a message at once, and whether they are all there is to it. Without Rasa.

Several finders may claim the same words ("first week of June" is a period and holds an ordinal;
"May" is a town in Texas); here is decided who gets them. `FILLERS` is the one list of words that a
plain answer may have around its entities.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.nlu.courses import find_courses
from bot.nlu.mentions import Ground, Mention, lowered
from bot.nlu.periods import find_periods
from bot.nlu.references import find_references
from registration.places import MOST_TOGETHER, TOGETHER, find_places

FILLERS = (
    # small words around a name
    "in", "the", "a", "an", "for", "near", "around", "on", "at", "to", "from", "of", "by", "and",
    "or",
    "please", "pls", "plz", "thanks", "thank you", "area", "city", "city of", "state of", "only",
    "just",
    "there", "then", "too", "also", "also in", "close to", "nearby", "somewhere", "sometime",
    "during",
    # asking for the same once more
    "anything", "what do you have", "what have you got", "what else do you have", "do you have",
    "is there", "are there", "only the ones", "just the ones", "the ones", "those", "all of",
    "the whole state of", "whole state of", "the whole of", "anywhere in", "tell me about",
    "tell me more about", "more about", "same for",
    "what about", "how about", "what abt", "how bout", "hows about", "wat about", "or maybe",
    "maybe",
    "and what about", "and how about", "try", "lets try", "let's try", "lets do", "let's do",
    "lets say", "let's say", "say", "do", "show me", "instead", "rather",
    # taking something back
    "no", "nope", "not that", "wait", "sorry", "oops", "actually", "i meant", "i mean", "i ment",
    "meant",
    "i said", "i was asking about", "i was thinking", "i was thinking of", "make it", "make that",
    "change it to", "change to", "switch to", "wrong one", "that was wrong", "was right",
    "right after all", "after all",
    # saying where one is or what one takes
    "i am in", "i'm in", "im in", "i am from", "i'm from", "im from", "i live in", "i work in",
    "i live near", "i am near", "i'm near", "we are in", "we're in", "were in", "we are from",
    "we're from", "we are located in", "we're located in", "located in", "based in", "i am at",
    "my state is", "my zip is", "my zip code is", "zip", "zip code", "zipcode", "it is", "it's",
    "its",
    "it would be", "that would be", "i'd like", "i would like", "i want", "i need", "i'll take",
    "ill take", "give me", "i choose", "i pick", "yes", "yeah", "yep", "yup", "ok", "okay", "sure",
    "um", "uh", "umm", "hmm", "well", "hi", "hello", "one", "is fine", "works", "would work",
    "would be fine",
)  # fmt: skip

_FILLED = re.compile(
    r"[\W_]*(?:(?:"
    + "|".join(re.escape(filler) for filler in sorted(FILLERS, key=len, reverse=True))
    + r")(?![\w'])[\W_]*)*"
)
_ASKS_FOR_SEVERAL = re.compile(r"\b(?:classes|courses|trainings|training|sessions)\b")


@dataclass(frozen=True)
class Entity:
    kind: str
    start: int
    end: int
    value: str


def find_entities(text: str, today: date) -> tuple[Entity, ...]:
    """The places, courses, periods and references of a message, in order, none overlapping."""
    ground = Ground(len(text))
    taken: list[Mention] = []
    found: list[Entity] = []

    def claim(kind: str, mentions: Sequence[Mention]) -> None:
        for mention in mentions:
            if ground.claim(mention.start, mention.end):
                taken.append(mention)
                found.append(Entity(kind, mention.start, mention.end, mention.value))

    low = lowered(text)
    named = [Mention(place.start, place.end, place.value) for place in find_places(text)]
    places = _together(low, _wanted(low, named))
    claim("course", _wanted(low, find_courses(text)))
    claim("period", _not_inside(_wanted(low, find_periods(text, today)), places))
    claim("place", places)
    references = _wanted(low, find_references(text, taken))
    # "Not that one, Amarillo"
    claim(
        "reference",
        [r for r in references if not (taken and r.value == "that" and _refusal(low, r))],
    )
    return tuple(sorted(found, key=lambda entity: entity.start))


_NOT = re.compile(
    r"(?<!why )\b(?:not|except|instead of|rather than)(?: (?:in|near|for|from|on|the))*\s+$"
)
_BUT = re.compile(r"(?:[\s,.;-]|\b(?:but|rather|just|i mean|i meant|and|in|near|for|the)\b)*")
_LISTED = re.compile(
    r"\s*(?:[,/&+]|\b(?:and|or|plus)\b)[\s,]*(?:\b(?:and|or|also|maybe|even|else|in|near|around|the)\b\s*)*"
    r"|\s+"
)


def _wanted(low: str, mentions: Sequence[Mention]) -> list[Mention]:
    """The mentions but those turned down, if any remain: "not Texas but Oklahoma" means Oklahoma.

    One that says both is all of it, so that nothing is left over.
    """
    negations = [_refusal(low, mention) for mention in mentions]
    if all(negations) or not any(negations):
        return list(mentions)
    wanted: list[Mention] = []
    turned_down: tuple[int, int] | None = None
    for mention, negation in zip(mentions, negations, strict=True):
        if not negation:
            is_beside = turned_down and _BUT.fullmatch(low, turned_down[1], mention.start)
            start = turned_down[0] if turned_down and is_beside else mention.start
            wanted.append(replace(mention, start=start))
            turned_down = None
        elif wanted and _BUT.fullmatch(low, wanted[-1].end, negation.start()):
            wanted[-1] = replace(wanted[-1], end=mention.end)
        else:
            turned_down = (negation.start(), mention.end)
    return wanted


def _refusal(low: str, mention: Mention) -> re.Match[str] | None:
    """The "not" right before a mention."""
    return _NOT.search(low, max(0, mention.start - 30), mention.start)


def _together(low: str, places: Sequence[Mention]) -> list[Mention]:
    """The places, those that are listed as one: "Texas or Oklahoma" is "Texas; Oklahoma"."""
    together: list[Mention] = []
    for place in places:
        before = together[-1] if together else None
        if before and _LISTED.fullmatch(low, before.end, place.start):
            values = dict.fromkeys([*before.value.split(TOGETHER), place.value])
            value = TOGETHER.join([*values][:MOST_TOGETHER])
            together[-1] = Mention(before.start, place.end, value)
        else:
            together.append(place)
    return together


def _not_inside(mentions: Sequence[Mention], others: Sequence[Mention]) -> list[Mention]:
    """The mentions that aren't only a part of another: not the season in "Spring, TX"."""
    over = {at: other for other in others for at in range(other.start, other.end)}

    def is_part(mention: Mention) -> bool:
        other = over.get(mention.start)
        return bool(
            other
            and mention.end <= other.end
            and other.end - other.start > mention.end - mention.start
        )

    return [mention for mention in mentions if not is_part(mention)]


def is_only_an_answer(text: str, entities: Sequence[Entity]) -> bool:
    """Whether a message holds nothing but these entities and fillers.

    "Basic classes in Ohio" does too, but it asks for a list: more than one entity with a plural
    noun is left to the intent classifier.
    """
    if not entities:
        return False
    low = lowered(text)
    at = 0
    for entity in sorted(entities, key=lambda entity: entity.start):
        if not _FILLED.fullmatch(low, at, entity.start):
            return False
        at = entity.end
    if not _FILLED.fullmatch(low, at):
        return False
    return (
        not any(
            entity.kind == "course" and _ASKS_FOR_SEVERAL.search(low, entity.start, entity.end)
            for entity in entities
        )
        or len(entities) == 1
    )
