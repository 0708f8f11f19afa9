"""What was said in each conversation, and what people thought of it.

Plain functions of a database, to be called in a thread; no HTTP, no Rasa. Where a write belongs
together with one of Rasa's, the caller hands it in as `also` and both share a transaction.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.webchat.database import ConversationDatabase, feedback, messages, sessions
from bot.webchat.messages import Message
from bot.webchat.sessions import Session

OFFERS_READ = 20
"""Messages read at once to find the button that was pressed."""

MOST_MESSAGES = 1_000
"""Of both sides, some five hundred turns. Whoever comes back reads all of them, and so do others: one
conversation without an end would keep everybody waiting."""

State = Literal["open", "full", "ended"]
"""Whether a conversation goes on, takes no more messages, or was never opened here or has been ended."""

Also = Callable[[Connection], None]

# Of every turn: made once, as that takes longer than asking.
_CONVERSATION = sa.bindparam("conversation")
_IS_OPEN = sa.and_(sessions.c.id == _CONVERSATION, sessions.c.ended_at.is_(None))
_LAST_MESSAGE = (
    sa.select(messages.c.number)
    .where(messages.c.conversation_id == _CONVERSATION)
    .order_by(messages.c.number)
    .offset(MOST_MESSAGES - 1)
    .limit(1)
)
_STATE = sa.select(_LAST_MESSAGE.scalar_subquery()).where(_IS_OPEN)
# Whoever ends the conversation waits for who asks this, or the other way round: a lock of the row on
# PostgreSQL, and SQLite has one writer at a time.
_STAYS_OPEN = sa.select(sessions.c.id).where(_IS_OPEN).with_for_update(read=True)
_INSERT = messages.insert()


@dataclass(frozen=True)
class History:
    """Reads and writes conversations."""

    database: ConversationDatabase

    def open(self, session: Session, welcome: Sequence[Message]) -> None:
        """Remembers a new conversation and what it was greeted with."""
        with self.database.writing() as connection:
            connection.execute(
                sessions.insert().values(
                    id=session.conversation_id,
                    created_at=session.created_at,
                    expires_at=session.expires_at,
                )
            )
            _insert(connection, session.conversation_id, welcome, client_id=None)

    def state(self, conversation_id: str) -> State:
        """Whether the conversation goes on."""
        with self.database.reading() as connection:
            found = connection.execute(_STATE, {"conversation": conversation_id}).first()
        if found is None:
            return "ended"
        return "open" if found[0] is None else "full"

    def messages(self, conversation_id: str) -> list[Message]:
        """Both sides of the conversation, in order."""
        return self._messages(messages.c.conversation_id == conversation_id)

    def answer_to(self, conversation_id: str, client_id: str) -> list[Message] | None:
        """What was answered to the message the client calls `client_id`; None if it is new."""
        asked = messages.alias()
        # A join and not a subquery: where the message is new, nothing else is read.
        said = self._messages(
            asked.c.conversation_id == conversation_id,
            asked.c.client_id == client_id,
            messages.c.conversation_id == asked.c.conversation_id,
            messages.c.turn == asked.c.turn,
        )
        return [message for message in said if message.sender == "assistant"] if said else None

    def offered_title(self, conversation_id: str, payload: str) -> str | None:
        """The title of the latest button that offered `payload` in this conversation."""
        before = None
        while offers := self._offers(conversation_id, before):
            for offer in offers:
                for button in offer.content.get("buttons", ()):
                    if button["payload"] == payload:
                        return button["title"]
            before = offers[-1].number
        return None

    def add_turn(
        self,
        conversation_id: str,
        said: Message,
        answers: Sequence[Message],
        client_id: str | None,
        also: Also,
    ) -> bool:
        """Stores one exchange whole, or nothing of it.

        Returns:
            False if the conversation has been ended meanwhile.
        """
        with self.database.writing() as connection:
            if not _stays_open(connection, conversation_id):
                return False
            _insert(connection, conversation_id, [said, *answers], client_id=client_id)
            also(connection)
            return True

    def begun_before(self, moment: datetime) -> list[str]:
        """Ids of the conversations that began before a moment and aren't erased."""
        query = sa.select(sessions.c.id).where(
            sessions.c.created_at < moment, sessions.c.ended_at.is_(None)
        )
        with self.database.reading() as connection:
            return list(connection.execute(query).scalars())

    def rate(
        self,
        conversation_id: str,
        message_id: str,
        helpful: bool,
        comment: str | None,
        at: datetime,
    ) -> bool:
        """Stores what someone thought of an answer, in place of what they said of it before.

        Returns:
            False if the assistant never said such a message in this conversation, or it was ended.
        """
        of_message = sa.and_(
            feedback.c.conversation_id == conversation_id, feedback.c.message_id == message_id
        )
        answer = sa.select(messages.c.number).where(
            messages.c.conversation_id == conversation_id,
            messages.c.id == message_id,
            messages.c.sender == "assistant",
        )
        with self.database.writing() as connection:
            if not _stays_open(connection, conversation_id):
                return False
            if connection.execute(answer).first() is None:
                return False
            connection.execute(feedback.delete().where(of_message))
            connection.execute(
                feedback.insert().values(
                    conversation_id=conversation_id,
                    message_id=message_id,
                    helpful=helpful,
                    comment=comment,
                    at=at,
                )
            )
            return True

    def end(self, conversation_id: str, at: datetime, also: Also) -> None:
        """Ends the conversation and erases what was written in it.

        The bare facts stay: that it took place, and which way the thumbs went.
        """
        with self.database.writing() as connection:
            # First: whoever is storing something in it has done so by then, and nobody will.
            connection.execute(
                sessions.update().where(sessions.c.id == conversation_id).values(ended_at=at)
            )
            also(connection)
            connection.execute(
                messages.delete().where(messages.c.conversation_id == conversation_id)
            )
            connection.execute(
                feedback.update()
                .where(feedback.c.conversation_id == conversation_id)
                .values(comment=None)
            )

    def _offers(self, conversation_id: str, before: int | None) -> list[Any]:
        """Some of the assistant's messages, the latest first: mostly a button of these is pressed."""
        query = (
            sa.select(messages.c.number, messages.c.content)
            .where(messages.c.conversation_id == conversation_id, messages.c.sender == "assistant")
            .order_by(messages.c.number.desc())
            .limit(OFFERS_READ)
        )
        if before is not None:
            query = query.where(messages.c.number < before)
        with self.database.reading() as connection:
            return connection.execute(query).all()

    def _messages(self, *conditions: Any) -> list[Message]:
        query = sa.select(messages).where(*conditions).order_by(messages.c.number)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return [Message(id=row.id, sender=row.sender, at=row.at, **row.content) for row in rows]


def _stays_open(connection: Connection, conversation_id: str) -> bool:
    """Whether the conversation is open, and is so until the transaction ends."""
    found = connection.execute(_STAYS_OPEN, {"conversation": conversation_id})
    return found.first() is not None


def _insert(
    connection: Connection,
    conversation_id: str,
    said: Sequence[Message],
    client_id: str | None,
) -> None:
    turn = uuid.uuid4().hex
    rows = [
        {
            "conversation_id": conversation_id,
            "turn": turn,
            "client_id": client_id if message.sender == "user" else None,
            "id": message.id,
            "sender": message.sender,
            "at": message.at,
            "content": message.content(),
        }
        for message in said
    ]
    if rows:
        connection.execute(_INSERT, rows)
