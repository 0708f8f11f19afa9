"""Spelling correction: what is mended, what is left alone, and what is learned from the examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.spelling import ABBREVIATIONS, CORRECTED_TEXT, Speller, SpellingCorrector, own_words

# As the examples teach them.
WORDS = [
    *("account", "nasro", "sro", "sros", "cpted", "lemas", "login", "logon", "certificate"),
    *("membership", "seats", "register", "adolescent", "triad", "can't", "don't", "what's"),
]
CONTEXT = ExecutionContext(GraphSchema({}), node_name="spelling")


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller(WORDS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("regester", "register"),
        ("regsiter", "register"),
        ("certifcate", "certificate"),
        ("certficate", "certificate"),
        ("seets", "seats"),
        ("membrship", "membership"),
        ("trianing", "training"),
        ("passwrd", "password"),
        ("acount", "account"),
        ("offcier", "officer"),
        ("resorce", "resource"),
        ("schoool", "school"),
        ("confrence", "conference"),
        ("How do I REGESTER?", "how do i register?"),
        ("any seets left??", "any seats left??"),
        ("my certifcate, please", "my certificate, please"),
    ],
)
def test_typos_are_corrected(speller: Speller, typed: str, meant: str) -> None:
    assert speller.correct(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        # words of the field
        *("CPTED", "SRO", "SROs", "NASRO", "LEMAS", "triad", "adolescent", "login", "logon"),
        # states and large towns; 'mesa' and 'provo' are near other words
        *("Tulsa", "Boise", "Mesa", "Provo", "Albuquerque", "Tallahassee", "Ohio", "Mississippi"),
        # too short to say
        *("pd", "isd", "tx", "MOU"),
        # numbers, addresses, contractions
        *("78701", "3rd", "2026-03-01", "$495", "don't", "I'm", "what's"),
        *("jane.doe@springfield-pd.org", "https://nasro.org/certificates"),
        # nothing to read
        *("", "   ", "???", "👍", "¿dónde?"),
    ],
)
def test_these_are_left_alone(speller: Speller, text: str) -> None:
    assert speller.correct(text) == text.lower()


@pytest.mark.parametrize(("short", "long"), ABBREVIATIONS.items())
def test_abbreviations_are_written_out(speller: Speller, short: str, long: str) -> None:
    assert speller.correct(f"the {short.upper()}, now") == f"the {long}, now"


def test_a_curly_apostrophe_is_read_as_a_straight_one(speller: Speller) -> None:
    assert speller.correct("I can’t") == "i can't"


def test_own_words_are_those_used_twice_without_typos() -> None:
    texts = [
        *["How do I register with NASRO?"] * 10,
        *["how do i regester"] * 2,
        *["I can't come"] * 2,
        "kowalski",
    ]

    assert own_words(texts) == ["can't", "come", "do", "how", "i", "nasro", "register", "with"]


def test_a_plural_of_ours_is_no_typo() -> None:
    assert own_words(["sro"] * 20 + ["sros"] * 5) == ["sro", "sros"]


def test_the_component_corrects_and_never_changes_the_text(
    tmp_path: Path,
) -> None:
    storage, resource = LocalModelStorage(tmp_path), Resource("spelling")
    data = TrainingData(
        [
            Message.build(text=text, intent="faq_register")
            for text in ("NASRO and CPTED", "nasro or cpted")
        ]
    )
    SpellingCorrector.create({}, storage, resource, CONTEXT).train(data)
    corrector = SpellingCorrector.load({}, storage, resource, CONTEXT)
    texts = ["how to REGESTER u cpted", "Certifcate pls", ""]

    messages = corrector.process([Message.build(text=text) for text in texts])

    assert [message.get("text") for message in messages] == texts
    assert [message.get(CORRECTED_TEXT) for message in messages] == [
        "how to register you cpted",
        "certificate please",
        "",
    ]

    corrector.process_training_data(data)
    assert [example.get("text") for example in data.intent_examples] == [
        "NASRO and CPTED",
        "nasro or cpted",
    ]
    assert [example.get(CORRECTED_TEXT) for example in data.intent_examples] == [
        "nasro and cpted",
        "nasro or cpted",
    ]
