"""What a look-up is about, read from the conversation: place, course, period, and references.

Slots hold plain strings (`domain.yml` says which); here they become the registration package's types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from rasa_sdk import Tracker
from rasa_sdk.forms import REQUESTED_SLOT

from registration.gazetteer import key
from registration.members import Attendance
from registration.places import TOGETHER, UNITED_STATES, Place, resolve
from registration.queries import CONFERENCES, ClassSummary

SEARCH_ENTITIES = ("place", "course", "period")

INFORM = "inform"
"""The intent of what names a place, course, month or class, and of what looks like it."""

Offered = TypeVar("Offered", ClassSummary, Attendance)
Item = TypeVar("Item")

ANY = "any"
"""The value of a course or period that is taken back: "any course is fine"."""


@dataclass(frozen=True)
class Search:
    """A search for classes; `None` means that it doesn't matter."""

    place: Place | None = None
    course: str | None = None
    period: tuple[date, date] | None = None

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Search:
        """The search that slot or entity values describe; what can't be understood is left out."""
        place = resolve(values["place"]) if values.get("place") else None
        return cls(
            place=place if isinstance(place, Place) else None,
            course=course if (course := values.get("course")) != ANY else None,
            period=parse_period(values.get("period")),
        )

    def values(self) -> dict[str, str | None]:
        """The slot values that describe it; `from_values` gives it again."""
        period = "/".join(day.isoformat() for day in self.period) if self.period else None
        return {
            "place": self.place.name if self.place else None,
            "course": self.course,
            "period": period,
        }

    @property
    def is_empty(self) -> bool:
        return self == Search()

    def wider(self) -> Iterator[Search]:
        """The same search where else it is worth a look when it finds nothing.

        Around a town that is the town's whole state. The conference is held once a year, anywhere.
        """
        parts = self.place.each if self.place else ()
        in_states = [p.states[0] if p.kind in ("city", "zip") else p.name for p in parts]
        state = resolve(TOGETHER.join(in_states)) if parts else None
        if isinstance(state, Place) and state != self.place:
            yield replace(self, place=state)
        if self.is_of_conference and self.place != UNITED_STATES:
            yield replace(self, place=UNITED_STATES)

    @property
    def is_of_conference(self) -> bool:
        return self.course in CONFERENCES

    @property
    def is_in_towns(self) -> bool:
        """Whether it names nothing but towns, so that a class may be in one of them, or only near."""
        return self.place is not None and all(part.kind == "city" for part in self.place.each)

    def matches(self, offered: ClassSummary | Attendance) -> bool:
        """Whether a class that was listed fits what somebody said of it ("the Dallas one")."""
        return (
            (self.place is None or any(_is_at(offered, part) for part in self.place.each))
            and (self.course is None or offered.course_code == self.course)
            and (
                self.period is None
                or self.period[0] <= offered.starts_on <= self.period[1]
                or self.period[0] <= offered.ends_on <= self.period[1]
            )
        )


def parse_period(interval: str | None) -> tuple[date, date] | None:
    """First and last day of an ISO interval ("2027-03-01/2027-03-31"); `None` for no interval."""
    if not interval:
        return None
    first, _, last = interval.partition("/")
    try:
        return date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        return None


def intent_of_latest_message(tracker: Tracker) -> str | None:
    """What the latest message was understood as.

    rasa-sdk's method of that name gives the first of the ranking, which isn't what was decided.
    """
    return (tracker.latest_message.get("intent") or {}).get("name")


def entity_values(tracker: Tracker, names: Iterable[str]) -> dict[str, str]:
    """The values of these entities in the latest message, the last one of each."""
    wanted = set(names)
    return {
        entity["entity"]: entity["value"]
        for entity in tracker.latest_message.get("entities") or []
        if entity["entity"] in wanted
    }


def entity_value(tracker: Tracker, name: str) -> str | None:
    return entity_values(tracker, [name]).get(name)


def named_by_city(tracker: Tracker, classes: Iterable[Offered]) -> list[Offered]:
    """Those whose city stands in the latest message, though it may be no place, or several, elsewhere.

    "The Portland one" is about the Portland where somebody's class was.
    """
    text = (tracker.latest_message.get("text") or "").lower()
    return [c for c in classes if re.search(rf"\b{re.escape(c.city.lower())}\b", text)]


def is_ordinal(reference: str) -> bool:
    """Whether a reference is a number in a list, as `nth` takes it."""
    return reference.lstrip("-").isdigit()


def nth(listed: Sequence[Item], ordinal: str) -> Sequence[Item]:
    """Of a list the one that an ordinal counts to ("2", "-1" is the last), or none."""
    index = int(ordinal)
    start = index - 1 if index > 0 else len(listed) + index
    return listed[start : start + 1] if start >= 0 else ()


def slot_asked_for(tracker: Tracker) -> str | None:
    """The slot that a form has asked for.

    None while a form begins: then Rasa still holds what the form before it has asked for.
    """
    for event in reversed(tracker.events):
        if event["event"] == "active_loop":
            return None
        if event["event"] == "user":
            break
    return tracker.get_slot(REQUESTED_SLOT)


def says_which(tracker: Tracker) -> bool:
    """Whether the latest message names a place, course, month or class, or points at one.

    While places wait to be chosen from, only an ordinal for them points at anything (`place_answered`).
    """
    chooses_place = slot_asked_for(tracker) == "place" and tracker.get_slot("place_options")
    pointing = () if chooses_place else ("reference",)
    return bool(entity_values(tracker, (*SEARCH_ENTITIES, "class_id", *pointing)))


def action_before(tracker: Tracker, form: str) -> str:
    """The action before a form runs or validates; Rasa puts the form itself last.

    "action_listen" right after a message, a search's or an answer's action later in the turn.
    """
    for event in reversed(tracker.events):
        if event["event"] == "action" and event["name"] not in (form, None):
            return event["name"]
    return ""


def _is_at(offered: ClassSummary | Attendance, place: Place) -> bool:
    if place.kind == "city":
        # A calendar has the town as somebody typed it: "Saint Louis", "ST LOUIS".
        return place.state == offered.state and key(place.name.split(",")[0]) == key(offered.city)
    return not place.states or offered.state in place.states
