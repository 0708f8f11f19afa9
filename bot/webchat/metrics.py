"""What operators may count: how much, how fast, how well. Never who, nor what was said."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

TURN_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.turns = Counter(
            "nasro_chat_turns",
            "Messages from people. silent: no action had an answer and an apology was given; "
            "repeated: sent again, answered from history; failed: answered with a 503; "
            "refused: too many at once, a 503 too, or a 429 where they are one client's.",
            ["outcome"],
            registry=self._registry,
        )
        self.turns_at_once = Gauge(
            "nasro_chat_turns_at_once",
            "Turns begun or waiting.",
            registry=self._registry,
        )
        self.turn_seconds = Histogram(
            "nasro_chat_turn_seconds",
            "Time from a message to its stored answer, waiting for earlier messages included.",
            buckets=TURN_BUCKETS,
            registry=self._registry,
        )
        self.responses = Counter(
            "nasro_chat_http_responses",
            "HTTP responses.",
            ["status"],
            registry=self._registry,
        )
        self.sessions = Counter(
            "nasro_chat_sessions", "Conversations opened.", registry=self._registry
        )
        self.feedback = Counter(
            "nasro_chat_feedback", "Thumbs given.", ["helpful"], registry=self._registry
        )

    def as_text(self) -> str:
        return generate_latest(self._registry).decode()
