"""The process that tries a model on the bank. `Bank.run` starts it:

    python -m bot.content ROOT MODEL < BANK

What it has to tell goes to standard output, JSON by line: how much is done, and in the end the result, or
why there is none.
"""

import json
import os
import pickle
import sys
from pathlib import Path

from bot import logs
from bot.content.bank import Bank
from bot.deferred import defer_tensorflow

LOWEST_PRIORITY = 19


def main() -> None:
    os.nice(LOWEST_PRIORITY)
    logs.mute_warnings()
    logs.configure()
    defer_tensorflow()
    from bot.content.trial import run  # noqa: PLC0415  after TensorFlow was deferred

    bank: Bank = pickle.load(sys.stdin.buffer)
    root, model = map(Path, sys.argv[1:])
    # What libraries print isn't meant for whoever started this.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for told in run(bank, root, model):
        print(json.dumps(told), file=answers, flush=True)


main()
