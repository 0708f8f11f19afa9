"""Candidates: one at a time, told how far they are, noticed where they died, and none left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.content.bank import Bank, BankFailed, BankResult
from bot.content.changes import ExamplesAdded
from bot.content.files import MODEL
from bot.reload import sha256_of
from bot.staff import candidates as module
from bot.staff.candidates import DIED, Candidate, CandidateProblem, Candidates
from bot.staff.drafts import Drafts
from bot.webchat.database import ConversationDatabase
from tests.publishing.conftest import JANE, PutTogether, both, reads
from tests.running_server import wait_until


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What is run in place of `nasro-chat`: it says its number and waits."""
    script = tmp_path / "nasro-chat"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\nexec sleep 300\n")
    script.chmod(0o755)
    monkeypatch.setattr(module, "_command", lambda: str(script))
    yield script
    if (tmp_path / "pid").is_file():
        kill(tmp_path)


def kill(folder: Path) -> None:
    try:
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
    except ProcessLookupError:
        return


@both
def test_a_candidate_holds_what_waits_and_its_model(
    candidates: PutTogether, drafts: Drafts, root: Path
) -> None:
    number = drafts.add(reads(root, "Other words."), by=JANE)

    built = candidates.build_now(by=JANE)

    assert (built.state, built.share, built.changes, built.problems) == ("ready", 1, (number,), {})
    assert "Other words." in (candidates.folder(built.id) / "domain.yml").read_text()
    assert built.model == sha256_of(candidates.folder(built.id) / MODEL)
    assert built.comparison is not None
    assert not built.is_worse
    assert candidates.outdated(built) == ""


@pytest.mark.usefixtures("command")
def test_there_is_one_at_a_time_and_one_that_died_is_noticed(
    database: ConversationDatabase, root: Path, drafts: Drafts, tmp_path: Path
) -> None:
    candidates, others = Candidates(database, root), Candidates(database, root)
    drafts.add(reads(root, "Other words."), by=JANE)

    first = candidates.start(by=JANE)
    wait_until((tmp_path / "pid").is_file)

    assert first.is_running
    with pytest.raises(CandidateProblem, match="tried already"):
        others.start(by=JANE)
    kill(tmp_path)
    wait_until(lambda: not _latest(others).is_running)
    assert (_latest(candidates).state, _latest(candidates).reason) == ("failed", DIED)
    second = others.start(by=JANE)
    assert second.is_running
    assert not candidates.folder(first.id).exists()


def _latest(candidates: Candidates) -> Candidate:
    latest = candidates.latest()
    assert latest
    return latest


def test_without_changes_there_is_nothing_to_try(candidates: PutTogether) -> None:
    assert candidates.latest() is None
    for begin in (candidates.start, candidates.build_now):
        with pytest.raises(CandidateProblem, match="Nothing waits"):
            begin(by=JANE)


def test_a_training_that_fails_says_where_to_look(
    database: ConversationDatabase, root: Path, drafts: Drafts, command: Path
) -> None:
    command.write_text("#!/bin/sh\nexit 3\n")
    drafts.add(reads(root, "Other words."), by=JANE)

    built = Candidates(database, root).build_now(by=JANE)

    assert built.state == "failed"
    assert built.reason == "The training failed: var/content/1/log says why."


def test_a_bank_that_fails_is_a_reason(
    candidates: PutTogether, drafts: Drafts, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> BankResult:
        raise BankFailed("The model can't be loaded.")

    monkeypatch.setattr(candidates, "_tested", fail)
    drafts.add(reads(root, "Other words."), by=JANE)

    built = candidates.build_now(by=JANE)

    assert (built.state, built.reason) == ("failed", "The model can't be loaded.")
    assert candidates.outdated(built) == "It isn't ready."


def test_what_can_no_longer_be_made_is_left_out(
    candidates: PutTogether, drafts: Drafts, root: Path
) -> None:
    gone = drafts.add(ExamplesAdded("faq_register", ("zebra stripes",), "Test."), by=JANE)
    with (root / "data/nlu/faq_host_class.yml").open("a") as file:
        file.write("\n- intent: faq_host_class\n  examples: |\n    - zebra stripes\n")

    alone = candidates.build_now(by=JANE)
    kept = drafts.add(reads(root, "Other words."), by=JANE)
    beside = candidates.build_now(by=JANE)

    assert (alone.state, list(alone.problems)) == ("failed", [gone])
    assert alone.reason.startswith("None of the changes can be made any more")
    assert (beside.state, beside.changes, list(beside.problems)) == ("ready", (kept,), [gone])
    assert candidates.outdated(alone) == "There is a newer try."


def test_what_is_published_is_tried_once(
    database: ConversationDatabase, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def run(_: Bank, of: Path, model: Path, __: object) -> BankResult:
        asked.append((of, model))
        return BankResult((), ())

    monkeypatch.setattr(Bank, "run", run)
    candidates, bank = Candidates(database, root), Bank.read(root)
    (root / "var/content").mkdir(parents=True)

    for _ in range(2):
        candidates._tested(bank, root, lambda _, __: None)
    (root / MODEL).write_bytes(b"another")
    candidates._tested(bank, root, lambda _, __: None)

    assert asked == [(root, root / MODEL)] * 2
