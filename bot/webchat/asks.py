"""What a typed message asks: mostly one thing, at times several, at times one after a story.

Rasa understands a message as a whole. Here it is also understood in its parts: a part is a question of
its own if it is put like one and the model is sure of it alone. Several different ones are answered one
after the other; a single one helps out where the whole message, story and all, isn't clear.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.nlu.mentions import lowered
from bot.nlu.tone import ANGRY, TONE

MOST_ASKS = 3
"""Questions of one message that are answered; more make an answer that nobody reads."""

MOST_PARTS = 12
"""Parts that are looked at. Each costs as much time as a message; nobody asks in more."""

# Only where space begins: tried again at each of its signs, a run of them would take its square.
_BETWEEN = re.compile(
    r"(?:(?<=[.?!;:])\s+|\n+|(?:(?<!\s)\s+)?,\s+|(?<!\s)\s+)"
    r"(?:(?:and|but|plus|then|&|also)(?:,?\s+(?:also|then))?,?\s+)"
    r"|(?<=[.?!;])\s+|\n+|,\s+|:\s+",
    re.IGNORECASE,
)
_LIKE_A_QUESTION = re.compile(
    r"""\?\s*$
    | ^\W*(?:(?:and|also|so|but|then|or|ok|okay|please|pls|hi|hello|hey|just|maybe|now|well)\W+)*
      (?:who|what|whats|wat|when|whens|where|wheres|why|how|hows|which|is|are|am|was|do|does|did|can|could|will|would
        |should|may|has|show|give|tell|send|find|list|help|need|want|looking|seats?|any)\b
    | \b(?:i|we)(?:'d|\ would)?\ (?:really\ |also\ |just\ |still\ )?(?:need|want|like|wanna|gotta)\b
    | \b(?:looking\ (?:for|to)|wondering|trying\ to|tell\ me|show\ me|let\ me\ know)\b
    | \b(?:can't|cant|cannot|can\ not|couldn't|unable|won't|forgot|locked\ out|lost\ my
        |(?:doesn't|doesnt|not|isn't)\ work(?:ing)?)\b
    """,
    re.VERBOSE,
)
_LEANS_ON_ANOTHER = re.compile(
    r"^\W*(?:since|because|cause|if|as|that|so\ that|although|though|unless)\b"
)
_ONLY_TOLD = re.compile(
    r"^\W*(?:(?:and|but|so|then)\W+)*(?:i|we|he|she|they)(?: (?:already|just|then|also))?"
    r" (?:took|was|were|went|had|got|paid|attended|finished|did|came|looked|saw|read|checked)\b"
    r"|\b(?:now|already)\W*$|\bis (?:full|closed|sold out)\b"
)
"""What isn't put like a question and only tells how things are, however much it is about a topic."""
_POINTS_BACK = re.compile(r"\b(?:it|one|ones|that|those|them|they|this)\b")
"""In a part that isn't sure of its topic, its topic is that of the part before."""
_NO_QUESTIONS = (
    "greet", "thank", "goodbye", "affirm", "deny", "cancel", "inform", "more", "not_that", "complain",
    "out_of_scope", "nlu_fallback",
)  # fmt: skip
"""Intents of parts that need no answer beside another."""

_LIKELY_MEANT = 0.6
"""Probability from which on a part near the topics, but not in them, is told that it has no answer."""

_SURE = 0.9
"""Score from which on a part is a question of its own that isn't put like one: "my cert isn't there"."""

_LIKELY_ENOUGH = 0.4
"""Score from which on a part put like a question is taken for its likeliest topic, beside another
question: its own words stand above the answer, and else it would get none."""

_CLEAR_AS_A_WHOLE, _CLEARER_STILL = 0.985, 0.95
"""Where a message as a whole is as clear as that, it asks for something else too only in a part as clear
as the second: "We have a big room. It seats sixty. We want to host." asks for one thing."""

_SURELY_AN_EMERGENCY = 0.5
"""Probability from which on a part is one. A clause, out of its sentence, resembles much."""

_FEWEST_WORDS = 2

SAYS_SORRY_ITSELF = ("complain", "emergency")
"""Intents whose answers need no apology before them."""


@dataclass(frozen=True)
class Ask:
    """One thing that a message asks.

    Attributes:
        text: The part of the message that it answers to, with what is said around the question.
        question: The question alone, as it was typed.
        parsed: Rasa's parse data of `text`.
    """

    text: str
    question: str
    parsed: dict[str, Any]

    @property
    def needs_an_apology(self) -> bool:
        """Whether it was asked in anger, and its answer is no apology already."""
        return (
            self.parsed.get(TONE) == ANGRY
            and self.parsed["intent"]["name"] not in SAYS_SORRY_ITSELF
        )


@dataclass(frozen=True)
class _Part:
    start: int
    text: str
    parsed: dict[str, Any]
    is_guessed: bool = False
    """Whether it is near its topic, but not sure."""

    @property
    def intent(self) -> str:
        return str(self.parsed["intent"]["name"])

    @property
    def score(self) -> float:
        return float(self.parsed["understanding"]["score"])


def whole(text: str, parsed: dict[str, Any]) -> Ask:
    """A message that is taken as it is."""
    return Ask(text, text, parsed)


async def understand(text: str, parse: Callable[[str], Awaitable[dict[str, Any]]]) -> list[Ask]:
    """What a message asks, in order: at least one thing, at most `MOST_ASKS`.

    Args:
        text: The message.
        parse: Gives Rasa's parse data of a text.
    """
    parsed = await parse(text)
    # What was found by rule holds for the whole message.
    if "understanding" not in parsed or parsed["intent"]["name"] in ("inform", "emergency"):
        return [whole(text, parsed)]
    spans = list(_parts(text))
    if not 1 < len(spans) <= MOST_PARTS:
        return [whole(text, parsed)]
    parts = [_likeliest(_Part(start, part, await parse(part))) for start, part in spans]
    questions = _without_repeats([part for part in parts if _is_question(part)])
    if any(part.intent == parsed["intent"]["name"] for part in questions):
        questions = [part for part in questions if _is_beside(part, parsed)]
    emergencies = [
        part
        for part in parts
        if part.intent == "emergency"
        and part.parsed["intent"]["confidence"] >= _SURELY_AN_EMERGENCY
    ]
    clearer = [part for part in questions if len(questions) == 1 and _is_clearer(part, parsed)]
    for part in emergencies or clearer:
        return [whole(text, _with_intent_of(part, parsed))]
    if len(questions) < 2:
        return [whole(text, parsed)]
    return [
        _ask(text, parsed, part, *_span(text, questions, n)) for n, part in enumerate(questions)
    ]


def _parts(text: str) -> list[tuple[int, str]]:
    """Sentences and clauses with their places in the text."""
    parts, start = [], 0
    for between in _BETWEEN.finditer(text):
        parts.append((start, text[start : between.start()].strip()))
        start = between.end()
    parts.append((start, text[start:].strip()))
    return [(start, part) for start, part in parts if part]


def _likeliest(part: _Part) -> _Part:
    """The part, taken for its likeliest topic if it isn't sure but near to one."""
    if part.intent != "nlu_fallback" or part.score < _LIKELY_ENOUGH:
        return part
    ranking = part.parsed["intent_ranking"]
    intent = next(ranked for ranked in ranking if ranked["confidence"] == part.score)
    return replace(part, parsed={**part.parsed, "intent": intent}, is_guessed=True)


def _is_question(part: _Part) -> bool:
    if len(part.text.split()) < _FEWEST_WORDS or part.intent in _NO_QUESTIONS:
        return False
    if part.intent == "not_covered" and part.parsed["intent"]["confidence"] < _LIKELY_MEANT:
        return False
    low = lowered(part.text)
    if _LEANS_ON_ANOTHER.search(low) or (part.is_guessed and _POINTS_BACK.search(low)):
        return False
    if _LIKE_A_QUESTION.search(low):
        return True
    return part.score >= _SURE and not _ONLY_TOLD.search(low)


def _is_beside(part: _Part, parsed: dict[str, Any]) -> bool:
    """Whether a part asks what the whole message does, or is clear enough to be asked beside it."""
    return (
        part.intent == parsed["intent"]["name"]
        or parsed["understanding"]["score"] < _CLEAR_AS_A_WHOLE
        or part.score >= _CLEARER_STILL
    )


def _without_repeats(questions: list[_Part]) -> list[_Part]:
    """The first of each intent."""
    first: dict[str, _Part] = {}
    for part in questions:
        first.setdefault(part.intent, part)
    return list(first.values())[:MOST_ASKS]


def _is_clearer(part: _Part, parsed: dict[str, Any]) -> bool:
    return (
        part.intent != "not_covered"
        and not part.is_guessed
        and part.score > parsed["understanding"]["score"]
    )


def _span(text: str, questions: list[_Part], number: int) -> tuple[int, int]:
    """What belongs to a question: all up to the next, and for the first what comes before it."""
    start = questions[number].start if number else 0
    is_last = number + 1 == len(questions)
    return start, len(text) if is_last else questions[number + 1].start


def _ask(text: str, parsed: dict[str, Any], part: _Part, start: int, end: int) -> Ask:
    entities = [
        {**entity, "start": entity["start"] - start, "end": entity["end"] - start}
        for entity in parsed["entities"]
        if start <= entity["start"] < end
    ]
    said = text[start:end]
    of_part = {**_with_intent_of(part, parsed), "text": said, "entities": entities}
    return Ask(said, part.text, of_part)


def _with_intent_of(part: _Part, parsed: dict[str, Any]) -> dict[str, Any]:
    understood = {key: part.parsed[key] for key in ("intent", "intent_ranking", "understanding")}
    return {**parsed, **understood}
