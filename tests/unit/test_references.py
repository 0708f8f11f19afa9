"""What points at a class just listed (tests/unit/tables/references.yml)."""

from pathlib import Path

import pytest
import yaml

from bot.nlu.mentions import Mention
from bot.nlu.references import find_references

TABLE = yaml.safe_load(
    (Path(__file__).parent / "tables" / "references.yml").read_text(encoding="utf-8")
)
CASES = [
    pytest.param(str(text), expected, id=f"{group}: {text}")
    for group, texts in TABLE.items()
    for text, expected in texts.items()
]


@pytest.mark.parametrize(("marked", "expected"), CASES)
def test_find_references(marked: str, expected: list[str]) -> None:
    others = []
    if "[" in marked:
        others.append(Mention(marked.index("["), marked.index("]") - 1, "x"))
    text = marked.replace("[", "").replace("]", "")

    assert [mention.value for mention in find_references(text, others)] == expected


def test_a_third_of_the_table_points_at_nothing() -> None:
    assert len(CASES) >= 150
    assert sum(not case.values[1] for case in CASES) >= len(CASES) / 3


def test_one_refers_only_beside_another_entity() -> None:
    text = "the dallas one"

    assert find_references(text) == ()
    assert find_references(text, [Mention(4, 10, "Dallas, TX")]) == (Mention(11, 14, "one"),)
