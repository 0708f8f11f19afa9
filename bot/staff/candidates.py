"""Candidates: the content with all that waits, trained and tried out in the background.

A candidate is built by a process of its own at low priority (`nasro-chat content build`). It inherits a lock
on a file from whoever starts it and holds it as long as it lives: so there is one at a time, and one that
died is noticed without clocks or signs of life.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.content import files
from bot.content.bank import Bank, BankFailed, BankResult, Comparison, compare
from bot.content.files import MODEL
from bot.reload import sha256_of
from bot.staff import audit
from bot.staff.content_tables import candidates
from bot.staff.drafts import Drafts, apply_all
from bot.webchat.database import ConversationDatabase

logger = logging.getLogger(__name__)

COPYING, TRAINING, TESTING, READY, FAILED = "copying", "training", "testing", "ready", "failed"
RUNNING = (COPYING, TRAINING, TESTING)

FOLDER = Path("var/content")

TRAINED, TESTED_BEFORE = 0.6, 0.7
"""Shares of the work that are done when the model is trained, and when what is published is tried out."""

PRIORITY = 10
"""How nice the training is to the servers on the machine; the most, 19, would never end on a busy one."""

RESULTS_KEPT = 5


class CandidateProblem(Exception):
    """A candidate can't be built; the message says why."""


@dataclass(frozen=True)
class Candidate:
    id: int
    by: str
    at: datetime
    """When it was begun."""
    state: str
    """copying, training, testing, ready or failed."""
    share: float
    """Of the work that is done, from 0 to 1."""
    reason: str
    """Why it failed."""
    changes: tuple[int, ...]
    """The changes that it holds, by id."""
    problems: dict[int, str]
    """The changes that were left out, by id, as they can't be made any more, and why."""
    fingerprint: str
    """Of the content that the changes were made to."""
    model: str | None
    """The sha256 of its model's file."""
    comparison: Comparison | None
    """With what was published when it was built."""

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING

    @property
    def is_worse(self) -> bool:
        """Whether something got worse, that who publishes it must know of."""
        return self.comparison is not None and bool(
            self.comparison.broken or any(m.verdict == "worse" for m in self.comparison.moved)
        )


