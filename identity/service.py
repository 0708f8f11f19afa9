"""Who is speaking in a conversation: the one face of this package."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from identity import codes as one_time
from identity.addresses import masked, normalized
from identity.codes import NoCode, Right, Sent, TooMany, Wrong
from identity.database import (
    IdentityDatabase,
    codes,
    insert,
    mails,
    owners,
    renewals,
    seen_tokens,
    sign_ins,
)
from identity.keys import Keys
from identity.mail import withdraw
from identity.settings import IdentityConfig
from identity.site_tokens import LEEWAY, IdentityRefused, verify

logger = logging.getLogger(__name__)

INACTIVITY = timedelta(minutes=30)
"""After so long without a use a sign-in is over."""

HEARD_FOR = 600
"""Seconds for which what a person typed can be opened again."""

SIGN_IN = "sign-in"
FOR_EVER = 2**31

FROM_THE_BEGINNING = datetime.fromtimestamp(0, timezone.utc)
"""When a session token was renewed that never was."""

Standing = Literal["nobody's", "signed in", "over"]
"""How a conversation stands: once a member's, it is over when they are signed in no more."""

# Asked in every turn: made once, as that takes longer than asking.
_STANDING = (
    sa.select(sign_ins.c.last_used_at, renewals.c.at)
    .select_from(owners)
    .outerjoin(sign_ins, sign_ins.c.conversation_id == owners.c.conversation_id)
    .outerjoin(renewals, renewals.c.conversation_id == owners.c.conversation_id)
    .where(owners.c.conversation_id == sa.bindparam("conversation"))
)
_SHOWN = sa.select(sign_ins.c.email, sign_ins.c.signed_in_at).where(
    sign_ins.c.conversation_id == sa.bindparam("conversation"),
    sign_ins.c.last_used_at > sa.bindparam("since"),
)


class SomebodyElse(Exception):
    """A conversation is one member's: whoever comes after them begins their own."""


@dataclass(frozen=True)
class Identity:
    """A member, proven."""

    email: str = field(repr=False)
    method: Literal["site", "code"]


@dataclass(frozen=True)
class Shown:
    """Who is signed in, as it may be told."""

    member: str
    """The address, masked."""
    since: datetime


