"""Contacts: one place, an owner, a date by which somebody looks again."""

from datetime import date
from pathlib import Path

import pytest

from bot.contacts import ContactsInvalid, load_contacts, overdue

GOOD = "office: {text: 555.0100, url: 'tel:+15550100', owner: office, review_by: 2027-06-30}\n"


def contacts_file(folder: Path, text: str) -> Path:
    path = folder / "contacts.yml"
    path.write_text(text)
    return path


def test_contact_is_due_from_the_day_after_its_review_date(tmp_path: Path) -> None:
    contacts = load_contacts(contacts_file(tmp_path, GOOD))

    assert overdue(contacts, date(2027, 6, 30)) == []
    assert [contact.owner for contact in overdue(contacts, date(2027, 7, 1))] == ["office"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("office: {text: 555.0100, review_by: 2027-06-30}\n", "'office' has no owner"),
        ("office: {text: 555.0100, owner: office}\n", "'office' has no review_by"),
        (GOOD.replace("2027-06-30", "soon"), "review_by of 'office' is not a date"),
    ],
)
def test_incomplete_contact_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ContactsInvalid, match=problem):
        load_contacts(contacts_file(tmp_path, text))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContactsInvalid, match=r"contacts\.yml can't be read"):
        load_contacts(tmp_path / "contacts.yml")
