"""Courses in messages (tests/unit/tables/courses.yml)."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.nlu.courses import COURSE_CODES, find_courses
from bot.nlu.mentions import ANY

TABLE = yaml.safe_load(
    (Path(__file__).parent / "tables" / "courses.yml").read_text(encoding="utf-8")
)
CASES: list[Any] = [
    *((text, [code]) for code in (*COURSE_CODES, ANY) for text in TABLE[code]),
    *TABLE["several"].items(),
    *((text, []) for text in TABLE["none"]),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_find_courses(text: str, expected: list[str]) -> None:
    assert [mention.value for mention in find_courses(text)] == expected


def test_a_third_of_the_table_only_looks_like_a_course() -> None:
    assert len(CASES) >= 150
    assert sum(not expected for _, expected in CASES) >= len(CASES) / 3


def test_the_table_knows_every_course() -> None:
    assert set(TABLE) == {*COURSE_CODES, ANY, "several", "none"}


def test_a_mention_covers_the_words_as_typed() -> None:
    text = "Any Basic  SRO Classes, or crime prevention through enviromental design?"

    assert [text[mention.start : mention.end] for mention in find_courses(text)] == [
        "Basic  SRO Classes",
        "crime prevention through enviromental design",
    ]
