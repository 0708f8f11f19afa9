"""The whole loop in a real browser: what wasn't understood is, without a restart, and isn't when taken back.

On a server with a root of its own, so that what is published stays there. One model is trained for real; the
bank is a part of ours, as what it takes time with is tested elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bot.staff.accounts import Role
from registration.database import Database
from tests.browser.chat import Chat
from tests.browser.conftest import OpenPage
from tests.browser.staff import StaffPages, an_account
from tests.browser.test_accessibility import violations
from tests.browser.test_staff_outcomes import look_on_both
from tests.conversations.chat import Person
from tests.roots import copy_of_the_root, git
from tests.running_server import Server, free_port, wait_until

THREE_WAYS = (
    "can a colleague take my place in the class",
    "may my colleague take my place in the class",
    "could a colleague take over my place in a class",
)
FOURTH_WAY = "is a colleague allowed to take my place in the class"
NOT_KNOWN = "I'd rather not guess"
ANSWER = "Please don't try to register someone else under your name"

KEPT_OF_THE_BANK = ("member.yml", "traveling_attendee.yml", "small_talk", "topics")
TRAINED_WITHIN_MS = 900_000
"""A training and the bank take two minutes of a processor; a busy machine has less of one."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_of_the_root(tmp_path_factory.mktemp("loop") / "root")
    for file in (root / "tests").rglob("*.yml"):
        if not {*KEPT_OF_THE_BANK} & {*file.parts}:
            file.unlink()
    git(root, "commit", "--quiet", "--all", "--message", "a smaller bank")
    return root


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Server]:
    port = free_port()
    origin = {"NASRO_STAFF_ORIGIN": f"http://127.0.0.1:{port}"}
    server = Server(root.parent, port, extra_environment=origin, root=root)
    Database(server.registration_url).upgrade()
    server.start()
    yield server
    server.stop()


@contextmanager
def people_talking(server: Server) -> Iterator[None]:
    """Somebody asks all the time meanwhile, and is always answered."""
    is_over = threading.Event()
    answers: list[str] = []

    def talk() -> None:
        while not is_over.wait(0.02):
            (answer,) = Person(server.url).say("what is a school resource officer?")
            answers.append(answer["text"])

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        yield
        wait_until(lambda: len(answers) > 20)
    finally:
        is_over.set()
        talking.join()
    assert {"That is the federal definition." in answer for answer in answers} == {True}


def wait_for_answer(server: Server, words: str) -> None:
    """Until somebody new who asks the fourth way is told so."""
    wait_until(lambda: words in str(Person(server.url).say(FOURTH_WAY)))


def test_what_was_not_understood_is_published_and_taken_back(
    open_page: OpenPage, server: Server, root: Path
) -> None:
    visitor = Chat(open_page(server.url))
    for text in (*THREE_WAYS, FOURTH_WAY):
        visitor.ask(text)
    assert NOT_KNOWN in visitor.last.inner_text()
    as_it_was = git(root, "rev-parse", "HEAD")
    staff = StaffPages(open_page(f"{server.url}/staff/queue"))
    staff.sign_in(an_account(server, Role.PUBLISHER, "Jane Doe"))
    question = staff.row("colleague")

    def is_there() -> bool:
        staff.page.reload()
        return question.count() == 1 and "4" in question.inner_text().split()

    wait_until(is_there)
    question.get_by_role("link").click()
    staff.page.get_by_label("Topic to add to").select_option("faq_register_colleague")
    staff.page.get_by_label("Examples, one to a line").fill("\n".join(THREE_WAYS))
    staff.button("Decide").click()
    staff.says("3 examples wait")
    assert git(root, "status", "--porcelain") == ""

    staff.go_to("Changes")
    staff.says(THREE_WAYS[0])
    staff.button("Try it").click()
    expect(staff.page.get_by_role("progressbar")).to_be_visible()
    assert violations(staff.page) == []
    # Without a click: the page goes on by itself.
    expect(staff.main).to_contain_text("to another topic", timeout=TRAINED_WITHIN_MS)
    look_on_both(staff, "What would change")
    with people_talking(server):
        knows = staff.page.get_by_role("checkbox")
        if knows.count():
            knows.check()
        staff.button("Publish").click()
        staff.says("Published.")
        wait_for_answer(server, ANSWER)
    assert ANSWER in visitor.ask(FOURTH_WAY).inner_text()
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "show", "--format=%an", "--stat").startswith("Jane Doe")
    added = [line for line in git(root, "show", "--format=").splitlines() if line[:1] == "+"]
    assert [line for line in added if line.startswith("+    - ")] == [
        f"+    - {text}" for text in THREE_WAYS
    ]
    look_on_both(staff, "current")
    with staff.page.expect_download() as download:
        staff.link("Patch").click()
    assert THREE_WAYS[2] in download.value.path().read_text("utf-8")

    with people_talking(server):
        staff.button("Roll back the current one").click()
        staff.says("Rolled back.")
        wait_for_answer(server, NOT_KNOWN)
    assert NOT_KNOWN in visitor.ask(FOURTH_WAY).inner_text()
    assert git(root, "diff", as_it_was.strip()) == ""
    staff.says(THREE_WAYS[0])


