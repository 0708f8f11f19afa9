"""What staff may read of a message: the table in redaction.yml, and that it takes linear time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.staff.redaction import redacted

CASES = yaml.safe_load((Path(__file__).with_name("redaction.yml")).read_text(encoding="utf-8"))

HOSTILE = (
    "a",
    "1",
    "1 ",
    "1-",
    " ",
    "\n",
    "a ",
    "A",
    "Aa ",
    "Aa",
    "A.",
    "@",
    "a@",
    "a@a.",
    "a.a",
    "•",
    "•••@",
    "+1",
    "(1",
    "-",
    "my name is ",
    "my name is a ",
    "I'm ",
    "I'm Aa ",
    "Mr. Aa ",
    "thanks\n",
    "badge ",
    "member # ",
    "1 a ",
    "1 aa aa aa ",
    "http://",
    "www.",
    "www.a",
    "at ",
    "a at a dot ",
    "password is ",
    "pin is 1",
    "é",
    "[",
    "a-1",
    "id-",
    "id id1",
    "code ",
    "ssn-",
    "12.",
    "1.1.1 ",
    "=",
    "#",
    "name",
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["typed"])
def test_redaction(case: dict[str, str]) -> None:
    assert redacted(case["typed"]) == case.get("kept", case["typed"])


@pytest.mark.parametrize("piece", HOSTILE)
def test_takes_linear_time(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        began = time.process_time()
        redacted(text)
        return time.process_time() - began

    short, long = min(seconds(4_000) for _ in range(3)), min(seconds(64_000) for _ in range(2))
    # 16 times the text: linear takes 16 times as long, quadratic 256 times.
    assert long < 60 * short + 0.05


@given(st.text(max_size=300))
def test_is_the_same_again(text: str) -> None:
    once = redacted(text)

    assert "\n" not in once
    assert redacted(once) == once
