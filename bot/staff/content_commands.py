"""`nasro-chat content build`, `publish`, `rollback`, `log`: what staff do in their pages, as commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from bot.commands import conversations
from bot.content.bank import Comparison
from bot.content.changes import described
from bot.staff import content_tables, database
from bot.staff.audit import COMMAND_LINE
from bot.staff.candidates import FAILED, Candidate, CandidateProblem, Candidates
from bot.staff.drafts import Drafts
from bot.staff.publications import PublicationRefused, Publications
from bot.webchat.database import ConversationDatabase


@click.command()
@click.argument("number", type=int, required=False)
def build(number: int | None) -> None:
    """Train all changes that wait, and try them on the question bank.

    NUMBER is a try that the staff pages have begun; they start this command themselves.
    """
    with _database() as opened:
        candidates = Candidates(opened)
        if number is None:
            click.echo("Training and trying what waits (some minutes) ...", err=True)
            built = candidates.build_now(by=COMMAND_LINE)
        else:
            built = candidates.build(number)
        if built.state == FAILED:
            raise click.ClickException(built.reason)
        _tell(built)
    click.echo(f"Try {built.id} is ready: nasro-chat content publish {built.id}")


@click.command()
@click.argument("number", type=int, required=False)
@click.option("--although-worse", is_flag=True, help="Something gets worse, and that is known.")
def publish(number: int | None, although_worse: bool) -> None:
    """Publish the last try, or try NUMBER: files, commit, model; servers take it on by themselves."""
    with _database() as opened:
        if number is None:
            latest = Candidates(opened).latest()
            number = latest.id if latest else 0
        done = Publications(opened).publish(number, by=COMMAND_LINE, although_worse=although_worse)
    revision = f", commit {done.revision[:10]}" if done.revision else ""
    click.echo(f"Published as number {done.number}{revision}.")


@click.command()
def rollback() -> None:
    """Take the last publication back: files, commit, model. Its changes wait again."""
    with _database() as opened:
        done = Publications(opened).roll_back(by=COMMAND_LINE)
    click.echo(f"Taken back, as number {done.number}. Its changes wait again.")


@click.command()
@click.option(
    "--patch", type=int, metavar="NUMBER", help="Print what NUMBER changed, for git apply."
)
def log(patch: int | None) -> None:
    """Show what waits, the last try, what was published, and which servers have taken it on."""
    with _database() as opened:
        publications = Publications(opened)
        if patch is not None:
            text = publications.patch(patch)
            if text is None:
                raise click.ClickException(f"There is no publication {patch}.")
            click.echo(text, nl=False)
            return
        for draft in Drafts(opened).waiting():
            click.echo(f"waits    {draft.id}: {described(draft.change)} ({draft.by})")
        if latest := Candidates(opened).latest():
            click.echo(
                f"try      {latest.id}: {latest.state}{latest.reason and f', {latest.reason}'}"
            )
        for server in publications.servers():
            click.echo(f"server   {server.name}: {server.problem or 'has taken the last one on'}")
        for one in publications.all():
            what = "took back" if one.is_roll_back else "published"
            click.echo(f"{one.at:%Y-%m-%d %H:%M} {one.number}: {one.by} {what}")
            for line in one.lines:
                click.echo(f"           {line}")


COMMANDS = (build, publish, rollback, log)


def _tell(candidate: Candidate) -> None:
    for number, problem in candidate.problems.items():
        click.echo(f"Change {number} is left out: {problem}")
    comparison = candidate.comparison
    assert isinstance(comparison, Comparison)
    click.echo(f"{len(comparison.moved)} questions go to another topic now.")
    for moved in comparison.moved:
        click.echo(f"  {moved.verdict:<7}{moved.text}: {moved.before} -> {moved.after}")
    for held in comparison.broken:
        click.echo(f"  reads differently now: {held.name}: {held.problem}")


@contextmanager
def _database() -> Iterator[ConversationDatabase]:
    """The conversations database for one command."""
    tables = (database.METADATA, content_tables.METADATA)
    expected = (CandidateProblem, PublicationRefused)
    with conversations(*tables, expected=expected) as (_, opened):
        yield opened
