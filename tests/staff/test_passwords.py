"""Passwords as they are really kept."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from bot.staff import passwords
from tests.staff.conftest import PASSWORD


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """None: the hasher is the real one."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher())


def test_a_stolen_hash_is_slow_to_guess() -> None:
    parameters = extract_parameters(passwords.hashed(PASSWORD))

    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 64 * 1024, "KiB"
    assert parameters.time_cost >= 3


def test_the_same_password_is_hashed_otherwise_each_time() -> None:
    assert passwords.hashed(PASSWORD) != passwords.hashed(PASSWORD)


def test_a_generated_password_is_good_and_new() -> None:
    made = {passwords.generated() for _ in range(20)}

    assert len(made) == 20
    for password in made:
        passwords.require_good(password, email="jane@example.org", name="Jane")


def test_a_hash_of_less_work_is_outdated() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

    assert passwords.is_outdated(weak)
    assert not passwords.is_outdated(passwords.hashed(PASSWORD))


def test_the_work_is_the_same_for_an_account_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verified: list[str] = []
    hasher = passwords._hasher
    stored = passwords.hashed(PASSWORD)

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored)
            return hasher.verify(stored, password)

        hash = hasher.hash

    monkeypatch.setattr(passwords, "_hasher", Counting())

    assert not passwords.is_right("wrong", stored)
    assert not passwords.is_right("wrong", None)
    (of_somebody, of_nobody) = (hash_.rsplit("$", 2)[0] for hash_ in verified)
    assert of_somebody == of_nobody, "the same parameters"
