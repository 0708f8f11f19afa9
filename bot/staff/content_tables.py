"""The tables of changes, candidates and publications, in the conversations database.

A change is data: `bot.content.changes` says what it can be. The files that staff's changes are made to are
the source; these tables say who wants what, what was tried, and which publication is the current one.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from identity.database import UtcDateTime

METADATA = sa.MetaData()

WAITING, DISCARDED, REPLACED, PUBLISHED = "waiting", "discarded", "replaced", "published"
"""What a change can be."""

BEGUN, DONE, FAILED = "begun", "done", "failed"
"""What a publication can be."""

candidates = sa.Table(
    "content_candidates",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("who", sa.String(254), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("share", sa.Float, nullable=False, comment="of the work that is done, 0 to 1"),
    sa.Column("reason", sa.Text, nullable=False, comment="why it failed"),
    sa.Column("changes", sa.JSON, nullable=False, comment="ids of the changes that it holds"),
    sa.Column("problems", sa.JSON, nullable=False, comment="changes left out, by id, and why"),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="of what it was made from"),
    sa.Column("model", sa.String(64), comment="sha256 of the file"),
    sa.Column("comparison", sa.JSON, comment="with what was published then"),
)

publications = sa.Table(
    "content_publications",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("takes_back", sa.ForeignKey("content_publications.number"), comment="roll-back"),
    sa.Column("candidate", sa.ForeignKey(candidates.c.id), comment="none for a roll-back"),
    sa.Column("who", sa.String(254), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("lines", sa.JSON, nullable=False, comment="what it changes, a line each"),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="of the content after it"),
    sa.Column("model_before", sa.String(64), nullable=False, comment="sha256 of the file"),
    sa.Column("model", sa.String(64), nullable=False, comment="sha256 of the file"),
    sa.Column("patch", sa.Text, nullable=False),
    sa.Column("revision", sa.String(64), comment="git's, where there is a repository"),
    sa.Index("ix_content_publications_state", "state", "number"),
)
"""Each is a publication, or takes one back. The last one that is done is what is served."""

files = sa.Table(
    "content_files",
    METADATA,
    sa.Column("publication", sa.ForeignKey(publications.c.number), primary_key=True),
    sa.Column("path", sa.String(300), primary_key=True, comment="from the project's root"),
    sa.Column("before", sa.Text, comment="none where there was no such file"),
    sa.Column("after", sa.Text, comment="none where there is none any more"),
)
"""What a publication writes, noted before the first file is written: so that one that was cut short can be
brought to its end."""

changes = sa.Table(
    "content_changes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("change", sa.JSON, nullable=False),
    sa.Column("who", sa.String(254), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("cluster", sa.BigInteger, index=True, comment="of the queue, where it is from"),
    sa.Column("publication", sa.ForeignKey(publications.c.number), index=True),
)

servers = sa.Table(
    "content_servers",
    METADATA,
    sa.Column("name", sa.String(200), primary_key=True, comment="machine and port"),
    sa.Column("publication", sa.Integer, nullable=False, comment="0: none yet"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("problem", sa.Text, nullable=False, comment="why it couldn't be taken on"),
)
"""Which publication a server has taken on, or couldn't."""


@dataclass(frozen=True)
class Published:
    """What is published last."""

    number: int = 0
    """0 where nothing has been published yet."""
    model: str = ""
    """The sha256 of the model's file."""


_LAST = (
    sa.select(publications.c.number, publications.c.model)
    .where(publications.c.state == DONE)
    .order_by(publications.c.number.desc())
    .limit(1)
)


def published(connection: Connection) -> Published:
    """What servers ask again and again."""
    row = connection.execute(_LAST).one_or_none()
    return Published(*row) if row else Published()
