"""The report of a week by e-mail, to each account that asked for it.

A week is over on Monday, 06:00 UTC; from then on whichever server process looks first takes an account's
mail, sends it, and notes that it was sent. What was taken belongs to its taker for `LEASE`, so that
several processes send it once. A process that is killed between handing the mail over and noting that
sends it again after the lease: a report may come twice, with one id by which mail programs know the
second for the first, but none is ever lost. Of several weeks in which nothing could be sent, the last is
sent.

A mail has figures, topics and addresses of staff pages, and no word that anybody wrote.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from email.message import EmailMessage

import sqlalchemy as sa
from jinja2 import Environment, StrictUndefined
from sqlalchemy.engine import Connection

from bot.staff import audit
from bot.staff.accounts import Account, Role
from bot.staff.database import accounts, report_mails
from bot.staff.outcome_tables import clusters, questions
from bot.staff.reports import Report, report
from bot.webchat.database import ConversationDatabase
from identity.database import insert
from identity.keys import Keys
from identity.mail import LEASE, Sender, letter, template
from registration.place_tables import STATE_NAMES

logger = logging.getLogger(__name__)

OVER_AT = timedelta(hours=6)
"""So long after Sunday its week is told: thumbs of the last evening are in, and it is night at the office."""
WEEK = timedelta(days=7)

RETRY = timedelta(minutes=1)
"""After the first failure; each later one waits twice as long, up to `LONGEST_RETRY`."""
LONGEST_RETRY = timedelta(hours=6)

MOST = 8
"""Lines of a list in the mail."""

WAITING_FOR_MAIL = 60.0
"""Seconds between two looks for mails that are due."""


@dataclass(frozen=True)
class Unanswered:
    """A question of the queue, by its number."""

    id: int
    times: int
    """That it was asked in the week."""
    nearest: str
    """The nearest topic; empty where there is none."""


class WeeklyReports:
    """Who wants the report by e-mail, what it says, and its sending.

    Args:
        database: The conversations database, with the tables of staff and of outcomes.
        keys: They sign the addresses at which it is ended.
        pages: Where the staff pages are: `https://chat.example.org/staff`.
        now: Tells the time (UTC).

    Everything here blocks. SQLAlchemyError or OSError is raised where the database can't be used.
    """

    def __init__(
        self,
        database: ConversationDatabase,
        keys: Keys,
        pages: str,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._database = database
        self._keys = keys
        self._pages = pages
        self._now = now
        self._template = template("weekly_report")
        # Plain text: nothing is escaped.
        self._words = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)

    # Who wants it ---------------------------------------------------------------------------------

    def is_wanted(self, account: Account) -> bool:
        with self._database.reading() as connection:
            of_account = report_mails.c.account_id == account.id
            return connection.execute(sa.select(report_mails).where(of_account)).first() is not None

    def ask(self, account: Account) -> None:
        """From the week on that goes on now; to ask twice changes nothing."""
        row = {
            "account_id": account.id,
            "week": self.last_week(),
            "due_at": self._now(),
            "attempts": 0,
        }
        with self._database.writing() as connection:
            new = insert(connection, report_mails).values(row).on_conflict_do_nothing()
            if connection.execute(new).rowcount:
                self._note(connection, account, "weekly report asked for")

    def end(self, account: Account) -> None:
        """To end it twice changes nothing."""
        with self._database.writing() as connection:
            mine = report_mails.c.account_id == account.id
            if connection.execute(report_mails.delete().where(mine)).rowcount:
                self._note(connection, account, "weekly report ended")

    def whose(self, word: str) -> Account | None:
        """Whose reports the address ends that closes with this word; None where it is none of ours."""
        number, _, signature = word.partition("-")
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            return None
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(accounts).where(accounts.c.id == int(number))
            ).one_or_none()
        if row is None or not hmac.compare_digest(
            signature.encode(), self._signature(row.id, row.email).encode()
        ):
            return None
        return Account(id=row.id, email=row.email, name=row.name, role=Role(row.role))

    def _end_address(self, account_id: int, email: str) -> str:
        return f"{self._pages}/reports/mail/{account_id}-{self._signature(account_id, email)}"

    def _signature(self, account_id: int, email: str) -> str:
        return self._keys.hash("staff weekly report", str(account_id), email)[:32]

    def _note(self, connection: Connection, account: Account, what: str) -> None:
        audit.record(connection, at=self._now(), who=account.email, what=what)

    # What it says ---------------------------------------------------------------------------------

    def last_week(self) -> date:
        """Monday of the last week that is over."""
        day = (self._now() - OVER_AT).date()
        return day - timedelta(days=day.weekday()) - WEEK

    def text(self, account: Account) -> str:
        """What the mail about the last week says."""
        return self._written(self._found(self.last_week()), account.id, account.email)[1]

    def _found(self, monday: date) -> tuple[Report, list[Unanswered]]:
        found = report(self._database, monday, monday + WEEK - timedelta(days=1), by_week=True)
        return found, self._unanswered(monday)

    def _unanswered(self, monday: date) -> list[Unanswered]:
        """What was asked most in the week, of what nobody has decided yet."""
        begin = datetime(monday.year, monday.month, monday.day, tzinfo=timezone.utc)
        times = sa.func.count().label("times")
        asked = (
            sa.select(questions.c.cluster, times)
            .where(questions.c.at >= begin, questions.c.at < begin + WEEK)
            .where(questions.c.cluster.isnot(None))
            .group_by(questions.c.cluster)
            .subquery()
        )
        waiting = (
            sa.select(clusters.c.id, clusters.c.nearest, asked.c.times)
            .join(asked, asked.c.cluster == clusters.c.id)
            .where(clusters.c.verdict.is_(None), clusters.c.size > 0)
            .order_by(asked.c.times.desc(), clusters.c.id)
            .limit(MOST)
        )
        with self._database.reading() as connection:
            return [
                Unanswered(row.id, row.times, row.nearest[0][0] if row.nearest else "")
                for row in connection.execute(waiting)
            ]

    def _written(
        self, found: tuple[Report, list[Unanswered]], account_id: int, email: str
    ) -> tuple[str, str]:
        """Subject and text."""
        of_week, unanswered = found
        without = [
            (STATE_NAMES.get(code, code), none, number)
            for code, number, none in of_week.total.states
            if none
        ]
        words = {
            "week": of_week.total,
            "before": of_week.before,
            "rising": of_week.rising[:MOST],
            "unanswered": unanswered,
            "without_classes": sorted(without, key=lambda row: (-row[1], row[0]))[:MOST],
            "address": self._pages,
            "end": self._end_address(account_id, email),
            "share": _share,
            "day": lambda day: f"{day:%b} {day.day}, {day.year}",
        }
        subject, text = (
            self._words.from_string(self._template[part]).render(words)
            for part in ("subject", "text")
        )
        return subject, text

    # Its sending ----------------------------------------------------------------------------------

    def send_due(self, sender: Sender, mail_from: str) -> int:
        """Sends what is due now; how many mails it handed over."""
        week, sent = self.last_week(), 0
        found = None
        while taken := self._take(week):
            found = found or self._found(week)
            sent += self._send(taken, week, found, sender, mail_from)
        return sent

    def _take(self, week: date) -> sa.engine.Row | None:
        now = self._now()
        is_due = sa.and_(report_mails.c.week < week, report_mails.c.due_at <= now)
        with self._database.writing() as connection:
            row = connection.execute(
                sa.select(report_mails.c.account_id, report_mails.c.attempts, accounts.c.email)
                .join(accounts)
                .where(is_due)
                .order_by(report_mails.c.due_at, report_mails.c.account_id)
                .limit(1)
                .with_for_update(
                    skip_locked=True, of=report_mails
                )  # of several processes one gets it
            ).one_or_none()
            if row:
                self._set(connection, row.account_id, due_at=now + LEASE)
        return row

    def _send(
        self,
        taken: sa.engine.Row,
        week: date,
        found: tuple[Report, list[Unanswered]],
        sender: Sender,
        mail_from: str,
    ) -> bool:
        try:
            sender.send(self._letter(taken, week, found, mail_from))
        except Exception as error:
            # Whatever it was: the address may stand in the error's text, so its kind alone is told.
            logger.warning("A weekly report couldn't be sent yet: %s", type(error).__name__)
            later = min(RETRY * 2 ** min(taken.attempts, 20), LONGEST_RETRY)
            changed = {"attempts": taken.attempts + 1, "due_at": self._now() + later}
        else:
            changed = {"attempts": 0, "week": week}
        with self._database.writing() as connection:
            self._set(connection, taken.account_id, **changed)
        return "week" in changed

    def _letter(
        self,
        taken: sa.engine.Row,
        week: date,
        found: tuple[Report, list[Unanswered]],
        mail_from: str,
    ) -> EmailMessage:
        subject, text = self._written(found, taken.account_id, taken.email)
        signature = self._keys.hash("staff weekly report's id", taken.email, str(week))[:32]
        message = letter(
            sender=mail_from,
            to=taken.email,
            subject=subject,
            text=text,
            now=self._now(),
            id_=f"report-{week}-{signature}",
        )
        message["List-Unsubscribe"] = f"<{self._end_address(taken.account_id, taken.email)}>"
        return message

    def _set(self, connection: Connection, account_id: int, **values: object) -> None:
        connection.execute(
            report_mails.update().where(report_mails.c.account_id == account_id).values(**values)
        )


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
