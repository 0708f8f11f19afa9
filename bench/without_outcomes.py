"""`nasro-chat` whose server doesn't read outcomes, for the comparison in `bench.outcomes`."""

from typing import Any

from bot import server
from bot.cli import main


async def nothing(_: Any) -> None:
    pass


if __name__ == "__main__":
    server.keep_up = nothing  # type: ignore[assignment]
    main()
