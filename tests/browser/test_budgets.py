"""What the widget may cost a page and its reader. `docs/embedding.md` quotes the first.

Times are compared with a blank page's in the same run, and the best of several tries counts: a busy
machine makes everything slower, nothing faster.
"""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenPage
from tests.browser.stand_in import StandInServer

WIDGET = Path(__file__).parents[2] / "widget"

BYTES = 15_000
"""Of everything a page loads, as gzip -9 packs it."""
BUDGETS = {"cpu": 150, "answer": 1_000, "heap": 2_000_000}
"""Above a blank page, on a processor slowed down four times: milliseconds of script until the first
answer shows, milliseconds until then, and bytes in use with the answer shown."""
LONG_TASK_MS = 100
OPEN_1000_MS = 500
FRAME_MS = 2 * 1000 / 60
"""Of work for each frame while scrolling through a thousand messages, 240 pixels a frame, drawn
without a graphics card: what 30 frames a second leave."""
TRIES = 18

WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
}).observe({ type: "longtask", buffered: true });
window.shift = 0;
new PerformanceObserver((list) => {
  for (const { value } of list.getEntries()) window.shift += value;
}).observe({ type: "layout-shift", buffered: true });
"""


def test_it_weighs_no_more_than_promised() -> None:
    assert len(gzip.compress((WIDGET / "nasro-chat.min.js").read_bytes(), 9)) <= BYTES


def test_an_answer_costs_no_more_than_promised(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.pages["/blank"] = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Blank</title>'
        '<link rel="icon" href="/icon.svg"><button>A button</button>'
    )
    blank = least = dict.fromkeys(BUDGETS, math.inf)
    for _ in range(5):
        blank = lower(blank, visit(open_page, stand_in, "/blank"))
    for _ in range(TRIES):
        least = lower(least, visit(open_page, stand_in, "/host"))
        above = {name: least[name] - blank[name] for name in BUDGETS}
        print(above)
        if all(above[name] <= budget for name, budget in BUDGETS.items()):
            return
    pytest.fail(f"Above a blank page: {above}, but promised is {BUDGETS}")


def lower(some: dict[str, float], others: dict[str, float]) -> dict[str, float]:
    return {name: min(some[name], others[name]) for name in some}


# In the page, since the tests' own way of looking at it would be counted too.
ASK = """async () => {
  const chat = document.querySelector("nasro-chat");
  if (!chat) return;
  chat.send("hello");
  const bubbles = () => chat.shadowRoot.querySelectorAll(".bubble:not(.dots)");
  while (bubbles().length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise(requestAnimationFrame);
}"""


def visit(open_page: OpenPage, stand_in: StandInServer, path: str) -> dict[str, float]:
    """Opens a page and, where there is a chat, asks something; milliseconds and bytes."""
    page = open_page("about:blank")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(stand_in.url + path)
    page.evaluate(ASK)
    metrics = measured(devtools)
    elapsed = page.evaluate("performance.now()")
    devtools.send("HeapProfiler.collectGarbage")
    heap = measured(devtools)["JSHeapUsedSize"]
    page.context.close()  # slowing down a processor keeps it busy: the next visit shall have it alone
    return {"cpu": metrics["ScriptDuration"] * 1000, "answer": elapsed, "heap": heap}


def measured(devtools: Any) -> dict[str, float]:
    found = devtools.send("Performance.getMetrics")["metrics"]
    return {metric["name"]: metric["value"] for metric in found}


def test_loading_and_opening_it_neither_blocks_nor_shifts_the_page(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    longest = []
    for _ in range(TRIES):
        page = open_page(stand_in.url + "/host", before=WATCH)
        page.evaluate(ASK)
        page.evaluate("document.querySelector('nasro-chat').close()")
        page.wait_for_timeout(200)
        assert page.evaluate("window.shift") == 0
        longest.append(page.evaluate("window.longest"))
        if longest[-1] <= LONG_TASK_MS:
            return
    pytest.fail(f"Longest tasks, in milliseconds: {longest}")


FRAMES = 120

SCROLL = """async (frames) => {
  const log = document.querySelector("nasro-chat").shadowRoot.querySelector(".log");
  for (let frame = 0; frame < frames; frame++) {
    log.scrollTop -= 240;
    await new Promise(requestAnimationFrame);
  }
}"""


def test_a_thousand_messages_open_and_scroll_smoothly(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    page = open_page(stand_in.url + "/host")
    chat = Chat(page)
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    (conversation,) = stand_in.conversations.values()
    for number in range(500):
        stand_in.add(conversation, f"question {number}", f"Answer {number}.\n\n1. One\n2. Two")
    chat.tell("chat.close()")
    devtools = page.context.new_cdp_session(page)
    # The thread's own time: what else the machine does in the meantime isn't the widget's.
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    tried = []
    for _ in range(TRIES):
        page.reload()
        opened = opening(page)
        before = measured(devtools)["TaskDuration"]
        page.evaluate(SCROLL, FRAMES)
        frame = (measured(devtools)["TaskDuration"] - before) * 1000 / FRAMES
        print(opened, frame)
        if opened <= OPEN_1000_MS and frame <= FRAME_MS:
            return
        tried.append((opened, frame))
        chat.tell("chat.close()")
    pytest.fail(f"Milliseconds to open, and of work for each frame: {tried}")


def opening(page: Page) -> float:
    """Milliseconds from the gesture until the last of the messages is painted."""
    took = page.evaluate(
        """async () => {
          const chat = document.querySelector("nasro-chat");
          const begun = performance.now();
          chat.open();
          while (chat.shadowRoot.querySelectorAll(".message").length < 1000)
            await new Promise(requestAnimationFrame);
          await new Promise(requestAnimationFrame);
          return performance.now() - begun;
        }"""
    )
    expect(Chat(page).last).to_be_in_viewport()
    return took
