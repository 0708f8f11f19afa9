"""What an answer's text may be (texts.yml), and how it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.contacts import load_contacts
from bot.content import yaml_text
from bot.content.wording import LONGEST, text_problems, tidied
from tests.content.conftest import ROOT

CONTACTS = load_contacts(ROOT / "contacts.yml")
TABLE: dict[str, list[Any]] = yaml.safe_load(
    Path(__file__).with_name("texts.yml").read_text(encoding="utf-8")
)


def found(text: str) -> list[str]:
    return list(text_problems(tidied(text), CONTACTS))


@pytest.mark.parametrize("text", TABLE["fine"])
def test_plain_text_is_fine(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("case", TABLE["refused"], ids=lambda case: repr(case["text"]))
def test_text_is_refused_with_the_reason(case: dict[str, str]) -> None:
    problems = found(case["text"])

    assert any(case["because"] in problem for problem in problems), problems


def test_text_that_is_too_long_says_how_long_it_is() -> None:
    assert found("word " * 301) == ["It has 1504 characters; the most is 1500."]
    assert len("word " * 300) == LONGEST


def test_spaces_and_line_ends_are_tidied() -> None:
    pasted = "  One \u00a0 two\tthree\r\n\r\n\r\n\r\n four \u2003five  "

    assert tidied(pasted) == "One two three\n\nfour five"


texts = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Co", "Cn")) | st.just("\n"), max_size=300
)


@given(texts.map(tidied).filter(bool))
def test_any_text_is_written_so_that_it_reads_the_same(text: str) -> None:
    written = f"a:\n  - text: {yaml_text.block(text, indent=6, column=10)}\n    more: 1\n"

    assert yaml_text.parsed(written) == {"a": [{"text": text, "more": 1}]}


@given(texts.map(lambda text: " ".join(text.split())).filter(bool), st.booleans())
def test_any_line_is_written_so_that_it_reads_the_same(line: str, in_braces: bool) -> None:
    source = yaml_text.inline(line, in_braces=in_braces)

    written = f"- {{title: {source}, n: 1}}" if in_braces else f"- title: {source}\n  n: 1"

    assert yaml_text.parsed(written) == [{"title": line, "n": 1}]
