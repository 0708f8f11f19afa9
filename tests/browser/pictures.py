"""Draws `docs/pictures/`; run it with `make pictures`.

`widget/` has each state of the chat on a phone, a tablet and a desktop, light and dark; the answers are
those of the stand-in server. `staff/` has the staff pages of the real server on sample classes and made-up
conversations; what shows these says so.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, expect, sync_playwright

from bot.content.files import MODEL
from bot.staff.accounts import Role
from bot.staff.candidates import Candidates
from bot.staff.consumer import Consumer
from bot.staff.content_tables import METADATA as CONTENT
from bot.staff.database import METADATA
from bot.staff.embedding import embedded
from bot.webchat.database import ConversationDatabase
from registration.calendar import calendar
from registration.database import Database
from registration.sample import load_sample
from tests.browser import made_up
from tests.browser.chat import Chat
from tests.browser.staff import StaffPages, an_account
from tests.browser.stand_in import StandInServer
from tests.browser.states import STATES, State
from tests.outcomes.stream import database_at
from tests.roots import copy_of_the_root, with_responses_of
from tests.running_server import Server, free_port

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
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


def save(shot: Image.Image, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    shot.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    print(file.relative_to(Path.cwd()))


def labelled(shot: Image.Image) -> Image.Image:
    """With a line that says what is shown."""
    font = ImageFont.load_default(15)
    strip = Image.new("RGB", (shot.width, shot.height + 30), "#f2bd48")
    strip.paste(shot, (0, 0))
    at = (shot.width // 2, shot.height + 15)
    ImageDraw.Draw(strip).text(at, "Made-up data: nobody asked this.", "#0c1a33", font, anchor="mm")
    return strip


def draw_staff_pages(browser: Browser) -> None:
    """The staff pages, as the guide for staff goes through them."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        origin = {"NASRO_STAFF_ORIGIN": f"http://127.0.0.1:{port}"}
        root = copy_of_the_root(Path(folder) / "root")
        server = Server(Path(folder), port, extra_environment=origin, root=root)
        database = Database(server.registration_url)
        database.upgrade()
        load_sample(database, today=datetime.now(timezone.utc).date())
        first = calendar(database, state="TX").classes[0]
        database.dispose()
        conversations = database_at(server.conversations_url)
        made_up.store(conversations, datetime.now(timezone.utc))
        Consumer(conversations, embedded).catch_up()
        conversations.dispose()
        server.start()
        try:
            email = an_account(server, Role.PUBLISHER, "Jane Doe", "jane@example.org")
            page = browser.new_context(viewport={"width": 1100, "height": 300}).new_page()
            page.goto(f"{server.url}/staff")
            staff = StaffPages(page)

            def above(heading: str) -> int:
                """Where a part of the page begins."""
                box = page.get_by_role("heading", name=heading, exact=True).bounding_box()
                assert box
                return round(box["y"]) - GAP

            def draw(
                name: str, *, is_made_up: bool = False, begin: str = "", end: str = ""
            ) -> None:
                """The page, or its part from one heading to another."""
                page.wait_for_load_state()
                shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
                top, bottom = above(begin) if begin else 0, above(end) if end else shot.height
                shot = shot.crop((0, top, shot.width, bottom))
                save(labelled(shot) if is_made_up else shot, FOLDER / "staff" / f"{name}.png")

            draw("sign-in")
            staff.sign_in(email)
            staff.link("Unanswered").first.click()
            staff.shows("Unanswered questions")
            draw("queue", is_made_up=True)
            page.get_by_role("table").get_by_role("link").first.click()
            staff.says("What people wrote")
            draw("question", is_made_up=True)
            staff.go_to("Reports")
            draw("reports", is_made_up=True, end="Topics")
            draw("topics", is_made_up=True, begin="Topics", end="By day")
            staff.link("Each week by e-mail").click()
            staff.says("What it says of last week")
            draw("report-mail", is_made_up=True)
            staff.go_to("Calendar")
            page.get_by_label("State").select_option("TX")
            staff.button("Find").click()
            page.wait_for_url("**state=TX**")
            draw("calendar")
            staff.link("see and load files").click()
            head = "id,course,city,state,starts_on,ends_on,capacity,venue,status\n"
            days = f"{first.starts_on},{first.ends_on}"
            new = f"TX-2101,basic,Austin,TX,{days},40,City Hall,\n"
            staff.choose_file("spring.csv", head + new.replace(",40,", ",4o,"))
            staff.says("mend the file")
            draw("problems")
            staff.link("Choose another file").click()
            changed = f"{first.id},basic,{first.city},TX,{days},{first.capacity + 5},,cancelled\n"
            staff.choose_file("spring.csv", head + new + changed)
            staff.says("Nothing is loaded yet")
            draw("preview")
            staff.button("Load").click()
            staff.says("is loaded")
            draw("files")
            draw_answers(server, staff, draw)
            staff.go_to("Audit log")
            draw("log")
        finally:
            server.stop()


class NotTrained(Candidates):
    """Candidates as they are, but for the training: of other words of an answer it makes just this."""

    def _train(self, number: int) -> None:
        folder = self.folder(number)
        with_responses_of(folder, self._root / MODEL, folder / MODEL)


def draw_answers(server: Server, staff: StaffPages, draw: Callable[[str], None]) -> None:
    """Answers, a change that is tried with the whole bank, and its publication; that takes minutes."""
    page = staff.page
    staff.go_to("Answers")
    page.get_by_label("Words of an answer").fill("certificate")
    staff.button("Find").click()
    page.wait_for_url("**text=certificate")
    draw("answers")
    page.goto(page.url.partition("?")[0] + "/utter_faq_hold_spot")
    chat = page.frame_locator("iframe").get_by_role("log")
    expect(chat).to_contain_text("spots cannot be held")
    page.wait_for_timeout(1_300)  # until the times are written
    draw("answer")
    answer = page.get_by_label("Answer", exact=True)
    approved = answer.input_value()
    answer.fill("Spots can be held: call 888.316.2776.")
    expect(chat).to_contain_text("Spots can be held")
    staff.button("Keep this change").click()
    staff.says("Nothing was kept")
    expect(chat).to_contain_text("Spots can be held")
    page.wait_for_timeout(1_300)
    draw("refused")
    answer.fill(f"{approved} The office may know of a seat: {{office_phone}}.")
    staff.button("Keep this change").click()
    staff.says("Your change waits.")
    database = ConversationDatabase(server.conversations_url, metadata=(METADATA, CONTENT))
    NotTrained(database, server.root).build_now(by="jane@example.org")
    database.dispose()
    staff.go_to("Changes")
    staff.says("to another topic")
    draw("trial")
    knows = page.get_by_role("checkbox")
    if knows.count():
        knows.check()
    staff.button("Publish").click()
    staff.says("Published.")
    draw("published")


def main() -> None:
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
            save(both, FOLDER / "widget" / f"{state.__name__.replace('_', '-')}.png")
        draw_staff_pages(browser)
        browser.close()


if __name__ == "__main__":
    main()
