"""What the figures of some days tell: how much was asked, what, how it went, and where people looked.

Read from `outcomes_figures`, a number by day for each thing that is counted, so that it takes as long
with a million messages as with a thousand. Days are those of UTC.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.staff.csv_files import written
from bot.staff.outcome_tables import figures
from bot.staff.outcomes import ANSWERED, NO_TOPICS, NOT_ANSWERED, REASONS, milliseconds_of
from bot.webchat.database import ConversationDatabase

LONGEST = timedelta(days=3 * 366)
"""Days of a report."""

COLUMNS = (
    "from", "to", "conversations", "messages", "questions", "answered", "answered %", "not answered",
    "not answered %", "handed over", "helpful", "unhelpful", "helpful %", "reopened", "look-ups",
    "look-ups without result", "median ms", "95th percentile ms",
)  # fmt: skip
"""Of the CSV file."""

OF_PARTS = (
    "conversations", "messages", "questions", "outcome", "handed_over", "feedback", "reopened", "lookup",
    "lookup_none", "milliseconds",
)  # fmt: skip
"""Measures that are told by day or week; topics and states are told of all days together."""

RISES = 2.0
"""Standard deviations by which a topic is asked more than before, to be told as rising: of forty topics
that are asked as ever, one is so by chance."""

Z = 1.96
"""Of an interval that holds the true share 95 times of a hundred."""

Numbers = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Rated:
    """What people thought of the answers to a topic."""

    topic: str
    helpful: int
    unhelpful: int

    @property
    def thumbs(self) -> int:
        return self.helpful + self.unhelpful

    @property
    def rate(self) -> float:
        return self.helpful / self.thumbs

    @property
    def at_best(self) -> float:
        """The share that it may have if few have rated it yet: the upper end of Wilson's interval.

        Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
        """
        n, p = self.thumbs, self.rate
        middle = p + Z**2 / (2 * n)
        return (middle + Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))) / (1 + Z**2 / n)


@dataclass(frozen=True)
class Figures:
    """What some days add up to."""

    first: date
    last: date
    numbers: Numbers
    """By measure and key, as `bot.staff.outcomes` counts."""

    def of(self, measure: str, key: str = "") -> int:
        return self.numbers.get((measure, key), 0)

    def by_key(self, measure: str) -> list[tuple[str, int]]:
        """A measure's keys with their numbers, the largest first."""
        found = [(key, n) for (name, key), n in self.numbers.items() if name == measure and n > 0]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    @property
    def answered(self) -> int:
        return sum(self.of("outcome", outcome) for outcome in ANSWERED)

    @property
    def not_answered(self) -> int:
        return sum(self.of("outcome", outcome) for outcome in NOT_ANSWERED)

    @property
    def answered_rate(self) -> float | None:
        """Of the questions, the share that got an answer or a figure; None where none were asked."""
        return _share(self.answered, self.of("questions"))

    @property
    def fallback_rate(self) -> float | None:
        """Of the questions, the share that got topics to choose from, or that it isn't known."""
        return _share(self.not_answered, self.of("questions"))

    @property
    def helpful_rate(self) -> float | None:
        """Of the thumbs, the share that went up."""
        return _share(self.of("feedback", "helpful"), self.thumbs)

    @property
    def rated(self) -> list[Rated]:
        """Topics whose answers were rated, first those that are surely worst."""
        topics = {
            topic for name in ("topic_helpful", "topic_unhelpful") for topic, _ in self.by_key(name)
        }
        return sorted(map(self._rated, topics), key=lambda rated: (rated.at_best, rated.topic))

    @property
    def thumbs(self) -> int:
        return self.of("feedback", "helpful") + self.of("feedback", "unhelpful")

    @property
    def left_to_the_office(self) -> int:
        """Conversations."""
        return sum(n for _, n in self.handed_over)

    def helpful_rate_of(self, topic: str) -> float | None:
        """The same of the answers to one topic."""
        rated = self._rated(topic)
        return _share(rated.helpful, rated.thumbs)

    def _rated(self, topic: str) -> Rated:
        return Rated(topic, self.of("topic_helpful", topic), self.of("topic_unhelpful", topic))

    @property
    def handed_over(self) -> list[tuple[str, int]]:
        """Conversations that were left to the office, by the reason."""
        return [(reason, self.of("handed_over", reason)) for reason in REASONS]

    @property
    def states(self) -> list[tuple[str, int, int]]:
        """States that classes were looked for in: code, look-ups, those without any class."""
        return [(code, n, self.of("state_none", code)) for code, n in self.by_key("state")]

    @property
    def lookups(self) -> int:
        return sum(n for _, n in self.by_key("lookup"))

    @property
    def lookups_without_result(self) -> int:
        return sum(n for _, n in self.by_key("lookup_none"))

    def milliseconds(self, share: float) -> int | None:
        """The response time that this share of the answers didn't exceed; exact to ten percent."""
        steps = sorted((int(key), n) for key, n in self.by_key("milliseconds"))
        if not steps:
            return None
        wanted = share * sum(n for _, n in steps)
        reached = accumulate(n for _, n in steps)
        return milliseconds_of(
            next(step for (step, _), n in zip(steps, reached, strict=True) if n >= wanted)
        )

    def as_row(self) -> dict[str, object]:
        """The columns of the CSV file."""
        return dict(
            zip(
                COLUMNS,
                (
                    self.first, self.last, self.of("conversations"), self.of("messages"),
                    self.of("questions"), self.answered, _percent(self.answered_rate), self.not_answered,
                    _percent(self.fallback_rate), self.left_to_the_office,
                    self.of("feedback", "helpful"), self.of("feedback", "unhelpful"),
                    _percent(self.helpful_rate), self.of("reopened"), self.lookups,
                    self.lookups_without_result, self.milliseconds(0.5), self.milliseconds(0.95),
                ),
                strict=True,
            )
        )  # fmt: skip


