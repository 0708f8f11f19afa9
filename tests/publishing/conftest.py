"""A root of its own, a database, and candidates whose model isn't trained but put together."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bot.content.answers import read_answers
from bot.content.bank import Bank, BankResult
from bot.content.changes import AnswerChanged, no_change
from bot.content.files import MODEL
from bot.staff.accounts import Accounts, Role
from bot.staff.candidates import Candidate, Candidates
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
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, but for a test that wants both kinds."""
    if getattr(request, "param", "") == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'conversations.sqlite'}"


both = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database(url: str) -> Iterator[ConversationDatabase]:
    database = database_at(url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a root and, beside it, a database where one answer that reads otherwise is ready."""
    folder = tmp_path_factory.mktemp("begun")
    root = copy_of_the_root(folder / "root")
    database = database_at(f"sqlite:///{folder / 'conversations.sqlite'}")
    _make_ready(database, root)
    database.dispose()
    return folder


@pytest.fixture
def root(tmp_path: Path, begun: Path) -> Path:
    return Path(shutil.copytree(begun / "root", tmp_path / "root", ignore=_var))


def _var(_: str, names: list[str]) -> list[str]:
    return ["var"] if "var" in names else []


def _make_ready(database: ConversationDatabase, root: Path) -> Candidate:
    clock = Clock()
    Accounts(database, Keys("a secret of the tests, more than thirty-two"), clock).add(
        JANE, "Jane Doe", Role.PUBLISHER, "correct horse battery", by="a test"
    )
    Drafts(database, root, clock).add(reads(root, "It says something else now."), by=JANE)
    return PutTogether(database, root, clock).build_now(by=JANE)


@pytest.fixture
def drafts(database: ConversationDatabase, root: Path, clock: Clock) -> Drafts:
    return Drafts(database, root, clock)


@pytest.fixture
def candidates(database: ConversationDatabase, root: Path, clock: Clock) -> PutTogether:
    return PutTogether(database, root, clock)


@pytest.fixture
def publications(database: ConversationDatabase, root: Path, clock: Clock) -> Publications:
    return Publications(database, root, clock)


@pytest.fixture
def ready(database: ConversationDatabase, root: Path, begun: Path) -> Candidate:
    """A candidate with one answer that reads otherwise."""
    if not database.url.startswith("sqlite"):
        return _make_ready(database, root)
    database.dispose()
    shutil.copy2(begun / "conversations.sqlite", make_url(database.url).database or "")
    shutil.copytree(begun / "root/var", root / "var")
    found = Candidates(database, root).latest()
    assert found
    return found


def reads(root: Path, text: str, response: str = "utter_faq_hold_spot") -> AnswerChanged:
    """An answer with other words, of which each fact is known to go."""
    change = no_change(read_answers(root)[response])
    return replace(change, text=text, gives_up=tuple(change.facts), facts={})
