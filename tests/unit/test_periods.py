"""Times in messages (tests/unit/tables/periods.yml)."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.nlu.periods import find_periods

TABLE = yaml.safe_load(
    (Path(__file__).parent / "tables" / "periods.yml").read_text(encoding="utf-8")
)
CASES = [
    pytest.param(
        block["today"],
        str(text),
        expected if isinstance(expected, list) else [expected] * bool(expected),
        id=f"{block['today']} {group}: {text}",
    )
    for block in TABLE
    for group, texts in block.items()
    if group != "today"
    for text, expected in texts.items()
]
MONTHS = "January February March April May June July August September October November December"


@pytest.mark.parametrize(("today", "text", "expected"), CASES)
def test_find_periods(today: date, text: str, expected: list[str]) -> None:
    assert [mention.value for mention in find_periods(text, today)] == expected


def test_a_third_of_the_table_only_looks_like_a_time() -> None:
    assert len(CASES) >= 150
    assert sum(not case.values[2] for case in CASES) >= len(CASES) / 3


def test_a_mention_covers_the_words_as_typed() -> None:
    text = "Anything between March and  MAY, or in febuary?"

    assert [text[m.start : m.end] for m in find_periods(text, date(2026, 11, 23))] == [
        "between March and  MAY",
        "febuary",
    ]


@given(today=st.dates(date(2024, 1, 1), date(2035, 12, 31)), month=st.integers(1, 12))
@settings(deadline=None)
def test_a_month_is_the_next_one_that_is_not_over(today: date, month: int) -> None:
    (mention,) = find_periods(f"classes in {MONTHS.split()[month - 1]}", today)
    first, last = map(date.fromisoformat, mention.value.split("/"))

    assert first.month == last.month == month
    assert last >= today
    assert (last - today).days < 366 + 31


@given(
    text=st.text("mayrchprilsun1234/-567890 ,.'İ", max_size=30),
    today=st.dates(date(2024, 1, 1), date(2035, 12, 31)),
)
@settings(deadline=None)
def test_no_text_breaks_the_search(text: str, today: date) -> None:
    for mention in find_periods(text, today):
        first, last = map(date.fromisoformat, mention.value.split("/"))
        assert first <= last
        assert 0 <= mention.start < mention.end <= len(text)
