"""The bank: questions and conversations that a model is tried on before anybody else talks to it.

The questions are `tests/nlu/utterances/` and what `tests/conversations/topics/topics.yml` asks, the
conversations are the tables beside it. None of them trains: a question that has become an example says
nothing about the model, and is left out where two models are compared.

    before = bank.run(root, Path("models/assistant.tar.gz"))
    after = bank.run(candidate, candidate / "models/assistant.tar.gz")
    compare(before, after).moved
"""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import yaml

from bot.content.examples import read_examples
from bot.content.expectations import Conversation, Problem, read_conversations

UTTERANCES = Path("tests/nlu/utterances")
CONVERSATIONS = Path("tests/conversations")
TOPICS = CONVERSATIONS / "topics/topics.yml"

Outcome = Literal["right", "offered", "rejected", "wrong"]
Verdict = Literal["better", "worse", "other"]
Progress = Callable[[int, int], None]

_HOW_GOOD: dict[Outcome, int] = {"right": 2, "offered": 1, "rejected": 0, "wrong": 0}
"""An offer is half an answer; both of the others are none."""


class BankFailed(Exception):
    """The bank couldn't be run; the message says why."""


@dataclass(frozen=True)
class Question:
    text: str
    intent: str
    """What it means: an intent, or one of the negative ones."""


# What came of it ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A question, and what a model made of it, as a whole message."""

    text: str
    expected: str
    understood: str
    """The intent that it got; `nlu_fallback` where topics are offered."""
    band: str
    """`answer`, `suggest` or `reject`; `only entities` where those decided."""
    outcome: Outcome
    """As in `bot.nlu.report`; a question outside the scope is `right` or `wrong`."""
    is_in_scope: bool
    is_trained: bool
    """Whether it is a training example too, so that it says nothing."""


@dataclass(frozen=True)
class Held:
    """A conversation, and where it first went another way than its table tells."""

    name: str
    problem: Problem | None


@dataclass(frozen=True)
class Figures:
    in_scope: int
    right: int
    offered: int
    rejected: int
    wrong: int
    out_of_scope: int
    answered_out_of_scope: int
    """Questions outside the scope that got a topic's answer."""
    conversations: int
    held: int


@dataclass(frozen=True)
class BankResult:
    questions: tuple[Asked, ...]
    conversations: tuple[Held, ...]

    @property
    def figures(self) -> Figures:
        """Of the questions that are no training examples, and of all conversations."""
        fair = [asked for asked in self.questions if not asked.is_trained]
        return _figures(fair, self.conversations)

    @property
    def broken(self) -> tuple[Held, ...]:
        """The conversations that went another way."""
        return tuple(held for held in self.conversations if held.problem)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> BankResult:
        return cls(
            tuple(Asked(**asked) for asked in value["questions"]),
            tuple(map(_held, value["conversations"])),
        )


@dataclass(frozen=True)
class Moved:
    """A question that is understood otherwise now."""

    text: str
    expected: str
    before: str
    after: str
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """What changes for those who ask.

    Attributes:
        moved: Questions that get another intent, the worse ones first.
        broken: Conversations that held and go another way now.
        mended: Conversations that went another way and hold now, with what was wrong.
        still_broken: Conversations that hold neither before nor now.
        left_out: Questions that have become training examples. They count nowhere here.
    """

    moved: tuple[Moved, ...]
    broken: tuple[Held, ...]
    mended: tuple[Held, ...]
    still_broken: tuple[Held, ...]
    left_out: tuple[str, ...]
    before: Figures
    after: Figures

    def verdicts(self) -> dict[Verdict, int]:
        """How many questions moved for the better, for the worse, and neither."""
        counts = Counter(moved.verdict for moved in self.moved)
        return {"better": counts["better"], "worse": counts["worse"], "other": counts["other"]}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Comparison:
        return cls(
            tuple(Moved(**moved) for moved in value["moved"]),
            tuple(map(_held, value["broken"])),
            tuple(map(_held, value["mended"])),
            tuple(map(_held, value["still_broken"])),
            tuple(value["left_out"]),
            Figures(**value["before"]),
            Figures(**value["after"]),
        )


def compare(before: BankResult, after: BankResult) -> Comparison:
    """What two models make of the same bank; what only one of them was asked is left out."""
    earlier = {(asked.text, asked.expected): asked for asked in before.questions}
    pairs = [
        (earlier[asked.text, asked.expected], asked)
        for asked in after.questions
        if (asked.text, asked.expected) in earlier
    ]
    fair = [(old, new) for old, new in pairs if not (old.is_trained or new.is_trained)]
    moved = [
        Moved(old.text, old.expected, old.understood, new.understood, _verdict(old, new))
        for old, new in fair
        if old.understood != new.understood
    ]
    order = {"worse": 0, "better": 1, "other": 2}
    told = {held.name: held for held in before.conversations}
    both = [(told[held.name], held) for held in after.conversations if held.name in told]
    return Comparison(
        moved=tuple(sorted(moved, key=lambda one: order[one.verdict])),
        broken=tuple(new for old, new in both if new.problem and not old.problem),
        mended=tuple(old for old, new in both if old.problem and not new.problem),
        still_broken=tuple(new for old, new in both if old.problem and new.problem),
        left_out=tuple(new.text for old, new in pairs if old.is_trained or new.is_trained),
        before=_figures([old for old, _ in fair], [old for old, _ in both]),
        after=_figures([new for _, new in fair], [new for _, new in both]),
    )


