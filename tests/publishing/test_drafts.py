"""Changes that wait: in order, checked after what waits already, and in no file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from bot.content import files
from bot.content.answers import read_answers
from bot.content.changes import ChangeRefused, ExamplesAdded, no_change
from bot.staff.audit import entries
from bot.staff.drafts import SHOWN, Drafts, NotWaiting
from bot.webchat.database import ConversationDatabase
from tests.publishing.conftest import JANE, both, reads

BOB = "bob@example.org"


@both
def test_what_waits_is_in_no_file_but_in_a_copy(
    drafts: Drafts, database: ConversationDatabase, root: Path
) -> None:
    before = files.fingerprint(root)

    number = drafts.add(reads(root, "Other words."), by=JANE)

    assert files.fingerprint(root) == before
    with drafts.applied() as applied:
        assert read_answers(applied.root)["utter_faq_hold_spot"].text == "Other words."
        assert applied.problems == {}
    ((waiting,), (entry,)) = (drafts.waiting(), entries(database).entries)
    assert (waiting.id, waiting.by, entry.who, entry.what) == (number, JANE, JANE, "change added")


@both
def test_the_same_answer_changed_again_is_one_change(
    drafts: Drafts, database: ConversationDatabase, root: Path
) -> None:
    first = drafts.add(reads(root, "First."), by=JANE)
    drafts.add(reads(root, "Another answer.", "utter_faq_register"), by=JANE)
    drafts.add(reads(root, "Second."), by=BOB, instead_of=first)

    assert [draft.change.text for draft in drafts.waiting()] == ["Another answer.", "Second."]
    added, replaced, *_ = entries(database).entries
    assert (added.what, replaced.what, replaced.who) == ("change added", "change replaced", BOB)
    assert (replaced.subject, "First." in replaced.after) == ("answer utter_faq_hold_spot", True)


@both
def test_what_its_author_has_not_seen_is_not_replaced(drafts: Drafts, root: Path) -> None:
    seen = drafts.add(reads(root, "Seen."), by=JANE)
    newer = drafts.add(reads(root, "Newer."), by=JANE, instead_of=seen)

    for shown in (None, seen, 99):
        with pytest.raises(ChangeRefused) as refused:
            drafts.add(reads(root, "Unaware."), by=BOB, instead_of=shown)
        assert [problem.field for problem in refused.value.problems] == [SHOWN]
    assert [draft.id for draft in drafts.waiting()] == [newer]
    drafts.discard(newer, by=JANE)
    with pytest.raises(ChangeRefused):
        drafts.add(reads(root, "Unaware."), by=BOB, instead_of=newer)
    drafts.add(reads(root, "Aware."), by=BOB)


@both
@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_at_once_one_is_kept(
    drafts: Drafts,
    database: ConversationDatabase,
    root: Path,
    is_first: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = None if is_first else drafts.add(reads(root, "Seen by both."), by=JANE)
    looked, note = Barrier(2), drafts.note

    def note_together(*arguments: Any, **options: Any) -> int:
        with suppress(BrokenBarrierError):  # as one of them can't come before the other is done
            looked.wait(1)
        return note(*arguments, **options)

    monkeypatch.setattr(drafts, "note", note_together)

    def keep(text: str) -> bool:
        try:
            drafts.add(reads(root, text), by=JANE, instead_of=shown)
        except ChangeRefused:
            return False
        return True

    texts = ("This.", "That.")
    with ThreadPoolExecutor() as pool:
        kept = list(pool.map(keep, texts))

    assert sorted(kept) == [False, True]
    assert [draft.change.text for draft in drafts.waiting()] == [texts[kept.index(True)]]
    noted = [entry.what for entry in entries(database).entries]
    assert noted.count("change replaced") == (not is_first)


def test_the_second_of_an_answer_knows_its_facts_as_the_files_have_them(
    drafts: Drafts, root: Path
) -> None:
    first = drafts.add(reads(root, "First."), by=JANE)
    unaware = replace(no_change(read_answers(root)["utter_faq_hold_spot"]), text="Second.")

    with pytest.raises(ChangeRefused):  # it gives up facts that the files' answer says
        drafts.add(unaware, by=JANE, instead_of=first)

    assert [draft.change.text for draft in drafts.waiting()] == ["First."]


def test_examples_of_a_topic_are_changes_each(drafts: Drafts) -> None:
    for text in ("zebra stripes", "zebra hooves"):
        drafts.add(ExamplesAdded("faq_register", (text,), "From a test."), by=JANE)

    assert len(drafts.waiting()) == 2
    with pytest.raises(ChangeRefused, match="example of faq_register already"):
        drafts.add(ExamplesAdded("faq_host_class", ("Zebra hooves!",), "Test."), by=JANE)


def test_what_can_no_longer_be_made_is_left_out_and_says_why(drafts: Drafts, root: Path) -> None:
    first = drafts.add(ExamplesAdded("faq_register", ("zebra stripes",), "Test."), by=JANE)
    second = drafts.add(reads(root, "Other words."), by=JANE)
    with (root / "data/nlu/faq_host_class.yml").open("a") as file:
        file.write("\n- intent: faq_host_class\n  examples: |\n    - zebra stripes\n")

    with drafts.applied() as applied:
        assert list(applied.problems) == [first] != [second]
        assert "example of faq_host_class already" in applied.problems[first]
        assert read_answers(applied.root)["utter_faq_hold_spot"].text == "Other words."


def test_what_is_discarded_waits_no_more(
    drafts: Drafts, database: ConversationDatabase, root: Path
) -> None:
    number = drafts.add(reads(root, "Other words."), by=JANE)

    drafts.discard(number, by=BOB)

    assert drafts.waiting() == []
    latest = entries(database).entries[0]
    assert (latest.who, latest.what) == (BOB, "change discarded")
    for unknown in (number, 99):
        with pytest.raises(NotWaiting):
            drafts.discard(unknown, by=JANE)
