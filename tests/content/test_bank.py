"""The bank: what is told of one model, and of two."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.content.bank import (
    Asked,
    Bank,
    BankFailed,
    BankResult,
    Comparison,
    Held,
    Question,
    compare,
)
from bot.content.expectations import Conversation, Problem, differences
from bot.nlu.report import Understood, Utterance
from tests.commands.command import nasro_chat
from tests.running_server import ROOT

MODEL = ROOT / "models/assistant.tar.gz"
COMPARISONS = yaml.safe_load(Path(__file__).with_name("comparisons.yml").read_text())

# Two models --------------------------------------------------------------------------------------


def asked(number: int, expected: str, understood: str, *, is_trained: bool) -> Asked:
    text = f"question {number}"
    made = Understood(Utterance(text, expected), understood, "answer", 0.9, (understood,), 1.0)
    return Asked(text, expected, understood, "answer", made.outcome, made.is_in_scope, is_trained)


def results(case: dict[str, Any]) -> tuple[BankResult, BankResult]:
    sides = []
    for side, name in enumerate(("before", "after")):
        is_trained = case.get("trained") in (name, "both")
        questions = []
        for number, line in enumerate(case["asked"]):
            expected, _, understood = line.partition(": ")
            it = understood.split(" -> ")[side]
            questions.append(asked(number, expected, it, is_trained=is_trained))
        sides.append(BankResult(tuple(questions), ()))
    return sides[0], sides[1]


@pytest.mark.parametrize("case", COMPARISONS, ids=lambda case: case["name"])
def test_what_has_changed(case: dict[str, Any]) -> None:
    before, after = results(case)

    changes = compare(before, after)

    assert [moved.verdict for moved in changes.moved] == case["moved"]
    assert len(changes.left_out) == case.get("left_out", 0)
    fair = len(case["asked"]) - len(changes.left_out)
    for figures in (changes.before, changes.after):
        assert figures.in_scope + figures.out_of_scope == fair
    assert sum(changes.verdicts().values()) == len(case["moved"])


def test_conversations_that_broke_or_were_mended_are_told_apart() -> None:
    problem = Problem("hello", ("no 'x' in the text",), ("Hello!",))

    def told(**problems: Problem | None) -> BankResult:
        return BankResult((), tuple(Held(name, problem) for name, problem in problems.items()))

    changes = compare(
        told(fine=None, breaks=None, mended=problem, bad=problem, gone=problem),
        told(fine=None, breaks=problem, mended=None, bad=problem, new=problem),
    )

    assert [held.name for held in changes.broken] == ["breaks"]
    assert [held.name for held in changes.mended] == ["mended"]
    assert [held.name for held in changes.still_broken] == ["bad"]
    assert (changes.before.held, changes.after.held, changes.after.conversations) == (2, 2, 4)
    assert changes.mended[0].problem == problem


def test_results_and_comparisons_survive_json() -> None:
    before, after = results(COMPARISONS[1])
    problem = Problem("hello", ("no 'x' in the text",), ("Hello!",))
    after = replace(after, conversations=(Held("greets", problem), Held("parts", None)))
    changes = compare(replace(before, conversations=(Held("greets", None),)), after)

    assert BankResult.from_json(json.loads(json.dumps(after.as_json()))) == after
    assert Comparison.from_json(json.loads(json.dumps(changes.as_json()))) == changes


def test_a_table_can_not_expect_what_nothing_checks() -> None:
    with pytest.raises(ValueError, match="button"):
        differences({"text": "", "buttons": [], "cards": []}, {"button": "Tell me more"})


# The bank as it is -------------------------------------------------------------------------------


def test_the_bank_holds_every_question_and_conversation() -> None:
    bank = Bank.read(ROOT)

    assert len(bank.questions) > 2300
    assert len(bank.conversations) > 140
    names = [conversation.name for conversation in bank.conversations]
    assert len(set(names)) == len(names)
    assert bank.fingerprint == Bank.read(ROOT).fingerprint
    assert bank.fingerprint != replace(bank, questions=bank.questions[1:]).fingerprint


def test_a_root_without_a_bank_and_a_model_that_is_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(BankFailed, match=r"topics\.yml can't be read"):
        Bank.read(tmp_path)
    bank = Bank((), ())
    with pytest.raises(BankFailed, match="There is no model"):
        bank.run(ROOT, tmp_path / "assistant.tar.gz")


def test_a_run_that_ends_early_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))

    with pytest.raises(BankFailed, match="ended early, with code 1"):
        Bank((), ()).run(ROOT, MODEL)


# A real model ------------------------------------------------------------------------------------


TRIAL = yaml.safe_load(Path(__file__).with_name("trial.yml").read_text())
TRAINED = "how can i sign up for the next training"


@pytest.fixture(scope="module")
def other_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with another phone number, and a question of the bank among its examples."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(ROOT / "data", root / "data")
    contacts = (ROOT / "contacts.yml").read_text()
    phone = contacts.replace("888.316.2776", "888.555.0100").replace("8883162776", "8885550100")
    (root / "contacts.yml").write_text(phone)
    with (root / "data/nlu/faq_register.yml").open("a") as file:
        file.write(f"\n- intent: faq_register\n  examples: |\n    - {TRAINED.capitalize()}?\n")
    return root


@dataclass(frozen=True)
class Run:
    result: BankResult
    progress: list[tuple[int, int]]
    priorities: set[int]
    """Of the processes that ran meanwhile."""


@pytest.fixture(scope="module")
def run(other_root: Path) -> Run:
    bank = Bank(
        tuple(Question(one["text"], one["intent"]) for one in TRIAL["questions"]),
        tuple(
            Conversation(told["name"], TRIAL["given"], told["turns"])
            for told in TRIAL["conversations"]
        ),
    )
    progress, priorities = [], set()

    def watch(done: int, of: int) -> None:
        progress.append((done, of))
        children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
        for process in children.read_text().split() if children.exists() else ():
            priorities.add(os.getpriority(os.PRIO_PROCESS, int(process)))

    with pytest.MonkeyPatch.context() as server:
        # A run has nothing to do with the server that it may be started from.
        server.setenv("NASRO_CONVERSATIONS_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
        server.setenv("NASRO_REGISTRATION_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
        server.setenv("SANIC_WORKERS", "4")
        return Run(bank.run(other_root, MODEL, watch), progress, priorities)


@pytest.mark.parametrize("number", range(len(TRIAL["questions"])))
def test_question_is_understood(number: int, run: Run) -> None:
    expected, asked = TRIAL["questions"][number], run.result.questions[number]

    assert asked.text == expected["text"]
    assert asked.outcome == expected["outcome"], asked
    assert asked.understood == expected.get("understood", asked.understood)
    assert asked.band == expected.get("band", asked.band)
    assert asked.is_trained is (asked.text == TRAINED)


@pytest.mark.parametrize("number", range(len(TRIAL["conversations"])))
def test_conversation_goes_as_told_or_says_where_it_does_not(number: int, run: Run) -> None:
    expected, held = TRIAL["conversations"][number], run.result.conversations[number]

    assert held.name == expected["name"]
    if "problem" in expected:
        assert expected["problem"] in str(held.problem)
    else:
        assert held.problem is None, str(held.problem)


def test_figures_leave_training_examples_out(run: Run) -> None:
    figures = run.result.figures

    assert (figures.in_scope, figures.right, figures.wrong, figures.rejected) == (3, 1, 1, 1)
    assert (figures.out_of_scope, figures.answered_out_of_scope) == (1, 0)
    problems = sum("problem" in told for told in TRIAL["conversations"])
    assert figures.conversations - figures.held == problems == len(run.result.broken)


def test_a_run_tells_how_far_it_is_and_lets_everybody_else_go_first(run: Run) -> None:
    size = len(TRIAL["questions"]) + len(TRIAL["conversations"])

    assert run.progress == sorted(run.progress)
    assert run.progress[-1] == (size, size)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    # Other children, of other tests, may be there too.
    assert not run.priorities or min(own + 10, 19) in run.priorities


# The command -------------------------------------------------------------------------------------


def test_content_test_tells_what_has_changed(other_root: Path, tmp_path: Path) -> None:
    """On a small bank, in a folder like the project's."""
    shutil.copy(ROOT / "contacts.yml", tmp_path)
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / "tests/nlu/utterances").mkdir(parents=True)
    (tmp_path / "tests/nlu/utterances/voice.yml").write_text(
        f'version: "3.1"\nnlu:\n- intent: faq_register\n  examples: |\n    - {TRAINED}\n'
    )
    (tmp_path / "tests/conversations/topics").mkdir(parents=True)
    (tmp_path / "tests/conversations/topics/topics.yml").write_text(
        "- {topic: M10, intent: faq_hold_spot, asked: [may I hold a spot], "
        "button: 'What can I do instead?', source: 'Can I hold or reserve a spot?'}"
    )
    (tmp_path / "tests/conversations/office.yml").write_text(
        "conversations:\n- name: the number\n  turns:\n"
        "  - {user: can I talk to a person, assistant: [888.316.2776]}\n"
    )
    command = ("content", "test", "--model", str(MODEL))

    now = nasro_chat({}, *command, "--json", "now.json", cwd=tmp_path)
    later = nasro_chat(
        {}, *command, "--root", str(other_root), "--against", "now.json", cwd=tmp_path
    )

    assert (now.returncode, now.stderr) == (0, "")
    assert "2 questions in scope: 2 answered right (100.0%)" in now.stdout
    assert "2 of 2 conversations go as told." in now.stdout
    assert (later.returncode, later.stderr) == (1, "")
    assert "Left out, because they are training examples: 1 question" in later.stdout
    assert "Questions that are understood otherwise now: 0, of them" in later.stdout
    assert "Conversations that go another way now: 1\n- office: the number" in later.stdout
    assert "no '888.316.2776' in the text" in later.stdout
    assert not (tmp_path / "var").exists()