def test_an_answer_that_is_edited_wrongly_is_refused_with_the_reason(
    open_page: OpenPage, server: Server, root: Path
) -> None:
    staff = StaffPages(open_page(f"{server.url}/staff/answers"))
    staff.sign_in(an_account(server, Role.EDITOR))
    staff.page.get_by_label("Words of an answer").fill("hold spot")
    staff.button("Find").click()
    staff.link("Can I hold or reserve a spot?").click()
    answer = staff.page.get_by_label("Answer", exact=True)
    shown = staff.page.frame_locator("iframe").get_by_role("log")
    before = answer.input_value()
    expect(shown).to_contain_text("spots cannot be held")

    wrong = "Spots can be held. Call 888.316.277. <img src=x onerror=alert(1)>"
    answer.fill(wrong)
    expect(shown).to_contain_text(wrong)
    staff.button("Keep this change").click()
    staff.says("Nothing was kept.")
    staff.says('"888.316.277"')
    staff.says("is HTML")
    staff.says("The text doesn't say the fact M10.1")
    expect(answer).to_have_value(wrong)
    expect(shown).to_contain_text(wrong)
    look_on_both(staff, "Nothing was kept.")

    answer.fill(before.replace("No, spots cannot be held.", "Spots can be held."))
    staff.button("Keep this change").click()
    staff.says("The text doesn't say the fact M10.1")
    staff.page.get_by_label("I know that M10.1 is no longer said").check()
    staff.button("Keep this change").click()
    staff.says("Your change waits.")
    staff.says("no longer says M10.1")

    staff.go_to("Contacts")
    staff.link("office_phone").click()
    staff.page.get_by_label("Is shown as").fill("888.316.27")
    staff.button("Keep this change").click()
    staff.says('"888.316.27" is not a complete phone number')
    look_on_both(staff, "Nothing was kept.")
    assert git(root, "status", "--porcelain") == ""


def test_an_answer_is_changed_where_scripts_are_off(open_page: OpenPage, server: Server) -> None:
    path = "/staff/answers/utter_faq_login_trouble"
    staff = StaffPages(open_page(server.url + path, java_script_enabled=False))
    staff.sign_in(an_account(server, Role.EDITOR))
    owner = staff.page.get_by_label("Owner")

    owner.fill(" ")
    staff.button("Check and preview").click()
    staff.says("Who keeps it right?")
    owner.fill("The web team")
    staff.button("Keep this change").click()
    staff.says("Your change waits.")
    staff.says("NASRO office")
    staff.page.get_by_role("button", name="Discard").last.click()
    staff.says("The change is discarded.")
