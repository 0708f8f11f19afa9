"""The contacts that answers name: a number or an address is changed here, for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sanic.response import HTTPResponse

from bot.contacts import PLACEHOLDER, Contact
from bot.content.changes import ContactChanged, Problem
from bot.content.contacts import kind_of, link_of
from bot.staff.accounts import Role
from bot.staff.area import Pages, Refused, Visit
from bot.staff.drafts import SHOWN
from bot.staff.pages.answers import (
    Content,
    by_field,
    content,
    day_typed,
    one_line,
    title_of,
    tried,
    what_waits,
)
from bot.webchat.database import off_loop

pages = Pages()


@dataclass(frozen=True)
class Line:
    """A contact in the list."""

    contact: Contact
    answers: int
    """Those that name it."""
    is_overdue: bool
    is_waiting: bool


@pages.get("/contacts", Role.VIEWER, menu="Contacts")
async def show(visit: Visit) -> HTTPResponse:
    found, today = await off_loop(content, visit), visit.staff.now().date()
    lines = [
        Line(
            contact,
            len(_naming(found, contact)),
            contact.review_by < today,
            contact.name in found.waiting,
        )
        for contact in found.contacts.values()
    ]
    return visit.page("contacts.html", lines=lines)


@pages.get("/contacts/<id:str>", Role.VIEWER)
async def one(visit: Visit, id: str) -> HTTPResponse:
    found = await off_loop(content, visit, id)
    contact = _found(found, id)
    draft = found.waiting.get(id)
    typed = draft.change if draft else None
    return _page(visit, found, contact, typed if isinstance(typed, ContactChanged) else contact)


@pages.post("/contacts/<id:str>", Role.EDITOR)
async def change(visit: Visit, id: str) -> HTTPResponse:
    found = await off_loop(content, visit, id)
    contact, form = _found(found, id), visit.form
    review_by, unread = day_typed(form["review_by"], contact.review_by)
    text = one_line(form["text"])
    typed = ContactChanged(
        name=contact.name,
        text=text,
        url=_link(contact, text),
        owner=one_line(form["owner"]),
        review_by=review_by,
    )
    said = [*unread, *await off_loop(tried, visit, typed, not unread)]
    if not said:
        return visit.redirect("/changes", done="added")
    if SHOWN in by_field(said):
        found = await off_loop(content, visit, id)
    return _page(visit, found, contact, typed, said)


def _link(contact: Contact, text: str) -> str | None:
    """Where a contact leads to that is shown so; as before where that can't be told."""
    try:
        return contact.url if text == contact.text else link_of(kind_of(contact), text)
    except ValueError:
        return contact.url


def _found(found: Content, name: str) -> Contact:
    contact = found.contacts.get(name)
    if contact is None:
        raise Refused(404, "not_found")
    return contact


def _naming(found: Content, contact: Contact) -> list[tuple[str, str]]:
    """Names and titles of the answers that name a contact."""
    return [
        (answer.name, title_of(answer))
        for answer in found.answers.values()
        if contact.name in PLACEHOLDER.findall(answer.text)
    ]


def _page(
    visit: Visit,
    found: Content,
    contact: Contact,
    typed: Contact | ContactChanged,
    said: Iterable[Problem] = (),
) -> HTTPResponse:
    at_fields = by_field(said)
    return visit.page(
        "contact.html",
        status=422 if at_fields else 200,
        contact=contact,
        typed=typed,
        said=at_fields,
        naming=_naming(found, contact),
        is_overdue=contact.review_by < visit.staff.now().date(),
        may_change=visit.who.role.includes(Role.EDITOR),
        **what_waits(visit, found, contact.name, at_fields),
    )
