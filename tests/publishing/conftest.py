"""A root of its own, a database, and candidates whose model isn't trained but put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.content.answers import read_answers
from bot.content.bank import Bank, BankResult
from bot.content.changes import AnswerChanged, no_change
from bot.staff.accounts import Accounts, Role
from bot.staff.candidates import MODEL, Candidate, Candidates
from bot.staff.content_tables import METADATA as CONTENT
from bot.staff.database import METADATA as STAFF
from bot.staff.drafts import Drafts
from bot.staff.publications import Publications
from bot.webchat.database import ConversationDatabase
from identity.keys import Keys
from tests.clock import Clock
from tests.roots import copy_of_the_root, with_responses_of

JANE = "jane@example.org"


class PutTogether(Candidates):
    """Candidates as they are, but for the two minutes of training and trying out."""

    before = after = BankResult((), ())

    def _train(self, number: int) -> None:
        folder = self.folder(number)
        with_responses_of(folder, self._root / MODEL, folder / MODEL)

    def _tested(self, bank: Bank, root: Path, progress: Callable[[int, int], None]) -> BankResult:  # noqa: ARG002
        return self.before if root == self._root else self.after


def database_at(url: str) -> ConversationDatabase:
    return ConversationDatabase(url, metadata=(STAFF, CONTENT))


@pytest.fixture
def database(url: str) -> Iterator[ConversationDatabase]:
    database = database_at(url)
    yield database
    database.dispose()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copy_of_the_root(tmp_path / "root")


@pytest.fixture
def drafts(database: ConversationDatabase, root: Path, clock: Clock) -> Drafts:
    return Drafts(database, root, clock)


@pytest.fixture
def candidates(database: ConversationDatabase, root: Path, clock: Clock) -> PutTogether:
    return PutTogether(database, root, clock)


@pytest.fixture
def publications(database: ConversationDatabase, root: Path, clock: Clock) -> Publications:
    Accounts(database, Keys("a secret of the tests, more than thirty-two"), clock).add(
        JANE, "Jane Doe", Role.PUBLISHER, "correct horse battery", by="a test"
    )
    return Publications(database, root, clock)


@pytest.fixture
def ready(drafts: Drafts, candidates: PutTogether, root: Path) -> Candidate:
    """A candidate with one answer that reads otherwise."""
    drafts.add(reads(root, "It says something else now."), by=JANE)
    return candidates.build_now(by=JANE)


def reads(root: Path, text: str, response: str = "utter_faq_hold_spot") -> AnswerChanged:
    """An answer with other words, of which each fact is known to go."""
    change = no_change(read_answers(root)[response])
    return replace(change, text=text, gives_up=tuple(change.facts), facts={})
