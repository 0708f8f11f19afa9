"""Work that keeps a processor busy for seconds, in a process of its own.

In a thread it would hold up every turn of the chat: threads take turns at Python's lock, and a turn takes
it a dozen times (`make bench-upload`).
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def apart(function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Runs a function of a module in a process that is there for this alone.

    Args:
        function: It, what it is given, what it gives and what it raises must be picklable.

    Raises:
        OSError: The process has ended before its work was done.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    # Over pipes: a command line can be read by others, and arguments hold secrets.
    given, _ = await process.communicate(pickle.dumps((function, arguments, options)))
    if process.returncode or not given:
        raise ChildProcessError(f"the process ended with {process.returncode}")
    result, error = pickle.loads(given)
    if error is not None:
        raise error
    return result


def main() -> None:
    """The process: work from its input, and what came of it to its output."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library may print is no result
    function, arguments, options = pickle.load(sys.stdin.buffer)
    result = error = None
    try:
        result = function(*arguments, **options)
    except Exception as raised:
        error = raised
    with output:
        pickle.dump((result, error), output)


if __name__ == "__main__":
    main()
