"""The git repository that the content is in, where there is one: a published change is a commit.

Nothing is ever pushed, and nothing but the named files is committed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""Variables that name another repository."""

TIMEOUT = 60
"""Seconds that git, with the hooks of the repository, may take."""


class GitFailed(Exception):
    """Git couldn't do it; the message is its own."""


class Repository:
    """A repository that keeps the content.

    Args:
        root: The folder of the content, in the working tree.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def of(cls, root: Path, tracked: str = "domain.yml") -> Repository | None:
        """The repository that keeps a folder's content; None where there is none, or no git.

        Args:
            tracked: A file that such a repository knows.

        Raises:
            GitFailed: There is one that git doesn't want to touch, as when it is somebody else's.
        """
        if shutil.which("git") is None:
            return None
        found = cls(root)
        try:
            is_tracked = found._git("ls-files", "--", tracked)
        except GitFailed as failed:
            if "not a git repository" in str(failed):
                return None
            raise
        return found if is_tracked else None

    def changed(self, paths: Sequence[str]) -> list[str]:
        """Which of these files aren't as they were committed last."""
        lines = self._git("status", "--porcelain", "-z", "--untracked-files=all", "--", *paths)
        return sorted(entry[3:] for entry in lines.split("\0") if entry)

    def commit(self, paths: Sequence[str], message: str, *, author: tuple[str, str] | None) -> str:
        """Commits these files as they are now, and nothing else; the revision.

        What is committed already isn't again.

        Args:
            paths: From the content's folder; files that are new or gone count too.
            author: Name and address; without one, whoever git is set up for.

        Raises:
            GitFailed: It couldn't; then nothing is committed.
        """
        if self.changed(paths):
            self._git("add", "--all", "--", *paths)
            self._git("commit", "--quiet", "--only", "-m", message, "--", *paths, author=author)
        return self._git("log", "-1", "--format=%H", "--", *paths).strip()

    def forget(self, paths: Sequence[str]) -> None:
        """Takes back that these files were made ready for a commit."""
        self._git("reset", "--quiet", "--", *paths)

    def _git(self, *arguments: str, author: tuple[str, str] | None = None) -> str:
        # As where a hook of that repository has started us.
        environment = {k: v for k, v in os.environ.items() if k not in ELSEWHERE}
        environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        if author:
            for role in ("AUTHOR", "COMMITTER"):
                environment |= {f"GIT_{role}_NAME": author[0], f"GIT_{role}_EMAIL": author[1]}
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self._root,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise GitFailed(f"git {arguments[0]} took longer than {TIMEOUT} seconds") from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise GitFailed(f"git {arguments[0]}: {said or done.returncode}")
        return done.stdout
