"""What is wrong with the answers and training examples as they stand, and what is worth a look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from bot.contacts import CONTACTS_FILE, load_contacts, overdue
from bot.content import examples, topics
from bot.content.answers import ANSWERS_FILE, MORE, Answer, read_answers
from bot.content.bank import TOPICS, Bank
from bot.content.changes import standing_problems

WRONG, STALE = "Wrong", "To be reviewed"
UNTESTED, OVER_MATCHING, NEVER_ASKED = (
    "Not tested",
    "Examples that the model takes for another topic",
    "Not asked for",
)
KINDS = (WRONG, STALE, UNTESTED, OVER_MATCHING, NEVER_ASKED)

SHOWN = 3
"""Examples of a topic that are told, of those that the model takes for another."""


@dataclass(frozen=True)
class Finding:
    kind: str
    """One of `KINDS`."""
    message: str

    @property
    def is_wrong(self) -> bool:
        """Whether something has to be done; else it is worth a look."""
        return self.kind in (WRONG, STALE)


def check(
    root: Path,
    *,
    today: date,
    strays: Sequence[Mapping[str, str]] = (),
    asked: Mapping[str, int] | None = None,
) -> list[Finding]:
    """Looks through a root's content.

    Args:
        root: The folder with the content, and with the bank where there is one.
        today: From which on a date has passed.
        strays: Training examples that the model takes for another topic (`bot.nlu.report.strays`).
        asked: How often each topic was asked lately, where that is known.

    Returns:
        What was found, in the order of `KINDS`.

    Raises:
        AnswersInvalid, ContactsInvalid, OSError: The content can't be read.
    """
    answers = read_answers(root)
    found = [Finding(WRONG, f"{name}: {p.message}") for name, p in standing_problems(root)]
    found += [Finding(STALE, message) for message in _stale(root, answers, today)]
    found += [Finding(UNTESTED, message) for message in _untested(root, answers)]
    found += [Finding(OVER_MATCHING, message) for message in _over_matching(strays)]
    if asked:
        offered = dict.fromkeys(answer.topic for answer in answers.values())
        found += [Finding(NEVER_ASKED, topic) for topic in offered if not asked.get(topic)]
    return found


def _stale(root: Path, answers: Mapping[str, Answer], today: date) -> Iterator[str]:
    for contact in overdue(load_contacts(root / CONTACTS_FILE), today):
        yield (
            f"{contact.name} ({contact.text}) was to be reviewed by {contact.review_by}: "
            f"ask {contact.owner} and set a new date in {CONTACTS_FILE}."
        )
    for answer in sorted(answers.values(), key=lambda answer: answer.review_by):
        if answer.review_by < today:
            yield (
                f"{answer.name} was to be reviewed by {answer.review_by}: "
                f"ask {answer.owner} and set a new date in {ANSWERS_FILE}."
            )


def _untested(root: Path, answers: Mapping[str, Answer]) -> Iterator[str]:
    """Topics that no question of the bank means, facts that none asks for, and answers without a way."""
    led_to = {button.payload for answer in answers.values() for button in answer.buttons}
    for topic in topics.with_more(topics.domain_of(root)):
        if topics.more_of(topic) not in led_to:
            yield f"No button leads to what more there is to faq_{topic}."
    if not (root / TOPICS).is_file():
        yield f"Nothing is: there is no question bank here ({TOPICS})."
        return
    known = {question.intent for question in Bank.read(root).questions}
    for topic in examples.topics(root / examples.NLU):
        if topic not in known:
            yield f"No question of the bank is about {topic}."
    said: set[str] = set()
    for topic in yaml.load((root / TOPICS).read_text(encoding="utf-8"), yaml.CSafeLoader):
        response = topic.get("response", f"utter_{topic['intent']}")
        for name in (response, *((response + MORE,) if "button" in topic else ())):
            said |= set(answers[name].facts) if name in answers else set()
    for answer in answers.values():
        if missing := [number for number in answer.facts if number not in said]:
            yield f"Nobody asks for {', '.join(missing)} ({answer.name})."


def _over_matching(strays: Sequence[Mapping[str, str]]) -> Iterator[str]:
    of_pair: dict[tuple[str, str], list[str]] = defaultdict(list)
    for stray in strays:
        of_pair[stray["intent"], stray["taken_for"]].append(stray["text"])
    for (intent, taken_for), texts in sorted(of_pair.items(), key=lambda pair: -len(pair[1])):
        some = ", ".join(f'"{text}"' for text in texts[:SHOWN])
        more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
        yield f"{intent}, taken for {taken_for}: {some}{more}"
