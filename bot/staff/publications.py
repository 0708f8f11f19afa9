"""Publishing a candidate, and taking the last publication back.

What a publication will write is noted in the database, and its model kept, before the first file is touched;
from then on each step can be done again. So one that was cut short is brought to its end by whoever comes
next: a server that starts, or the next to publish. One that fails (a commit that git refuses, a full disk) is
undone instead, and nothing has happened (docs/decisions/0015-how-changes-are-published.md).
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from bot.content import files
from bot.content.changes import described
from bot.content.files import MODEL
from bot.content.repository import GitFailed, Repository
from bot.reload import KEPT, sha256_of
from bot.staff import audit, content_tables
from bot.staff.candidates import FOLDER, Candidate, Candidates
from bot.staff.content_tables import (
    BEGUN,
    DONE,
    FAILED,
    PUBLISHED,
    WAITING,
    changes,
    publications,
    servers,
)
from bot.staff.database import METADATA, accounts
from bot.staff.drafts import Drafts
from bot.webchat.database import ConversationDatabase

logger = logging.getLogger(__name__)

MODELS_KEPT = 10
"""Publications back from the last one whose models are kept, so that they can be taken back."""


class PublicationRefused(Exception):
    """Nothing was published or taken back; the message says why."""


@dataclass(frozen=True)
class Publication:
    number: int
    is_roll_back: bool
    """Whether it takes one back."""
    by: str
    at: datetime
    lines: tuple[str, ...]
    """What it changed, one line each."""
    revision: str | None
    """Git's, where there is a repository."""
    is_current: bool
    """Whether it is what is served."""
    may_be_rolled_back: bool
    """Whether it is the one that would be taken back next."""


@dataclass(frozen=True)
class ServerState:
    """What a server says about the current publication."""

    name: str
    problem: str
    """Why it couldn't take it on; empty where it has."""
    at: datetime


