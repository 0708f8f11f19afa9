"""What the systems are trained on and asked: our own files, and public data where its path is given.

Public data is not shipped here; each reader takes it in the form in which it was published.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rasa.shared.nlu.training_data.loading import load_data

from bot.nlu.classifier import NEGATIVES
from bot.nlu.report import UTTERANCES, read_utterances

NEAR, FAR = NEGATIVES
"""Intents of what no topic answers: near the domain, and far from it."""

Examples = list[tuple[str, str]]
"""Texts with their intents."""


@dataclass(frozen=True)
class Dataset:
    name: str
    train: Examples
    test: Examples
    is_ours: bool = False

    @property
    def with_typos(self) -> Dataset:
        """The same, asked with one or two typing errors in each message (seeded)."""
        slips = random.Random(0)
        return Dataset(
            f"{self.name}, typos",
            self.train,
            [(misspell(text, slips), intent) for text, intent in self.test],
            self.is_ours,
        )


def own() -> Dataset:
    train = [
        (str(example.get("text")), str(example.get("intent")))
        for example in load_data("data/nlu").intent_examples
    ]
    test = [(utterance.text, utterance.intent) for utterance in read_utterances(UTTERANCES)]
    return Dataset("ours", train, test, is_ours=True)


def own_few(examples: int = 40) -> Dataset:
    """Our own files with few examples of each intent (seeded), for systems that train for an hour."""
    whole, chance = own(), random.Random(0)
    by_intent: dict[str, Examples] = {}
    for pair in whole.train:
        by_intent.setdefault(pair[1], []).append(pair)
    train = [pair for of in by_intent.values() for pair in chance.sample(of, examples)]
    return Dataset(f"ours, {examples} examples an intent", train, whole.test, is_ours=True)


def clinc150(file: Path, seed: int, intents: int = 26, examples: int = 30) -> Dataset:
    """A small domain cut out of CLINC150, as in the measurements that the design rests on.

    Args:
        file: `data_full.json` of https://github.com/clinc/oos-eval (Larson et al. 2019,
            arXiv:1909.02027): splits of pairs of text and intent.
    """
    splits: dict[str, Examples] = json.loads(file.read_text(encoding="utf-8"))
    chance = random.Random(seed)
    chosen = set(chance.sample(sorted({intent for _, intent in splits["train"]}), intents))
    train: Examples = []
    for intent in sorted(chosen):
        train += chance.sample([pair for pair in splits["train"] if pair[1] == intent], examples)
    train += [(text, FAR) for text, _ in splits["oos_train"]]
    test = [(text, intent if intent in chosen else NEAR) for text, intent in splits["test"]]
    test += [(text, FAR) for text, _ in splits["oos_test"]]
    return Dataset(f"CLINC150, {intents} intents, seed {seed}", train, test)


def with_oos(folder: Path) -> Dataset:
    """BANKING77-OOS or a domain of CLINC-Single-Domain-OOS.

    Args:
        folder: Of https://github.com/jianguoz/Few-Shot-Intent-Detection (Zhang et al. 2022,
            arXiv:2106.04564): `train`, `test`, `id-oos/{train,test}`, `ood-oos/{valid,test}`, each
            with `seq.in` and `label`, a line an example.
    """
    train = list(_lines(folder / "train"))
    for part, intent in (("id-oos/train", NEAR), ("ood-oos/valid", FAR)):
        train += [(text, intent) for text, _ in _lines(folder / part)]
    test = list(_lines(folder / "test"))
    for part, intent in (("id-oos/test", NEAR), ("ood-oos/test", FAR)):
        test += [(text, intent) for text, _ in _lines(folder / part)]
    return Dataset(folder.name, train, test)


def far_from_anything() -> Examples:
    """Our own examples of what is far from any domain, for data that has none to train on.

    Ours needs some to set its thresholds, so all systems get them.
    """
    return [(text, intent) for text, intent in own().train if intent == FAR]


def banking77(folder: Path) -> Dataset:
    """BANKING77 (Casanueva et al. 2020, arXiv:2003.04807): `train.csv`, `test.csv`."""
    return Dataset(
        "BANKING77",
        [*_table(folder / "train.csv", "text", "category"), *far_from_anything()],
        list(_table(folder / "test.csv", "text", "category")),
    )


def hint3(folder: Path, bot: str) -> Dataset:
    """Real users of one bot in HINT3 (Arora et al. 2020, arXiv:2009.13833).

    Args:
        folder: `dataset/v2` of https://github.com/hellohaptik/HINT3. What no intent fits is
            labelled `NO_NODES_DETECTED` there, in the test alone.
    """
    test = [
        (text, FAR if intent == "NO_NODES_DETECTED" else intent)
        for text, intent in _table(folder / f"test/{bot}_test.csv", "sentence", "label")
    ]
    train = list(_table(folder / f"train/{bot}_train.csv", "sentence", "label"))
    return Dataset(f"HINT3 {bot}", train + far_from_anything(), test)


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    texts = (folder / "seq.in").read_text(encoding="utf-8").splitlines()
    labels_file = folder / "label"
    labels = labels_file.read_text(encoding="utf-8").splitlines() if labels_file.exists() else texts
    yield from zip(texts, labels, strict=True)


def _table(file: Path, text: str, intent: str) -> Iterator[tuple[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield row[text], row[intent]


NEIGHBOURS = {
    key: row[max(0, n - 1) : n] + row[n + 1 : n + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for n, key in enumerate(row)
}
"""The keys beside each on a keyboard."""


def misspell(text: str, slips: random.Random) -> str:
    """One or two slips of the fingers, in words of four letters or more."""
    for _ in range(slips.randint(1, 2)):
        words = list(re.finditer(r"[A-Za-z]{4,}", text))
        if not words:
            break
        word = slips.choice(words)
        text = text[: word.start()] + _slip(word.group(), slips) + text[word.end() :]
    return text


def _slip(word: str, slips: random.Random) -> str:
    at = slips.randrange(1, len(word) - 1)
    kind = slips.choice(("drop", "double", "swap", "neighbour"))
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "double":
        return word[:at] + word[at] + word[at:]
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    key = slips.choice(NEIGHBOURS.get(word[at].lower()) or word[at])
    return word[:at] + key + word[at + 1 :]
