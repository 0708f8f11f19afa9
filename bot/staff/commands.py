"""`nasro-chat staff`: who may sign in to the staff area."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from bot.commands import conversations
from bot.staff.accounts import AccountProblem, Accounts, Role
from bot.staff.audit import COMMAND_LINE
from bot.staff.database import METADATA
from bot.staff.passwords import PasswordRefused, generated
from identity.keys import Keys

ROLE = click.Choice([role.value for role in Role])
no_password = click.option(
    "--no-password",
    is_flag=True,
    help="Set none: they sign in by the OpenID Connect provider (docs/staff-guide.md).",
)
generate = click.option(
    "--generate",
    is_flag=True,
    help="Make a password and print it, once, instead of asking for one. It must be changed at the "
    "first sign-in.",
)


@click.group()
def staff() -> None:
    """Accounts of the staff area (docs/staff-guide.md)."""


@staff.command()
@click.argument("email")
@click.option("--name", prompt=True, help="What the person is called.")
@click.option("--role", type=ROLE, default=Role.VIEWER.value, show_default=True)
@generate
@no_password
def add(email: str, name: str, role: str, generate: bool, no_password: bool) -> None:
    """Make an account for EMAIL."""
    if generate and no_password:
        raise click.UsageError("--generate makes a password, --no-password sets none.")
    password = None if no_password else _password(generate)
    with _accounts() as accounts:
        accounts.add(email, name, Role(role), password, by=COMMAND_LINE, must_change=generate)
    click.echo(f"{email} may sign in as {role}.")
    if generate:
        click.echo(f"Password (not shown again): {password}")


@staff.command("list")
def list_() -> None:
    """List the accounts."""
    with _accounts() as accounts:
        for account in accounts.all():
            click.echo(f"{account.role.value:<10} {account.email}  {account.name}")


@staff.command("set-role")
@click.argument("email")
@click.argument("role", type=ROLE)
def set_role(email: str, role: str) -> None:
    """Give EMAIL a role, and sign it out everywhere."""
    with _accounts() as accounts:
        accounts.set_role(email, Role(role), by=COMMAND_LINE)
    click.echo(f"{email} is {role} now, and signed out everywhere.")


@staff.command("reset-password")
@click.argument("email")
@generate
def reset_password(email: str, generate: bool) -> None:
    """Give EMAIL a new password, sign it out everywhere, and lift its lock-out."""
    password = _password(generate)
    with _accounts() as accounts:
        accounts.reset_password(email, password, by=COMMAND_LINE, must_change=generate)
    click.echo(f"{email} has a new password, and is signed out everywhere.")
    if generate:
        click.echo(f"Password (not shown again): {password}")


@staff.command()
@click.argument("email")
def remove(email: str) -> None:
    """Take the account of EMAIL away; what it did stays in the audit log."""
    with _accounts() as accounts:
        accounts.remove(email, by=COMMAND_LINE)
    click.echo(f"{email} has no account any more.")


def _password(generate: bool) -> str:
    if generate:
        return generated()
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)


@contextmanager
def _accounts() -> Iterator[Accounts]:
    """The accounts for one command."""
    with conversations(METADATA, expected=(AccountProblem, PasswordRefused)) as (
        settings,
        database,
    ):
        yield Accounts(database, Keys(settings.secret))
