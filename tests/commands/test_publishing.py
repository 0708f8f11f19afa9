"""`nasro-chat content log`, `publish` and `rollback` in a root of their own."""

from __future__ import annotations

from pathlib import Path

from bot.content import files
from bot.staff.drafts import Drafts
from tests.commands.command import nasro_chat
from tests.publishing.conftest import JANE, PutTogether, database_at, reads
from tests.roots import copy_of_the_root


def test_what_waits_is_published_and_taken_back(tmp_path: Path) -> None:
    root = copy_of_the_root(tmp_path / "root")
    url = f"sqlite:///{tmp_path / 'conversations.sqlite'}"
    environment = {
        "NASRO_SECRET": "a secret that only the tests use, 32 or more",
        "NASRO_CONVERSATIONS_URL": url,
    }

    def command(*arguments: str) -> tuple[int, str]:
        finished = nasro_chat(environment, "content", *arguments, cwd=root)
        return finished.returncode, finished.stdout + finished.stderr

    before = files.fingerprint(root)
    assert command("publish") == (1, "Error: There is no try 0.\n")
    database = database_at(url)
    Drafts(database, root).add(reads(root, "It says this now."), by=JANE)
    PutTogether(database, root).build_now(by=JANE)
    database.dispose()

    line = 'The answer faq_hold_spot reads: "It says this now."'
    code, said = command("log")
    assert (code, line in said, "try      1: ready" in said) == (0, True, True)
    code, said = command("publish")
    assert (code, said.startswith("Published as number 1, commit ")) == (0, True)
    code, patch = command("log", "--patch", "1")
    assert (code, "It says this now." in patch) == (0, True)
    assert command("rollback") == (0, "Taken back, as number 2. Its changes wait again.\n")
    assert files.fingerprint(root) == before
    assert command("rollback")[0] == 1
