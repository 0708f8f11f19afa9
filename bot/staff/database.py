"""The tables of the staff area, in the conversations database."""

from __future__ import annotations

import sqlalchemy as sa

from identity.database import UtcDateTime

METADATA = sa.MetaData()

accounts = sa.Table(
    "staff_accounts",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.String(254), nullable=False, unique=True, comment="in lower case"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("password", sa.String(200), nullable=False, comment="argon2 hash; empty: none"),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

first_passwords = sa.Table(
    "staff_first_passwords",
    METADATA,
    sa.Column("account_id", sa.ForeignKey(accounts.c.id), primary_key=True),
)
"""Accounts whose password was made for them: it opens the page where it is changed, nothing else."""

sessions = sa.Table(
    "staff_sessions",
    METADATA,
    sa.Column("token", sa.String(64), primary_key=True, comment="keyed hash"),
    sa.Column("account_id", sa.ForeignKey(accounts.c.id), nullable=False, index=True),
    sa.Column("signed_in_at", UtcDateTime, nullable=False, index=True),
    sa.Column("last_seen_at", UtcDateTime, nullable=False, index=True),
)

attempts = sa.Table(
    "staff_attempts",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account", sa.String(64), nullable=False, comment="keyed hash of what was typed"),
    sa.Column("client", sa.String(64), nullable=False, comment="keyed hash"),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Index("ix_staff_attempts_account", "account", "at"),
    sa.Index("ix_staff_attempts_client", "client", "at"),
)
"""Tries to sign in that didn't succeed, or are being judged."""

report_mails = sa.Table(
    "staff_report_mails",
    METADATA,
    sa.Column(
        "account_id",
        sa.ForeignKey(accounts.c.id, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column(
        "week",
        sa.Date,
        nullable=False,
        comment="Monday of the last one that was sent, or isn't to be",
    ),
    sa.Column("due_at", UtcDateTime, nullable=False, comment="nobody else tries before that"),
    sa.Column("attempts", sa.Integer, nullable=False),
)
"""Who wants the report of each week by e-mail."""

uploads = sa.Table(
    "staff_uploads",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("account_id", sa.ForeignKey(accounts.c.id), nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
)
"""Files between their preview and the word to load them."""

kept_forms = sa.Table(
    "staff_kept_forms",
    METADATA,
    sa.Column("account_id", sa.ForeignKey(accounts.c.id), primary_key=True),
    sa.Column("content", sa.Text, nullable=False, comment="sealed: address and fields"),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
)
"""What somebody typed into a form and sent after their session had ended."""

audit = sa.Table(
    "staff_audit",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("who", sa.String(254), nullable=False, comment="an account's address, or a program"),
    sa.Column("what", sa.String(100), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
)
"""What was changed, by whom. The database itself refuses to change or delete a row."""

for _verb in ("UPDATE", "DELETE"):
    sa.event.listen(
        audit,
        "after_create",
        sa.DDL(
            f"CREATE TRIGGER staff_audit_no_{_verb.lower()} BEFORE {_verb} ON staff_audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        ).execute_if(dialect="sqlite"),
    )
for _statement in (
    "CREATE OR REPLACE FUNCTION staff_audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN RAISE EXCEPTION 'the audit log is append-only'; END$$",
    "CREATE TRIGGER staff_audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON staff_audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION staff_audit_is_kept()",
):
    sa.event.listen(
        audit,
        "after_create",
        sa.DDL(_statement).execute_if(dialect="postgresql"),
    )
