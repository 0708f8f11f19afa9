"""Messages that ask for several things, and messages that only look like it, on the trained model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.nlu.report import parser, share
from bot.webchat.asks import understand

ROOT = Path(__file__).resolve().parents[2]
MESSAGES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("several.yml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def missed() -> list[tuple[dict[str, Any], list[str]]]:
    """The messages that were taken apart wrong, with what was understood."""
    found = []
    with parser(ROOT / "models/assistant.tar.gz") as parse_now:

        async def parse(text: str) -> dict[str, Any]:
            return parse_now(text)

        for message in MESSAGES:
            asks = asyncio.run(understand(message["text"], parse))
            intents = [ask.parsed["intent"]["name"] for ask in asks]
            if intents != message["asks"]:
                found.append((message, intents))
    return found


@pytest.mark.parametrize(("several", "fewest"), [(True, 0.9), (False, 0.9)], ids=["several", "one"])
def test_most_messages_are_answered_whole_and_once(
    several: bool, fewest: float, missed: list[tuple[dict[str, Any], list[str]]]
) -> None:
    asked = [message for message in MESSAGES if (len(message["asks"]) > 1) is several]
    wrong = [(m["text"], m["asks"], got) for m, got in missed if (len(m["asks"]) > 1) is several]

    assert share(len(asked) - len(wrong), len(asked)) >= fewest, wrong
