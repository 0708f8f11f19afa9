"""Properties of what becomes of typed text, for any text there is."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.webchat.messages import clean_text, plain_words

SLASHES = "/\N{FULLWIDTH SOLIDUS}\N{FRACTION SLASH}\N{DIVISION SLASH}\N{BIG SOLIDUS}"
INVISIBLE = " \n\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{VARIATION SELECTOR-16}\x00"
ANY_TEXT = st.text()
SNEAKY_TEXT = st.builds(
    lambda start, rest: start + rest,
    st.text(st.sampled_from(SLASHES + INVISIBLE + "\N{COMBINING ACUTE ACCENT}\N{DIAERESIS}")),
    ANY_TEXT,
)


def normalisations(text: str) -> list[str]:
    """What a later stage might do to a text before it looks at its first character."""
    forms = [text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD"))]
    seen = ["".join(c for c in form if unicodedata.category(c)[0] not in "CZM") for form in forms]
    return [form.strip() for form in forms + seen]


@given(ANY_TEXT | SNEAKY_TEXT)
@example("/restart")
@example("\N{DIAERESIS}/restart")
def test_no_normalisation_brings_a_leading_slash_back(typed: str) -> None:
    words = plain_words(clean_text(typed))

    assert [form for form in normalisations(words) if form.startswith("/")] == []


@given(ANY_TEXT | SNEAKY_TEXT)
def test_only_the_beginning_is_taken_away(typed: str) -> None:
    text = clean_text(typed)

    assert text.endswith(plain_words(text))


@pytest.mark.parametrize(
    "text",
    [
        "What is an SRO?",
        "24/7 support?",
        "and/or",
        "\N{INVERTED QUESTION MARK}Qu\N{LATIN SMALL LETTER E WITH ACUTE}?",
        "\N{GRINNING FACE} hi",
        "\\o/",
        "\N{VULGAR FRACTION ONE HALF} day class",
        "\N{CARE OF} John",
    ],
)
def test_ordinary_text_is_understood_as_it_is(text: str) -> None:
    assert plain_words(text) == text


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing_more(typed: str) -> None:
    assert clean_text(clean_text(typed)) == clean_text(typed)


@given(ANY_TEXT)
def test_what_is_kept_can_be_stored_and_shown(typed: str) -> None:
    kept = clean_text(typed)

    kept.encode("utf-8")
    assert all(c == "\n" or unicodedata.category(c) != "Cc" for c in kept)
    assert unicodedata.is_normalized("NFC", kept)
    assert kept == kept.strip()
