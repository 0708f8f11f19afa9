"""`nasro-chat content`: the answers and training examples, checked and tried out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import indent

import click

from bot.content.bank import Bank, BankFailed, BankResult, Comparison, Figures, Held, compare
from bot.content.files import MODEL


@click.group()
def content() -> None:
    """The answers and training examples (docs/staff-guide.md)."""


@content.command()
@click.option(
    "--root",
    default=".",
    show_default=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the contacts and examples are that belong to the model.",
)
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Default: {MODEL} in the root.",
)
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What --json wrote another time: say what has changed.",
)
@click.option(
    "--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Keep the result."
)
def test(root: Path, model: Path | None, against: Path | None, file: Path | None) -> None:
    """Try the model on the question bank and all conversations; fail if one goes another way."""
    before = _read(against) if against else None
    try:
        bank = Bank.read()
        with click.progressbar(length=bank.size, label="Asking and talking") as bar:
            result = bank.run(
                root, model or root / MODEL, lambda done, _: bar.update(done - bar.pos)
            )
    except BankFailed as error:
        raise click.ClickException(str(error)) from error
    if file:
        file.write_text(json.dumps(result.as_json()) + "\n", encoding="utf-8")
    _tell(result.figures)
    if trained := sum(asked.is_trained for asked in result.questions):
        click.echo(f"Left out, because they are training examples: {trained} questions.")
    if before:
        _tell_changes(compare(before, result))
    else:
        _list("Conversations that go another way", result.broken)
    if result.broken:
        sys.exit(1)


def _read(file: Path) -> BankResult:
    try:
        return BankResult.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise click.BadParameter(f"{file} holds no result", param_hint="--against") from error


def _tell(figures: Figures) -> None:
    click.echo(
        f"{figures.in_scope} questions in scope: {figures.right} answered right "
        f"({_share(figures.right, figures.in_scope)}), {figures.offered} offered, "
        f"{figures.rejected} not answered, {figures.wrong} answered wrong.\n"
        f"{figures.out_of_scope} others: {figures.answered_out_of_scope} answered with a topic "
        f"({_share(figures.answered_out_of_scope, figures.out_of_scope)}).\n"
        f"{figures.held} of {figures.conversations} conversations go as told."
    )


def _tell_changes(changes: Comparison) -> None:
    click.echo("\nBefore:")
    _tell(changes.before)
    verdicts = changes.verdicts()
    click.echo(
        f"\nQuestions that are understood otherwise now: {len(changes.moved)}, of them "
        f"{verdicts['worse']} for the worse and {verdicts['better']} for the better"
    )
    for moved in changes.moved:
        click.echo(
            f"- {moved.verdict}: '{moved.text}' ({moved.expected}): {moved.before} -> {moved.after}"
        )
    _list("Conversations that go another way now", changes.broken)
    _list("Conversations that went another way before, too", changes.still_broken)
    _list("Conversations that go as told again; before", changes.mended)


def _list(what: str, conversations: tuple[Held, ...]) -> None:
    if conversations:
        click.echo(f"\n{what}: {len(conversations)}")
    for held in conversations:
        click.echo(f"- {held.name}\n{indent(str(held.problem), '  ')}")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
