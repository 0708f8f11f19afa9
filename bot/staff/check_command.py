"""`nasro-chat content check`: here, as it also asks what people asked lately."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.contacts import ContactsInvalid
from bot.content.answers import AnswersInvalid
from bot.content.check import KINDS
from bot.content.check import check as look_through
from bot.content.files import MODEL
from bot.settings import Settings, SettingsInvalid
from bot.staff import outcome_tables
from bot.staff.reports import report
from bot.webchat.database import ConversationDatabase

USUAL_DAYS = 90


@click.command()
@click.option(
    "--model",
    default=MODEL,
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Which examples it takes for others is told, if it is there.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 1000),
    default=USUAL_DAYS,
    show_default=True,
    help="What wasn't asked for so long is told, if the conversations database is there.",
)
def check(model: Path, days: int) -> None:
    """Look through the answers, contacts and training examples.

    \b
    It fails where an answer or a contact is wrong, or its review date has passed, and says
    whom to ask. It tells what is worth a look: what no question of the bank tests, examples
    that the model takes for another topic, and topics that nobody asked for.
    """
    now = datetime.now(timezone.utc)
    try:
        found = look_through(
            Path(), today=now.date(), strays=_strays(model), asked=_asked(now, days)
        )
    except (AnswersInvalid, ContactsInvalid) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename} can't be read: {error.strerror}") from error
    for kind in KINDS:
        if messages := [finding.message for finding in found if finding.kind == kind]:
            click.echo(f"{kind}:")
            for message in messages:
                click.echo(f"  {message}")
    if any(finding.is_wrong for finding in found):
        sys.exit(1)
    click.echo("Every answer and contact is as it should be, and within its review date.")


def _strays(model: Path) -> list[dict[str, str]]:
    if not model.is_file():
        return []
    from bot.nlu.report import strays  # noqa: PLC0415  Rasa's import is slow

    return strays(model)


def _asked(now: datetime, days: int) -> Mapping[str, int] | None:
    """How often each topic was asked; None where there is no database."""
    try:
        url = Settings.from_environment(os.environ).conversations_url
        file = make_url(url).database if url.startswith("sqlite") else None
        if file and not Path(file).exists():
            return None
        database = ConversationDatabase(url, metadata=(outcome_tables.METADATA,))
        try:
            first = now.date() - timedelta(days=days - 1)
            return dict(report(database, first, now.date(), by_week=False).total.by_key("topic"))
        finally:
            database.dispose()
    except (SettingsInvalid, SQLAlchemyError) as error:
        click.echo(f"What was asked isn't known: {type(error).__name__}.", err=True)
        return None