class Candidates:
    """The candidates of a root.

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

    def folder(self, number: int) -> Path:
        """Where a candidate's content and model are."""
        return self._root / FOLDER / str(number)

    def latest(self) -> Candidate | None:
        """The candidate that was begun last."""
        return self._read(sa.select(candidates).order_by(candidates.c.id.desc()).limit(1))

    def find(self, number: int) -> Candidate | None:
        return self._read(sa.select(candidates).where(candidates.c.id == number))

    def _read(self, query: sa.sql.Select) -> Candidate | None:
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.state not in RUNNING or self._is_at_work():
            return _candidate(row) if row else None
        # It may have come to its end since it was read.
        self._set_died(row.id)
        with self._database.reading() as connection:
            return _candidate(connection.execute(query).one())

    def outdated(self, candidate: Candidate) -> str:
        """Why a candidate can't be published (any more); empty where it can."""
        latest = self.latest()
        if latest is None or latest.id != candidate.id:
            return "There is a newer try."
        if candidate.state != READY:
            return "It isn't ready."
        waiting = {draft.id for draft in self._drafts.waiting()}
        if not waiting.issuperset(candidate.changes):
            return "One of its changes was published, replaced or discarded since. Try it again."
        if files.fingerprint(self._root) != candidate.fingerprint:
            return "The content's files were changed since. Try it again."
        return ""

    def start(self, *, by: str) -> Candidate:
        """Begins to build a candidate of all that waits.

        Args:
            by: Who wants it, for the audit log.

        Raises:
            CandidateProblem: Nothing waits, or one is being built.
        """
        if not self._drafts.waiting():
            raise CandidateProblem("Nothing waits to be tried.")
        with self._alone() as lock:
            return self._start(lock, by)

    def build_now(self, *, by: str) -> Candidate:
        """Builds a candidate of all that waits in this process; it is ready or failed then.

        Raises:
            CandidateProblem: Nothing waits, or one is being built.
        """
        if not self._drafts.waiting():
            raise CandidateProblem("Nothing waits to be tried.")
        with self._alone():
            return self.build(self._begin(by))

    def _start(self, lock: int, by: str) -> Candidate:
        number = self._begin(by)
        with (self.folder(number) / "log").open("wb") as log:
            process = subprocess.Popen(
                [_command(), "content", "build", str(number)],
                cwd=self._root,
                env={**os.environ, "NASRO_CONVERSATIONS_URL": self._database.url},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[lock],
            )
        # Somebody has to take note that it ended.
        threading.Thread(target=process.wait, daemon=True).start()
        found = self.find(number)
        assert found
        return found

    def _begin(self, by: str) -> int:
        """Makes a row and a folder for a new candidate, and removes the folders of others."""
        now = self._now()
        with self._database.writing() as connection:
            # None is at work: what seems to be has died.
            connection.execute(
                candidates.update()
                .where(candidates.c.state.in_(RUNNING))
                .values(state=FAILED, reason=DIED)
            )
            row = candidates.insert().values(
                who=by, at=now, state=COPYING, share=0, reason="", changes=[], problems={},
                fingerprint="",
            )  # fmt: skip
            number = int(connection.execute(row).inserted_primary_key[0])
            audit.record(connection, at=now, who=by, what="changes tried", subject=f"try {number}")
        for old in (self._root / FOLDER).iterdir():
            if old.name.isdigit():
                shutil.rmtree(old, ignore_errors=True)
        self.folder(number).mkdir()
        return number

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """The lock that a process at work holds; whoever inherits it has it from then on."""
        (self._root / FOLDER).mkdir(parents=True, exist_ok=True)
        lock = os.open(self._root / FOLDER / "building.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            for _ in range(20):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    # Perhaps only somebody who looks whether one is at work.
                    time.sleep(0.02)
            else:
                raise CandidateProblem("The changes are being tried already.")
            yield lock
        finally:
            os.close(lock)

    def _is_at_work(self) -> bool:
        try:
            with (self._root / FOLDER / "building.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _set_died(self, number: int) -> None:
        with self._database.writing() as connection:
            connection.execute(
                candidates.update()
                .where(candidates.c.id == number, candidates.c.state.in_(RUNNING))
                .values(state=FAILED, reason=DIED)
            )

    # In the process that builds -----------------------------------------------------------------

    def build(self, number: int) -> Candidate:
        """Builds a candidate that was begun, to its end; it is ready or failed then.

        Raises:
            CandidateProblem: There is none of that number to be built.
        """
        found = self.find(number)
        if found is None or not found.is_running:
            raise CandidateProblem(f"There is no try {number} to be made.")
        try:
            self._build(number)
        except (CandidateProblem, BankFailed) as problem:
            self._update(number, state=FAILED, reason=str(problem))
        except Exception as error:
            logger.exception("Try %d failed", number)
            reason = f"It failed ({type(error).__name__}): {self._log(number)} says more."
            self._update(number, state=FAILED, reason=reason)
        built = self.find(number)
        assert built
        return built

    def _build(self, number: int) -> None:
        folder = self.folder(number)
        drafts = self._drafts.waiting()
        files.copy(self._root, folder)
        fingerprint = files.fingerprint(folder)
        problems = apply_all(drafts, folder)
        made = [draft.id for draft in drafts if draft.id not in problems]
        self._update(
            number,
            changes=made,
            problems={str(id_): problem for id_, problem in problems.items()},
            fingerprint=fingerprint,
        )
        if not made:
            raise CandidateProblem("None of the changes can be made any more: see why at each.")
        self._update(number, state=TRAINING, share=0.05)
        self._train(number)
        model = sha256_of(folder / MODEL)
        self._update(number, state=TESTING, share=TRAINED, model=model)
        bank = Bank.read(self._root)
        before = self._tested(bank, self._root, self._progress(number, TRAINED, TESTED_BEFORE))
        after = self._tested(bank, folder, self._progress(number, TESTED_BEFORE, 1))
        comparison = compare(before, after).as_json()
        self._update(number, state=READY, share=1, comparison=comparison)

    def _train(self, number: int) -> None:
        """In a process of its own, in the candidate's folder. What hasn't changed isn't trained again."""
        cache = os.environ.get("RASA_CACHE_DIRECTORY") or (self._root / ".rasa/cache").resolve()
        trained = subprocess.run(
            [_command(), "train"],
            cwd=self.folder(number),
            env={
                **os.environ,
                "RASA_CACHE_DIRECTORY": str(cache),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: os.nice(PRIORITY),
        )
        if trained.returncode or not (self.folder(number) / MODEL).is_file():
            raise CandidateProblem(f"The training failed: {self._log(number)} says why.")

    def _tested(self, bank: Bank, root: Path, progress: Callable[[int, int], None]) -> BankResult:
        """What the bank says of a folder's model; from a file, where it was asked before."""
        model = root / MODEL
        if not model.is_file():
            raise CandidateProblem(f"There is no model in {model} to compare with: train one.")
        known = self._root / FOLDER / "results"
        known.mkdir(exist_ok=True)
        of = (sha256_of(model), files.fingerprint(root), bank.fingerprint)
        file = known / f"{hashlib.sha256(repr(of).encode()).hexdigest()}.json"
        if file.is_file():
            file.touch()
            return BankResult.from_json(json.loads(file.read_text(encoding="utf-8")))
        result = bank.run(root, model, progress)
        beside = file.with_suffix(".new")
        beside.write_text(json.dumps(result.as_json()), encoding="utf-8")
        os.replace(beside, file)
        newest = sorted(known.glob("*.json"), key=lambda f: f.stat().st_mtime, reverse=True)
        for old in newest[RESULTS_KEPT:]:
            old.unlink(missing_ok=True)
        return result

    def _progress(self, number: int, first: float, last: float) -> Callable[[int, int], None]:
        said = first

        def progress(done: int, total: int) -> None:
            nonlocal said
            share = first + (last - first) * done / max(total, 1)
            if share - said >= 0.02:
                said = share
                self._update(number, share=share)

        return progress

    def _update(self, number: int, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(
                candidates.update().where(candidates.c.id == number).values(**values)
            )

    def _log(self, number: int) -> Path:
        return FOLDER / str(number) / "log"


DIED = "The process that built it has ended before its time: try again."


def _command() -> str:
    return str(Path(sys.executable).with_name("nasro-chat"))


def _candidate(row: sa.engine.Row) -> Candidate:
    return Candidate(
        id=row.id,
        by=row.who,
        at=row.at,
        state=row.state,
        share=row.share,
        reason=row.reason,
        changes=tuple(row.changes),
        problems={int(id_): problem for id_, problem in row.problems.items()},
        fingerprint=row.fingerprint,
        model=row.model,
        comparison=Comparison.from_json(row.comparison) if row.comparison else None,
    )
