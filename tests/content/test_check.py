"""What `nasro-chat content check` finds: by itself, and as a command."""

from __future__ import annotations

import dataclasses
import re
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.contacts import ContactsInvalid
from bot.content import changes
from bot.content.answers import AnswersInvalid, read_answers
from bot.content.check import NEVER_ASKED, OVER_MATCHING, UNTESTED, Finding, check
from bot.staff import outcome_tables
from bot.webchat.database import ConversationDatabase
from tests.commands.command import nasro_chat
from tests.content.conftest import ROOT
from tests.content.test_changes import PARKING

TODAY = date(2027, 1, 1)


@pytest.fixture
def with_bank(root: Path) -> Path:
    (root / "tests").symlink_to(ROOT / "tests")
    return root


STANDING = check(ROOT, today=TODAY)
"""What is found in the project as it is: what staff added may not be tested yet."""


def new_findings(root: Path) -> list[Finding]:
    return [finding for finding in check(root, today=TODAY) if finding not in STANDING]


def test_nothing_in_the_project_is_wrong() -> None:
    assert [finding for finding in STANDING if finding.is_wrong] == []


def test_new_topic_is_not_tested_yet(with_bank: Path) -> None:
    changes.apply(PARKING, with_bank)

    assert new_findings(with_bank) == [
        Finding(UNTESTED, "No question of the bank is about faq_parking."),
        Finding(UNTESTED, "Nobody asks for parking.1 (utter_faq_parking)."),
        Finding(UNTESTED, "Nobody asks for parking.2 (utter_faq_parking_more)."),
    ]


def test_answer_that_no_button_leads_to_is_told(with_bank: Path) -> None:
    answer = read_answers(with_bank)["utter_faq_become_sro"]
    changes.apply(
        dataclasses.replace(changes.no_change(answer), buttons=answer.buttons[1:]), with_bank
    )

    assert new_findings(with_bank) == [
        Finding(UNTESTED, "No button leads to what more there is to faq_become_sro.")
    ]


def test_examples_that_the_model_takes_for_others_are_told_by_pair() -> None:
    strays = [
        {"text": f"way {n}", "intent": "faq_register", "taken_for": "sign_in"} for n in range(5)
    ]
    strays.insert(2, {"text": "toodles", "intent": "goodbye", "taken_for": "out_of_scope"})

    assert check(ROOT, today=TODAY, strays=strays) == [
        *STANDING,
        Finding(OVER_MATCHING, 'faq_register, taken for sign_in: "way 0", "way 1", "way 2" and 2 more'),
        Finding(OVER_MATCHING, 'goodbye, taken for out_of_scope: "toodles"'),
    ]  # fmt: skip


def test_topics_that_nobody_asked_for_are_told() -> None:
    topics = dict.fromkeys((answer.topic for answer in read_answers(ROOT).values()), 3)
    topics["faq_host_class"] = 0

    expected = [*STANDING, Finding(NEVER_ASKED, "faq_host_class")]
    assert check(ROOT, today=TODAY, asked=topics) == expected
    assert check(ROOT, today=TODAY, asked={}) == STANDING, "where nobody asked anything"


# The command -------------------------------------------------------------------------------------


def run(root: Path, **environment: str) -> tuple[int, str, str]:
    settings = {"NASRO_CONVERSATIONS_URL": f"sqlite:///{root / 'none.sqlite'}", **environment}
    done = nasro_chat(settings, "content", "check", cwd=root)
    return done.returncode, done.stdout, done.stderr


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.fixture
def lasting(with_bank: Path) -> Path:
    """A root whose review dates are far away."""
    for name in ("answers.yml", "contacts.yml"):
        file = with_bank / name
        file.write_text(re.sub(r"review_by: \S+", "review_by: 2999-01-01", file.read_text()))
    return with_bank


def test_content_that_is_as_it_should_be_passes(lasting: Path) -> None:
    said = run(lasting)

    assert said == (
        0,
        "Every answer and contact is as it should be, and within its review date.\n",
        "",
    )
    assert not (lasting / "none.sqlite").exists()


def test_what_is_wrong_or_overdue_fails_and_names_whom_to_ask(lasting: Path) -> None:
    edit(lasting / "contacts.yml", "2999-01-01", "2020-06-30")
    edit(lasting / "answers.yml", "2999-01-01", "2020-07-01")
    edit(lasting / "domain.yml", "No, spots cannot be held", "No, call 316-2776")

    code, printed, _ = run(lasting)

    assert code == 1
    assert printed == (
        "Wrong:\n"
        '  utter_faq_hold_spot: "316-2776" looks like a phone number: those stand in one place. '
        "Write {office_phone} or {emergency_number} instead.\n"
        '  utter_faq_hold_spot: The text doesn\'t say the fact M10.1: "spots cannot be held".\n'
        "To be reviewed:\n"
        "  office_phone (888.316.2776) was to be reviewed by 2020-06-30: ask NASRO office and set a "
        "new date in contacts.yml.\n"
        "  utter_faq_what_is_sro was to be reviewed by 2020-07-01: ask NASRO office and set a new "
        "date in answers.yml.\n"
    )


def test_what_was_not_asked_for_is_told_where_the_database_is_there(lasting: Path) -> None:
    url = f"sqlite:///{lasting / 'conversations.sqlite'}"
    today = datetime.now(timezone.utc).date()
    topics = dict.fromkeys(answer.topic for answer in read_answers(lasting).values())
    days = {"faq_register": today - timedelta(days=200), **dict.fromkeys(topics, today)}
    days["faq_host_class"] = today - timedelta(days=200)
    database = ConversationDatabase(url, metadata=(outcome_tables.METADATA,))
    with database.writing() as connection:
        connection.execute(
            outcome_tables.figures.insert(),
            [{"day": d, "measure": "topic", "key": t, "number": 1} for t, d in days.items()],
        )
    database.dispose()

    code, printed, _ = run(lasting, NASRO_CONVERSATIONS_URL=url)

    assert (code, printed.splitlines()[:2]) == (0, ["Not asked for:", "  faq_host_class"])


@pytest.mark.parametrize(
    ("name", "old", "new", "error"),
    [
        (
            "contacts.yml",
            "2999-01-01",
            "soon",
            "contacts.yml: review_by of 'office_phone' is not a date like 2027-06-30",
        ),
        (
            "answers.yml",
            "  owner: NASRO office\n",
            "",
            "answers.yml: 'utter_faq_what_is_sro' has no owner",
        ),
        (
            "answers.yml",
            "utter_faq_register:",
            "utter_faq_enroll:",
            "answers.yml has no entry for utter_faq_register",
        ),
        (
            "answers.yml",
            "utter_office:",
            "utter_nothing_there:",
            "domain.yml has no response utter_nothing_there",
        ),
    ],
)
def test_file_that_can_not_be_used_says_which_entry_is_wrong(
    name: str, old: str, new: str, error: str, lasting: Path
) -> None:
    edit(lasting / name, old, new)

    with pytest.raises((AnswersInvalid, ContactsInvalid), match=re.escape(error)):
        check(lasting, today=TODAY)


def test_file_that_can_not_be_used_is_one_line_of_the_command(lasting: Path) -> None:
    edit(lasting / "contacts.yml", "2999-01-01", "soon")

    code, _, said = run(lasting)

    assert code == 1
    assert re.fullmatch(
        r"Error: \S*contacts.yml: review_by of 'office_phone' is not a date like 2027-06-30\n", said
    )
