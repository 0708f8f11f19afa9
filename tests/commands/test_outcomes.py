"""`nasro-chat outcomes`, `queue` and `report`, one after the other on a database with conversations."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.staff.accounts import Accounts, Role
from bot.staff.outcome_tables import METADATA
from bot.staff.weekly import WeeklyReports
from identity.keys import Keys
from tests.commands.command import nasro_chat
from tests.outcomes.stream import Talk, database_at
from tests.post_office import PostOffice


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "NASRO_SECRET": "a secret that only the tests use, 32 or more",
        "NASRO_CONVERSATIONS_URL": f"sqlite:///{tmp_path / 'conversations.sqlite'}",
    }


def done(environment: dict[str, str], *arguments: str) -> str:
    finished = nasro_chat(environment, *arguments)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_what_was_asked_is_read_reported_and_decided(
    environment: dict[str, str], tmp_path: Path
) -> None:
    talk = Talk(database_at(environment["NASRO_CONVERSATIONS_URL"]))
    talk.turn("what is the transfer fee", "not_covered", "utter_not_covered", score=0.1)
    talk.turn("how much is the transfer fee", "not_covered", "utter_not_covered", score=0.1)
    talk.turn("classes in alaska", "find_classes", "utter_no_classes", place="Alaska")
    days = ("--from", "2027-03-01", "--to", "2027-03-07")
    file = tmp_path / "queue.csv"

    assert done(environment, "outcomes", "catch-up") == "Read: 7 events.\n"
    report = done(environment, "report", *days)
    assert "answered                            33.3 %" in report
    assert "AK                                  1, 1 of them found none" in report
    assert "Never asked\n  ask_capabilities\n" in report
    lines = done(environment, "report", *days, "--csv", "--by", "day").splitlines()
    assert lines[1].startswith("2027-03-01,2027-03-01,1,3,3,1,33.3")
    assert len(lines) == 8
    done(environment, "queue", "export", str(file))
    with file.open(encoding="utf-8", newline="") as opened:
        table = list(csv.reader(opened))
    # By the real encoder: the two are one question.
    assert [row[:3] for row in table[1:]] == [["1", "how much is the transfer fee", "2"]]
    table[1][-2] = "ignore"
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(table)
    assert "Taken: 1 decisions." in done(environment, "queue", "import", str(file))
    table[1][-2] = "ignroe"
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(table)
    refused = nasro_chat(environment, "queue", "import", str(file))
    assert refused.returncode == 1
    assert "line 2: 'ignroe' is no verdict" in refused.stderr


def test_the_weekly_mails_that_are_due_are_sent_once(
    environment: dict[str, str], post_office: PostOffice
) -> None:
    database = database_at(environment["NASRO_CONVERSATIONS_URL"])
    keys, email = Keys(environment["NASRO_SECRET"]), "weekly@example.org"
    account = Accounts(database, keys).add(
        email, "A reader", Role.VIEWER, "correct horse battery", by="a test"
    )
    weeks_ago = datetime.now(timezone.utc) - timedelta(days=20)
    WeeklyReports(database, keys, "https://chat.example.org/staff", lambda: weeks_ago).ask(account)
    assert "set NASRO_STAFF_ORIGIN" in nasro_chat(environment, "report", "--mail").stderr
    environment |= {
        "NASRO_STAFF_ORIGIN": "https://chat.example.org",
        "NASRO_SMTP_URL": post_office.url,
        "NASRO_MAIL_FROM": "assistant@example.org",
    }

    assert done(environment, "report", "--mail") == "Sent: 1 mails.\n"
    assert done(environment, "report", "--mail") == "Sent: 0 mails.\n"
    assert "https://chat.example.org/staff/reports?from=" in post_office.mail_to(email)


def test_days_in_the_wrong_order_are_refused_in_a_line(environment: dict[str, str]) -> None:
    refused = nasro_chat(environment, "report", "--from", "2027-03-02", "--to", "2027-03-01")

    assert refused.returncode == 1
    assert refused.stderr == "Error: The first day is after the last.\n"


def test_what_is_purged_leaves_the_figures_and_no_words(
    environment: dict[str, str], tmp_path: Path
) -> None:
    database = database_at(environment["NASRO_CONVERSATIONS_URL"])
    old = Talk(database, datetime.now(timezone.utc) - timedelta(days=3))
    new = Talk(database, datetime.now(timezone.utc) - timedelta(hours=1))
    old.turn("what is the transfer fee", "not_covered", "utter_not_covered", score=0.1)
    new.turn("do you sell mugs", "not_covered", "utter_not_covered", score=0.1)
    done(environment, "outcomes", "catch-up")
    old.turn("where is the parking", "not_covered", "utter_not_covered", score=0.1)  # not read yet

    assert "1 conversations" in done(environment, "privacy", "purge", "--older-than", "2d")

    done(environment, "outcomes", "catch-up")
    done(environment, "queue", "export", str(tmp_path / "queue.csv"))
    assert "messages                            3" in done(environment, "report")
    words = (tmp_path / "queue.csv").read_text(encoding="utf-8")
    assert "mugs" in words
    with database.reading() as connection:
        dump = str([connection.execute(sa.select(t)).all() for t in METADATA.sorted_tables])
    for gone in (old.id, "transfer", "parking"):
        assert gone not in words + dump
