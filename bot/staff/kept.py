"""What was typed into a form that came after its session had ended, until the same person is back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.staff.accounts import Account
from bot.staff.database import kept_forms
from bot.webchat.database import ConversationDatabase
from identity.keys import Keys

KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class KeptForm:
    path: str
    """Where it was sent to."""
    fields: dict[str, str] = field(repr=False)


class KeptForms:
    """Keeps one form for each account, for an hour; the database holds it encrypted.

    Args:
        database: The conversations database, with the tables of `bot.staff.database`.
        keys: Encrypts what was typed.
        now: Tells the time (UTC).
    """

    def __init__(
        self, database: ConversationDatabase, keys: Keys, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._keys = keys
        self._now = now

    def keep(self, account: Account, form: KeptForm) -> None:
        """Keeps a form in place of the account's last one."""
        content = json.dumps([form.path, form.fields])
        sealed = self._keys.seal(_purpose(account), content, self._now())
        with self._database.writing() as connection:
            connection.execute(_mine(account))
            connection.execute(
                sa.insert(kept_forms).values(account_id=account.id, content=sealed, at=self._now())
            )

    def find(self, account: Account) -> KeptForm | None:
        """The account's form; None where there is none any more."""
        with self._database.reading() as connection:
            sealed = connection.execute(
                sa.select(kept_forms.c.content).where(kept_forms.c.account_id == account.id)
            ).scalar_one_or_none()
        content = sealed and self._keys.unseal(
            _purpose(account), sealed, self._now(), int(KEPT_FOR.total_seconds())
        )
        return KeptForm(*json.loads(content)) if content else None

    def forget(self, account: Account) -> None:
        """Forgets the account's form."""
        with self._database.writing() as connection:
            connection.execute(_mine(account))

    def forget_what_is_over(self) -> None:
        """Forgets forms that nobody came back for within the hour."""
        with self._database.writing() as connection:
            connection.execute(
                sa.delete(kept_forms).where(kept_forms.c.at <= self._now() - KEPT_FOR)
            )


def _purpose(account: Account) -> str:
    return f"staff form of {account.id}"


def _mine(account: Account) -> sa.sql.Delete:
    return sa.delete(kept_forms).where(kept_forms.c.account_id == account.id)
