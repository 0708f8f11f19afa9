"""The assistant in a terminal, for whoever writes answers: `nasro-chat shell`."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from rasa.core.channels.channel import UserMessage

from bot.server import assistant
from bot.webchat.messages import plain_words
from bot.webchat.turns import CHANNEL, WebChatOutput


async def talk(model: Path) -> None:
    """Reads lines until the end of input; a number presses the button with that number.

    Args:
        model: A model file, or a folder whose newest is taken.

    Raises:
        CannotStart: There is no model to talk to, or it can't be loaded.
    """
    agent = await assistant(model)
    conversation = uuid.uuid4().hex
    buttons: list[dict[str, str]] = []
    print("Type a message, or the number of a button. Ctrl-D ends.")
    while True:
        try:
            line = input("\n> ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return
        output = WebChatOutput()
        is_button = line.isdigit() and 0 < int(line) <= len(buttons)
        text = buttons[int(line) - 1]["payload"] if is_button else plain_words(line)
        await agent.handle_message(
            UserMessage(text, output, sender_id=conversation, input_channel=CHANNEL)
        )
        buttons = []
        for response in output.responses:
            buttons += _show(response, len(buttons))


def _show(response: dict[str, Any], shown: int) -> list[dict[str, str]]:
    """Prints a response; returns its buttons, numbered on from those shown before."""
    print(response.get("text") or "")
    for card in (response.get("custom") or {}).get("cards", []):
        facts = ", ".join(f"{fact['label']}: {fact['value']}" for fact in card["fields"])
        print(f"  * {card['title']}, {card['subtitle']}: {facts}")
    buttons: list[dict[str, str]] = response.get("buttons") or []
    for number, button in enumerate(buttons, start=shown + 1):
        print(f"  [{number}] {button['title']}")
    return buttons
