"""The week's report by e-mail: what it says, that it comes once and isn't lost, and how it ends."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from itertools import count
from pathlib import Path

import pytest
from sanic import Sanic

from bot.staff.accounts import Account, Accounts, Role
from bot.staff.audit import entries
from bot.staff.blueprint import staff_blueprint
from bot.staff.config import StaffConfig
from bot.staff.consumer import Consumer
from bot.staff.database import audit
from bot.staff.weekly import LONGEST_RETRY, WeeklyReports
from bot.webchat.database import ConversationDatabase
from identity.keys import Keys
from identity.mail import LEASE, Sender, SmtpSender
from identity.settings import IdentityConfig
from registration.database import Database
from tests.clock import Clock
from tests.outcomes.stream import Talk, database_at, made_up_vector
from tests.post_office import PostOffice
from tests.running_server import free_port
from tests.staff.conftest import PASSWORD, SECRET, Area

PAGES = "https://chat.example.org/staff"
FROM = "NASRO Assistant <assistant@example.org>"
NEXT_MONDAY = datetime(2027, 3, 8, 6, tzinfo=timezone.utc)
"""When the week is over that goes on at the clock's beginning."""

_numbers = count(1)


@pytest.fixture
def database(url: str) -> Iterator[ConversationDatabase]:
    database = database_at(url)
    yield database
    database.dispose()


@pytest.fixture
def weekly(database: ConversationDatabase, clock: Clock) -> WeeklyReports:
    return WeeklyReports(database, Keys(SECRET), PAGES, clock)


@pytest.fixture
def sender(post_office: PostOffice) -> Sender:
    return SmtpSender(post_office.url)


@pytest.fixture
def account(accounts: Accounts) -> Account:
    return accounts.add(
        f"reader{next(_numbers)}@example.org", "A reader", Role.VIEWER, PASSWORD, by="a test"
    )


class NoWay:
    """A sender that ends its process, before or after it has handed the mail over."""

    def __init__(self, after: Sender | None = None) -> None:
        self._after = after

    def send(self, message: EmailMessage) -> None:
        if self._after:
            self._after.send(message)
        signal.raise_signal(signal.SIGKILL)


def in_processes(number: int, work: Callable[[], object]) -> list[int | None]:
    """Does something in several processes at once; how they ended."""
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=work) for _ in range(number)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def send_from_elsewhere(url: str, clock: Clock, sender: Sender) -> None:
    WeeklyReports(database_at(url), Keys(SECRET), PAGES, clock).send_due(sender, FROM)


def test_what_the_mail_says(
    weekly: WeeklyReports,
    database: ConversationDatabase,
    clock: Clock,
    account: Account,
    sender: Sender,
    post_office: PostOffice,
) -> None:
    weekly.ask(account)
    before = Talk(database, clock() - timedelta(days=5))
    before.turn("what is an sro", "faq_what_is_sro", "utter_faq_what_is_sro")
    talk = Talk(database, clock())
    for _ in range(6):
        talk.turn("can you hold a spot", "faq_hold_spot", "utter_faq_hold_spot")
    talk.rate(True)
    ranking = [("faq_host_class", 0.3), ("faq_register", 0.1)]
    for text in ("Bob wants the transfer fee", "what is the transfer fee of Bob"):
        talk.turn(text, "not_covered", "utter_not_covered", score=0.3, ranking=ranking)
    talk.turn("ohio", "find_classes", "utter_classes_found", place="Ohio", total=2)
    for _ in range(2):
        talk.turn("alaska", "find_classes", "utter_no_classes", place="Alaska")
    after = Talk(database, NEXT_MONDAY)
    after.turn("thanks to Bob", "not_covered", "utter_not_covered", score=0.3)
    Consumer(database, made_up_vector).catch_up()
    clock.now = NEXT_MONDAY

    assert weekly.send_due(sender, FROM) == 1

    (mail,) = post_office.mails_to(account.email)
    assert mail["From"] == FROM
    assert mail["Subject"] == "The assistant’s week: 11 questions, 82 % answered"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    text = post_office.mail_to(account.email)
    assert "Bob" not in text
    assert text.splitlines()[:25] == [
        "Mar 1, 2027 to Mar 7, 2027",
        "(in brackets: the week before)",
        "",
        "Conversations: 1 (1)",
        "Questions: 11 (1)",
        "Answered: 82 % (100 %)",
        "Not answered: 18 % (0 %)",
        "Thumbs up: 100 % of 1 (– of 0)",
        "Left to the office: 1 (0)",
        "",
        "MORE ASKED THAN THE WEEK BEFORE",
        "- faq_hold_spot: 6 (0)",
        "",
        "MOST ASKED, AND NOT ANSWERED WELL",
        "- 2 times, nearest topic faq_host_class:",
        f"  {PAGES}/queue/1",
        "",
        "CLASSES LOOKED FOR, AND THERE WERE NONE",
        "- Alaska: 2 of 2 look-ups",
        "",
        "The whole report:",
        f"{PAGES}/reports?from=2027-03-01&to=2027-03-07&by=day",
        "",
        "You asked for this mail on the staff pages. To end it:",
        mail["List-Unsubscribe"].strip("<>"),
    ]


