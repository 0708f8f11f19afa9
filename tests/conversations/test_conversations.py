"""Whole conversations, told in YAML, through the web chat API of a really running server.

Each `*.yml` below this folder with a list of `conversations` is read; `chat.py` says how a turn is
written and `given.py` how the classes that it is about are.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from registration.database import Database
from tests.conversations.chat import Person
from tests.conversations.given import put
from tests.post_office import PostOffice

HERE = Path(__file__).parent


def conversations() -> list[Any]:
    cases = []
    for path in sorted(HERE.rglob("*.yml")):
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(table, dict):
            continue
        for conversation in table["conversations"]:
            given = conversation.get("given", table.get("given", {}))
            name = f"{path.relative_to(HERE).with_suffix('')}: {conversation['name']}"
            cases.append(pytest.param(given, conversation["turns"], id=name))
    return cases


@pytest.mark.parametrize(("given", "turns"), conversations())
def test_conversation(
    given: dict[str, Any],
    turns: list[dict[str, Any]],
    registration: Database,
    server_url: str,
    post_office: PostOffice,
) -> None:
    put(registration, given)
    person = Person(server_url, post_office=post_office)

    for turn in turns:
        person.take(turn)
