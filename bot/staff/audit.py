"""The audit log: who changed what, and when. Rows are added, never changed or taken away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.staff.database import audit
from bot.webchat.database import ConversationDatabase

LONGEST = 500
"""Characters of a value before or after; what is longer is cut."""

COMMAND_LINE = "command line"
"""Who it was, where somebody used `nasro-chat`."""


@dataclass(frozen=True)
class Entry:
    at: datetime
    who: str
    """The address of the account, or `COMMAND_LINE`."""
    what: str
    subject: str
    before: str
    after: str


@dataclass(frozen=True)
class EntryPage:
    entries: tuple[Entry, ...]
    total: int


def record(
    connection: Connection,
    *,
    at: datetime,
    who: str,
    what: str,
    subject: str = "",
    before: str = "",
    after: str = "",
) -> None:
    """Notes a change, in the transaction that makes it.

    Args:
        who: The account's address, or `COMMAND_LINE`.
        what: Like "role changed".
        subject: What was changed.
        before: In short, how it was; never a secret.
        after: In short, how it is now; never a secret.
    """
    connection.execute(
        sa.insert(audit).values(
            at=at,
            who=who,
            what=what,
            subject=_short(subject),
            before=_short(before),
            after=_short(after),
        )
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def entries(database: ConversationDatabase, *, offset: int = 0, limit: int = 50) -> EntryPage:
    """The entries, newest first."""
    with database.reading() as connection:
        total = connection.execute(sa.select(sa.func.count()).select_from(audit)).scalar_one()
        rows = connection.execute(
            sa.select(audit).order_by(audit.c.id.desc()).offset(offset).limit(limit)
        ).mappings()
        found = tuple(Entry(**{k: v for k, v in row.items() if k != "id"}) for row in rows)
    return EntryPage(found, total)
