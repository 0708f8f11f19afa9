"""The same assistant as Rasa would have it: its stock pipeline and policies on the same training data.

Stock are also the `rest` channel, the SQL tracker store, and the action server, which runs the same
actions. Two things differ from a project of `rasa init`: `bench/stock/config.yml` says which components
it leaves out, and for TEDPolicy, which learns from stories only, each rule that answers an intent with
one action stands there as a story too. The training data has no annotated places or dates (ours come
from gazetteers), so stock's look-ups ask for the place instead of finding it: it has the lighter work.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.running_server import ROOT

HERE = Path(__file__).parent
CACHE = (
    Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nasro-chat" / "bench-stock"
)
"""Models, each in a folder named by what it was made of: training takes many minutes."""

EPOCHS = int(os.environ.get("BENCH_STOCK_EPOCHS", "100"))
"""A hundred are stock and take hours. What a turn costs doesn't depend on them, and what training costs
is in proportion to them; only the answers get worse with fewer."""


@dataclass(frozen=True)
class Training:
    """A trained model, and what it took.

    Attributes:
        seconds: By the clock.
        cpu_seconds: Of all cores; on a machine that does other things too, this is what tells.
    """

    model: Path
    seconds: float
    cpu_seconds: float

    @property
    def epochs(self) -> list[list[float]]:
        """Seconds by the clock of each epoch, of what is trained one after the other."""
        log = (self.model.parent / "training.log").read_text(errors="replace")
        ended: list[dict[int, float]] = []
        # As tqdm writes it: the first line of a number is from the moment that the epoch ended.
        for number, minutes, seconds in re.findall(r"Epochs:.*?(\d+)/\d+ \[(\d+):(\d+)<", log):
            if number == "0":
                ended.append({0: 0.0})
            else:
                ended[-1].setdefault(int(number), 60.0 * int(minutes) + int(seconds))
        return [[times[n] - times[n - 1] for n in times if n] for times in ended if len(times) > 1]


def trained() -> Training:
    """The stock model of today's training data; trained when there is none yet."""
    folder = CACHE / _fingerprint()
    figures, model = folder / "training.json", folder / "model.tar.gz"
    if not figures.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "stories.yml").write_text(_stories(), encoding="utf-8")
        print(f"Training the stock model, once, into {folder} ...", file=sys.stderr)
        (folder / "config.yml").write_text(_config(), encoding="utf-8")
        took = train(
            ["--data", "data", str(folder / "stories.yml"), "--config", str(folder / "config.yml")],
            folder,
        )
        figures.write_text(json.dumps(took))
    return Training(model, **json.loads(figures.read_text()))


def train(arguments: list[str], folder: Path) -> dict[str, float]:
    """Runs `rasa train` without Rasa's cache; the model is `model.tar.gz` in the folder.

    Returns:
        `seconds` by the clock and `cpu_seconds`.
    """
    command = [sys.executable, "-m", "rasa", "train", "--force", *arguments]
    command += ["--out", str(folder), "--fixed-model-name", "model"]
    environment = {**os.environ, "RASA_CACHE_DIRECTORY": str(folder / "cache")}
    began, used = time.perf_counter(), _cpu_seconds_of_children()
    with (folder / "training.log").open("wb") as log:
        subprocess.run(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, check=True
        )
    took = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": _cpu_seconds_of_children() - used,
    }
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return took


def _cpu_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _fingerprint() -> str:
    """The sha256 of all that the stock model is made of."""
    digest = hashlib.sha256(_config().encode())
    for file in _files():
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _config() -> str:
    """The stock configuration, with as many epochs as are asked for."""
    config = (HERE / "config.yml").read_text(encoding="utf-8")
    return config.replace("epochs: 100", f"epochs: {EPOCHS}")


def _files() -> Iterator[Path]:
    yield from (ROOT / "domain.yml", ROOT / "uv.lock")
    yield from sorted((ROOT / "data").rglob("*.yml"))


def _stories() -> str:
    """The rules that answer an intent with one action, whatever came before, as stories."""
    stories = []
    for file in sorted((ROOT / "data" / "rules").glob("*.yml")):
        for rule in yaml.safe_load(file.read_text(encoding="utf-8"))["rules"]:
            steps = rule["steps"]
            if "condition" not in rule and [list(step) for step in steps] == [
                ["intent"],
                ["action"],
            ]:
                stories.append({"story": rule["rule"], "steps": steps})
    return yaml.safe_dump({"version": "3.1", "stories": stories}, sort_keys=False)