def test_a_week_in_which_nothing_was_asked(weekly: WeeklyReports, account: Account) -> None:
    assert "Answered: – (–)" in weekly.text(account)
    assert "No topic." in weekly.text(account)
    assert "Nothing waits." in weekly.text(account)
    assert "In no state." in weekly.text(account)


def test_it_comes_each_monday_and_not_before(
    weekly: WeeklyReports, clock: Clock, account: Account, sender: Sender
) -> None:
    weekly.ask(account)
    arrived = []
    while clock() < NEXT_MONDAY + timedelta(days=14):
        if weekly.send_due(sender, FROM):
            arrived.append(clock())
        clock.pass_(hours=1)

    assert arrived == [NEXT_MONDAY, NEXT_MONDAY + timedelta(days=7)]


def test_of_weeks_without_a_server_the_last_is_sent(
    weekly: WeeklyReports,
    clock: Clock,
    account: Account,
    sender: Sender,
    post_office: PostOffice,
) -> None:
    weekly.ask(account)
    clock.now = NEXT_MONDAY + timedelta(days=24)

    assert (weekly.send_due(sender, FROM), weekly.send_due(sender, FROM)) == (1, 0)
    assert post_office.mail_to(account.email).startswith("Mar 22, 2027 to Mar 28, 2027")


def test_several_processes_send_it_once(
    url: str,
    weekly: WeeklyReports,
    database: ConversationDatabase,
    accounts: Accounts,
    clock: Clock,
    sender: Sender,
    post_office: PostOffice,
) -> None:
    emails = [f"one{next(_numbers)}@example.org" for _ in range(12)]
    for email in emails:
        weekly.ask(accounts.add(email, "One", Role.VIEWER, PASSWORD, by="a test"))
    clock.now = NEXT_MONDAY
    database.dispose()  # a connection mustn't be in two processes

    assert in_processes(4, lambda: send_from_elsewhere(url, clock, sender)) == [0] * 4

    assert [len(post_office.mails_to(email)) for email in emails] == [1] * 12
    assert weekly.send_due(sender, FROM) == 0


@pytest.mark.parametrize("is_handed_over", [False, True])
def test_it_is_not_lost_when_the_process_is_killed(
    url: str,
    weekly: WeeklyReports,
    database: ConversationDatabase,
    account: Account,
    clock: Clock,
    sender: Sender,
    post_office: PostOffice,
    is_handed_over: bool,
) -> None:
    weekly.ask(account)
    clock.now = NEXT_MONDAY
    database.dispose()
    killed = NoWay(sender if is_handed_over else None)

    assert in_processes(1, lambda: send_from_elsewhere(url, clock, killed)) == [-signal.SIGKILL]

    assert weekly.send_due(sender, FROM) == 0
    clock.now += LEASE
    assert (weekly.send_due(sender, FROM), weekly.send_due(sender, FROM)) == (1, 0)
    mails = post_office.mails_to(account.email)
    assert len(mails) == 1 + is_handed_over
    # A mail program knows the second for the first.
    assert len({mail["Message-ID"] for mail in mails}) == 1


def test_what_the_mail_server_refuses_is_tried_again(
    weekly: WeeklyReports,
    clock: Clock,
    account: Account,
    sender: Sender,
    post_office: PostOffice,
    caplog: pytest.LogCaptureFixture,
) -> None:
    weekly.ask(account)
    clock.now = NEXT_MONDAY
    nobody_there = SmtpSender(f"smtp://127.0.0.1:{free_port()}")
    for _ in range(12):
        assert weekly.send_due(nobody_there, FROM) == 0
        clock.now += LONGEST_RETRY

    assert post_office.mails_to(account.email) == []
    assert weekly.send_due(sender, FROM) == 1
    assert "A weekly report couldn't be sent yet: ConnectionRefusedError" in caplog.text
    assert account.email not in caplog.text


def test_to_ask_or_end_twice_changes_nothing(
    weekly: WeeklyReports, database: ConversationDatabase, account: Account
) -> None:
    for change in (weekly.ask, weekly.ask, weekly.end, weekly.end):
        change(account)

    told = [entry.what for entry in entries(database).entries]
    assert told == ["weekly report ended", "weekly report asked for", "account added"]


