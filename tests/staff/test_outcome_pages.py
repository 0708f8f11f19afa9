"""The pages of the queue and the reports: what they show, and what a decision there does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest

from bot.content.examples import unanswered_like
from bot.staff.accounts import Role
from bot.staff.consumer import Consumer
from bot.staff.database import audit
from bot.webchat.database import ConversationDatabase
from tests.clock import Clock
from tests.outcomes.stream import Talk, database_at, made_up_vector
from tests.staff.conftest import Area

XSS = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture
def asked(area: Area, clock: Clock) -> Iterator[ConversationDatabase]:
    """What people asked: one thing three ways, something hostile, and classes."""
    database = database_at(area.staff.database.url)
    talk = Talk(database, clock() - timedelta(hours=1))
    ranking = [("not_covered", 0.6), ("faq_host_class", 0.3), ("faq_register", 0.1)]
    for text in ("what is the transfer fee", "is there a transfer fee", "the transfer fee is what"):
        talk.turn(text, "not_covered", "utter_not_covered", score=0.3, ranking=ranking)
    talk.turn(XSS, "out_of_scope", "utter_out_of_scope", score=0.01, ranking=[(XSS, 0.2)])
    talk.turn("ohio", "find_classes", "utter_classes_found", place="Ohio", total=2)
    talk.turn("alaska", "find_classes", "utter_no_classes", place="Alaska")
    Consumer(database, made_up_vector).catch_up()
    yield database
    database.dispose()


@pytest.mark.usefixtures("asked")
async def test_an_editor_adds_what_was_asked_to_a_topic(area: Area) -> None:
    browser = area.browser()
    email = area.account(Role.EDITOR)
    await browser.sign_in(email)

    await browser.get("/queue")
    assert "2 questions wait" in browser.text
    assert (
        "the transfer fee is what 3 not answered 3 faq_host_class 0.30 , faq_register"
        in browser.text
    )
    assert (await browser.get("/queue/1")).status_code == 200
    fields = {"verdict": "topic", "topic": "faq_host_class", "about": "not this",
              "examples": "is there a transfer fee\n\n  what's the fee for hosting \n"}  # fmt: skip
    response = await browser.post("/queue/1", fields)

    assert response.headers["location"] == "/staff/queue?done=1&added=2"
    await browser.get("/queue?done=1&added=2")
    assert "2 examples wait under Changes" in browser.text
    assert "1 question waits" in browser.text
    (draft,) = area.staff.drafts.waiting()
    assert (draft.by, draft.change.topic) == (email, "faq_host_class")
    assert draft.change.texts == ("is there a transfer fee", "what's the fee for hosting")
    (entry,) = [row for row in area.rows(audit) if row.what == "question decided"]
    assert (entry.who, entry.after) == (email, "topic: faq_host_class")
    await browser.get("/queue?decided=yes")
    assert f"topic: faq_host_class {email}" in browser.text
    await browser.get("/queue/1")
    await browser.post("/queue/1/reopen")
    await browser.get("/queue")
    assert "2 questions wait" in browser.text
    assert area.staff.drafts.waiting() == []


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"verdict": "topic", "topic": "faq_host_class", "examples": " \n"}, "no example left"),
        ({"verdict": "topic", "topic": "faq_nothing", "examples": "x"}, "no topic faq_nothing"),
        ({"verdict": "new topic", "examples": "x"}, "needs a topic"),
        ({"verdict": "delete", "examples": "x"}, "is no verdict"),
        ({"verdict": "topic", "topic": "faq_host_class", "examples": "a" * 301}, "at most 300"),
    ],
)
async def test_what_cannot_be_done_says_why_and_keeps_what_was_typed(
    area: Area, fields: dict[str, str], reason: str
) -> None:
    browser = area.browser()
    await browser.sign_in(area.account(Role.EDITOR))
    await browser.get("/queue/1")

    response = await browser.post("/queue/1", fields)

    assert response.status_code == 422
    assert "Nothing was changed." in browser.text
    assert reason in browser.text
    assert f"{fields['examples']}</textarea>" in browser.page
    await browser.get("/queue")
    assert "2 questions wait" in browser.text


@pytest.mark.usefixtures("asked")
async def test_a_new_topic_is_written_from_its_question(area: Area) -> None:
    browser = area.browser()
    await browser.sign_in(area.account(Role.EDITOR))
    await browser.get("/queue/1")

    response = await browser.post("/queue/1", {"verdict": "new topic", "about": "Transfer fees"})
    await browser.get("/topics/new?question=1")

    assert response.headers["location"] == "/staff/topics/new?question=1"
    assert 'name="title" value="Transfer fees"' in browser.page
    assert "what is the transfer fee" in browser.page
    alike = unanswered_like(["transfer fees", "what is the transfer fee"])
    assert alike
    assert all(f"<li>{text}</li>" in unescape(browser.page) for text in alike[:3])
    fields = {
        "do": "keep", "question": "1", "title": "Transfer fees", "facts": "There is a transfer fee",
        "text": "There is a transfer fee to move a registration.", "source_title": "What is the fee?",
        "owner": "NASRO office", "review_by": "2028-01-31",
        "examples": "\n".join(f"the transfer fee asked as {n}" for n in "abcdefghijkl"),
    }  # fmt: skip
    assert (await browser.post("/topics/new", {**fields, "title": ""})).status_code == 422
    assert (await browser.post("/topics/new", fields)).status_code == 303
    (draft,) = area.staff.drafts.waiting()
    assert draft.change.origin.endswith("asked 3 times.")
    await browser.get("/queue/1")
    await browser.post("/queue/1/reopen")
    assert area.staff.drafts.waiting() == []


@pytest.mark.usefixtures("asked")
async def test_a_viewer_reads_and_decides_nothing(area: Area) -> None:
    browser = area.browser()
    await browser.sign_in(area.account(Role.VIEWER))

    await browser.get("/queue/1")

    assert "is there a transfer fee" in browser.text
    assert "Decide" not in browser.text
    assert (await browser.post("/queue/1", {"verdict": "ignore"})).status_code == 403


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    "path", ["/queue/99", "/queue/x", "/queue/-1", "/queue/1e3", "/queue/9999999999999"]
)
async def test_there_is_no_such_question(area: Area, path: str) -> None:
    browser = area.browser()
    await browser.sign_in(area.account(Role.VIEWER))

    assert (await browser.get(path)).status_code == 404


@pytest.mark.usefixtures("asked")
async def test_what_people_typed_is_text(area: Area) -> None:
    browser = area.browser()
    await browser.sign_in(area.account(Role.EDITOR))

    for path in ("/queue", "/queue/2", "/reports", "/queue?decided=yes"):
        await browser.get(path)
        assert "<img" not in browser.page.split("<main", 1)[1]
        assert "<script" not in browser.page
    await browser.get("/queue/2")
    assert "&lt;img src=x onerror=alert(1)&gt;" in browser.page


@pytest.mark.usefixtures("asked")
async def test_the_reports(area: Area) -> None:
    browser = area.browser()
    await browser.sign_in(area.account(Role.VIEWER))

    await browser.get("/reports")
    assert "Questions 6 of 6 messages; before 0" in browser.text
    assert "Answered 33.3 % of the questions; before –" in browser.text
    assert "Alaska: 1 look-up, 1 found none AK 1 1 none" in browser.text
    assert "find_classes 2 0" in browser.text
    assert "Nobody rated an answer" in browser.text
    assert "Never asked in these days" in browser.text
    assert "faq_what_is_sro" in browser.text
    assert "not_covered" not in browser.text
    assert "Alaska 1 1" in browser.text
    assert "Ohio 1 0" in browser.text
    assert "No answer to that 3" in browser.text
    assert "Not known 1" in browser.text
    await browser.get("/reports?from=2027-01-01&to=2027-01-31&by=week")
    assert "Nobody looked for classes" in browser.text
    assert (await browser.get("/reports?from=2027-02-01&to=2027-01-01")).status_code == 422
    assert "The first day is after the last." in browser.text
    assert (await browser.get("/reports?from=x&to=<b>")).status_code == 200
    for days, why in {
        "from=2000-01-01&to=2027-01-01": "That is more than three years.",
        "from=2027-02-01&to=2027-01-01": "The first day is after the last.",
    }.items():
        assert (await browser.get(f"/reports/file?{days}")).status_code == 422
        assert why in browser.text
    file = await browser.get("/reports/file?from=2027-03-01&to=2027-03-01&of=states")
    assert file.headers["content-disposition"] == (
        'attachment; filename="report-2027-03-01-2027-03-01-states.csv"'
    )
    assert file.text.splitlines()[1:] == ["AK,1,1", "OH,1,0"]


async def test_the_answers_say_how_they_are_received(
    area: Area, asked: ConversationDatabase, clock: Clock
) -> None:
    talk = Talk(asked, clock() - timedelta(hours=1))
    for is_helpful in (True, True, False):
        talk.turn("can i hold a spot", "faq_hold_spot", "utter_faq_hold_spot")
        talk.rate(is_helpful)
    Consumer(asked, made_up_vector).catch_up()
    browser = area.browser()
    await browser.sign_in(area.account(Role.VIEWER))

    await browser.get("/answers?text=hold+subject")

    assert "3 67 % NASRO training department" in browser.text


@pytest.mark.usefixtures("asked")
async def test_the_queue_as_a_file(area: Area) -> None:
    browser = area.browser()
    await browser.sign_in(area.account(Role.VIEWER))

    file = await browser.get("/queue/file")

    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.text.splitlines()[1].startswith(
        "1,the transfer fee is what,3,not_answered 3,2027-03-01"
    )
