"""Rasa's cache must not outlive the code that filled it."""

from pathlib import Path

import pytest

from bot.nlu.classifier import TopicClassifier
from bot.nlu.encoder import SentenceEncoder
from bot.nlu.fingerprint import of_code
from bot.nlu.spelling import SpellingCorrector


def test_other_code_is_another_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "classifier.py"
    file.write_text("C = 10\n")
    before = of_code.__wrapped__(tmp_path)

    assert of_code.__wrapped__(tmp_path) == before
    file.write_text("C = 11\n")
    assert of_code.__wrapped__(tmp_path) != before


@pytest.mark.parametrize("component", [SpellingCorrector, SentenceEncoder, TopicClassifier])
def test_rasa_asks_for_it(component: type) -> None:
    assert component.fingerprint_addon({}) == of_code()
