"""The training data is sound, and the trained model understands what it was not trained on.

`make nlu-report` prints the figures behind the gates; docs/understanding.md says how to read them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from bot.content.changes import FEWEST_EXAMPLES as FEWEST_OF_NEW
from bot.content.examples import plain, read_examples
from bot.nlu.classifier import FALLBACK
from bot.nlu.report import UTTERANCES, Understood, read_utterances, share, strays, understand

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data/nlu"
TOPICS = ROOT / "tests/conversations/topics/topics.yml"

FEWEST_EXAMPLES = 40
"""Of an intent with held-out utterances. A topic that was added on the staff pages has none yet, and a few
examples (`nasro-chat content check` names it)."""

MISSPELT = ("typos", "autocorrect", "spells_by_ear")
"""Voices with an error in almost every message."""


EXAMPLES = read_examples(DATA)
TRAINED = {plain(one.text): one for one in EXAMPLES}
HELD_OUT = read_utterances(ROOT / UTTERANCES)
ASKED = sorted({utterance.intent for utterance in HELD_OUT})


# The data ----------------------------------------------------------------------------------------


def test_no_held_out_utterance_is_a_training_example() -> None:
    asked = [(u.text, u.file) for u in HELD_OUT]
    for topic in yaml.safe_load(TOPICS.read_text(encoding="utf-8")):
        asked += [(text, TOPICS) for text in topic["asked"]]

    both = [
        f"'{text}' in {file} is an example of {TRAINED[plain(text)].intent}"
        for text, file in asked
        if plain(text) in TRAINED
    ]

    assert not both, f"{len(both)} utterances test nothing, replace them:\n" + "\n".join(both)


def test_no_example_stands_in_two_intents() -> None:
    intents = defaultdict(set)
    for one in EXAMPLES:
        intents[plain(one.text)].add(f"{one.intent} ({one.file.name})")

    assert {text: found for text, found in intents.items() if len(found) > 1} == {}


def test_every_intent_has_examples_enough_and_is_in_the_domain() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    known = {
        next(iter(intent)) if isinstance(intent, dict) else intent for intent in domain["intents"]
    }
    counts = dict.fromkeys(known - {FALLBACK}, 0)
    for intent in (one.intent for one in EXAMPLES):
        counts[intent] = counts.get(intent, 0) + 1

    assert set(counts) - known == set(), "intents of the data that domain.yml doesn't have"
    fewest = {intent: FEWEST_EXAMPLES if intent in ASKED else FEWEST_OF_NEW for intent in counts}
    assert {intent: n for intent, n in counts.items() if n < fewest[intent]} == {}


def test_hardly_an_example_would_be_taken_by_another_intent() -> None:
    """Of examples at the borders some always are; many are a sign of two intents mixed up."""
    found = strays(ROOT / "models/assistant.tar.gz")
    listed = "\n".join(f"'{s['text']}' of {s['intent']}: {s['taken_for']}" for s in found)

    # Measured: 0.6 %. The report of `make nlu-report` lists them too.
    assert len(found) <= 0.01 * len(EXAMPLES), listed


# The model, on the held-out utterances -----------------------------------------------------------


@pytest.fixture(scope="module")
def understood() -> list[Understood]:
    assert len(HELD_OUT) > 2000
    return understand(HELD_OUT, ROOT / "models/assistant.tar.gz")


def listed(missed: Iterable[Understood]) -> str:
    return "\n" + "\n".join(
        f"{u}; examples: {', '.join(files_of(u.utterance.intent))}" for u in missed
    )


def files_of(intent: str) -> list[str]:
    return sorted({str(one.file.relative_to(ROOT)) for one in EXAMPLES if one.intent == intent})


def with_outcome(understood: Iterable[Understood], *outcomes: str) -> list[Understood]:
    return [u for u in understood if u.outcome in outcomes]


def test_the_likeliest_topic_is_the_right_one(understood: list[Understood]) -> None:
    in_scope = [u for u in understood if u.is_in_scope]
    missed = [u for u in in_scope if u.likeliest != u.utterance.intent]

    # The aim: 98 %. Measured: 97.5 %.
    assert share(len(in_scope) - len(missed), len(in_scope)) >= 0.97, listed(missed)


def test_with_typing_errors_too(understood: list[Understood]) -> None:
    of_them = [u for u in understood if u.is_in_scope and u.utterance.voice in MISSPELT]
    missed = [u for u in of_them if u.likeliest != u.utterance.intent]

    # The aim: 97 %. Measured: 96 %.
    assert share(len(of_them) - len(missed), len(of_them)) >= 0.95, listed(missed)


def test_when_a_topic_is_answered_it_is_the_right_one(understood: list[Understood]) -> None:
    answered = with_outcome((u for u in understood if u.is_in_scope), "right", "wrong")
    wrong = with_outcome(answered, "wrong")

    # The aim: at least 95 % of the clear answers are right. Measured: 99 %.
    assert share(len(answered) - len(wrong), len(answered)) >= 0.98, listed(wrong)


def test_most_of_what_is_in_scope_is_answered_at_once(understood: list[Understood]) -> None:
    in_scope = [u for u in understood if u.is_in_scope]
    missed = with_outcome(in_scope, "offered", "rejected")

    # The aim: 97 %. Measured: 97 %.
    assert share(len(in_scope) - len(missed), len(in_scope)) >= 0.955, listed(missed)


def test_hardly_anything_in_scope_is_lost(understood: list[Understood]) -> None:
    in_scope = [u for u in understood if u.is_in_scope]
    lost = with_outcome(in_scope, "rejected", "wrong")

    # The aim: at least 95 % is answered right or offered. Measured: 98 %.
    assert share(len(in_scope) - len(lost), len(in_scope)) >= 0.97, listed(lost)


@pytest.mark.parametrize(
    # The aims: nine of ten near misses, 97 % of the rest. Measured: 6 % and 3 %.
    ("intent", "most"),
    [("not_covered", 0.1), ("out_of_scope", 0.04)],
)
def test_what_is_out_of_scope_gets_no_topic_for_an_answer(
    intent: str, most: float, understood: list[Understood]
) -> None:
    others = [u for u in understood if u.utterance.intent == intent]
    answered = with_outcome(others, "wrong")

    assert share(len(answered), len(others)) <= most, listed(answered)


@pytest.mark.parametrize("intent", ASKED)
def test_every_intent_is_mostly_understood(intent: str, understood: list[Understood]) -> None:
    asked = [u for u in understood if u.utterance.intent == intent]
    lost = with_outcome(asked, "rejected", "wrong")

    # Three utterances may always fail; a tenth is many for one topic.
    assert len(lost) <= max(3, 0.1 * len(asked)), listed(lost)
