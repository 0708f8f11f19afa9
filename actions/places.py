"""The question for a place, which both look-ups ask: accept what can be told apart, else ask which."""

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.search import action_before, entity_value, is_ordinal, nth, slot_asked_for
from actions.wording import place_button
from registration.places import STATE_NAMES, AmbiguousPlace, ForeignPlace, Place, resolve


def place_answered(tracker: Tracker) -> str | None:
    """The place that a message means only because it answers the question for one, if it does.

    One of several by its number ("the second one"), or a state by its code: elsewhere "OK" and "ME"
    are words.
    """
    if slot_asked_for(tracker) != "place":
        return None
    options = tracker.get_slot("place_options") or []
    reference = entity_value(tracker, "reference") or ""
    if options and is_ordinal(reference):
        return next(iter(nth(options, reference)), None)
    text = (tracker.latest_message.get("text") or "").strip().rstrip(".")
    return text if text in STATE_NAMES else None


def validate_place(value: str, dispatcher: CollectingDispatcher) -> dict[str, Any]:
    """Slots for a place that somebody named.

    A place that could be several becomes the options to choose from; one abroad is said to be so.
    """
    place = resolve(value)
    if isinstance(place, Place):
        return {"place": place.name, "place_options": None}
    if isinstance(place, AmbiguousPlace):
        return {"place": None, "place_options": [option.name for option in place.options]}
    if isinstance(place, ForeignPlace):
        dispatcher.utter_message(response="utter_place_foreign", place=place.name)
    else:
        dispatcher.utter_message(response="utter_place_not_recognized")
    return {"place": None, "place_options": None}


def ask_place(
    dispatcher: CollectingDispatcher, tracker: Tracker, form: str, *, first_time: str
) -> None:
    """Asks for the place: which of several, which at all, or again after something else came up."""
    options = tracker.get_slot("place_options")
    if options:
        dispatcher.utter_message(
            response="utter_which_place",
            buttons=[place_button(name, label(name)) for name in options],
            place=options[0].split(",")[0],
        )
    elif action_before(tracker, form) not in ("action_listen", "action_new_search"):
        dispatcher.utter_message(response="utter_ask_place_again")
    else:
        dispatcher.utter_message(response=first_time)


def label(name: str) -> str:
    """How a place's canonical name is said."""
    place = resolve(name)
    return place.label if isinstance(place, Place) else name
