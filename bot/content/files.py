"""The files of the content: copied, recognized again, and compared as a patch."""

from __future__ import annotations

import difflib
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

CONTENT = ("answers.yml", "contacts.yml", "domain.yml", "data")
"""What a change may write, below a root folder."""

PIPELINE = "config.yml"
"""What a model is made by, beside the content."""

ENDPOINTS = "endpoints.yml"
"""What a model is run with."""

MODEL = Path("models/assistant.tar.gz")
"""The model itself."""


def copy(root: Path, to: Path) -> None:
    """Copies the content, and what a model is made by and run with, into a folder.

    Args:
        to: Is made; what it holds of the same names is replaced.

    Raises:
        OSError: Something can't be read or written.
    """
    to.mkdir(parents=True, exist_ok=True)
    for name in (*CONTENT, PIPELINE, ENDPOINTS):
        source, target = root / name, to / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=lambda _, names: set(filter(_is_aside, names)))
        else:
            shutil.copy2(source, target)


def fingerprint(root: Path) -> str:
    """The sha256 of the content and of what a model is made by: the same files, the same fingerprint.

    Raises:
        OSError: Something can't be read.
    """
    digest = hashlib.sha256()
    for name in _files(root, (*CONTENT, PIPELINE)):
        digest.update(f"{name}\0".encode() + hashlib.sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()


def texts(root: Path) -> dict[str, str]:
    """The content: each file's text by its path from the root.

    Raises:
        OSError: Something can't be read.
    """
    return {name: (root / name).read_bytes().decode() for name in _files(root, CONTENT)}


def patch(before: Path, after: Path) -> str:
    """What the content of one root has that another's hasn't, as `git apply` takes it.

    Returns:
        A unified diff, files in the order of their names; empty if there is no difference.

    Raises:
        OSError: Something can't be read.
    """
    old, new = texts(before), texts(after)
    return "".join(
        line
        for name in sorted({*old, *new})
        for line in _difference(name, old.get(name), new.get(name))
    )


def _files(root: Path, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        top = root / name
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if file.is_file() and not _is_aside(file.name):
                yield file.relative_to(root).as_posix()


def _is_aside(name: str) -> bool:
    """Whether a file is half written, or an editor's."""
    return name.startswith(".") or name.endswith((".new", "~"))


def _difference(name: str, before: str | None, after: str | None) -> Iterator[str]:
    if before == after:
        return
    yield f"diff --git a/{name} b/{name}\n"
    if before is None:
        yield "new file mode 100644\n"
    if after is None:
        yield "deleted file mode 100644\n"
    for line in difflib.unified_diff(
        _lines(before),
        _lines(after),
        "/dev/null" if before is None else f"a/{name}",
        "/dev/null" if after is None else f"b/{name}",
    ):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str | None) -> list[str]:
    # Only a newline ends a line, as git sees it.
    return re.findall(r"[^\n]*\n|[^\n]+", text or "")
