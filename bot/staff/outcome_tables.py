"""The tables of outcomes, in the conversations database: what people asked, and what came of it.

Here a conversation has a number of its own. Its id, and every text, go when the conversation is erased;
the rest tells of nobody and stays.
"""

from __future__ import annotations

import sqlalchemy as sa

from bot.webchat.database import feedback
from identity.database import UtcDateTime

METADATA = sa.MetaData()

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

events = sa.table(
    "events",
    sa.column("id", sa.Integer),
    sa.column("sender_id", sa.String),
    sa.column("type_name", sa.String),
    sa.column("timestamp", sa.Float),
    sa.column("action_name", sa.String),
    sa.column("data", sa.Text),
)
"""Rasa's table, to be read; named here so that nobody who reads outcomes has to import Rasa."""

progress = sa.Table(
    "outcomes_progress",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False, comment="grows with every change"),
    sa.Column("event_id", _BIG, nullable=False, comment="the last of Rasa's events that was read"),
    sa.Column("feedback_at", UtcDateTime, comment="the last feedback that was read"),
)
"""One row: how far the conversations have been read."""

conversations = sa.Table(
    "outcomes_conversations",
    METADATA,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", sa.String(255), unique=True, comment="gone when it is erased"),
    sa.Column("began_at", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("questions", sa.Integer, nullable=False),
    sa.Column("answered", sa.Integer, nullable=False),
    sa.Column("not_answered", sa.Integer, nullable=False),
    sa.Column("lookups", sa.Integer, nullable=False),
    sa.Column("lookups_without_result", sa.Integer, nullable=False),
    sa.Column("offers", sa.Integer, nullable=False, comment="times that topics were offered"),
    sa.Column("offers_chosen", sa.Integer, nullable=False),
    sa.Column("helpful", sa.Integer, nullable=False),
    sa.Column("unhelpful", sa.Integer, nullable=False),
    sa.Column("handed_over", sa.String(30), comment="why, the last time"),
    sa.Column(
        "reopened", sa.Integer, nullable=False, comment="times it went on after a long pause"
    ),
    sa.Column("topics", sa.JSON, nullable=False),
    sa.Column("states", sa.String(200), nullable=False, comment="of the place named last"),
)

questions = sa.Table(
    "outcomes_questions",
    METADATA,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("conversation", sa.ForeignKey(conversations.c.id), nullable=False, index=True),
    sa.Column("message_id", sa.String(36), comment="gone when the conversation is erased"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("topic", sa.String(100), nullable=False),
    sa.Column("is_typed", sa.Boolean, nullable=False, comment="not a button"),
    sa.Column("ranking", sa.JSON, nullable=False, comment="the three likeliest, with scores"),
    sa.Column("score", sa.Float),
    sa.Column("band", sa.String(10)),
    sa.Column("language", sa.String(5), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("handed_over", sa.String(30)),
    sa.Column("lookup", sa.String(20)),
    sa.Column(
        "states", sa.String(200), nullable=False, comment="USPS codes of the look-up's place"
    ),
    sa.Column("results", sa.Integer),
    sa.Column("offer", sa.String(10), comment="shown, chosen, rejected"),
    sa.Column("chosen", sa.String(100), comment="the topic chosen from an offer"),
    sa.Column("is_rejected", sa.Boolean, nullable=False),
    sa.Column("is_helpful", sa.Boolean),
    sa.Column("milliseconds", sa.Integer, comment="from the message to its answer"),
    sa.Column("text", sa.Text, comment="redacted, and only while it waits in the queue or did"),
    sa.Column("cluster", _BIG),
    sa.Index("ix_outcomes_questions_cluster", "cluster", "id"),
    sa.Index("ix_outcomes_questions_at", "at"),
)

clusters = sa.Table(
    "outcomes_clusters",
    METADATA,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column(
        "version", sa.Integer, nullable=False, index=True, comment="of progress, at a change"
    ),
    sa.Column("center", sa.LargeBinary, nullable=False, comment="mean vector, 16-bit floats"),
    sa.Column("size", sa.Integer, nullable=False, comment="messages"),
    sa.Column("text", sa.Text, nullable=False, comment="its newest message"),
    sa.Column(
        "nearest", sa.JSON, nullable=False, comment="the three likeliest topics, with scores"
    ),
    sa.Column("reasons", sa.JSON, nullable=False, comment="how many messages by reason"),
    sa.Column("first_at", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("verdict", sa.String(20), comment="none while nobody has decided"),
    sa.Column("topic", sa.String(100), comment="of the verdict"),
    sa.Column("decided_by", sa.String(254)),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("size_then", sa.Integer, comment="at the verdict"),
    sa.Index("ix_outcomes_clusters_queue", "verdict", "size", "id"),
)

figures = sa.Table(
    "outcomes_figures",
    METADATA,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("measure", sa.String(20), primary_key=True),
    sa.Column("key", sa.String(100), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
)
"""What reports add up: a number by day (UTC) for each thing that is counted."""


feedback_by_time = sa.Index("ix_webchat_feedback_at", feedback.c.at)


@sa.event.listens_for(METADATA, "after_create")
def _index_feedback(_: sa.MetaData, connection: sa.engine.Connection, **__: object) -> None:
    # The web chat's table may be there since before there were outcomes.
    if sa.inspect(connection).has_table(feedback.name):
        feedback_by_time.create(connection, checkfirst=True)
