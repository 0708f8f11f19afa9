"""Spelling correction, for understanding only: what a person typed stays as it is everywhere else.

Entities are found in the original text, and it is what is stored and shown. Measured beforehand on
CLINC150 subsets, correction is worth three points of accuracy on noisy text and costs none on clean.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from symspellpy import SymSpell, Verbosity

from bot.nlu.fingerprint import CodeCounts
from registration.gazetteer import gazetteer
from registration.place_tables import STATE_NAMES

CORRECTED_TEXT = "corrected_text"
"""Message property: the text as the classifier reads it."""

UNKNOWN_WORDS = "unknown_words"
"""Message property: the words, in lower case, that are neither English nor ours nor a place's."""

ENGLISH_WORDS = 30_000
"""The most frequent words of the dictionary. All 82,765 correct no better (0.0 points) for twice the
memory and three times the load."""

LARGE_TOWN = 50_000
"""Inhabitants from which on a town's name is a word that needs no correction."""

OURS = 1_000_000_000
"""Frequency of a word of the training data: of two candidates as near, it is the one meant."""

ABBREVIATIONS = {
    "abt": "about", "acct": "account", "accts": "accounts", "addr": "address", "bc": "because",
    "cert": "certificate", "certs": "certificates", "conf": "conference", "coord": "coordinator",
    "cuz": "because", "dept": "department", "depts": "departments", "dl": "download",
    "eval": "evaluation", "evals": "evaluations", "govt": "government", "hrs": "hours",
    "info": "information", "mbr": "member", "mbrs": "members", "mbrship": "membership",
    "mgmt": "management", "msg": "message", "n": "and", "natl": "national", "nbr": "number",
    "num": "number", "pls": "please", "plz": "please", "ppl": "people", "prob": "probably",
    "pswd": "password", "pw": "password", "pwd": "password", "quals": "qualifications",
    "r": "are", "recd": "received", "reg": "register", "req": "requirement",
    "reqs": "requirements", "sched": "schedule", "schl": "school", "sgt": "sergeant",
    "spvsr": "supervisor", "supv": "supervisor", "thnx": "thanks", "thru": "through",
    "thx": "thanks", "tmrw": "tomorrow", "trng": "training", "tnx": "thanks", "ty": "thanks",
    "u": "you", "ur": "your", "w": "with", "wk": "week", "yr": "year", "yrs": "years",
}  # fmt: skip

WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
ANY_WORD = re.compile(r"[^\W\d_]+")

SHORTEST = 4
"""Letters of the shortest word that is corrected: short ones are too close to each other."""

LIKELIER = 5
"""A word that English doesn't know is a typo when a word so many times as frequent is near."""


class Speller:
    """Corrects words against English, the training data's own words, and place names.

    Args:
        words: Words that are right whatever the dictionary says, in lower case.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._symspell = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
        for word, frequency in _english(ENGLISH_WORDS):
            self._symspell.create_dictionary_entry(word, frequency)
        for word in words:
            self._symspell.create_dictionary_entry(word, OURS)
        self._places = set(_place_words())

    def correct(self, text: str) -> str:
        """The text in lower case, each word as it was probably meant."""
        return WORD.sub(lambda match: self._correct(match.group()), text.lower().replace("’", "'"))

    def unknown(self, text: str) -> list[str]:
        """The words of a text, in lower case, of more than a letter, that no list has."""
        return [
            word
            for word in ANY_WORD.findall(text.lower())
            if len(word) > 1
            and word not in self._symspell.words
            and word not in self._places
            and word not in ABBREVIATIONS
        ]

    def _correct(self, word: str) -> str:
        if word in ABBREVIATIONS:
            return ABBREVIATIONS[word]
        if len(word) < SHORTEST or word in self._places:
            return word
        found = self._symspell.lookup(word, Verbosity.TOP, max_edit_distance=_distance(word))
        return found[0].term if found else word


def own_words(texts: Iterable[str]) -> list[str]:
    """The words that texts use on purpose: at least twice, and not where one near is meant.

    The examples hold typos, the same ones again and again; learned as words, they would never be
    corrected.
    """
    seen = Counter(word for text in texts for word in set(WORD.findall(text.lower())))
    near = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    for word, times in seen.items():
        near.create_dictionary_entry(word, times)
    english = {word for word, _ in _english(ENGLISH_WORDS)}

    def is_typo(word: str) -> bool:
        if word in english or "'" in word or len(word) < SHORTEST:
            return False
        found = near.lookup(word, Verbosity.ALL, max_edit_distance=_distance(word))
        return max(other.count for other in found) >= LIKELIER * seen[word]

    return sorted(word for word, times in seen.items() if times > 1 and not is_typo(word))


def _distance(word: str) -> int:
    return 1 if len(word) < 6 else 2


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SpellingCorrector(CodeCounts, GraphComponent):
    """Sets the message property `corrected_text`, from which later components take their features."""

    WORDS_FILE = "words.json"

    def __init__(self, model_storage: ModelStorage, resource: Resource) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self._speller: Speller | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],  # noqa: ARG003  Rasa's signature
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> SpellingCorrector:
        return cls(model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learns the words of the examples, without their typos."""
        words = own_words(example.get(TEXT) for example in training_data.intent_examples)
        with self._model_storage.write_to(self._resource) as folder:
            (folder / self.WORDS_FILE).write_text(json.dumps(words))
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],  # noqa: ARG003
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
        **kwargs: Any,  # noqa: ARG003
    ) -> SpellingCorrector:
        component = cls(model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component._speller = Speller(json.loads((folder / cls.WORDS_FILE).read_text()))
        return component

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.intent_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        assert self._speller, "trained or loaded before it is asked"
        for message in messages:
            text = message.get(TEXT) or ""
            message.set(CORRECTED_TEXT, self._speller.correct(text))
            message.set(UNKNOWN_WORDS, self._speller.unknown(text))
        return messages


def _english(most: int) -> list[tuple[str, int]]:
    """The most frequent words of symspellpy's dictionary, with their frequencies."""
    dictionary = files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt")
    entries = (line.split() for line in dictionary.read_text(encoding="utf-8-sig").splitlines())
    return [(word, int(frequency)) for word, frequency in entries][:most]


def _place_words() -> Iterable[str]:
    towns = gazetteer()
    for name in towns.names():
        if any(town.population >= LARGE_TOWN for town in towns.named(name)):
            yield from name.split()
            yield from ANY_WORD.findall(name)
    for code, name in STATE_NAMES.items():
        yield code.lower()
        yield from name.lower().split()
