"""`nasro-chat content`: the answers and training examples, checked and tried out."""

from __future__ import annotations

import click


@click.group()
def content() -> None:
    """The answers and training examples (docs/staff-guide.md)."""
