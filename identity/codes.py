"""One-time codes by e-mail.

Whether an address has an account is nobody's business: asking for a code does exactly the same for
every address, in the same time. Only the mail that goes out differs (`identity.mail`).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from identity.database import codes, mails
from identity.keys import Keys

DIGITS = 6
LIFETIME = timedelta(minutes=10)
TRIES = 5

WINDOW = timedelta(hours=1)
PER_ADDRESS = 3
PER_CLIENT = 20
"""A school's officers may share one address on the net."""
OVERALL = 1000
"""Within an hour; more is an attack, or a mail server's bad day."""

MAIL = "mail"
EMAIL = "email"


@dataclass(frozen=True)
class Sent:
    """A code is on its way."""


@dataclass(frozen=True)
class TooMany:
    """No code: too many were asked for."""

    again_in: timedelta


@dataclass(frozen=True)
class Right:
    email: str = field(repr=False)


@dataclass(frozen=True)
class Wrong:
    tries_left: int
    """At zero the code is dead."""


@dataclass(frozen=True)
class NoCode:
    """There is no code to compare with: none was sent, or it is used up or too old."""


def request(
    connection: Connection,
    keys: Keys,
    *,
    conversation: str,
    email: str,
    client: str,
    now: datetime,
) -> Sent | TooMany:
    """Makes a code for an address and puts its mail into the queue. A code sent before is dead.

    Args:
        email: Normalized.
        client: The client's address on the net.
    """
    address, client_key = keys.hash("address", email), keys.hash("client", client)
    _one_at_a_time(connection)
    for asked, most in (
        (codes.c.address == address, PER_ADDRESS),
        (codes.c.client == client_key, PER_CLIENT),
        (sa.true(), OVERALL),
    ):
        times = sorted(
            connection.execute(
                sa.select(codes.c.requested_at)
                .where(asked, codes.c.requested_at > now - WINDOW)
                .order_by(codes.c.requested_at.desc())
                .limit(most)
            ).scalars()
        )
        if len(times) >= most:
            return TooMany(times[0] + WINDOW - now)
    close_all(connection, conversation)
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    connection.execute(
        sa.insert(codes).values(
            conversation_id=conversation,
            address=address,
            client=client_key,
            email=keys.seal(EMAIL, email, now),
            code=keys.hash("code", conversation, email, code),
            requested_at=now,
            tries=0,
            is_open=True,
        )
    )
    connection.execute(
        sa.insert(mails).values(
            content=keys.seal(MAIL, f"{code} {email}", now), written_at=now, due_at=now, attempts=0
        )
    )
    return Sent()


def submit(
    connection: Connection, keys: Keys, *, conversation: str, code: str, now: datetime
) -> Right | Wrong | NoCode:
    """Compares a code with the one that was sent in this conversation; a right one is used up."""
    is_alive = sa.and_(
        codes.c.conversation_id == conversation,
        codes.c.is_open,
        codes.c.tries < TRIES,
        codes.c.requested_at > now - LIFETIME,
    )
    # The try is counted before it is judged, in one statement: of many at once none is for free.
    counted = connection.execute(
        sa.update(codes).where(is_alive).values(tries=codes.c.tries + 1)
    ).rowcount
    row = connection.execute(
        sa.select(codes)
        .where(codes.c.conversation_id == conversation, codes.c.is_open)
        .order_by(codes.c.id.desc())
        .limit(1)
    ).one_or_none()
    if not counted or row is None:
        return NoCode()
    email = keys.unseal(EMAIL, row.email, now, int(LIFETIME.total_seconds()) + 1)
    expected = row.code
    if email is None or not hmac.compare_digest(
        keys.hash("code", conversation, email, code), expected
    ):
        if row.tries >= TRIES:
            close_all(connection, conversation)
        return Wrong(max(TRIES - row.tries, 0))
    close_all(connection, conversation)
    return Right(email)


def close_all(connection: Connection, conversation: str) -> None:
    """Kills the code of a conversation, if there is one; only what the limits count remains."""
    connection.execute(
        sa.update(codes)
        .where(codes.c.conversation_id == conversation, codes.c.is_open)
        .values(is_open=False, email="")
    )


def _one_at_a_time(connection: Connection) -> None:
    """Counting and inserting must not be interleaved with another's; SQLite's writers queue anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(716254)))