def _verdict(old: Asked, new: Asked) -> Verdict:
    difference = _HOW_GOOD[new.outcome] - _HOW_GOOD[old.outcome]
    return "better" if difference > 0 else "worse" if difference < 0 else "other"


def _figures(questions: list[Asked], conversations: tuple[Held, ...] | list[Held]) -> Figures:
    outcomes = Counter(asked.outcome for asked in questions if asked.is_in_scope)
    others = [asked for asked in questions if not asked.is_in_scope]
    return Figures(
        in_scope=len(questions) - len(others),
        right=outcomes["right"],
        offered=outcomes["offered"],
        rejected=outcomes["rejected"],
        wrong=outcomes["wrong"],
        out_of_scope=len(others),
        answered_out_of_scope=sum(asked.outcome == "wrong" for asked in others),
        conversations=len(conversations),
        held=sum(not held.problem for held in conversations),
    )


def _held(value: dict[str, Any]) -> Held:
    problem = value["problem"]
    return Held(
        value["name"],
        problem
        and Problem(problem["said"], tuple(problem["differences"]), tuple(problem["answers"])),
    )


# The bank itself ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bank:
    """What is asked and told."""

    questions: tuple[Question, ...]
    conversations: tuple[Conversation, ...]

    @classmethod
    def read(cls, root: Path = Path()) -> Bank:
        """The bank of a project's root; each question once.

        Raises:
            BankFailed: There is none.
        """
        try:
            topics = yaml.load((root / TOPICS).read_text(encoding="utf-8"), yaml.CSafeLoader)
        except OSError as error:
            raise BankFailed(f"{root / TOPICS} can't be read: {error.strerror}.") from error
        questions = [Question(one.text, one.intent) for one in read_examples(root / UTTERANCES)]
        questions += [
            Question(text, topic["intent"]) for topic in topics for text in topic["asked"]
        ]
        told = read_conversations(root / CONVERSATIONS)
        told += map(_told, topics)
        return cls(tuple(dict.fromkeys(questions)), tuple(told))

    @property
    def fingerprint(self) -> str:
        """A sha256: while it is the same, the same model gives the same result.

        Of what is asked, of the code that answers, and of today, which conversations count from.
        """
        digest = hashlib.sha256(f"{datetime.now(timezone.utc).date()}".encode())
        digest.update(json.dumps(asdict(self), default=str).encode())
        project = Path(__file__).parents[2]
        for package in ("actions", "bot", "identity", "registration"):
            for file in sorted((project / package).rglob("*.py")):
                digest.update(file.read_bytes())
        return digest.hexdigest()

    @property
    def size(self) -> int:
        return len(self.questions) + len(self.conversations)

    def run(self, root: Path, model: Path, progress: Progress | None = None) -> BankResult:
        """Tries a model, with the contacts of a root, in a process of its own at a low priority.

        That process has databases of its own, and takes neither settings nor threads from this one.

        Args:
            root: The folder with the contacts and the examples that belong to the model.
            model: The model file.
            progress: Told how many questions and conversations of how many are done.

        Raises:
            BankFailed: There is no such model, it can't be loaded, or the process ended early.
        """
        if not model.is_file():
            raise BankFailed(f"There is no model {model}.")  # Rasa would take another one
        result = None
        command = [sys.executable, "-m", "bot.content", str(root.resolve()), str(model.resolve())]
        # Where this ends early, so does that process: nobody reads what it has to tell.
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin
            assert process.stdout
            with suppress(BrokenPipeError), process.stdin:
                pickle.dump(self, process.stdin)
            for line in process.stdout:
                told = json.loads(line)
                if "failed" in told:
                    raise BankFailed(told["failed"])
                if "result" in told:
                    result = BankResult.from_json(told["result"])
                elif progress:
                    progress(told["done"], told["of"])
        if result is None:
            raise BankFailed(f"The trial ended early, with code {process.returncode}.")
        return result


def _told(topic: dict[str, Any]) -> Conversation:
    """A topic as a conversation: it is asked for, and so is the rest of its answer."""
    turns = [{"user": topic["asked"][0], "assistant": [{"source": topic["source"]}]}]
    if "button" in topic:
        turns.append({"press": topic["button"], "assistant": [{"source": topic["source"]}]})
    return Conversation(f"topics: {topic['topic']}", {}, turns)
