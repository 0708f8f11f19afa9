"""The chat as a person in front of a screen finds it: by role, name and text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

COUNT_CHANGES = """
() => {
  const root = document.querySelector("nasro-chat").shadowRoot;
  window.spoken = [];
  for (const region of root.querySelectorAll("[aria-live],[role=status],[role=alert],[role=log]")) {
    const isSilent = region.getAttribute("aria-live") === "off";
    if (isSilent) continue;
    new MutationObserver((records) => {
      for (const record of records)
        for (const node of record.addedNodes) window.spoken.push(node.textContent);
    }).observe(region, { childList: true, characterData: true, subtree: true });
  }
}
"""


@dataclass
class Chat:
    page: Page

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log", name="Conversation")

    @property
    def input(self) -> Locator:
        return self.page.get_by_role("textbox", name="Type your question")

    @property
    def launcher(self) -> Locator:
        return self.page.locator(".launcher")

    @property
    def messages(self) -> Locator:
        return self.log.locator(".message:not([aria-hidden])")

    @property
    def last(self) -> Locator:
        return self.messages.last

    @property
    def focused(self) -> str:
        """What of the chat has the focus, by class or tag; "" if the focus is elsewhere."""
        return self.page.evaluate(
            """() => {
              const node = document.querySelector("nasro-chat").shadowRoot.activeElement;
              return node ? node.className || node.localName : "";
            }"""
        )

    def say(self, text: str) -> None:
        self.input.fill(text)
        self.input.press("Enter")

    def ask(self, text: str) -> Locator:
        """Says something, waits for what the stand-in answers, and gives that message."""
        # What was there before, or the welcome, is shown first.
        expect(self.messages).not_to_have_count(0)
        before = self.messages.count()
        self.say(text)
        expect(self.messages).to_have_count(before + 2)
        return self.last

    def choose(self, name: str) -> None:
        """Takes something from the menu."""
        self.button("More options").click()
        self.page.locator(".menu").get_by_role("button", name=name).click()

    def start_over(self) -> None:
        self.choose("Start over")
        self.asked.get_by_role("button", name="Start over").click()

    @property
    def asked(self) -> Locator:
        """The question before something is erased."""
        return self.page.get_by_role("group", name="This conversation will be erased")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def shows(self, text: str | re.Pattern[str]) -> None:
        expect(self.log).to_contain_text(text)

    def texts(self) -> list[str]:
        """The bubbles' texts, both sides, in order."""
        return self.log.locator(".bubble").all_inner_texts()

    def listen(self) -> None:
        """Begins to note what a screen reader is told; `spoken` gives it."""
        self.page.evaluate(COUNT_CHANGES)

    @property
    def spoken(self) -> list[str]:
        return self.page.evaluate("window.spoken")

    def saved(self) -> dict[str, str]:
        return self.page.evaluate("({ ...sessionStorage, ...localStorage })")

    def tell(self, script: str) -> Any:
        """What the host page does with the element: `chat.open()` and the like."""
        return self.page.locator("nasro-chat").evaluate(f"async (chat) => {{ {script} }}")

    def another_tab(self) -> Chat:
        page = self.page.context.new_page()
        page.goto(self.page.url)
        return Chat(page)
