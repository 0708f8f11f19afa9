"""Publishing and taking back: files, commit, model and word; refusals, kills in the middle, two at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.content import files
from bot.content.bank import BankResult, Held
from bot.content.changes import ExamplesAdded
from bot.content.expectations import Problem
from bot.content.files import MODEL
from bot.reload import KEPT, sha256_of
from bot.staff.audit import entries
from bot.staff.candidates import Candidate
from bot.staff.content_tables import Published, published
from bot.staff.drafts import Drafts
from bot.staff.publications import PublicationRefused, Publications
from bot.webchat.database import ConversationDatabase
from tests.publishing.conftest import JANE, PutTogether, both, reads
from tests.roots import ROOT, copy_of_the_root, git

STEPS = ("noted", "half the files", "files", "commit", "model")
"""Where a publication can be killed, in this order."""


def current(database: ConversationDatabase) -> Published:
    with database.reading() as connection:
        return published(connection)


@both
def test_what_is_published_is_in_the_files_in_a_commit_and_served(
    ready: Candidate,
    publications: Publications,
    drafts: Drafts,
    database: ConversationDatabase,
    root: Path,
) -> None:
    model_before = sha256_of(root / MODEL)

    done = publications.publish(ready.id, by=JANE)

    assert "It says something else now." in (root / "domain.yml").read_text()
    assert drafts.waiting() == []
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "-1", "--format=%an <%ae>").strip() == f"Jane Doe <{JANE}>"
    assert git(root, "log", "-1", "--format=%H").strip() == done.revision
    assert git(root, "show", "--format=", "--name-only", "HEAD").split() == [
        "answers.yml", "domain.yml"
    ]  # fmt: skip
    assert sha256_of(root / MODEL) == ready.model != model_before
    assert current(database) == Published(1, ready.model or "")
    assert (root / MODEL.parent / KEPT / f"{ready.model}.tar.gz").is_file()
    assert [entry.what for entry in entries(database).entries][:1] == ["published"]
    assert done.is_current
    assert done.may_be_rolled_back


def test_its_patch_makes_the_same_of_another_copy(
    ready: Candidate, publications: Publications, root: Path, tmp_path: Path
) -> None:
    other = copy_of_the_root(tmp_path / "other")
    publications.publish(ready.id, by=JANE)

    patch = publications.patch(1)

    assert patch is not None
    subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=other, check=True)
    assert files.fingerprint(other) == files.fingerprint(root)
    assert publications.patch(2) is None


@both
def test_taken_back_all_is_as_before_and_the_changes_wait_again(
    ready: Candidate,
    publications: Publications,
    drafts: Drafts,
    database: ConversationDatabase,
    root: Path,
) -> None:
    before, model, waited = files.fingerprint(root), sha256_of(root / MODEL), drafts.waiting()
    publications.publish(ready.id, by=JANE)

    done = publications.roll_back(by=JANE)

    assert files.fingerprint(root) == before
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "-1", "--format=%s").startswith("Take back: The answer")
    assert sha256_of(root / MODEL) == model
    assert current(database) == Published(2, model)
    assert drafts.waiting() == waited
    assert (done.is_roll_back, done.is_current, done.may_be_rolled_back) == (True, True, False)
    with pytest.raises(PublicationRefused, match="Nothing has been published"):
        publications.roll_back(by=JANE)


def test_several_are_taken_back_one_after_the_other(
    candidates: PutTogether, publications: Publications, drafts: Drafts, root: Path
) -> None:
    prints = [files.fingerprint(root)]
    for text in ("First.", "Second."):
        drafts.add(reads(root, text), by=JANE)
        publications.publish(candidates.build_now(by=JANE).id, by=JANE)
        prints.append(files.fingerprint(root))

    for expected in (prints[1], prints[0]):
        publications.roll_back(by=JANE)
        assert files.fingerprint(root) == expected
    # What came back is published in the order in which it was made.
    publications.publish(candidates.build_now(by=JANE).id, by=JANE)
    assert files.fingerprint(root) == prints[2]


def test_without_a_repository_there_is_no_commit(
    root: Path, ready: Candidate, publications: Publications
) -> None:
    subprocess.run(["rm", "-rf", root / ".git"], check=True)

    done = publications.publish(ready.id, by=JANE)

    assert done.revision is None
    assert "It says something else now." in (root / "domain.yml").read_text()


def test_what_else_is_staged_is_not_committed(
    root: Path, ready: Candidate, publications: Publications
) -> None:
    (root / "config.yml.orig").write_text("mine")
    git(root, "add", "config.yml.orig")

    publications.publish(ready.id, by=JANE)

    assert git(root, "status", "--porcelain").strip() == "A  config.yml.orig"


def test_a_commit_that_git_refuses_leaves_everything_as_it_was(
    root: Path,
    ready: Candidate,
    publications: Publications,
    drafts: Drafts,
    database: ConversationDatabase,
) -> None:
    hook = root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)
    before, model = files.fingerprint(root), sha256_of(root / MODEL)

    with pytest.raises(PublicationRefused, match="not on a Friday"):
        publications.publish(ready.id, by=JANE)

    assert files.fingerprint(root) == before
    assert git(root, "status", "--porcelain") == ""
    assert sha256_of(root / MODEL) == model
    assert current(database) == Published()
    assert len(drafts.waiting()) == 1
    hook.unlink()
    assert publications.publish(ready.id, by=JANE).is_current


def test_files_that_were_changed_meanwhile_are_not_written_over(
    root: Path, ready: Candidate, publications: Publications
) -> None:
    with (root / "domain.yml").open("a") as file:
        file.write("# a developer's\n")
    with pytest.raises(PublicationRefused, match="changed since"):
        publications.publish(ready.id, by=JANE)
    assert (root / "domain.yml").read_text().endswith("# a developer's\n")


def test_what_is_not_committed_is_not_mixed_in(
    root: Path, drafts: Drafts, candidates: PutTogether, publications: Publications
) -> None:
    with (root / "domain.yml").open("a") as file:
        file.write("# a developer's\n")
    drafts.add(reads(root, "Other words."), by=JANE)
    ready = candidates.build_now(by=JANE)

    with pytest.raises(PublicationRefused, match=r"domain\.yml has changes"):
        publications.publish(ready.id, by=JANE)

    git(root, "commit", "--quiet", "-am", "a developer's")
    assert publications.publish(ready.id, by=JANE).is_current


def test_taking_back_loses_nothing_that_came_later(
    root: Path, ready: Candidate, publications: Publications
) -> None:
    publications.publish(ready.id, by=JANE)
    with (root / "data/nlu/faq_register.yml").open("a") as file:
        file.write("# a developer's\n")
    with pytest.raises(PublicationRefused, match="by other means"):
        publications.roll_back(by=JANE)


def test_a_change_that_was_discarded_is_not_published(
    ready: Candidate, drafts: Drafts, publications: Publications
) -> None:
    drafts.discard(ready.changes[0], by=JANE)
    with pytest.raises(PublicationRefused, match="One of its changes"):
        publications.publish(ready.id, by=JANE)


def test_what_was_added_after_the_try_goes_on_waiting(
    root: Path, ready: Candidate, drafts: Drafts, publications: Publications
) -> None:
    later = drafts.add(ExamplesAdded("faq_register", ("zebra crossing fees",), "Later."), by=JANE)

    publications.publish(ready.id, by=JANE)

    assert [draft.id for draft in drafts.waiting()] == [later]
    assert "zebra" not in (root / "data/nlu/faq_register.yml").read_text()


def test_what_gets_worse_is_published_only_by_who_knows(
    drafts: Drafts, candidates: PutTogether, publications: Publications, root: Path
) -> None:
    held = Held(
        "holding a spot", Problem("can I hold a spot", ("no 'hold'",), ("Something else.",))
    )
    drafts.add(reads(root, "It says something else now."), by=JANE)
    candidates.after = BankResult((), (held,))
    candidates.before = BankResult((), (replace(held, problem=None),))
    worse = candidates.build_now(by=JANE)

    with pytest.raises(PublicationRefused, match="gets worse"):
        publications.publish(worse.id, by=JANE)

    assert publications.publish(worse.id, by=JANE, although_worse=True).is_current


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("what", ["publish", "roll_back"])
def test_one_that_is_killed_is_brought_to_its_end(
    step: str,
    what: str,
    ready: Candidate,
    publications: Publications,
    drafts: Drafts,
    database: ConversationDatabase,
    root: Path,
) -> None:
    before, model = files.fingerprint(root), sha256_of(root / MODEL)
    wanted, wanted_model = files.fingerprint(root / f"var/content/{ready.id}"), ready.model
    if what == "roll_back":
        publications.publish(ready.id, by=JANE)
        wanted, wanted_model = before, model

    killed = subprocess.run(
        [sys.executable, "-m", "tests.publishing.crash", database.url, root, what, step],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=root,
    )

    assert killed.returncode == -9
    assert not publications.all() or files.fingerprint(root) != wanted or step not in STEPS[:1]
    publications.repair()
    assert files.fingerprint(root) == wanted
    assert git(root, "status", "--porcelain") == ""
    assert sha256_of(root / MODEL) == wanted_model == current(database).model
    assert bool(drafts.waiting()) is (what == "roll_back")
    assert len(git(root, "log", "--format=%H").split()) == (2 if what == "publish" else 3)


@pytest.mark.usefixtures("ready")
def test_what_somebody_wrote_after_a_kill_is_not_written_over(
    publications: Publications, database: ConversationDatabase, root: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.publishing.crash", database.url, root, "publish", "files"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=root,
    )
    written = (root / "domain.yml").read_text()
    (root / "domain.yml").write_text("mine")

    with pytest.raises(PublicationRefused, match=r"domain.yml was changed since"):
        publications.repair()

    assert (root / "domain.yml").read_text() == "mine"
    (root / "domain.yml").write_text(written)
    publications.repair()
    assert current(database).number == 1


def test_of_two_who_publish_at_once_one_does(
    ready: Candidate, database: ConversationDatabase, root: Path
) -> None:
    outcomes: list[str] = []

    def publish() -> None:
        try:
            outcomes.append(str(Publications(database, root).publish(ready.id, by=JANE).number))
        except PublicationRefused as refused:
            outcomes.append(str(refused))

    both = [threading.Thread(target=publish) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert sorted(outcomes) == [
        "1", "One of its changes was published, replaced or discarded since. Try it again."
    ]  # fmt: skip
    assert len(git(root, "log", "--format=%H").split()) == 2


def test_models_that_nobody_can_go_back_to_are_removed(
    candidates: PutTogether,
    publications: Publications,
    drafts: Drafts,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.staff.publications.MODELS_KEPT", 1)
    for text in ("First.", "Second."):
        drafts.add(reads(root, text), by=JANE)
        publications.publish(candidates.build_now(by=JANE).id, by=JANE)

    assert len(list((root / MODEL.parent / KEPT).iterdir())) == 2
    publications.roll_back(by=JANE)
    with pytest.raises(PublicationRefused, match="isn't kept any more"):
        publications.roll_back(by=JANE)


def test_the_log_never_quotes_what_people_wrote(
    drafts: Drafts,
    candidates: PutTogether,
    publications: Publications,
    database: ConversationDatabase,
) -> None:
    drafts.add(ExamplesAdded("faq_register", ("zebra crossing fees",), "From a test."), by=JANE)
    candidates._train = lambda number: _same_model(candidates, number)  # type: ignore[method-assign]
    publications.publish(candidates.build_now(by=JANE).id, by=JANE)

    with database.reading() as connection:
        rows = connection.execute(sa.text("SELECT * FROM staff_audit")).all()
    assert rows
    assert "zebra" not in repr(rows)


def _same_model(candidates: PutTogether, number: int) -> None:
    to = candidates.folder(number) / MODEL
    to.parent.mkdir()
    to.write_bytes((candidates.folder(number).parents[2] / MODEL).read_bytes())
