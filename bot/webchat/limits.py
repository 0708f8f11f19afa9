"""Token buckets in memory: how fast one conversation, or one address, may go.

Each process counts for itself. With N processes behind a load balancer a client gets at most N
times the limit, which still stops a flood; counting together would cost a round trip per message.
"""

import ipaddress
import math
from collections import OrderedDict

from bot.webchat.config import Limit

MAX_BUCKETS = 10_000
"""The least recently used bucket is forgotten beyond this, so that a flood from many addresses
fills the limits and not the memory."""


class TokenBuckets:
    """One bucket per key."""

    def __init__(self, limit: Limit, max_buckets: int = MAX_BUCKETS) -> None:
        self._limit = limit
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Tokens left, and the moment they were counted."""

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> int:
        """Takes a token for `key`.

        Args:
            now: Seconds of a clock that never goes backwards.

        Returns:
            0 if there was a token, otherwise the whole seconds until there will be one.
        """
        rate = self._limit.burst / self._limit.seconds
        tokens, counted = self._buckets.pop(key, (float(self._limit.burst), now))
        tokens = min(self._limit.burst, tokens + (now - counted) * rate)
        missing = 1 - tokens
        self._buckets[key] = (tokens, now) if missing > 0 else (tokens - 1, now)
        if len(self._buckets) > self._max_buckets:
            self._buckets.popitem(last=False)
        return max(1, math.ceil(missing / rate)) if missing > 0 else 0


def address_key(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 network a household has in IPv6."""
    try:
        ip = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
