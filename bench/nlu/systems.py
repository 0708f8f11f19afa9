"""The systems that are compared. Each is trained on a dataset's examples and ranks its messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import yaml

from bench.nlu.data import Dataset
from bench.nlu.figures import Ranking
from bot.nlu.encoder import encoder

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent

NEAREST = 5
"""Neighbours of an intent whose mean similarity is its score: the best of 1, 5, 10 beforehand."""


@dataclass(frozen=True)
class Asked:
    """What a system made of a dataset's messages.

    Attributes:
        megabytes: Resident memory of the process that was asked, at its highest.
    """

    rankings: list[Ranking]
    milliseconds: list[float]
    megabytes: float
    training_seconds: float


class System(Protocol):
    @property
    def name(self) -> str: ...

    def ask(self, dataset: Dataset) -> Asked:
        """Trains on the examples and ranks the intents for each message of the test."""
        ...


@dataclass(frozen=True)
class RasaSystem:
    """A pipeline of Rasa's, trained and asked as processes of their own."""

    name: str
    config: Path
    elsewhere: Path | None = None
    """The pipeline for others' data, if it differs."""

    def ask(self, dataset: Dataset) -> Asked:
        config = self.config if dataset.is_ours or not self.elsewhere else self.elsewhere
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            (here / "nlu.yml").write_text(_as_rasa(dataset), encoding="utf-8")
            started = time.perf_counter()
            _run(
                [sys.executable, "-m", "rasa", "train", "nlu", "--nlu", here / "nlu.yml"],
                ["--config", config, "--out", here, "--fixed-model-name", "model"],
                environment={"RASA_CACHE_DIRECTORY": str(here / "cache")},
            )
            seconds = time.perf_counter() - started
            (here / "in.json").write_text(json.dumps({"texts": [t for t, _ in dataset.test]}))
            _run(
                [sys.executable, "-m", "bench.nlu.ask", here / "model.tar.gz"],
                [here / "in.json", here / "out.json"],
            )
            return Asked(**json.loads((here / "out.json").read_text()), training_seconds=seconds)


@dataclass(frozen=True)
class NlpJs:
    """NLP.js with its defaults, on Node."""

    name: str = "NLP.js"

    def ask(self, dataset: Dataset) -> Asked:
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            texts = [text for text, _ in dataset.test]
            (here / "in.json").write_text(json.dumps({"train": dataset.train, "texts": texts}))
            _run(["node", HERE / "nlpjs/ask.js", here / "in.json", here / "out.json"])
            measured = json.loads((here / "out.json").read_text())
            return Asked(training_seconds=measured.pop("trainingSeconds"), **measured)


@dataclass(frozen=True)
class Neighbours:
    """The nearest examples in our sentence encoder, without correction and without n-grams."""

    name: str = "nearest neighbours, same encoder"

    def ask(self, dataset: Dataset) -> Asked:
        encode = encoder().encode
        started = time.perf_counter()
        known = encode([text for text, _ in dataset.train])
        seconds = time.perf_counter() - started
        rows = defaultdict(list)
        for row, (_, intent) in enumerate(dataset.train):
            rows[intent].append(row)
        rankings, milliseconds = [], []
        for text, _ in dataset.test:
            started = time.perf_counter()
            alike = known @ encode([text])[0]
            rankings.append(
                {i: float(np.sort(alike[of])[-NEAREST:].mean()) for i, of in rows.items()}
            )
            milliseconds.append(1000 * (time.perf_counter() - started))
        # It runs in this process, whose memory holds all else too.
        return Asked(rankings, milliseconds, float("nan"), seconds)


SYSTEMS: tuple[System, ...] = (
    RasaSystem("ours", ROOT / "config.yml", HERE / "configs/ours_elsewhere.yml"),
    Neighbours(),
    RasaSystem("Rasa: CountVectors, LogisticRegression", HERE / "configs/count_vectors.yml"),
    RasaSystem("Rasa: stock pipeline, DIET", HERE / "configs/diet.yml"),
    NlpJs(),
)


def _as_rasa(dataset: Dataset) -> str:
    examples = defaultdict(list)
    for text, intent in dataset.train:
        # Square and curly brackets would be read as entities.
        examples[intent].append(text.translate(str.maketrans("[]{}", "()()")).replace("\n", " "))
    blocks = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)}
        for intent, texts in examples.items()
    ]
    return yaml.safe_dump({"version": "3.1", "nlu": blocks}, allow_unicode=True, width=10_000)


def _run(*parts: list[object], environment: dict[str, str] | None = None) -> None:
    """Runs a command at the root.

    Raises:
        RuntimeError: It failed; the message ends with what it printed.
    """
    command = [str(word) for part in parts for word in part]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            **(environment or {}),
        },
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}")
