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
        ("12 34 56", "••••••"),
        ("12-34-56", "••••••"),
        ("1234 56", "••••••"),
        ("123  456", "••••••"),
        ("123\u00a0456", "••••••"),
        ("123\u200b456", "••••••"),
        ("123.456", "••••••"),
        ("123\u2013456", "••••••"),
        ("123 - 456", "••••••"),
        ("123456- that's it", "••••••- that's it"),
        ("code-123456", "code-••••••"),
        ("Code123456", "Code••••••"),
        ("1234567", "••••••"),
        ("my code is 1234567.", "my code is ••••••."),
        ("classes near 78701", "classes near 78701"),
        ("call 888.316.2776 or 888-316-2776", "call 888.316.2776 or 888-316-2776"),
        ("(888) 316 2776", "(888) 316 2776"),
        ("ZIP 78701-1234", "ZIP 78701-1234"),
        ("class 1234567", "class 1234567"),
        ("a class 888 – 316 – 2776", "a class 888 – 316 – 2776"),
        ("316-2776", "316-2776"),
        ("78701 2 weeks from now", "78701 2 weeks from now"),
        ("2027-03-01", "2027-03-01"),
        ("2027-03", "2027-03"),
        ("3-1-2027", "3-1-2027"),
        ("03-12-27", "03-12-27"),
        ("on March 12 2027", "on March 12 2027"),
        ("it is 1234.56", "it is 1234.56"),
        ("follow @nasro", "follow @nasro"),
        ("jane@example", "j•••@example"),
        ("it's jane.doe@example,org", "it's j•••@example,org"),
        ("-jane@example.org", "-•••@example.org"),
        ("jane@@example.org", "j•••@@example.org"),
        ("is jane @ example.org there?", "is j•••@ example.org there?"),
        (f"{'j' * 80}@example.org", "j•••@example.org"),
        ("https://nasro.org/@media", "https://nasro.org/@media"),
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
        ("1234567", "reject", "inform"),
        ("is my certificate ready jane@gmail", "answer", "check_certificate_status"),
        ("jane@gmail " + "and so on " * 5, "reject", "check_certificate_status"),
    ],
)
def test_half_an_address_or_too_long_a_code_alone_is_an_answer_that_misses(
    typed: str, band: str, intent: str
) -> None:
    result = hear(typed, str).added_to(parsed(band))

    assert result["intent"]["name"] == intent
    assert result["entities"] == parsed(band)["entities"]


def test_a_message_without_anything_private_stays_as_it_is() -> None:
    assert Heard("hello").added_to(parsed("answer")) == parsed("answer")
