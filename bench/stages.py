"""Where the time of a turn goes: the assistant's server with a clock at each stage.

    python -m bench.stages FILE

serves as `nasro-chat serve` does, and adds a line of JSON to the file for each turn.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

from bench.systems import Ours

HTTP = "HTTP, and the way to the server and back"
CHANNEL = "channel: session, limits, JSON, what is between the other stages"
BEFORE = "session, who is signed in, answered before, the conversation's events: read at once"
LOCK = "locks"
TRACKER = "tracker made of the events"
NLU = "understanding"
POLICY = "policy"
ACTION = "actions and slots"
ROWS = "rows made of the new events"
AFTER = "tracker and history written, who is signed in"
STAGES = (HTTP, CHANNEL, LOCK, BEFORE, TRACKER, NLU, POLICY, ACTION, ROWS, AFTER)


class Staged(Ours):
    """The assistant, measured from within."""

    name = "staged"

    def start(self) -> None:
        self.server.command = (sys.executable, "-m", "bench.stages", str(self._file))
        super().start()

    @property
    def _file(self) -> Path:
        return self.folder / "stages.jsonl"

    def forget(self) -> None:
        """Forgets what was measured so far."""
        self._file.write_text("")

    def stages(self, whole: float) -> Iterator[tuple[str, float]]:
        """Each stage with its milliseconds, the median of all turns.

        Args:
            whole: Milliseconds of a turn as who asked saw it.
        """
        turns = [json.loads(line) for line in self._file.read_text().splitlines()]
        inside = {
            stage: statistics.median(turn.get(stage, 0.0) for turn in turns) for stage in STAGES[1:]
        }
        yield HTTP, whole - sum(inside.values())
        yield from inside.items()


@dataclass
class _Turn:
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    inner: list[float] = field(default_factory=list)
    """Milliseconds of the stages within each stage that runs."""


_turn: ContextVar[_Turn | None] = ContextVar("turn", default=None)


@contextmanager
def _stage(name: str) -> Iterator[None]:
    turn = _turn.get()
    if turn is None:
        yield
        return
    began = time.perf_counter()
    turn.inner.append(0.0)
    try:
        yield
    finally:
        took = 1000 * (time.perf_counter() - began)
        turn.spent[name] += took - turn.inner.pop()
        if turn.inner:
            turn.inner[-1] += took


def _time(owner: Any, name: str, stage: str | Callable[[Any], str]) -> None:
    """Has a function's time counted; `stage` may tell by the first argument which it is."""
    function = getattr(owner, name)

    def of(arguments: tuple[Any, ...]) -> str:
        return stage(arguments[0]) if callable(stage) else stage

    @wraps(function)
    async def timed(*args: Any, **kwargs: Any) -> Any:
        with _stage(of(args)):
            return await function(*args, **kwargs)

    @wraps(function)
    def timed_at_once(*args: Any, **kwargs: Any) -> Any:
        with _stage(of(args)):
            return function(*args, **kwargs)

    setattr(owner, name, timed if iscoroutinefunction(function) else timed_at_once)


def _time_the_locks(turns: Any) -> None:
    alone = turns.alone

    def timed(*args: Any) -> AbstractAsyncContextManager[None]:
        @asynccontextmanager
        async def entered() -> Any:
            lock = alone(*args)
            with _stage(LOCK):
                await lock.__aenter__()
            try:
                yield
            finally:
                with _stage(LOCK):
                    await lock.__aexit__(None, None, None)

        return entered()

    turns.alone = timed


def _count_turns(channel: Any, file: Path) -> None:
    post = channel._post_message

    async def counted(*args: Any) -> Any:
        turn = _Turn()
        _turn.set(turn)
        with _stage(CHANNEL):
            answer = await post(*args)
        with file.open("a") as lines:
            lines.write(json.dumps(turn.spent) + "\n")
        return answer

    channel._post_message = counted


def main(file: Path) -> None:
    """Serves until it is told to stop."""
    from bot.cli import main as nasro_chat  # noqa: PLC0415  sets Rasa up before it is imported
    from bot.deferred import defer_tensorflow  # noqa: PLC0415

    defer_tensorflow()
    from rasa.core.processor import MessageProcessor  # noqa: PLC0415

    from bot.conversations import ConversationTrackerStore  # noqa: PLC0415
    from bot.webchat import channel, turns  # noqa: PLC0415

    _time(turns, "off_loop", lambda function: BEFORE if function is turns._look_up else AFTER)
    _time(ConversationTrackerStore, "retrieve", TRACKER)
    _time(ConversationTrackerStore, "save", ROWS)
    _time(MessageProcessor, "parse_message", NLU)
    _time(MessageProcessor, "predict_next_with_tracker_if_should", POLICY)
    _time(MessageProcessor, "run_action_extract_slots", ACTION)
    _time(MessageProcessor, "_run_action", ACTION)
    _time_the_locks(turns.Turns)
    _count_turns(channel.WebChat, file)
    nasro_chat(["serve"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
