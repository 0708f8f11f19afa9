"""Who may sign in to the staff area: accounts with roles, sessions, and what stops guessing.

Everything here blocks; call it off the event loop. SQLAlchemyError or OSError is raised where the
database can't be used.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from bot.staff import audit, passwords
from bot.staff.database import (
    accounts,
    attempts,
    first_passwords,
    kept_forms,
    sessions,
    uploads,
)
from bot.webchat.database import ConversationDatabase
from identity.addresses import EMAIL
from identity.keys import Keys

logger = logging.getLogger(__name__)

INACTIVITY = timedelta(minutes=60)
"""After so long without a request a session is over."""
LONGEST_SESSION = timedelta(hours=12)
"""After so long it is over however busy. For so long it is known whose an ended one was."""
SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last request is noted: not every one needs a write."""

LOCKED_FOR = timedelta(minutes=15)
"""What happened longer ago than this doesn't count."""
NO_PASSWORD = ""
"""Of an account that signs in by the OpenID Connect provider only; no password fits it."""

TRIES_PER_ACCOUNT = 10
TRIES_PER_CLIENT = 30
"""More, as a whole office may sit behind one address."""


class Role(str, Enum):
    """What an account may do; each role may do what those before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    PUBLISHER = "publisher"

    def includes(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Account:
    id: int
    email: str = field(repr=False)
    name: str = field(repr=False)
    role: Role
    must_change: bool = False
    """The password was made for them: before anything else opens, they choose their own."""
    has_password: bool = True


@dataclass(frozen=True)
class SignedIn:
    account: Account
    token: str = field(repr=False)
    """For the browser's cookie; its keyed hash alone is stored."""


@dataclass(frozen=True)
class WrongPassword:
    """Or there is no such account: nobody is told which."""


@dataclass(frozen=True)
class TooManyTries:
    """Whether or not there is such an account, nothing was looked at."""


class AccountProblem(Exception):
    """An account can't be made or changed so; the message says why."""