class Publications:
    """What was published of a root.

    Args:
        database: The conversations database, with the tables of staff and of content.
        root: The folder of the content, which also has the models.
        now: Tells the time (UTC).

    Everything here blocks. SQLAlchemyError or OSError is raised where the database, or a file, can't be
    used.
    """

    def __init__(
        self,
        database: ConversationDatabase,
        root: Path = Path(),
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._database = database
        self._root = root
        self._now = now
        self._drafts = Drafts(database, root, now)
        self._candidates = Candidates(database, root, now)

    def all(self) -> list[Publication]:
        """What was published and taken back, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(publications)
                .where(publications.c.state == DONE)
                .order_by(publications.c.number.desc())
            ).all()
            last = _last_that_counts(connection)
        return [
            Publication(
                number=row.number,
                is_roll_back=row.takes_back is not None,
                by=row.who,
                at=row.at,
                lines=tuple(row.lines),
                revision=row.revision,
                is_current=row.number == rows[0].number,
                may_be_rolled_back=last is not None and row.number == last.number,
            )
            for row in rows
        ]

    def patch(self, number: int) -> str | None:
        """What a publication changed, for `git apply`; None where there is none of that number."""
        with self._database.reading() as connection:
            return connection.execute(
                sa.select(publications.c.patch).where(
                    publications.c.number == number, publications.c.state == DONE
                )
            ).scalar_one_or_none()

    def servers(self) -> list[ServerState]:
        """The servers that have taken the current publication on, or couldn't."""
        with self._database.reading() as connection:
            current = content_tables.published(connection).number
            rows = connection.execute(
                sa.select(servers)
                .where(servers.c.publication == current)
                .order_by(servers.c.problem.desc(), servers.c.name)
            )
            return [ServerState(row.name, row.problem, row.at) for row in rows]

    # What changes something ----------------------------------------------------------------------

    def publish(self, candidate: int, *, by: str, although_worse: bool = False) -> Publication:
        """Publishes a candidate: files, a commit, the model, and the word to the servers.

        Args:
            candidate: Its number.
            by: Who publishes it: an account's address, or `audit.COMMAND_LINE`.
            although_worse: Whether who publishes it knows what gets worse.

        Raises:
            PublicationRefused: It can't be, and nothing has changed.
        """
        with self._alone():
            self._repair()
            found = self._candidates.find(candidate)
            if found is None:
                raise PublicationRefused(f"There is no try {candidate}.")
            if reason := self._candidates.outdated(found):
                raise PublicationRefused(reason)
            if found.is_worse and not although_worse:
                raise PublicationRefused("Something gets worse: look at it, and say that you know.")
            return self._carry_out(self._noted(found, by))

    def roll_back(self, *, by: str) -> Publication:
        """Takes the last publication back that wasn't yet; its changes wait again.

        Raises:
            PublicationRefused: It can't be, and nothing has changed.
        """
        with self._alone():
            self._repair()
            return self._carry_out(self._noted_to_take_back(by))

    def repair(self) -> None:
        """Brings to its end what was cut short.

        Raises:
            PublicationRefused: It can't be; the message says what somebody has to do.
        """
        if self._begun():
            with self._alone():
                self._repair()

    def _repair(self) -> None:
        for number in self._begun():
            try:
                self._carry_out(number)
                logger.warning("Publication %d was cut short, and is done now.", number)
            except _Undone as undone:
                logger.warning("Publication %d was cut short, and is undone: %s", number, undone)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else publishes meanwhile. The lock of who was killed is free."""
        (self._root / FOLDER).mkdir(parents=True, exist_ok=True)
        with (self._root / FOLDER / "publishing.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # Noting --------------------------------------------------------------------------------------

    def _noted(self, candidate: Candidate, by: str) -> int:
        folder = self._candidates.folder(candidate.id)
        if candidate.model is None or sha256_of(folder / MODEL) != candidate.model:
            raise PublicationRefused("The model isn't the one that was tried. Try it again.")
        made = [draft for draft in self._drafts.waiting() if draft.id in candidate.changes]
        return self._note(
            folder,
            model=folder / MODEL,
            candidate=candidate.id,
            takes_back=None,
            by=by,
            lines=[described(draft.change) for draft in made],
        )

    def _noted_to_take_back(self, by: str) -> int:
        with self._database.reading() as connection:
            last = _last_that_counts(connection)
            if last is None:
                raise PublicationRefused("Nothing has been published that could be taken back.")
            current = connection.execute(
                sa.select(publications.c.fingerprint)
                .where(publications.c.state == DONE)
                .order_by(publications.c.number.desc())
                .limit(1)
            ).scalar_one()
            noted = connection.execute(_files_of(last.number)).all()
        if files.fingerprint(self._root) != current:
            raise PublicationRefused(
                "The content's files were changed since by other means, so that taking it back would lose "
                "that. Take it back with its patch: git apply --reverse."
            )
        model = self._kept(last.model_before)
        if not model.is_file():
            raise PublicationRefused("The model from before it isn't kept any more.")
        with TemporaryDirectory() as temporary:
            before = Path(temporary)
            files.copy(self._root, before)
            for file in noted:
                _write(before / file.path, file.before)
            return self._note(
                before,
                model=model,
                candidate=None,
                takes_back=last.number,
                by=by,
                lines=last.lines,
            )

    def _note(self, wanted: Path, *, model: Path, by: str, **row: Any) -> int:
        """Notes that the content shall become what a folder holds."""
        before, after = files.texts(self._root), files.texts(wanted)
        paths = sorted(p for p in {*before, *after} if before.get(p) != after.get(p))
        if not paths:
            raise PublicationRefused("The changes make no difference to the files.")
        try:
            repository = Repository.of(self._root)
            if repository and (open_ := repository.changed(paths)):
                raise PublicationRefused(
                    f"{', '.join(open_)} has changes that aren't committed: commit them first."
                )
        except GitFailed as failed:
            raise PublicationRefused(str(failed)) from failed
        noted = {
            **row,
            "state": BEGUN,
            "who": by,
            "at": self._now(),
            "fingerprint": files.fingerprint(wanted),
            "model_before": self._keep(self._root / MODEL),
            "model": self._keep(model),
            "patch": files.patch(self._root, wanted),
        }
        with self._database.writing() as connection:
            stored = connection.execute(publications.insert().values(**noted))
            number = int(stored.inserted_primary_key[0])
            connection.execute(
                content_tables.files.insert(),
                [
                    {
                        "publication": number,
                        "path": path,
                        "before": before.get(path),
                        "after": after.get(path),
                    }
                    for path in paths
                ],
            )
        return number

    # Carrying out --------------------------------------------------------------------------------

    def _carry_out(self, number: int) -> Publication:
        """Does what is noted, each step whether or not it was done before."""
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(publications).where(publications.c.number == number)
            ).one()
            noted = connection.execute(_files_of(number)).all()
            author = _author(connection, row.who)
        self._require_untouched(noted)
        paths = [file.path for file in noted]
        try:
            for file in noted:
                _write(self._root / file.path, file.after)
            repository = Repository.of(self._root)
            revision = (
                repository.commit(paths, _message(row), author=author) if repository else None
            )
        except (GitFailed, OSError) as error:
            self._undo(number, noted)
            raise _Undone(f"Nothing was published: {error}") from error
        self._put_in_place(row.model)
        self._set_done(row, revision)
        self._forget_old_models()
        return self.all()[0]

    def _require_untouched(self, noted: list[Row]) -> None:
        """Nothing that somebody wrote since is written over."""
        now = files.texts(self._root)
        for file in noted:
            if now.get(file.path) not in (file.before, file.after):
                raise PublicationRefused(
                    f"A publication was cut short, and {file.path} was changed since: put it back to how it "
                    "is committed."
                )

    def _undo(self, number: int, noted: list[Row]) -> None:
        for file in noted:
            _write(self._root / file.path, file.before)
        with suppress(GitFailed):
            if repository := Repository.of(self._root):
                repository.forget([file.path for file in noted])
        with self._database.writing() as connection:
            connection.execute(
                publications.update().where(publications.c.number == number).values(state=FAILED)
            )

    def _set_done(self, row: Row, revision: str | None) -> None:
        with self._database.writing() as connection:
            connection.execute(
                publications.update()
                .where(publications.c.number == row.number)
                .values(state=DONE, revision=revision)
            )
            if row.takes_back is None:
                made = connection.execute(
                    sa.select(content_tables.candidates.c.changes).where(
                        content_tables.candidates.c.id == row.candidate
                    )
                ).scalar_one()
                connection.execute(
                    changes.update()
                    .where(changes.c.id.in_(made))
                    .values(state=PUBLISHED, publication=row.number)
                )
            else:
                connection.execute(
                    changes.update()
                    .where(changes.c.publication == row.takes_back)
                    .values(state=WAITING, publication=None)
                )
            # Each says anew that it has taken it on.
            connection.execute(servers.delete())
            audit.record(
                connection,
                at=self._now(),
                who=row.who,
                what="rolled back" if row.takes_back else "published",
                subject=f"publication {row.takes_back or row.number}",
                after="; ".join(row.lines),
            )

    # Models --------------------------------------------------------------------------------------

    def _kept(self, sha256: str) -> Path:
        return self._root / MODEL.parent / KEPT / f"{sha256}.tar.gz"

    def _keep(self, model: Path) -> str:
        """Keeps a model's file under its sha256, which it gives."""
        sha256 = sha256_of(model)
        kept = self._kept(sha256)
        kept.parent.mkdir(exist_ok=True)
        if not kept.is_file():
            _copy(model, kept)
        return sha256

    def _put_in_place(self, sha256: str) -> None:
        # A copy: training writes into the file.
        _copy(self._kept(sha256), self._root / MODEL)

    def _forget_old_models(self) -> None:
        with self._database.reading() as connection:
            newest = connection.execute(
                sa.select(publications.c.model, publications.c.model_before)
                .where(publications.c.state == DONE)
                .order_by(publications.c.number.desc())
                .limit(MODELS_KEPT)
            ).all()
        needed = {sha256 for row in newest for sha256 in row}
        for kept in self._kept("").parent.glob("*.tar.gz"):
            if kept.name.removesuffix(".tar.gz") not in needed:
                kept.unlink(missing_ok=True)

    def _begun(self) -> list[int]:
        with self._database.reading() as connection:
            return list(
                connection.execute(
                    sa.select(publications.c.number)
                    .where(publications.c.state == BEGUN)
                    .order_by(publications.c.number)
                ).scalars()
            )


def repair(conversations_url: str) -> None:
    """Brings to its end what was cut short, before a server reads the files; says so where it can't."""
    database = ConversationDatabase(conversations_url, metadata=(METADATA, content_tables.METADATA))
    try:
        Publications(database).repair()
    except PublicationRefused as refused:
        logger.error("%s", refused)
    except (SQLAlchemyError, OSError) as error:
        logger.warning("What is published can't be read: %s", type(error).__name__)
    finally:
        database.dispose()


class _Undone(PublicationRefused):
    """What was begun couldn't be carried out, and was undone."""


def _last_that_counts(connection: Connection) -> Row | None:
    """The last publication that wasn't taken back."""
    taken_back = sa.select(publications.c.takes_back).where(
        publications.c.state == DONE, publications.c.takes_back.isnot(None)
    )
    return connection.execute(
        sa.select(publications)
        .where(
            publications.c.state == DONE,
            publications.c.takes_back.is_(None),
            publications.c.number.not_in(taken_back),
        )
        .order_by(publications.c.number.desc())
        .limit(1)
    ).one_or_none()


def _files_of(number: int) -> sa.sql.Select:
    return (
        sa.select(content_tables.files)
        .where(content_tables.files.c.publication == number)
        .order_by(content_tables.files.c.path)
    )


def _author(connection: Connection, email: str) -> tuple[str, str] | None:
    """Name and address for a commit; None for the command line, where git knows who it is."""
    name = connection.execute(
        sa.select(accounts.c.name).where(accounts.c.email == email)
    ).scalar_one_or_none()
    if email == audit.COMMAND_LINE:
        return None
    return name or email, email


def _message(row: Row) -> str:
    """Of a commit."""
    first, *others = row.lines
    more = f" (and {len(others)} more)" if others else ""
    begin = "Take back: " if row.takes_back else ""
    lines = "\n".join(f"- {line}" for line in row.lines)
    return f"{begin}{first}{more}\n\n{lines}\n\nPublication: {row.number}\n"


def _write(file: Path, text: str | None) -> None:
    """Makes a file what it shall be: whole, or as it was."""
    if text is None:
        file.unlink(missing_ok=True)
        return
    content = text.encode()
    if file.is_file() and file.read_bytes() == content:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.new")
    with beside.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    if file.exists():
        shutil.copymode(file, beside)
    os.replace(beside, file)


def _copy(file: Path, to: Path) -> None:
    beside = to.with_name(f"{to.name}.new")
    shutil.copyfile(file, beside)
    os.replace(beside, to)
