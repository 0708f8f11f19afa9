"""Very many made-up rows, made by a database's own statements: Python would take hours.

Classes and conversations are copies of some that were made up one by one: a copy has all of its original
but the id.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.conversations import EVENTS
from bot.webchat.database import ConversationDatabase, messages, sessions
from registration import models
from registration.database import Database
from registration.sample import generate

ORIGINALS = 10_000
"""What is more than that are copies, and comes in such lots."""

EACH = 20
"""Registrations of a member."""

NUMBERS = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :number)"
)

AT = datetime(2027, 3, 1, tzinfo=timezone.utc)


def many_classes(db: Database, number: int, today: date) -> None:
    """Fills a new database with so many classes."""
    generate(db, classes=min(number, ORIGINALS), registrations=0, today=today)
    with db.transaction() as connection, _quickly(connection, models.classes):
        _copy(connection, models.classes, "external_id", "external_id || '-' || n", number)
    _look_around(db.engine)


def many_registrations(db: Database, number: int) -> int:
    """Adds members with `EACH` registrations, so many in all; class after class gets one.

    Half of the registered attended. Half of those evaluated the class, and half of these have a
    certificate.

    Returns:
        How many registrations there are.
    """
    at = sa.bindparam("at", AT, type_=models.UtcDateTime)
    with db.transaction() as connection, _quickly(connection, models.registrations):
        classes, first = connection.execute(
            sa.select(sa.func.count(), sa.func.min(models.classes.c.id))
        ).one()
        for into, select, values in (
            (
                "members (id, external_id, email, name)",
                "n, 'SAMPLE-bulk-' || n, 'sample-bulk-' || n || '@example.org', 'Sample Member'",
                {"number": -(-number // EACH)},
            ),
            (
                "registrations (id, external_id, member_id, class_id, status, registered_at)",
                f"n, 'BULK-' || (100000000 + n), (n - 1) / {EACH} + 1, :first + (n - 1) % :classes,"
                " CASE n % 4 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'registered' ELSE 'attended' END, :at",
                {"number": number, "first": first, "classes": classes},
            ),
            (
                "evaluations (registration_id, completed_at)",
                "n * 4 - 2, :at",
                {"number": number // 4},
            ),
            (
                "certificates (registration_id, issued_at)",
                "n * 8 - 6, :at",
                {"number": number // 8},
            ),
        ):
            statement = sa.text(f"INSERT INTO {into} {NUMBERS} SELECT {select} FROM numbers")
            if ":at" in select:
                statement = statement.bindparams(at)
            connection.execute(statement, values)
    _look_around(db.engine)
    return number


def many_conversations(database: ConversationDatabase, number: int) -> str:
    """Fills a new database with so many conversations of one turn.

    Returns:
        The id of one.
    """
    ids = [f"{n:032x}" for n in range(min(number, ORIGINALS))]
    with database.writing() as connection:
        opened = [{"id": id_, "created_at": AT, "expires_at": AT} for id_ in ids]
        connection.execute(sessions.insert(), opened)
        connection.execute(messages.insert(), [m for id_ in ids for m in _said(id_)])
        connection.execute(EVENTS.insert(), [e for id_ in ids for e in events(id_)])
    for table, of in ((sessions, "id"), (messages, "conversation_id"), (EVENTS, "sender_id")):
        with database.writing() as connection, _quickly(connection, table):
            _copy(connection, table, of, f"(10000000 + n) || substr({of}, 9)", number)
    with database.reading() as connection:
        _look_around(connection.engine)
    return ids[len(ids) // 2]


def _copy(connection: Connection, table: sa.Table, id_: str, id_of_copy: str, number: int) -> None:
    """Copies rows that were one to an original, until there are so many originals and copies."""
    columns = ", ".join(c.name for c in table.columns if c.name != id_ and not _is_numbered(c))
    if number > ORIGINALS:
        connection.execute(
            sa.text(
                f"INSERT INTO {table.name} ({id_}, {columns}) {NUMBERS} "
                f"SELECT {id_of_copy}, {columns} FROM {table.name}, numbers"
            ),
            {"number": number // ORIGINALS - 1},
        )


def _is_numbered(column: sa.Column) -> bool:
    """Whether the database numbers it."""
    return column.primary_key and not isinstance(column.type, sa.String)


@contextmanager
def _quickly(connection: Connection, table: sa.Table) -> Iterator[None]:
    """For the time of many inserts: what a database keeps right with each row is made at the end."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size = -500000")
    else:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        # Foreign keys are checked row by row.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '500MB'")
    for index in table.indexes:
        index.drop(connection)
    yield
    for index in table.indexes:
        index.create(connection)


def _look_around(engine: sa.engine.Engine) -> None:
    """Has the planner see the rows, and PostgreSQL note which pages all may see, as it does in time."""
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        patience = "PRAGMA analysis_limit = 1000" if is_sqlite else "SET statement_timeout = 0"
        connection.exec_driver_sql(patience)
        connection.exec_driver_sql("ANALYZE" if is_sqlite else "VACUUM ANALYZE")
    engine.dispose()  # what was set for many rows isn't for look-ups


def _said(conversation_id: str) -> Iterable[dict[str, Any]]:
    turn = uuid.uuid4().hex
    for sender in ("user", "assistant"):
        yield {
            "conversation_id": conversation_id,
            "id": uuid.uuid4().hex,
            "turn": turn,
            "client_id": turn if sender == "user" else None,
            "sender": sender,
            "at": AT,
            "content": {"text": "made up", "buttons": []},
        }


def events(conversation_id: str) -> Iterable[dict[str, Any]]:
    """Rasa's events of a conversation of one turn."""
    parsed = {"intent": {"name": "greet"}, "entities": [], "text": "made up"}
    for event in (
        {"event": "action", "name": "action_session_start"},
        {"event": "session_started"},
        {"event": "action", "name": "action_listen"},
        {"event": "user", "text": "made up", "parse_data": parsed},
        {"event": "action", "name": "utter_greet"},
        {"event": "bot", "text": None, "data": {}, "metadata": {"utter_action": "utter_greet"}},
        {"event": "action", "name": "action_listen"},
    ):
        yield {
            "sender_id": conversation_id,
            "type_name": event["event"],
            "timestamp": 0.0,
            "action_name": event.get("name"),
            "intent_name": None,
            "data": json.dumps({**event, "timestamp": 0.0}),
        }