class Accounts:
    """Accounts and their sessions.

    Args:
        database: The conversations database, with the tables of `bot.staff.database`.
        keys: Hashes tokens and addresses.
        now: Tells the time (UTC).
    """

    def __init__(
        self,
        database: ConversationDatabase,
        keys: Keys,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._database = database
        self._keys = keys
        self._now = now

    # Accounts -------------------------------------------------------------------------------------

    def all(self) -> list[Account]:
        """Every account, by address."""
        with self._database.reading() as connection:
            rows = connection.execute(_ACCOUNTS.order_by(accounts.c.email))
            return [_account(row) for row in rows]

    def add(
        self,
        email: str,
        name: str,
        role: Role,
        password: str | None,
        *,
        by: str,
        must_change: bool = False,
    ) -> Account:
        """Makes an account.

        Args:
            password: None for one that signs in by the OpenID Connect provider only.
            must_change: Whether they must choose another at their first sign-in.

        Raises:
            AccountProblem: The address is none or has one, or there is no name.
            PasswordRefused: The password is none to choose.
        """
        email, name = email.strip().lower(), name.strip()
        if not EMAIL.fullmatch(email) or len(email) > 254:
            raise AccountProblem(f"{email} is not an e-mail address.")
        if not 0 < len(name) <= 200:
            raise AccountProblem("A name has 1 to 200 characters.")
        if password is not None:
            passwords.require_good(password, email=email, name=name)
        stored = NO_PASSWORD if password is None else passwords.hashed(password)
        with self._database.writing() as connection:
            try:
                connection.execute(
                    sa.insert(accounts).values(
                        email=email,
                        name=name,
                        role=role.value,
                        password=stored,
                        created_at=self._now(),
                    )
                )
            except IntegrityError:
                raise AccountProblem(f"{email} has an account already.") from None
            self._note(connection, by, "account added", email, after=role.value)
            account_id = _row(connection, email).id
            _set_must_change(connection, account_id, must_change)
            return _account(_row(connection, email))

    def set_role(self, email: str, role: Role, *, by: str) -> None:
        """Gives an account a role, and signs it out everywhere.

        Raises:
            AccountProblem: There is no such account.
        """
        with self._database.writing() as connection:
            row = _row(connection, email)
            connection.execute(
                sa.update(accounts).where(accounts.c.id == row.id).values(role=role.value)
            )
            self._end_sessions(connection, row.id)
            self._note(connection, by, "role changed", row.email, row.role, role.value)

    def reset_password(
        self, email: str, password: str, *, by: str, must_change: bool = False
    ) -> None:
        """Gives an account a password, signs it out everywhere, and lifts its lock-out.

        Raises:
            AccountProblem: There is no such account.
            PasswordRefused: The password is none to choose.
        """
        with self._database.writing() as connection:
            row = _row(connection, email)
            passwords.require_good(password, email=row.email, name=row.name)
            _set_password(connection, row.id, passwords.hashed(password))
            _set_must_change(connection, row.id, must_change)
            self._end_sessions(connection, row.id)
            connection.execute(
                sa.delete(attempts).where(attempts.c.account == self._hash("account", row.email))
            )
            self._note(connection, by, "password reset", row.email)

    def remove(self, email: str, *, by: str) -> None:
        """Takes an account away, with its sessions; what it did stays in the audit log.

        Raises:
            AccountProblem: There is no such account.
        """
        with self._database.writing() as connection:
            row = _row(connection, email)
            for table in (sessions, uploads, kept_forms, first_passwords):
                connection.execute(sa.delete(table).where(table.c.account_id == row.id))
            connection.execute(sa.delete(accounts).where(accounts.c.id == row.id))
            self._note(connection, by, "account removed", row.email, before=row.role)

    # Signing in -----------------------------------------------------------------------------------

    def sign_in(
        self, email: str, password: str, *, client: str
    ) -> SignedIn | WrongPassword | TooManyTries:
        """Opens a session for who knows the password.

        The answer and the work are the same for an address that has no account.

        Args:
            email: As it was typed.
            client: What counts as one client address.
        """
        email = email.strip().lower()
        attempt = self._try(email, client)
        if attempt is None:
            return TooManyTries()
        with self._database.reading() as connection:
            row = connection.execute(_ACCOUNTS.where(accounts.c.email == email)).one_or_none()
        if not passwords.is_right(password, row.password if row else None):
            return WrongPassword()
        with self._database.writing() as connection:
            if not _is_still(connection, row):
                return WrongPassword()
            if passwords.is_outdated(row.password):
                _set_password(connection, row.id, passwords.hashed(password))
            self._succeeded(connection, email, client)
            self._note(connection, row.email, "signed in", "")
            return SignedIn(_account(row), self._open(connection, row.id))

    def sign_in_proven(self, email: str) -> SignedIn | None:
        """Opens a session for whose address the OpenID Connect provider has proven; None: no account.

        A password that was made for them and that nobody has changed ends: they have no use for it,
        and whoever else may have seen it shall have none.
        """
        with self._database.writing() as connection:
            try:
                row = _row(connection, email)
            except AccountProblem:
                return None
            if row.must_change:
                _set_password(connection, row.id, NO_PASSWORD)
                _set_must_change(connection, row.id, False)
                self._end_sessions(connection, row.id)
            self._note(connection, row.email, "signed in", "", after="by the provider")
            return SignedIn(_account(_row(connection, email)), self._open(connection, row.id))

    def change_password(
        self, account: Account, old: str, new: str, *, client: str
    ) -> SignedIn | WrongPassword | TooManyTries:
        """Changes one's own password: every session ends, and a new one begins here.

        Raises:
            PasswordRefused: The new password is none to choose.
        """
        passwords.require_good(new, email=account.email, name=account.name)
        if new == old:
            raise passwords.PasswordRefused("same")
        if self._try(account.email, client) is None:
            return TooManyTries()
        with self._database.reading() as connection:
            row = _row(connection, account.email)
        if not passwords.is_right(old, row.password):
            return WrongPassword()
        stored = passwords.hashed(new)
        with self._database.writing() as connection:
            if not _is_still(connection, row):
                return WrongPassword()
            _set_password(connection, row.id, stored)
            _set_must_change(connection, row.id, False)
            self._end_sessions(connection, row.id)
            self._succeeded(connection, row.email, client)
            self._note(connection, row.email, "password changed", row.email)
            return SignedIn(_account(_row(connection, row.email)), self._open(connection, row.id))

    def account_of(self, token: str) -> Account | None:
        """Whose session a cookie's token opens; None where it opens none any more."""
        now = self._now()
        hashed = self._hash("session", token)
        with self._database.reading() as connection:
            row = connection.execute(
                _ACCOUNTS.add_columns(sessions.c.last_seen_at)
                .join(sessions, sessions.c.account_id == accounts.c.id)
                .where(sessions.c.token == hashed, *_going_on(now))
            ).one_or_none()
        if row is None:
            return None
        if now - row.last_seen_at > SEEN_EVERY:
            with self._database.writing() as connection:
                connection.execute(
                    sa.update(sessions).where(sessions.c.token == hashed).values(last_seen_at=now)
                )
        return _account(row)

    def whose_was(self, token: str) -> Account | None:
        """Whose session a cookie's token opened, also when it has ended; None where it isn't known."""
        with self._database.reading() as connection:
            row = connection.execute(
                _ACCOUNTS.join(sessions, sessions.c.account_id == accounts.c.id).where(
                    sessions.c.token == self._hash("session", token)
                )
            ).one_or_none()
        return _account(row) if row else None

    def form_token(self, token: str) -> str:
        """What a form of the browser with this cookie must bring along."""
        return self._form_token(self._hash("session", token))

    def is_of_earlier_session(self, account: Account, form_token: str) -> bool:
        """Whether a form was made for another session of this account, also one that has ended."""
        with self._database.reading() as connection:
            hashed = connection.execute(
                sa.select(sessions.c.token).where(sessions.c.account_id == account.id)
            ).scalars()
            return form_token in {self._form_token(one) for one in hashed}

    def sign_out(self, token: str) -> None:
        """Ends a session."""
        with self._database.writing() as connection:
            self._end(connection, sessions.c.token == self._hash("session", token))

    def sign_out_everywhere(self, account: Account) -> None:
        """Ends all sessions of an account."""
        with self._database.writing() as connection:
            self._end_sessions(connection, account.id)
            self._note(connection, account.email, "signed out everywhere", "")

    def forget_what_is_over(self) -> None:
        """Forgets sessions that ended half a day ago, and tries that no longer count."""
        now = self._now()
        with self._database.writing() as connection:
            connection.execute(sa.delete(attempts).where(attempts.c.at <= now - LOCKED_FOR))
            connection.execute(
                sa.delete(sessions).where(sessions.c.last_seen_at <= now - LONGEST_SESSION)
            )

    def _end_sessions(self, connection: Connection, account_id: int) -> None:
        self._end(connection, sessions.c.account_id == account_id)

    def _end(self, connection: Connection, which: sa.sql.ColumnElement[bool]) -> None:
        # Whose it was stays known for a while: a form that comes late isn't lost.
        over = self._now() - LONGEST_SESSION
        connection.execute(sa.update(sessions).where(which).values(signed_in_at=over))

    def _open(self, connection: Connection, account_id: int) -> str:
        token = secrets.token_urlsafe(32)
        now = self._now()
        connection.execute(
            sa.insert(sessions).values(
                token=self._hash("session", token),
                account_id=account_id,
                signed_in_at=now,
                last_seen_at=now,
            )
        )
        return token

    def _try(self, email: str, client: str) -> int | None:
        """Notes a try before it is judged; its number, or None where there were too many.

        In two transactions: of many at once each sees all that were noted before it counts, so that
        no more than the limit are ever judged.
        """
        now = self._now()
        mine = {"account": self._hash("account", email), "client": self._hash("client", client)}
        with self._database.writing() as connection:
            number = connection.execute(
                sa.insert(attempts).values(**mine, at=now)
            ).inserted_primary_key[0]
        with self._database.writing() as connection:
            for column, most in (("account", TRIES_PER_ACCOUNT), ("client", TRIES_PER_CLIENT)):
                made = connection.execute(
                    sa.select(sa.func.count())
                    .select_from(attempts)
                    .where(attempts.c[column] == mine[column], attempts.c.at > now - LOCKED_FOR)
                ).scalar_one()
                if made > most:
                    # One that isn't judged doesn't count: a lock ends, whoever goes on trying.
                    connection.execute(sa.delete(attempts).where(attempts.c.id == number))
                    logger.warning("Too many tries to sign in to the staff area by one %s", column)
                    return None
        return number

    def _succeeded(self, connection: Connection, email: str, client: str) -> None:
        # Tries from elsewhere still count: they weren't this person's.
        connection.execute(
            sa.delete(attempts).where(
                attempts.c.account == self._hash("account", email),
                attempts.c.client == self._hash("client", client),
            )
        )

    def _note(
        self,
        connection: Connection,
        by: str,
        what: str,
        subject: str,
        before: str = "",
        after: str = "",
    ) -> None:
        audit.record(
            connection,
            at=self._now(),
            who=by,
            what=what,
            subject=subject,
            before=before,
            after=after,
        )

    def _form_token(self, hashed: str) -> str:
        return self._hash("form", hashed)

    def _hash(self, purpose: str, value: str) -> str:
        return self._keys.hash(f"staff {purpose}", value)


def _going_on(now: datetime) -> tuple[sa.sql.ColumnElement[bool], ...]:
    return (
        sessions.c.last_seen_at > now - INACTIVITY,
        sessions.c.signed_in_at > now - LONGEST_SESSION,
    )


_ACCOUNTS = sa.select(
    accounts, first_passwords.c.account_id.is_not(None).label("must_change")
).outerjoin_from(accounts, first_passwords)


def _account(row: sa.engine.Row) -> Account:
    return Account(
        id=row.id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        must_change=bool(row.must_change),
        has_password=row.password != NO_PASSWORD,
    )


def _row(connection: Connection, email: str) -> sa.engine.Row:
    row = connection.execute(
        _ACCOUNTS.where(accounts.c.email == email.strip().lower())
    ).one_or_none()
    if row is None:
        raise AccountProblem(f"{email} has no account.")
    return row


def _is_still(connection: Connection, row: sa.engine.Row) -> bool:
    """Whether the account is there with the password that was judged; it stays so in this transaction."""
    found = connection.execute(
        sa.select(accounts.c.id)
        .where(accounts.c.id == row.id, accounts.c.password == row.password)
        .with_for_update()
    )
    return found.one_or_none() is not None


def _set_password(connection: Connection, account_id: int, stored: str) -> None:
    connection.execute(
        sa.update(accounts).where(accounts.c.id == account_id).values(password=stored)
    )


def _set_must_change(connection: Connection, account_id: int, must_change: bool) -> None:
    mine = first_passwords.c.account_id == account_id
    connection.execute(sa.delete(first_passwords).where(mine))
    if must_change:
        connection.execute(sa.insert(first_passwords).values(account_id=account_id))
