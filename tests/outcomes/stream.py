"""Stored conversations as the server stores them: Rasa's events and the web chat's messages, of one turn."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.staff.content_tables import METADATA as CONTENT
from bot.staff.database import METADATA as STAFF
from bot.staff.outcome_tables import METADATA as OUTCOMES
from bot.webchat.database import METADATA as WEBCHAT
from bot.webchat.database import ConversationDatabase
from bot.webchat.history import History
from bot.webchat.messages import Message
from bot.webchat.sessions import Session

RASA = sa.MetaData()
EVENTS = sa.Table(
    "events",
    RASA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sender_id", sa.String(255), nullable=False, index=True),
    sa.Column("type_name", sa.String(255), nullable=False),
    sa.Column("timestamp", sa.Float),
    sa.Column("intent_name", sa.String(255)),
    sa.Column("action_name", sa.String(255)),
    sa.Column("data", sa.Text),
)
"""Rasa's own table, without Rasa: tests/outcomes/test_tables.py holds the two together."""

NOON = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)


def database_at(url: str) -> ConversationDatabase:
    return ConversationDatabase(url, metadata=(WEBCHAT, RASA, STAFF, OUTCOMES, CONTENT))


def made_up_vector(text: str) -> np.ndarray:
    """A vector of a text's words that stands for the encoder's: alike where most words are the same."""
    vector = np.zeros(64, dtype=np.float32)
    for word in text.lower().split():
        digest = hashlib.sha256(word.encode()).digest()
        vector += np.frombuffer(digest * 2, dtype=np.int8).astype(np.float32)
    return vector / (np.linalg.norm(vector) or 1)


@dataclass
class Talk:
    """A conversation that a test has somebody hold."""

    database: ConversationDatabase
    at: datetime = NOON
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    answers: list[str] = field(default_factory=list)
    """Ids of the assistant's messages."""
    said: int = 0

    def __post_init__(self) -> None:
        session = Session(self.id, "", self.at, self.at + timedelta(days=1))
        History(self.database).open(session, [])

    def turn(
        self,
        text: str,
        intent: str,
        *responses: str,
        score: float | None = 0.99,
        band: str = "answer",
        ranking: Sequence[tuple[str, float]] = (),
        place: str | None = None,
        total: str | int | None = None,
        also: Any = lambda _: None,
        took: float = 0.04,
    ) -> str:
        """Says something and gets responses; the id of what was said.

        Args:
            score: None for a button that was pressed.
        """
        self.at += timedelta(seconds=10)
        said = Message("user", self.at, text, id=self._message_id())
        answered_at = self.at + timedelta(seconds=took)
        answers = [Message("assistant", answered_at, r, id=self._message_id()) for r in responses]
        rows = self.events(said, intent, responses, score, band, ranking, place, total)

        def write(connection: Connection) -> None:
            connection.execute(EVENTS.insert(), rows)
            also(connection)

        History(self.database).add_turn(self.id, said, answers, None, write)
        self.answers += [answer.id for answer in answers]
        return said.id

    def events(
        self,
        said: Message,
        intent: str,
        responses: Sequence[str],
        score: float | None,
        band: str,
        ranking: Sequence[tuple[str, float]],
        place: str | None,
        total: str | int | None,
    ) -> list[dict[str, Any]]:
        ranked = ranking or [(intent, 0.9 if score is None else score)]
        parsed: dict[str, Any] = {
            "intent": {"name": intent, "confidence": ranked[0][1]},
            "entities": [],
            "intent_ranking": [{"name": name, "confidence": c} for name, c in ranked],
        }
        if score is not None:
            parsed["understanding"] = {"score": score, "band": band}
        told = [self._event("user", text=said.text, parse_data=parsed, message_id=said.id)]
        if place is not None:
            told.append(self._event("slot", name="place", value=place))
        told.append(self._event("action", name="action_of_some_kind"))
        for response in responses:
            metadata = {"utter_action": response, **({"total": total} if total else {})}
            told.append(self._event("bot", text=None, data={}, metadata=metadata))
        told.append(self._event("action", name="action_listen"))
        return told

    def _message_id(self) -> str:
        self.said += 1
        return str(uuid.UUID(hashlib.sha256(f"{self.id} {self.said}".encode()).hexdigest()[:32]))

    def session_started(self) -> None:
        with self.database.writing() as connection:
            connection.execute(EVENTS.insert(), [self._event("session_started")])

    def rate(self, helpful: bool, answer: int = -1) -> None:
        self.at += timedelta(seconds=1)
        assert History(self.database).rate(self.id, self.answers[answer], helpful, None, self.at)

    def _event(self, kind: str, **values: Any) -> dict[str, Any]:
        at = self.at.timestamp()
        return {
            "sender_id": self.id,
            "type_name": kind,
            "timestamp": at,
            "intent_name": None,
            "action_name": values.get("name"),
            "data": json.dumps({"event": kind, "timestamp": at, **values}),
        }