class IdentityService:
    """Signs members in and out.

    Args:
        database: The conversations database.
        config: The settings.
        now: Tells the time (UTC).

    Every method raises `IdentityUnavailable` when the database can't be used. They block; call them
    off the event loop.
    """

    def __init__(
        self,
        database: IdentityDatabase,
        config: IdentityConfig,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.database = database
        self.config = config
        self.keys = Keys(config.secret)
        self._now = now

    # What a person types --------------------------------------------------------------------------

    def seal(self, conversation: str, text: str) -> str:
        """Closes an address or a code that was typed, so that it can be stored and passed around."""
        return self.keys.seal(f"typed {conversation}", text, self._now())

    def unseal(self, conversation: str, sealed: str) -> str | None:
        """What was typed in this conversation; None where it wasn't, or too long ago."""
        return self.keys.unseal(f"typed {conversation}", sealed, self._now(), HEARD_FOR)

    # Signing in -----------------------------------------------------------------------------------

    def sign_in_with_token(self, conversation: str, token: str) -> Identity:
        """Signs in by a token of the website, which is then good for this conversation only.

        Raises:
            IdentityRefused: The token proves nothing.
            SomebodyElse: It is genuine, but this conversation is another member's.
        """
        now = self._now()
        said = verify(token, self.config, now)
        identity = Identity(said.email, "site")
        with self.database.transaction() as connection:
            seen = self.keys.hash("token", said.id)
            # Whoever writes it first has it, also of several at once.
            connection.execute(
                insert(connection, seen_tokens)
                .values(
                    token=seen,
                    conversation_id=conversation,
                    expires_at=datetime.fromtimestamp(said.expires_at, timezone.utc),
                )
                .on_conflict_do_nothing()
            )
            used_in = connection.execute(
                sa.select(seen_tokens.c.conversation_id).where(seen_tokens.c.token == seen)
            ).scalar_one()
            if used_in != conversation:
                logger.info("A token of the website was refused: it was used before")
                raise IdentityRefused
            self._sign_in(connection, conversation, identity, now)
        return identity

    def request_code(self, conversation: str, email: str, client: str) -> Sent | TooMany:
        """Sends a code to an address, whether or not it has an account.

        Args:
            client: The client's address on the net.
        """
        with self.database.transaction() as connection:
            return one_time.request(
                connection,
                self.keys,
                conversation=conversation,
                email=normalized(email),
                client=client,
                now=self._now(),
            )

    def submit_code(self, conversation: str, code: str) -> Right | Wrong | NoCode:
        """Compares a code; the right one signs in. In another member's conversation no code is right."""
        now = self._now()
        digits = re.sub(r"\D", "", code)
        with self.database.transaction() as connection:
            outcome = one_time.submit(
                connection, self.keys, conversation=conversation, code=digits, now=now
            )
            if isinstance(outcome, Right):
                try:
                    self._sign_in(connection, conversation, Identity(outcome.email, "code"), now)
                except SomebodyElse:
                    return NoCode()
        return outcome

    # While it lasts -------------------------------------------------------------------------------

    def is_over(self, conversation: str, renewed: datetime = FROM_THE_BEGINNING) -> bool:
        """Whether this was a member's conversation who isn't signed in any more.

        Nothing of it is for whoever comes next; only its member can take it up again.

        Args:
            renewed: The sign-in for which the caller's session token was made. Once the token of a
                later one was used, the conversation is over for theirs.
        """
        return self._standing(conversation, renewed) == "over"

    def used(self, conversation: str, renewed: datetime = FROM_THE_BEGINNING) -> Standing:
        """How the conversation stands, for `is_over`; whoever goes on talking stays signed in."""
        standing = self._standing(conversation, renewed)
        if standing == "signed in":
            self.current(conversation)
        return standing

    def is_superseded(self, conversation: str, renewed: datetime) -> bool:
        """Whether the session token of a later sign-in was used."""
        with self.database.reading() as connection:
            at = connection.execute(
                sa.select(renewals.c.at).where(renewals.c.conversation_id == conversation)
            ).scalar_one_or_none()
        return at is not None and renewed < at

    def _standing(self, conversation: str, renewed: datetime) -> Standing:
        with self.database.reading() as connection:
            found = connection.execute(_STANDING, {"conversation": conversation}).first()
        if found is None:
            return "nobody's"
        last_used_at, latest = found[0], found[1] or FROM_THE_BEGINNING
        if last_used_at is None or last_used_at <= self._now() - INACTIVITY or renewed < latest:
            return "over"
        if renewed > latest:
            self._supersede(conversation, renewed)
        return "signed in"

    def _supersede(self, conversation: str, renewed: datetime) -> None:
        """A renewed token was used for the first time: the tokens before it are over."""
        with self.database.transaction() as connection:
            connection.execute(
                insert(connection, renewals)
                .values(conversation_id=conversation, at=renewed)
                .on_conflict_do_update(
                    index_elements=[renewals.c.conversation_id],
                    set_={"at": renewed},
                    where=renewals.c.at < renewed,
                )
            )

    def current(self, conversation: str) -> Identity | None:
        """Who is signed in; asking is a use."""
        now = self._now()
        mine = sign_ins.c.conversation_id == conversation
        with self.database.transaction() as connection:
            row = connection.execute(
                sa.select(sign_ins).where(mine, sign_ins.c.last_used_at > now - INACTIVITY)
            ).one_or_none()
            if row is None:
                return None
            connection.execute(sa.update(sign_ins).where(mine).values(last_used_at=now))
        email = self.keys.unseal(SIGN_IN, row.email, now, FOR_EVER)
        return Identity(email, row.method) if email else None

    def shown(self, conversation: str) -> Shown | None:
        """Who is signed in, if anybody; asking is no use, so it keeps nobody signed in."""
        now = self._now()
        with self.database.reading() as connection:
            row = connection.execute(
                _SHOWN, {"conversation": conversation, "since": now - INACTIVITY}
            ).one_or_none()
        email = self.keys.unseal(SIGN_IN, row.email, now, FOR_EVER) if row else None
        return Shown(masked(email), row.signed_in_at) if row and email else None

    def sign_out(self, conversation: str) -> bool:
        """Ends a sign-in, and a code that waits; whether somebody was signed in."""
        with self.database.transaction() as connection:
            one_time.close_all(connection, conversation)
            ended = sa.delete(sign_ins).where(sign_ins.c.conversation_id == conversation)
            return bool(connection.execute(ended).rowcount)

    # Forgetting -----------------------------------------------------------------------------------

    def forget(self, conversation: str) -> None:
        """Forgets whose a conversation was. It must be erased: without an owner it would be anybody's."""
        with self.database.transaction() as connection:
            one_time.close_all(connection, conversation)
            for table in (sign_ins, renewals, owners):
                connection.execute(sa.delete(table).where(table.c.conversation_id == conversation))

    def conversations_of(self, email: str) -> list[str]:
        """Conversations in which this address ever signed in, or was sent a code within the hour."""
        address = self.keys.hash("address", normalized(email))
        with self.database.transaction() as connection:
            found = {
                id_
                for table in (owners, codes)
                for id_ in connection.execute(
                    sa.select(table.c.conversation_id).where(table.c.address == address)
                ).scalars()
            }
        return sorted(found)

    def erase_email(self, email: str) -> int:
        """Ends an address's sign-ins and codes; how many those were.

        Whose its conversations were stays until they are erased, see `forget`.
        """
        email = normalized(email)
        address = self.keys.hash("address", email)
        with self.database.transaction() as connection:
            withdraw(connection, self.keys, email, self._now())
            return sum(
                connection.execute(sa.delete(table).where(table.c.address == address)).rowcount
                for table in (sign_ins, codes)
            )

    def purge(self, owners_before: datetime | None = None) -> None:
        """Forgets what no longer counts for anything.

        Args:
            owners_before: All conversations that began before this are erased, so whose they were goes too.
        """
        now = self._now()
        with self.database.transaction() as connection:
            if owners_before:
                connection.execute(sa.delete(owners).where(owners.c.since < owners_before))
                owned = sa.select(owners.c.conversation_id)
                connection.execute(
                    sa.delete(renewals).where(renewals.c.conversation_id.not_in(owned))
                )
            connection.execute(
                sa.delete(codes).where(codes.c.requested_at <= now - one_time.WINDOW)
            )
            connection.execute(
                sa.delete(sign_ins).where(sign_ins.c.last_used_at <= now - INACTIVITY)
            )
            connection.execute(
                sa.delete(seen_tokens).where(seen_tokens.c.expires_at < now - 2 * LEEWAY)
            )
            connection.execute(
                sa.delete(mails).where(mails.c.written_at <= now - one_time.LIFETIME)
            )

    def _sign_in(
        self, connection: Connection, conversation: str, identity: Identity, now: datetime
    ) -> None:
        address = self.keys.hash("address", identity.email)
        # Whoever writes it first has it, also of several at once.
        connection.execute(
            insert(connection, owners)
            .values(conversation_id=conversation, address=address, since=now)
            .on_conflict_do_nothing()
        )
        owner = connection.execute(
            sa.select(owners.c.address).where(owners.c.conversation_id == conversation)
        ).scalar_one()
        if owner != address:
            raise SomebodyElse
        member = {
            "address": address,
            "email": self.keys.seal(SIGN_IN, identity.email, now),
            "method": identity.method,
            "last_used_at": now,
        }
        # Who is signed in already stays so, since when they were: no token is renewed for it.
        goes_on = connection.execute(
            sa.update(sign_ins)
            .where(
                sign_ins.c.conversation_id == conversation,
                sign_ins.c.last_used_at > now - INACTIVITY,
            )
            .values(member)
        )
        if goes_on.rowcount:
            return
        member["signed_in_at"] = now
        connection.execute(
            insert(connection, sign_ins)
            .values(conversation_id=conversation, **member)
            .on_conflict_do_update(index_elements=[sign_ins.c.conversation_id], set_=member)
        )
