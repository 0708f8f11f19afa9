"""Publishes, or takes back, in a process that dies at a step:

python -m tests.publishing.crash URL ROOT publish|roll_back STEP
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.content.repository import Repository
from bot.staff import publications
from bot.staff.candidates import Candidates
from bot.staff.publications import Publications
from tests.publishing.conftest import JANE, database_at


def dying(function: Callable[..., Any], times: int = 1, *, before: bool = False) -> Any:
    """A function whose process dies when it was called so often."""
    called = 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal called
        called += 1
        if before and called == times:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **options)
        if called == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def main(url: str, root: str, what: str, step: str) -> None:
    made = Publications(database_at(url), Path(root))
    if step == "noted":
        made._carry_out = dying(made._carry_out, before=True)  # type: ignore[method-assign]
    elif step in ("half the files", "files"):
        write, in_root = publications._write, 0

        def _write(file: Path, text: str | None) -> None:
            nonlocal in_root
            write(file, text)
            in_root += file.is_relative_to(root)
            if in_root == (1 if step == "half the files" else 2):
                os.kill(os.getpid(), signal.SIGKILL)

        publications._write = _write  # type: ignore[assignment]
    elif step == "commit":
        Repository.commit = dying(Repository.commit)  # type: ignore[method-assign]
    elif step == "model":
        made._put_in_place = dying(made._put_in_place)  # type: ignore[method-assign]
    if what == "publish":
        latest = Candidates(database_at(url), Path(root)).latest()
        assert latest
        made.publish(latest.id, by=JANE)
    else:
        made.roll_back(by=JANE)


if __name__ == "__main__":
    main(*sys.argv[1:])
