"""Asks a trained Rasa model, in a process of its own, so that its memory is its own.

python -m bench.nlu.ask MODEL IN OUT        IN: {"texts": [...]}
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.processes import resident_megabytes
from bot.nlu.report import parser


def main() -> None:
    model, source, target = map(Path, sys.argv[1:])
    texts = json.loads(source.read_text(encoding="utf-8"))["texts"]
    rankings, milliseconds = [], []
    with parser(model) as parse:
        for text in texts:
            started = time.perf_counter()
            parsed = parse(text)
            milliseconds.append(1000 * (time.perf_counter() - started))
            rankings.append({r["name"]: r["confidence"] for r in parsed["intent_ranking"]})
    measured = {
        "rankings": rankings,
        "milliseconds": milliseconds,
        "megabytes": resident_megabytes(at_most=True),
    }
    target.write_text(json.dumps(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
