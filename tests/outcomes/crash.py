"""Reads outcomes in a process that a test kills: `python -m tests.outcomes.crash URL`."""

import sys

from bot.staff.consumer import Consumer
from tests.outcomes.stream import database_at, made_up_vector

if __name__ == "__main__":
    print(Consumer(database_at(sys.argv[1]), made_up_vector, batch=7).catch_up(), flush=True)
