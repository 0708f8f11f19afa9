"""How places, dates and classes are put into words: the values that responses are filled with.

The sentences around them are in `domain.yml`.
"""

import calendar
from datetime import date, datetime
from typing import Any

from actions.search import Search
from registration.catalogue import COURSE_TITLES
from registration.members import Attendance, CertificateState
from registration.places import STATE_NAMES, Place
from registration.queries import MOST_COUNTED, NEARBY_MILES, ClassSummary

NO_SEATS = "Full"

MORE_CLASSES = {"title": "Show more", "payload": '/more{"topic": "classes"}'}
"""It says of what: after something else was said it goes on in the list that was shown last."""

NONE_OF_THESE = {"title": "None of these", "payload": "/deny"}


def where(place: Place | None) -> str:
    """ "in Texas or Oklahoma", "within 100 miles of Austin, Texas"."""
    if place is None:
        return "in the United States"
    areas = [part.label for part in place.each if part.kind not in ("city", "zip")]
    centers = [part.label for part in place.each if part.kind in ("city", "zip")]
    return " or ".join(
        [f"in {' or '.join(areas)}"] * bool(areas)
        + [f"within {NEARBY_MILES} miles of {' or '.join(centers)}"] * bool(centers)
    )


def filters(search: Search) -> str:
    """What narrows a search beside its place: " (Basic SRO Course, March 2027)", or nothing."""
    parts = []
    if search.course:
        parts.append(COURSE_TITLES.get(search.course, search.course))
    if search.period:
        parts.append(period_words(*search.period))
    return f" ({', '.join(parts)})" if parts else ""


def search_words(search: Search) -> dict[str, str]:
    """The variables of every response that repeats what was searched."""
    return {"where": where(search.place), "filters": filters(search)}


def period_words(first: date, last: date) -> str:
    """ "March 2027", "September to November 2027", "March 3, 2027", "March 3 to April 2, 2027"."""
    is_whole_months = first.day == 1 and last.day == calendar.monthrange(last.year, last.month)[1]
    if is_whole_months:
        if (first.year, first.month) == (last.year, last.month):
            return f"{first:%B %Y}"
        if first.year == last.year:
            return f"{first:%B} to {last:%B %Y}"
        return f"{first:%B %Y} to {last:%B %Y}"
    return dates(first, last, month="%B", until=" to ")


def dates(first: date, last: date, *, month: str = "%b", until: str = "–") -> str:
    """ "Mar 3–7, 2027", "Mar 30–Apr 3, 2027", "Mar 3, 2027"."""
    begin = f"{first.strftime(month)} {first.day}"
    if first == last:
        return f"{begin}, {first.year}"
    if first.year != last.year:
        return f"{begin}, {first.year}{until}{last.strftime(month)} {last.day}, {last.year}"
    if first.month == last.month:
        return f"{begin}{until}{last.day}, {last.year}"
    return f"{begin}{until}{last.strftime(month)} {last.day}, {last.year}"


def day(date_: date) -> str:
    """ "March 7, 2027"."""
    return f"{date_:%B} {date_.day}, {date_.year}"


def number(classes: int) -> str:
    """How many classes were found; beyond `MOST_COUNTED` they aren't counted."""
    return f"more than {MOST_COUNTED}" if classes > MOST_COUNTED else str(classes)


def state_name(code: str) -> str:
    """ "Texas" for "TX"."""
    return STATE_NAMES.get(code, code)


def class_name(offered: ClassSummary | Attendance) -> str:
    """One class in a sentence: "Basic SRO Course in Dallas, TX, Mar 3–7, 2027"."""
    return (
        f"{offered.course_title} in {offered.city}, {offered.state}, "
        f"{dates(offered.starts_on, offered.ends_on)}"
    )


def class_button(offered: ClassSummary) -> dict[str, str]:
    """A button that chooses one class."""
    title = (
        f"{offered.course_title}, {offered.city}, {offered.state}, "
        f"{offered.starts_on:%b} {offered.starts_on.day}"
    )
    return {"title": title, "payload": f'/inform{{"class_id": "{offered.id}"}}'}


def place_button(place: str, title: str | None = None) -> dict[str, str]:
    """A button that chooses a place by its canonical name, or a state by its code."""
    return {"title": title or place, "payload": f'/inform{{"place": "{place}"}}'}


def neighbor_button(state: str, classes: int) -> dict[str, str]:
    return place_button(state, f"{STATE_NAMES[state]} ({number(classes)})")


def class_card(offered: ClassSummary) -> dict[str, Any]:
    """A class as a card of the web chat API."""
    location = f"{offered.city}, {STATE_NAMES.get(offered.state, offered.state)}"
    fields = [
        {"label": "Dates", "value": dates(offered.starts_on, offered.ends_on)},
        {
            "label": "Seats left",
            "value": f"{offered.seats_left} of {offered.capacity}"
            if offered.seats_left
            else NO_SEATS,
        },
    ]
    if offered.venue:
        fields.append({"label": "Venue", "value": offered.venue})
    if offered.distance_miles is not None:
        fields.append({"label": "Distance", "value": f"{offered.distance_miles:.0f} miles"})
    return {
        "title": offered.course_title,
        "subtitle": location,
        "fields": fields,
        "url": offered.register_url,
    }


CERTIFICATES: dict[CertificateState, str] = {
    "cancelled": "Registration canceled",
    "transferred": "Registration transferred",
    "class_cancelled": "Class canceled",
    "class_postponed": "Class postponed",
    "class_not_over": "After the class",
    "attendance_not_recorded": "Attendance not recorded yet",
    "evaluation_missing": "Evaluation missing",
    "ready": "Ready",
}


def attendance_card(attendance: Attendance) -> dict[str, Any]:
    """A member's class as a card of the web chat API."""
    certificate = CERTIFICATES[attendance.certificate]
    if attendance.certificate == "ready" and attendance.issued_on:
        certificate += f" since {day(attendance.issued_on)}"
    return {
        "title": attendance.course_title,
        "subtitle": f"{attendance.city}, {state_name(attendance.state)}",
        "fields": [
            {"label": "Dates", "value": dates(attendance.starts_on, attendance.ends_on)},
            {"label": "Certificate", "value": certificate},
        ],
    }


def live(classes: tuple[ClassSummary, ...], as_of: datetime) -> dict[str, Any]:
    """The live part of a message: its cards and when their figures were read."""
    return {"cards": [class_card(c) for c in classes], "as_of": as_of.isoformat()}
