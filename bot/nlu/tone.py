"""Whether a message is angry: then it is acknowledged in a sentence before it is answered.

By words and marks that hardly anybody uses calmly. A missed one costs nothing but the sentence; a
patient person who is told that they sound angry is lost. So capitals alone mean nothing (many people
write that way), nor does a single exclamation mark.
"""

from __future__ import annotations

import re
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.mentions import lowered

TONE = "tone"
"""Message property: `angry`, or absent."""
ANGRY = "angry"

_ANGRY = re.compile(
    r"\b(?:"
    # swearing
    r"wtf|wth|ffs|damn(?:ed|it)?|god ?damn(?:ed)?|bull ?shit|shit(?:ty)?|crap(?:py)?|piss(?:ed|ing)(?: off)?"
    r"|f+u+c+k\w*|f\*+\w*|f-?ing|effing|frick\w*|freaking|frigging|the hell|you suck|sucks|stupid|idiot\w*"
    r"|morons?|dumb|useless|pathetic|garbage|is a joke"
    # judging
    r"|ridiculous|rediculous|ridiculus|unacceptable|outrageous|absurd|infuriating|frustrat\w+|fed up"
    r"|sick of (?:this|that|it|all|you|your|\w+ing)|sick and tired"
    r"|annoy(?:ed|ing)|angry|furious|disgusted|disgrace\w*|waste of (?:my )?time"
    r"|wasting my time|(?:have|'ve|ve) had (?:it|enough)|enough of this|seriously\W*$"
    r"|(?:worst|terrible|horrible|awful) (?:service|website|site|system|bot|organi[sz]ation|support)"
    # once more
    r"|(?:for the|(?:this|that) is (?:the|my)) (?:\w+th|second|third|2nd|3rd|umpteenth|hundredth) time"
    r"|how many times|(?:nobody|no ?one) (?:answers|helps|cares|calls|can tell me|will tell me)"
    r")(?!\w)"
)
_CALM = re.compile(
    r"\b(?:hell of a|(?:this|it) (?:may|might|could) (?:be|sound)|sounds? (?:dumb|stupid)"
    r"|(?:dumb|stupid) (?:question|me)|(?:angry|furious|annoyed) (?:parent|student|kid|teen|people|person)s?"
    r"|(?:not|isn't|never) (?:a )?(?:useless|stupid|dumb|angry|annoyed|frustrated))\b"
)
_SHOUTING_MARKS = re.compile(r"(?:!\s*){2,}|\?!|!\?|(?:\?\s*){3,}")
_LETTERS = re.compile(r"[^\W\d_]")


def is_angry(text: str) -> bool:
    """Whether a message sounds angry."""
    low = lowered(text)
    if _CALM.search(low):
        return False
    return bool(_ANGRY.search(low)) or (
        _is_shouted(text) and _SHOUTING_MARKS.search(text) is not None
    )


def _is_shouted(text: str) -> bool:
    letters = _LETTERS.findall(text)
    return len(letters) >= 12 and sum(letter.isupper() for letter in letters) > 0.7 * len(letters)


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR], is_trainable=False)
class ToneDetector(GraphComponent):
    """Sets the message property `tone`."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],  # noqa: ARG003  Rasa's signature
        model_storage: ModelStorage,  # noqa: ARG003
        resource: Resource,  # noqa: ARG003
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> ToneDetector:
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if is_angry(message.get(TEXT) or ""):
                message.set(TONE, ANGRY, add_to_output=True)
        return messages
