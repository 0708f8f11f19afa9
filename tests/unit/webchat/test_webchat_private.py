"""What is private in a message is taken out of it, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.webchat.private import Heard, hear, hidden

TABLE = yaml.safe_load(
    (Path(__file__).parents[1] / "tables" / "emails.yml").read_text(encoding="utf-8")
)


CASES = [
    pytest.param(str(typed), addresses, id=f"{group}: {typed}")
    for group, messages in TABLE.items()
    for typed, addresses in messages.items()
]


def test_a_third_of_the_table_only_looks_like_an_address() -> None:
    assert len(CASES) >= 150
    assert sum(not case.values[1] for case in CASES) >= len(CASES) / 3


@pytest.mark.parametrize(("typed", "addresses"), CASES)
def test_addresses_are_taken_out_whole(typed: str, addresses: list[str]) -> None:
    heard = hear(typed, str)

    assert [e["value"] for e in heard.entities if e["entity"] == "email"] == addresses
    assert not any(address in heard.text.lower() for address in addresses)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("jane@example.org", "j•••@example.org"),
        ("it's Jane.Doe@PD.Example.ORG, thanks", "it's j•••@pd.example.org, thanks"),
        ("a@example.org and b@example.org", "a•••@example.org and b•••@example.org"),
        ("müller@example.org", "m•••@example.org"),  # hidden, though nobody's account
        ("jane at example dot org", "j•••@example.org"),
        ("123456", "••••••"),
        ("the code is 123 456.", "the code is ••••••."),
        ("123-456", "••••••"),
        ("1 2 3 4 5 6", "••••••"),
        ("classes near 78701", "classes near 78701"),
        ("call 888.316.2776 or 888-316-2776", "call 888.316.2776 or 888-316-2776"),
        ("(888) 316 2776", "(888) 316 2776"),
        ("ZIP 78701-1234", "ZIP 78701-1234"),
        ("class 1234567", "class 1234567"),
        ("2027-03-01", "2027-03-01"),
        ("follow @nasro", "follow @nasro"),
        ("jane@example", "j•••@example"),
        ("it's jane.doe@example,org", "it's j•••@example,org"),
        ("10@5.99 each", "10@5.99 each"),
        ("is my certificate ready", "is my certificate ready"),
    ],
)
def test_what_is_shown(typed: str, shown: str) -> None:
    assert hidden(typed) == shown


def test_the_values_go_on_sealed() -> None:
    heard = hear("Jane@Example.org 123456", lambda value: f"<{value}>")

    assert heard.entities == (
        {"entity": "email", "value": "<jane@example.org>", "shown": "j•••@example.org"},
        {"entity": "code", "value": "<123456>", "shown": "••••••"},
    )


def parsed(band: str) -> dict[str, Any]:
    return {
        "intent": {"name": "check_certificate_status", "confidence": 0.9},
        "entities": [{"entity": "place", "value": "TX"}],
        "understanding": {"band": band},
    }


@pytest.mark.parametrize(
    ("typed", "band", "intent"),
    [
        ("jane@example.org", "answer", "sign_in"),
        ("it's jane@example.org", "answer", "sign_in"),
        ("the code is 123456", "suggest", "sign_in"),
        ("is my certificate ready jane@example.org", "answer", "check_certificate_status"),
        ("my address is jane@example.org", "reject", "sign_in"),
        ("jane@example.org " + "and so on " * 5, "reject", "check_certificate_status"),
    ],
)
def test_an_address_alone_is_no_question(typed: str, band: str, intent: str) -> None:
    result = hear(typed, str).added_to(parsed(band))

    assert result["intent"]["name"] == intent
    assert result["entities"][0]["entity"] == "place"
    assert len(result["entities"]) == 2


@pytest.mark.parametrize(
    ("typed", "band", "intent"),
    [
        ("jane@example", "answer", "inform"),
        ("my address is jane@gmail,com", "reject", "inform"),
        ("is my certificate ready jane@gmail", "answer", "check_certificate_status"),
        ("jane@gmail " + "and so on " * 5, "reject", "check_certificate_status"),
    ],
)
def test_half_an_address_alone_is_an_answer_that_misses(typed: str, band: str, intent: str) -> None:
    result = hear(typed, str).added_to(parsed(band))

    assert result["intent"]["name"] == intent
    assert result["entities"] == parsed(band)["entities"]


def test_a_message_without_anything_private_stays_as_it_is() -> None:
    assert Heard("hello").added_to(parsed("answer")) == parsed("answer")
