"""In which language a message is: see tables/languages.yml."""

from pathlib import Path

import pytest
import yaml

from bot.nlu.language import language_of
from bot.nlu.spelling import Speller

TABLE: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("tables").joinpath("languages.yml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller(["nasro", "sro", "cpted"])


@pytest.mark.parametrize(
    ("text", "language"), [(text, language) for language in TABLE for text in TABLE[language]]
)
def test_language(text: str, language: str, speller: Speller) -> None:
    assert language_of(text, speller.unknown(text)) == language


def test_a_long_message_is_judged_quickly(speller: Speller) -> None:
    text = "quand est la prochaine formation " * 120

    assert language_of(text, speller.unknown(text)) == "other"