def test_who_is_removed_or_has_ended_it_gets_none(
    weekly: WeeklyReports, accounts: Accounts, clock: Clock, account: Account, sender: Sender
) -> None:
    gone = accounts.add(
        f"gone{next(_numbers)}@example.org", "Gone", Role.VIEWER, PASSWORD, by="a test"
    )
    for one in (gone, account):
        weekly.ask(one)
    accounts.remove(gone.email, by="a test")
    weekly.end(account)
    clock.now = NEXT_MONDAY

    assert weekly.send_due(sender, FROM) == 0


def test_to_ask_again_brings_no_second_mail_of_a_week(
    weekly: WeeklyReports, clock: Clock, account: Account, sender: Sender
) -> None:
    weekly.ask(account)
    clock.now = NEXT_MONDAY
    assert weekly.send_due(sender, FROM) == 1
    weekly.end(account)
    weekly.ask(account)

    assert weekly.send_due(sender, FROM) == 0
    clock.now += timedelta(days=7)
    assert weekly.send_due(sender, FROM) == 1


async def test_a_viewer_asks_for_it_and_ends_it_on_a_page(area: Area) -> None:
    browser = area.browser()
    email = area.account(Role.VIEWER)
    await browser.sign_in(email)

    await browser.get("/reports/mail")
    assert "from next Monday on" in browser.text
    assert "Feb 22, 2027 to Feb 28, 2027" in browser.text
    await browser.post("/reports/mail", {"wanted": "yes"})
    await browser.get("/reports/mail")
    assert f"Each Monday morning the report of the week before goes to {email}" in browser.text
    await browser.post("/reports/mail", {"wanted": "no"})
    await browser.get("/reports/mail")
    assert "from next Monday on" in browser.text
    assert [(row.who, row.what) for row in area.rows(audit)][-2:] == [
        (email, "weekly report asked for"),
        (email, "weekly report ended"),
    ]


async def test_the_address_in_the_mail_ends_it_without_signing_in(
    area: Area, clock: Clock, post_office: PostOffice
) -> None:
    email = area.account(Role.VIEWER)
    staff = area.staff
    pages = staff.config.origin + "/staff"
    weekly = WeeklyReports(staff.database, staff.keys, pages, clock)
    reader = next(account for account in staff.accounts.all() if account.email == email)
    weekly.ask(reader)
    clock.now = NEXT_MONDAY
    assert weekly.send_due(SmtpSender(post_office.url), FROM) == 1
    found = re.search(rf"{pages}(/reports/mail/\S+)", post_office.mail_to(email))
    assert found
    browser = area.browser()

    await browser.get(found[1])
    assert "Shall the weekly report" in browser.text
    assert email not in browser.text
    assert weekly.is_wanted(reader), "to open it alone ends nothing"
    await browser.post(found[1])
    assert "No more reports" in browser.text
    assert not weekly.is_wanted(reader)
    await browser.get(found[1])
    assert (await browser.post(found[1])).status_code == 200

    number, signature = found[1].rsplit("/", 1)[1].split("-")
    for word in (
        f"{int(number) + 1}-{signature}",
        f"{number}-{'0' * 32}",
        number,
        "x",
        "-",
        "²-x",
        "é",
    ):
        assert (await browser.get(f"/reports/mail/{word}")).status_code == 404


async def test_a_server_sends_what_is_due(
    url: str, tmp_path: Path, post_office: PostOffice
) -> None:
    staff_database, keys = database_at(url), Keys(SECRET)
    email = f"served{next(_numbers)}@example.org"
    reader = Accounts(staff_database, keys).add(
        email, "A reader", Role.VIEWER, PASSWORD, by="a test"
    )
    weeks_ago = datetime.now(timezone.utc) - timedelta(days=20)
    WeeklyReports(staff_database, keys, PAGES, lambda: weeks_ago).ask(reader)
    staff_database.dispose()
    settings = {
        "NASRO_SECRET": SECRET, "NASRO_SMTP_URL": post_office.url, "NASRO_MAIL_FROM": "a@example.org"
    }  # fmt: skip
    app = Sanic(f"weekly_{next(_numbers)}", configure_logging=False)
    registration = Database(f"sqlite:///{tmp_path / 'registration.sqlite'}")
    config = StaffConfig("https://chat.example.org", SECRET, url)
    app.blueprint(staff_blueprint(config, registration, IdentityConfig.from_environment(settings)))
    server = await app.create_server(port=free_port(), return_asyncio_server=True, access_log=False)

    await server.startup()
    await server.before_start()
    await server.after_start()
    text = await asyncio.get_running_loop().run_in_executor(None, post_office.mail_to, email)
    await server.before_stop()
    await server.close()

    assert f"{PAGES}/reports?from=" in text
