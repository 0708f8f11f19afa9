"""`nasro-chat outcomes`, `queue` and `report`: what staff see in their pages, from the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from bot.commands import conversations, plain_errors
from bot.content import examples
from bot.settings import Settings
from bot.staff import content_tables, outcome_tables
from bot.staff.audit import COMMAND_LINE
from bot.staff.database import METADATA
from bot.staff.drafts import Drafts
from bot.staff.outcomes import ANSWERED
from bot.staff.queue import Queue, QueueProblem
from bot.staff.reports import Report, report
from bot.staff.weekly import WeeklyReports
from bot.webchat import database as webchat
from bot.webchat.database import ConversationDatabase
from identity.keys import Keys
from identity.mail import sender_of

DAY = click.DateTime(formats=["%Y-%m-%d"])
USUAL_DAYS = 28


@click.group()
def outcomes() -> None:
    """What people asked and what came of it (docs/staff-guide.md)."""


@outcomes.command("catch-up")
def catch_up() -> None:
    """Read the conversations that no server has read yet; servers do it by themselves."""
    from bot.conversations import ConversationTrackerStore  # noqa: PLC0415  Rasa's import is slow
    from bot.staff.consumer import Consumer  # noqa: PLC0415  the same
    from bot.staff.embedding import embedded  # noqa: PLC0415  the same

    with plain_errors():
        settings = Settings.from_environment(os.environ)
        database = ConversationTrackerStore(url=settings.conversations_url).database
        read = Consumer(database, embedded).catch_up()
    click.echo(f"Read: {read} events.")


@click.group()
def queue() -> None:
    """What people asked and weren't answered, or not well (docs/staff-guide.md)."""


@queue.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def export(file: Path) -> None:
    """Write what nobody has decided yet to FILE (CSV), the most asked first."""
    with _opened() as (_, database):
        file.write_text(Queue(database, Drafts(database)).exported(), encoding="utf-8", newline="")
    click.echo(
        f"Written to {file}. Fill in verdict (and topic), then: nasro-chat queue import {file}"
    )


@queue.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Take the decisions of FILE: lines whose verdict is filled in.

    \b
    verdict        what happens
    topic          becomes an example of the intent in the column topic
    new topic      is kept for whoever writes answers; the column topic says what it is about
    out of scope   becomes an example of out_of_scope
    ignore         nothing, but it is off the list

    A changed text becomes the example, instead of what was asked.
    """
    with _opened() as (_, database):
        number = Queue(database, Drafts(database)).import_(
            file.read_text(encoding="utf-8-sig"), by=COMMAND_LINE
        )
    click.echo(
        f"Taken: {number} decisions. New examples wait to be published: nasro-chat content log"
    )


@click.command("report")
@click.option("--from", "first", type=DAY, help=f"Default: {USUAL_DAYS} days before the last.")
@click.option("--to", "last", type=DAY, help="Default: today.")
@click.option("--by", type=click.Choice(["day", "week"]), default="week", show_default=True)
@click.option("--csv", "as_csv", is_flag=True, help="A CSV file's lines, for a spreadsheet.")
@click.option(
    "--mail",
    "is_mailed",
    is_flag=True,
    help="Send the weekly mails that are due to who asked for them; servers do it by themselves.",
)
def report_(
    first: datetime | None, last: datetime | None, by: str, as_csv: bool, is_mailed: bool
) -> None:
    """Print what was asked, how it went, and where people looked for classes."""
    if is_mailed:
        _mail()
        return
    end = last.date() if last else datetime.now(timezone.utc).date()
    begin = first.date() if first else end - timedelta(days=USUAL_DAYS - 1)
    with _opened() as (_, database):
        found = report(database, begin, end, by_week=by == "week")
    if as_csv:
        sys.stdout.write(found.as_csv())
        return
    _print(found)
    click.echo(
        f"\n{'from':<12}{'conversations':>14}{'questions':>11}{'answered':>10}{'helpful':>9}"
    )
    for part in found.parts:
        click.echo(
            f"{part.first!s:<12}{part.of('conversations'):>14}{part.of('questions'):>11}"
            f"{_percent(part.answered_rate):>10}{_percent(part.helpful_rate):>9}"
        )


def _mail() -> None:
    from bot.staff.area import PREFIX  # noqa: PLC0415  Sanic's import is slow

    with _opened() as (settings, database):
        sender, config = sender_of(settings.identity), settings.staff_config()
        if config is None:
            raise click.ClickException("There are no staff pages: set NASRO_STAFF_ORIGIN.")
        if sender is None:
            raise click.ClickException("There is no way for mail: set NASRO_SMTP_URL.")
        weekly = WeeklyReports(database, Keys(settings.secret), config.origin + PREFIX)
        sent = weekly.send_due(sender, settings.identity.mail_from)
    click.echo(f"Sent: {sent} mails.")


def _print(found: Report) -> None:
    total = found.total
    times = [total.milliseconds(share) for share in (0.5, 0.95)]
    lines: list[tuple[str, object]] = [
        ("conversations", total.of("conversations")),
        ("messages", total.of("messages")),
        ("questions", total.of("questions")),
        ("answered", _percent(total.answered_rate)),
        ("not answered", _percent(total.fallback_rate)),
        ("thumbs that went up", _percent(total.helpful_rate)),
        ("response time", "-" if times[0] is None else f"{times[0]} ms median, {times[1]} ms 95 %"),
    ]
    lines += [(f"handed over: {reason.replace('_', ' ')}", n) for reason, n in total.handed_over]
    click.echo(f"{total.first} to {total.last}")
    for name, value in lines:
        click.echo(f"  {name:<36}{value}")
    for title, rows in (
        ("Topics", total.by_key("topic")),
        ("Not answered", [row for row in total.by_key("outcome") if row[0] not in ANSWERED]),
    ):
        click.echo(f"\n{title}")
        for name, number in rows:
            click.echo(f"  {name:<36}{number}")
    click.echo("\nAsked more than in as many days before, and not by chance")
    for name, number, before in found.rising:
        click.echo(f"  {name:<36}{number}, before {before}")
    click.echo("\nAnswers by their thumbs up, the surely worst first")
    for rated in total.rated:
        click.echo(f"  {rated.topic:<36}{_percent(rated.rate)} of {rated.thumbs}")
    click.echo("\nNever asked")
    for name in found.never_asked(examples.topics()):
        click.echo(f"  {name}")
    click.echo("\nClasses looked for, by state")
    for code, number, none in total.states:
        click.echo(f"  {code:<36}{number}{f', {none} of them found none' if none else ''}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


@contextmanager
def _opened() -> Iterator[tuple[Settings, ConversationDatabase]]:
    """The settings and the conversations database for one command."""
    tables = (
        webchat.METADATA,
        METADATA,
        outcome_tables.METADATA,
        content_tables.METADATA,
    )
    with conversations(*tables, expected=(QueueProblem, ValueError)) as opened:
        yield opened
