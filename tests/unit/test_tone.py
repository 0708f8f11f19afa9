"""Which messages are angry: see tables/tones.yml."""

from pathlib import Path

import pytest
import yaml

from bot.nlu.tone import is_angry

TABLE: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("tables").joinpath("tones.yml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(("text", "tone"), [(text, tone) for tone in TABLE for text in TABLE[tone]])
def test_tone(text: str, tone: str) -> None:
    assert is_angry(text) is (tone == "angry")
