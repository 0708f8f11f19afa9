"""The Makefile, without doing what takes long: in a folder where everything seems to be there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running_server import ROOT

SOURCES = (
    "pyproject.toml",
    "uv.lock",
    ".python-version",
    "config.yml",
    "domain.yml",
    "data/nlu/topics.yml",
    "data/nlu/members.yml",
    "bot/nlu/classifier.py",
)
MADE = (".venv/.installed", "models/assistant.tar.gz")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    for number, name in enumerate((*SOURCES, *MADE), start=1_000_000):
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        # Each is newer than what it is made from.
        os.utime(file, (number, number))
    for folder in (project / "data", project / "data/nlu"):
        os.utime(folder, (1_000_000, 1_000_000))
    shutil.copy(ROOT / "Makefile", project)
    return project


def make(
    project: Path, *arguments: str, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    # The tests may run under make themselves: what that one was told isn't for this one.
    environment = {
        name: v for name, v in os.environ.items() if not name.startswith(("MAKE", "MFL"))
    }
    if path:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    return subprocess.run(
        ["make", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, script: str) -> Path:
    """A folder for PATH with such a program."""
    folder.mkdir()
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return folder


def test_the_commands_are_listed_without_further_tools(project: Path, tmp_path: Path) -> None:
    missing = program(tmp_path / "bin", "column", "exit 127")

    done = make(project, "help", path=missing)

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["make", "help", "List", "the", "commands"]
    assert {"run", "test", "bench-nlu"} <= {line.split()[1] for line in lines}
    assert len({len(line) - len(line.split(maxsplit=2)[2]) for line in lines}) == 1, "one column"


def test_uv_may_lie_in_a_folder_with_blanks(project: Path, tmp_path: Path) -> None:
    uv = program(tmp_path / "my own tools", "uv", 'echo "uv $*"')
    (project / ".venv/.installed").unlink()

    done = make(project, "install", path=uv)

    assert done.returncode == 0, done.stderr
    assert "uv sync --frozen --quiet" in done.stdout


def test_the_model_is_trained_again_when_a_file_is_changed_or_removed(
    project: Path, tmp_path: Path
) -> None:
    model = project / "models/assistant.tar.gz"
    uv = program(tmp_path / "bin", "uv", "exit 1")

    def is_up_to_date() -> bool:
        return make(project, "--question", "train", path=uv).returncode == 0

    assert is_up_to_date()
    (project / "data/nlu/members.yml").touch()
    assert not is_up_to_date()
    model.touch()
    assert is_up_to_date()
    (project / "data/nlu/members.yml").unlink()
    assert not is_up_to_date()
