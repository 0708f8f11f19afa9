"""`nasro-chat check-contacts`: whose date has passed, and whom to ask."""

from __future__ import annotations

from pathlib import Path

from tests.commands.command import nasro_chat

CONTACT = "office_phone: {text: 888.316.2776, owner: NASRO office, review_by: 2027-06-30}\n"


def check(folder: Path, contacts: str) -> tuple[int, str, str]:
    (folder / "contacts.yml").write_text(contacts)
    done = nasro_chat({}, "check-contacts", cwd=folder)
    return done.returncode, done.stdout, done.stderr


def test_contacts_within_their_dates_pass(tmp_path: Path) -> None:
    said = check(tmp_path, CONTACT.replace("2027", "2999"))

    assert said == (0, "Every contact is within its review date.\n", "")


def test_a_contact_whose_date_has_passed_names_whom_to_ask(tmp_path: Path) -> None:
    said = check(tmp_path, CONTACT.replace("2027", "2020"))

    expected = (
        "office_phone (888.316.2776) was to be reviewed by 2020-06-30: "
        "ask NASRO office and set a new date in contacts.yml.\n"
    )
    assert said == (1, "", expected)


def test_a_file_that_can_not_be_used_is_one_line(tmp_path: Path) -> None:
    said = check(tmp_path, CONTACT.replace("2027-06-30", "soon"))

    assert said[0] == 1
    assert said[2] == (
        "Error: contacts.yml: review_by of 'office_phone' is not a date like 2027-06-30\n"
    )
