"""Alembic's environment: `Database.upgrade` hands in the connection, Alembic's commands open one."""

import os
from typing import Any, Literal

from alembic import context

from registration.database import Database
from registration.models import UtcDateTime, metadata
from registration.settings import registration_url


def render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """A revision must read the same in years: it names no type of ours, which may change."""
    is_moment = kind == "type" and isinstance(item, UtcDateTime)
    return "sa.DateTime(timezone=True)" if is_moment else False


def run(**how: Any) -> None:
    context.configure(
        target_metadata=metadata,
        render_item=render_item,
        # SQLite can't alter most of a table in place; Alembic then copies it.
        render_as_batch=True,
        transaction_per_migration=True,
        **how,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run(url=registration_url(os.environ), literal_binds=True)
elif "connection" in context.config.attributes:
    run(connection=context.config.attributes["connection"])
else:
    database = Database(registration_url(os.environ))
    with database.upgrading() as connection:
        run(connection=connection)
    database.dispose()
