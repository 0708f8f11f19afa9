"""Files between their preview and the word to load them, in the database: any process may be asked next."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from bot.staff.accounts import Account
from bot.staff.database import uploads
from bot.webchat.database import ConversationDatabase

KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Upload:
    id: str
    kind: str
    """classes, members or registrations."""
    name: str
    """The file's name, fit for a file system."""
    content: bytes = field(repr=False)

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """The upload as a file, while this lasts."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / self.name
            file.write_bytes(self.content)
            yield file


class Uploads:
    """Keeps one upload for each account, for an hour.

    Args:
        database: The conversations database, with the tables of `bot.staff.database`.
        now: Tells the time (UTC).
    """

    def __init__(self, database: ConversationDatabase, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def keep(self, account: Account, *, kind: str, name: str, content: bytes) -> Upload:
        """Keeps a file in place of the account's last one."""
        upload = Upload(uuid.uuid4().hex, kind, _fit(name), content)
        with self._database.writing() as connection:
            connection.execute(sa.delete(uploads).where(uploads.c.account_id == account.id))
            connection.execute(
                sa.insert(uploads).values(**vars(upload), account_id=account.id, at=self._now())
            )
        return upload

    def find(self, account: Account, id_: str) -> Upload | None:
        """The account's upload of this id; None where there is none any more."""
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(uploads.c.id, uploads.c.kind, uploads.c.name, uploads.c.content).where(
                    uploads.c.id == id_,
                    uploads.c.account_id == account.id,
                    uploads.c.at > self._now() - KEPT_FOR,
                )
            ).one_or_none()
        return Upload(**row._mapping) if row else None

    def forget(self, account: Account) -> None:
        """Forgets the account's upload."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(uploads).where(uploads.c.account_id == account.id))

    def forget_what_is_over(self) -> None:
        """Forgets uploads that nobody said to load within the hour: they may be about members."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(uploads).where(uploads.c.at <= self._now() - KEPT_FOR))


def _fit(name: str) -> str:
    """The last part of a path, short, and without what file systems don't take."""
    last = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", name)[-1]).strip()
    return last[-100:].lstrip(".") or "file.csv"
