"""What goes and what comes, word by word; nothing is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.staff.differences import compared


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        ("a b c", "a b c", [("same", "a b c ")]),
        ("", "a b", [("new", "a b ")]),
        ("a b", "", [("gone", "a b ")]),
        ("a b.", "a b. c", [("same", "a b. "), ("new", "c ")]),
        ("call the office now", "call us now", [("same", "call "), ("gone", "the office "),
                                                ("new", "us "), ("same", "now ")]),
        ("NASRO office", "The web team", [("gone", "NASRO office "), ("new", "The web team ")]),
        ("one\n\ntwo", "one\n\ntwo three", [("same", "one\n\ntwo "), ("new", "three ")]),
    ],
)  # fmt: skip
def test_what_is_told(before: str, after: str, pieces: list[tuple[str, str]]) -> None:
    assert list(compared(before, after)) == pieces


words = st.text(alphabet="ab \n", max_size=30)


@given(words, words)
def test_both_texts_can_be_read_from_it(before: str, after: str) -> None:
    pieces = compared(before, after)

    assert "".join(text for kind, text in pieces if kind != "new") == f"{before} " * bool(before)
    assert "".join(text for kind, text in pieces if kind != "gone") == f"{after} " * bool(after)