@dataclass(frozen=True)
class Report:
    """The figures of some days, as a whole and by day or week."""

    total: Figures
    before: Figures
    """Of as many days, right before."""
    parts: tuple[Figures, ...]

    @property
    def topics(self) -> list[tuple[str, int, int]]:
        """Topics with their numbers, and those of before; the most asked first."""
        return [
            (topic, n, self.before.of("topic", topic)) for topic, n in self.total.by_key("topic")
        ]

    @property
    def rising(self) -> list[tuple[str, int, int]]:
        """Of the topics those that are asked more than before, and not by chance; the clearest first."""
        # Both numbers as Poisson's: their difference has the variance of their sum.
        risen = [
            ((n - before) / math.sqrt(n + before), topic, n, before)
            for topic, n, before in self.topics
        ]
        return [
            (topic, n, before)
            for by, topic, n, before in sorted(risen, reverse=True)
            if by >= RISES
        ]

    def never_asked(self, topics: Iterable[str]) -> list[str]:
        """Of the assistant's topics those that nobody asked about."""
        asked = {topic for topic, _ in self.total.by_key("topic")}
        return sorted(set(topics) - asked - NO_TOPICS)

    def as_csv(self) -> str:
        """A line for each day or week."""
        return written(COLUMNS, [part.as_row() for part in self.parts])

    def states_as_csv(self) -> str:
        """A line for each state that classes were looked for in."""
        rows = [
            {"state": code, "look-ups": number, "without any class": none}
            for code, number, none in self.total.states
        ]
        return written(("state", "look-ups", "without any class"), rows)

    def counts_as_csv(self) -> str:
        """Everything that is counted, a line for each."""
        rows = [
            {"what": measure, "which": key, "number": number}
            for (measure, key), number in sorted(self.total.numbers.items())
        ]
        return written(("what", "which", "number"), rows)


def report(database: ConversationDatabase, first: date, last: date, *, by_week: bool) -> Report:
    """The report of some days, both included.

    Args:
        database: The conversations database, with the tables of outcomes.
        by_week: Whether its parts are weeks (from Monday on) and not days.

    Raises:
        ValueError: The days are in the wrong order, or too many.
        SQLAlchemyError, OSError: The database can't be used.
    """
    if first > last:
        raise ValueError("The first day is after the last.")
    if last - first > LONGEST:
        raise ValueError("That is more than three years.")
    start = (
        (lambda day: max(first, day - timedelta(days=day.weekday())))
        if by_week
        else lambda day: day
    )
    parts: dict[date, dict[tuple[str, str], int]] = {
        start(first + timedelta(days=n)): defaultdict(int) for n in range((last - first).days + 1)
    }
    of_day = {
        day: parts[start(day)]
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
    }
    days = sa.select(figures.c.day, figures.c.measure, figures.c.key, figures.c.number)
    with database.reading() as connection:
        total = _sums(connection, first, last)
        before = _sums(
            connection, first - (last - first) - timedelta(days=1), first - timedelta(days=1)
        )
        for day, measure, key, number in connection.execute(
            days.where(figures.c.day.between(first, last), figures.c.measure.in_(OF_PARTS))
        ):
            of_day[day][measure, key] += number
    ends = [day - timedelta(days=1) for day in list(parts)[1:]] + [last]
    return Report(
        total,
        before,
        tuple(
            Figures(begin, end, numbers)
            for (begin, numbers), end in zip(parts.items(), ends, strict=True)
        ),
    )


def _sums(connection: Connection, first: date, last: date) -> Figures:
    """What some days add up to."""
    sums = (
        sa.select(figures.c.measure, figures.c.key, sa.func.sum(figures.c.number))
        .where(figures.c.day.between(first, last))
        .group_by(figures.c.measure, figures.c.key)
    )
    found = connection.execute(sums)
    return Figures(first, last, {(measure, key): int(number) for measure, key, number in found})


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)
