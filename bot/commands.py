"""What console commands share: the conversations database, and one plain line for what goes wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from bot.settings import Settings, SettingsInvalid
from bot.webchat.database import ConversationDatabase
from identity.database import IdentityUnavailable
from registration.database import reason


@contextmanager
def conversations(
    *metadata: sa.MetaData, expected: tuple[type[Exception], ...] = ()
) -> Iterator[tuple[Settings, ConversationDatabase]]:
    """The settings and the conversations database for one command.

    Args:
        metadata: The tables that the command needs.
        expected: What may go wrong besides, with a message for whoever gave the command.

    Raises:
        click.ClickException: Something of that went wrong.
    """
    with plain_errors(*expected):
        settings = Settings.from_environment(os.environ)
        database = ConversationDatabase(settings.conversations_url, metadata=metadata)
        try:
            yield settings, database
        finally:
            database.dispose()


@contextmanager
def plain_errors(*expected: type[Exception]) -> Iterator[None]:
    """What goes wrong with the conversations database, a file or the settings is one plain line.

    Raises:
        click.ClickException: That, or one of the expected errors.
    """
    ours: tuple[type[Exception], ...] = (SettingsInvalid, *expected)
    try:
        yield
    except ours as error:
        raise click.ClickException(str(error)) from error
    except (IdentityUnavailable, SQLAlchemyError) as error:
        cause = error.__cause__ or error if isinstance(error, IdentityUnavailable) else error
        raise click.ClickException(
            f"The conversations database can't be used: {reason(cause)}"
        ) from error
    except OSError as error:
        raise click.ClickException(f"A file can't be used: {error}") from error
