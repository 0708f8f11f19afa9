"""How figures are put."""

import pytest

from actions.wording import neighbor_button, number


@pytest.mark.parametrize(
    ("classes", "said"), [(1, "1"), (100, "100"), (101, "more than 100"), (205, "more than 100")]
)
def test_beyond_what_is_counted_there_are_more(classes: int, said: str) -> None:
    assert number(classes) == said
    assert neighbor_button("OH", classes)["title"] == f"Ohio ({said})"
