"""Token buckets, and what counts as one client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.webchat.config import Limit
from bot.webchat.limits import TokenBuckets, address_key


def test_a_burst_passes_and_then_the_rate_counts() -> None:
    buckets = TokenBuckets(Limit(burst=3, seconds=30))

    assert [buckets.take("a", now=0) for _ in range(5)] == [0, 0, 0, 10, 10]
    assert buckets.take("a", now=4) == 6
    assert buckets.take("a", now=10) == 0
    assert buckets.take("a", now=10) == 10


def test_a_full_bucket_does_not_overflow() -> None:
    buckets = TokenBuckets(Limit(burst=2, seconds=2))
    buckets.take("a", now=0)

    assert [buckets.take("a", now=1_000) for _ in range(3)] == [0, 0, 1]


def test_keys_do_not_share() -> None:
    buckets = TokenBuckets(Limit(burst=1, seconds=60))

    assert [buckets.take(key, now=0) for key in ("a", "b", "a")] == [0, 0, 60]


def test_memory_is_bounded_and_the_idle_are_forgotten_first() -> None:
    buckets = TokenBuckets(Limit(burst=1, seconds=60), max_buckets=3)
    for key in ("a", "b", "c", "a", "d"):
        buckets.take(key, now=0)

    assert len(buckets) == 3
    assert buckets.take("a", now=0) == 60
    assert buckets.take("b", now=0) == 0


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.integers(1, 5))
def test_no_timing_gets_more_than_the_limit(moments: list[float], burst: int) -> None:
    buckets = TokenBuckets(Limit(burst=burst, seconds=10))
    passed = [now for now in sorted(moments) if buckets.take("a", now) == 0]

    for start in passed:
        window = [now for now in passed if start <= now <= start + 10]
        assert len(window) <= 2 * burst


@given(st.integers(1, 20), st.floats(0.1, 100))
def test_waiting_as_told_is_enough(burst: int, seconds: float) -> None:
    buckets = TokenBuckets(Limit(burst=burst, seconds=seconds))
    for _ in range(burst):
        buckets.take("a", now=0)

    wait = buckets.take("a", now=0)

    assert wait >= 1
    assert buckets.take("a", now=wait) == 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("_hidden", "_hidden"),
        ("", ""),
        ("x" * 500, "x" * 64),
    ],
)
def test_one_client_has_one_key(address: str, key: str) -> None:
    assert address_key(address) == key
