"""Draws `docs/pictures/widget/`: each state of the chat on a phone, a tablet and a desktop, light and dark.

The answers are those of the stand-in server; run it with `make pictures`.
"""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chat import Chat
from tests.browser.stand_in import StandInServer
from tests.browser.states import STATES, State

FOLDER = Path(__file__).parents[2] / "docs" / "pictures" / "widget"
VIEWS: list[dict[str, Any]] = [
    {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    {"viewport": {"width": 768, "height": 1024}},
    {"viewport": {"width": 1280, "height": 800}},
]
HEIGHT = 520
"""Pixels of each picture in a row."""
GAP = 8


def picture(browser: Browser, state: State, view: dict[str, Any], scheme: str) -> Image.Image:
    """One state at one size, scaled to the height of a row."""
    stand_in = StandInServer()
    context = browser.new_context(
        **view,
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-US",  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(stand_in.url + "/host")
    chat = Chat(page)
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    state(chat, stand_in)
    page.wait_for_timeout(1_300)  # until the times are written
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.set_offline(False)
    context.close()
    stand_in.stop()
    return shot.resize((round(shot.width * HEIGHT / shot.height), HEIGHT), Image.LANCZOS)


def row(pictures: list[Image.Image]) -> Image.Image:
    """Pictures side by side."""
    width = sum(one.width for one in pictures) + GAP * (len(pictures) - 1)
    strip = Image.new("RGB", (width, HEIGHT), "#8090a8")
    left = 0
    for one in pictures:
        strip.paste(one, (left, 0))
        left += one.width + GAP
    return strip


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for state in STATES:
            light, dark = (
                row([picture(browser, state, view, scheme) for view in VIEWS])
                for scheme in ("light", "dark")
            )
            both = Image.new("RGB", (light.width, 2 * HEIGHT + GAP), "#8090a8")
            both.paste(light, (0, 0))
            both.paste(dark, (0, HEIGHT + GAP))
            file = FOLDER / f"{state.__name__.replace('_', '-')}.png"
            both.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
            print(file.relative_to(Path.cwd()))
        browser.close()


if __name__ == "__main__":
    main()
