"""The server does without TensorFlow, and a pipeline that needs it still has it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.running_server import ROOT

LOADED = """
import asyncio, os, sys
from pathlib import Path
from bot.deferred import defer_tensorflow

defer_tensorflow()
from bot.server import assistant

os.environ["NASRO_CONVERSATIONS_URL"] = "sqlite://"
agent = asyncio.run(assistant(Path("models")))
parsed = asyncio.run(agent.parse_message("how do I get my certificate"))
assert parsed["intent"]["name"] == "faq_get_certificate", parsed
assert "tensorflow" not in sys.modules
"""
USED = """
import sys
from bot.deferred import defer_tensorflow

defer_tensorflow()
import rasa.nlu.extractors.extractor
import rasa.utils.train_utils
assert "tensorflow" not in sys.modules
assert rasa.utils.train_utils.rank_and_mask.__name__ == "rank_and_mask"
assert "tensorflow" in sys.modules
from rasa.nlu.classifiers.diet_classifier import DIETClassifier
assert DIETClassifier.get_default_config()["epochs"] == 300
"""


@pytest.mark.parametrize("program", [LOADED, USED], ids=["served", "used"])
def test_tensorflow_is_imported_when_it_is_used(program: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
