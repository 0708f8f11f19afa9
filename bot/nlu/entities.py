"""Entities from tables and rules: places, courses, periods, references. And what follows from them.

The understanding is in `bot/nlu/spotting.py` and the helpers it asks; here it meets Rasa.
`GazetteerEntityExtractor` sets the entities. `EntityAnswerClassifier` runs after the intent
classifier: a message that is nothing but entities ("Texas", "no I meant the Dallas one") is an
answer, whatever it resembles. Neither learns anything, so neither stores anything with the model.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.spotting import Entity, find_entities, is_only_an_answer

# When a period is understood, nobody has said where it is about. In UTC it is tomorrow from the early
# evening on: "March 3" said on March 3 would be next year's, "this month" on the 31st the next one. The
# Pacific's day never runs ahead of anybody's in the contiguous states. In the East it lags from midnight
# to three, when few ask, and many of those still call it today.
TODAY_IS_IN = ZoneInfo("America/Los_Angeles")


def today(now: datetime | None = None) -> date:
    """The day against which "next month" is counted.

    Args:
        now: Aware; the present by default.
    """
    return (now or datetime.now(timezone.utc)).astimezone(TODAY_IS_IN).date()


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR], is_trainable=False)
class GazetteerEntityExtractor(GraphComponent, EntityExtractorMixin):
    """Finds places, courses, periods and references in the text as it was typed."""

    def __init__(self, today: Callable[[], date] = today) -> None:
        self._today = today

    @classmethod
    def create(
        cls,
        config: dict[str, Any],  # noqa: ARG003 Rasa passes it
        model_storage: ModelStorage,  # noqa: ARG003 Rasa passes it
        resource: Resource,  # noqa: ARG003 Rasa passes it
        execution_context: ExecutionContext,  # noqa: ARG003 Rasa passes it
    ) -> GazetteerEntityExtractor:
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT)
            if not text:
                continue
            found = [
                {
                    "entity": entity.kind,
                    "start": entity.start,
                    "end": entity.end,
                    "value": entity.value,
                }
                for entity in find_entities(text, self._today())
            ]
            entities = message.get(ENTITIES, []) + self.add_extractor_name(found)
            message.set(ENTITIES, entities, add_to_output=True)
        return messages


INFORM = {"name": "inform", "confidence": 1.0}


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER], is_trainable=False)
class EntityAnswerClassifier(GraphComponent):
    """Makes a message that is nothing but entities an `inform`; belongs after both of the others.

    The classifier's own ranking is kept behind it, for those who read conversations later.
    """

    @classmethod
    def create(
        cls,
        config: dict[str, Any],  # noqa: ARG003 Rasa passes it
        model_storage: ModelStorage,  # noqa: ARG003 Rasa passes it
        resource: Resource,  # noqa: ARG003 Rasa passes it
        execution_context: ExecutionContext,  # noqa: ARG003 Rasa passes it
    ) -> EntityAnswerClassifier:
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT)
            if not text:
                continue
            entities = [
                Entity(found["entity"], found["start"], found["end"], found["value"])
                for found in message.get(ENTITIES, [])
            ]
            if not is_only_an_answer(text, entities):
                continue
            others = [
                ranked
                for ranked in message.get(INTENT_RANKING_KEY, [])
                if ranked["name"] != INFORM["name"]
            ]
            message.set(INTENT, dict(INFORM), add_to_output=True)
            message.set(INTENT_RANKING_KEY, [dict(INFORM), *others], add_to_output=True)
        return messages
