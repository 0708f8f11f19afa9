"""The contacts that answers name: read from `contacts.yml`, the one place where they stand.

An answer in `domain.yml` says `{office_phone}`; `bot.nlg` fills it in and adds the link (`tel:`,
`mailto:`) to a message that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

CONTACTS_FILE = Path("contacts.yml")

PLACEHOLDER = re.compile(r"(?<!{){(\w+)}")


class ContactsInvalid(Exception):
    """`contacts.yml` can't be used; the message says which entry is wrong, and how."""


@dataclass(frozen=True)
class Contact:
    name: str
    text: str
    """As an answer shows it."""
    url: str | None
    owner: str
    """Who keeps it right."""
    review_by: date
    """From the day after on, the owner should be asked whether it still holds."""


def load_contacts(path: Path = CONTACTS_FILE) -> Mapping[str, Contact]:
    """The contacts by name.

    Raises:
        ContactsInvalid: The file is missing, or an entry lacks a text, an owner or a date.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContactsInvalid(f"{path} can't be read: {error.strerror}") from error
    contacts = {}
    for name, entry in entries.items():
        missing = [key for key in ("text", "owner", "review_by") if not entry.get(key)]
        if missing:
            raise ContactsInvalid(f"{path}: '{name}' has no {' and no '.join(missing)}")
        if not isinstance(entry["review_by"], date):
            raise ContactsInvalid(f"{path}: review_by of '{name}' is not a date like 2027-06-30")
        contacts[name] = Contact(
            name=name,
            text=entry["text"],
            url=entry.get("url"),
            owner=entry["owner"],
            review_by=entry["review_by"],
        )
    return contacts


def links_in(text: str, contacts: Mapping[str, Contact]) -> list[dict[str, str]]:
    """Title and URL of each contact that an answer's text names and that has one, in their order."""
    named = (contacts.get(name) for name in PLACEHOLDER.findall(text))
    return [{"title": c.text, "url": c.url} for c in dict.fromkeys(named) if c and c.url]


def filled(text: str, contacts: Mapping[str, Contact]) -> str:
    """A text of an answer as people see it; what names no contact stays as it is."""

    def put(match: re.Match[str]) -> str:
        contact = contacts.get(match[1])
        return contact.text if contact else match[0]

    return PLACEHOLDER.sub(put, text)


def overdue(contacts: Mapping[str, Contact], today: date) -> list[Contact]:
    """The contacts whose review date has passed, the oldest first."""
    late = [contact for contact in contacts.values() if contact.review_by < today]
    return sorted(late, key=lambda contact: contact.review_by)
