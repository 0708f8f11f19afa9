"""A copy of the project's content that a test may change."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content import files

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files.copy(ROOT, tmp_path / "root")
    return tmp_path / "root"
