"""Rasa's own commands work at the root, and warn of nothing in our files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Shown for every assistant that has a slot, whatever its domain says.
OF_RASA = ("Slot auto-fill has been removed",)


def rasa(*arguments: str) -> str:
    """What the command prints; it must succeed."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("rasa")), *arguments],
        cwd=ROOT,
        env={**os.environ, "RASA_TELEMETRY_ENABLED": "false", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return printed


def warnings(printed: str) -> list[str]:
    """Rasa's warnings about what it was given: UserWarnings, and log lines of that level."""
    found = re.findall(r"^.*(?:UserWarning|FutureWarning): .*$|^.* WARNING .*$", printed, re.M)
    return [line for line in found if not any(stock in line for stock in OF_RASA)]


def test_the_data_is_valid() -> None:
    printed = rasa("data", "validate", "--fail-on-warnings")

    assert "No story structure conflicts found" in printed
    assert warnings(printed) == []


def test_training_warns_of_nothing(tmp_path: Path) -> None:
    printed = rasa("train", "--out", str(tmp_path), "--fixed-model-name", "assistant")

    assert (tmp_path / "assistant.tar.gz").is_file()
    assert warnings(printed) == []


def test_the_stories_go_as_the_rules_say(tmp_path: Path) -> None:
    rasa(
        *("test", "core", "--stories", "tests/test_stories.yml", "--fail-on-prediction-errors"),
        *("--model", "models/assistant.tar.gz", "--no-plot", "--out", str(tmp_path)),
    )

    report = json.loads((tmp_path / "story_report.json").read_text())
    assert report["conversation_accuracy"]["total"] == 4
    assert report["conversation_accuracy"]["accuracy"] == 1.0


def test_the_held_out_utterances_can_be_tested_by_rasa_as_well(tmp_path: Path) -> None:
    rasa(
        *("test", "nlu", "--nlu", "tests/nlu/utterances", "--model", "models/assistant.tar.gz"),
        *("--no-plot", "--out", str(tmp_path)),
    )

    report = json.loads((tmp_path / "intent_report.json").read_text())
    assert report["accuracy"] > 0.9
