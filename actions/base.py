"""What look-ups have in common: when the registration database is away, they say so and end."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.service import RegistrationService
from registration.errors import RegistrationUnavailable

logger = logging.getLogger(__name__)

SERVICE = RegistrationService()
"""One service, and one pool of connections, for all actions of the process."""

Events = list[dict[str, Any]]


def set_slots(values: Mapping[str, Any]) -> Events:
    """The events that set slots, by their names."""
    return [SlotSet(slot, value) for slot, value in values.items()]


class LookupAction(Action, ABC):
    """An action that answers from the registration database.

    Args:
        service: Whom to ask; a test hands in its own.
    """

    unavailable = "utter_lookup_unavailable"
    """What is said when the database is away."""

    def __init__(self, service: RegistrationService = SERVICE) -> None:
        self.service = service

    @abstractmethod
    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        """Says the outcome and returns the events."""

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],  # noqa: ARG002  rasa-sdk's signature
    ) -> Events:
        try:
            return await self.answer(dispatcher, tracker)
        except RegistrationUnavailable as error:
            logger.warning("%s: the registration database is unavailable: %s", self.name(), error)
            dispatcher.utter_message(response=self.unavailable)
            return []
