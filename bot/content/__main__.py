"""The process that tries a model on the bank. `Bank.run` starts it:

    python -m bot.content ROOT MODEL < BANK

What it has to tell goes to standard output, JSON by line: how much is done, and in the end the result, or
why there is none.
"""

import json
import os
import pickle
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import logs
from bot.content.bank import Bank
from bot.deferred import defer_tensorflow

NICENESS = 10
"""So that a server beside it goes first, but a busy machine doesn't starve it: actions have a time limit."""

OTHERS = ("NASRO_", "SANIC_")
"""What variables begin with that are meant for a server."""


def main() -> None:
    os.nice(NICENESS)
    logs.mute_warnings()
    logs.configure()
    defer_tensorflow()
    bank: Bank = pickle.load(sys.stdin.buffer)
    root, model = map(Path, sys.argv[1:])
    # What libraries print isn't meant for whoever started this.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with TemporaryDirectory(prefix="nasro-chat-bank-") as folder:
        set_up(Path(folder))
        from bot.content.trial import run  # noqa: PLC0415  it reads what was set up

        with suppress(BrokenPipeError):  # whoever wanted to know is gone
            for told in run(bank, root, model):
                print(json.dumps(told), file=answers, flush=True)


def set_up(folder: Path) -> None:
    """Makes the environment that of a server for nobody but the bank, on one core."""
    for name in [name for name in os.environ if name.startswith(OTHERS)]:
        del os.environ[name]
    os.environ.update(
        NASRO_ENVIRONMENT="development",
        NASRO_SECRET=secrets.token_hex(32),
        NASRO_CONVERSATIONS_URL=f"sqlite:///{folder / 'conversations.sqlite'}",
        NASRO_REGISTRATION_URL=f"sqlite:///{folder / 'registration.sqlite'}",
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
        RASA_TELEMETRY_ENABLED="false",
    )


main()
