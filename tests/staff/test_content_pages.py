"""The pages of answers, contacts, new topics and what waits: forms, reasons, previews, and hostile text."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.content import files
from bot.content.answers import Button, read_answers
from bot.content.bank import Asked, BankResult, Held, compare
from bot.content.changes import (
    AnswerChanged,
    Change,
    ContactChanged,
    ExamplesAdded,
    TopicAdded,
)
from bot.content.expectations import Problem
from bot.staff import content_tables as tables
from bot.staff.accounts import INACTIVITY, Role
from bot.staff.database import audit
from tests.clock import Clock
from tests.staff.conftest import Area, Browser

XSS = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\"'"
SPOT = "/answers/utter_faq_hold_spot"
REFUSALS: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("content_refusals.yml").read_text(encoding="utf-8")
)


@pytest.fixture
async def editor(area: Area) -> Browser:
    browser = area.browser()
    await browser.sign_in(area.account(Role.EDITOR))
    return browser


@pytest.fixture
async def publisher(area: Area) -> Browser:
    browser = area.browser()
    await browser.sign_in(area.account(Role.PUBLISHER))
    return browser


def fields_of(browser: Browser) -> dict[str, str]:
    """What the page's longest form holds, as a browser would send it."""
    forms = re.findall(r"<form\b.*?</form>", browser.page, re.DOTALL)
    form = max(forms, key=len)
    found = {
        name: unescape(value)
        for name, value in re.findall(
            r'<input(?: type="(?:date|hidden)")? name="([^"]+)" value="([^"]*)"', form
        )
    }
    for name, text in re.findall(
        r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL
    ):
        found[name] = unescape(text)
    for name, options in re.findall(r'<select name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = unescape(chosen[1]) if chosen else ""
    return found


async def keep(browser: Browser, path: str, **typed: str) -> int:
    """Types into a page's form and keeps it; the status of the answer."""
    await browser.get(path)
    fields = {
        **fields_of(browser),
        **{name.replace("__", "."): value for name, value in typed.items()},
    }
    return (await browser.post(path, {"do": "keep", **fields})).status_code


def waiting(area: Area) -> list[Change]:
    return [draft.change for draft in area.staff.drafts.waiting()]


async def test_answers_are_found_by_their_words_and_the_late_ones_are_marked(
    area: Area, editor: Browser, clock: Any
) -> None:
    await editor.get("/answers?text=HOLD+subject")

    assert "1 answer." in editor.text
    assert "Can I hold or reserve a spot?" in editor.text
    assert "overdue" not in editor.text
    answer = read_answers(area.staff.root)["utter_faq_hold_spot"]
    clock.now = clock().replace(year=answer.review_by.year + 1)
    await editor.sign_in(area.account(Role.VIEWER))
    await editor.get("/answers?text=hold+subject")
    assert "overdue" in editor.text


async def test_a_form_that_is_sent_as_it_came_changes_nothing(area: Area, editor: Browser) -> None:
    for name in read_answers(area.staff.root):
        assert await keep(editor, f"/answers/{name}") == 422
        assert "there is nothing to keep" in editor.text, name
    assert waiting(area) == []


async def test_a_change_waits_and_the_next_one_takes_its_place(area: Area, editor: Browser) -> None:
    first = "No, spots cannot be held. It makes you subject to a cancellation fee/transfer fee."
    words = {"fact__M10__2": "makes you subject to a cancellation fee/transfer fee"}

    assert await keep(editor, SPOT, text=first, **words) == 303
    await editor.get(SPOT)
    assert "waits to be published" in editor.text
    assert fields_of(editor)["text"] == first
    assert await keep(editor, SPOT, text=f"{first} Sorry.", review_by="2028-01-31") == 303
    (change,) = waiting(area)

    assert isinstance(change, AnswerChanged)
    assert (change.text, change.review_by) == (f"{first} Sorry.", date(2028, 1, 31))
    await editor.get("/changes")
    assert "Review by Jun" not in editor.text
    assert "2027-06-30 2028-01-31" in editor.text
    await editor.get("/answers?text=sorry")
    assert "change waits" in editor.text
    assert read_answers(area.staff.root)["utter_faq_hold_spot"].text != change.text


@pytest.mark.parametrize("path", [SPOT, "/contacts/office_phone"])
async def test_a_colleagues_change_is_seen_before_it_is_replaced(
    area: Area, editor: Browser, publisher: Browser, path: str
) -> None:
    await editor.get(path)
    ours = {**fields_of(editor), "owner": "Our office"}
    assert await keep(publisher, path, owner="Their office") == 303
    if path == SPOT:  # to check is to keep nothing, and to see nothing of others
        assert (await editor.post(path, {**ours, "do": "check"})).status_code == 200
        ours = fields_of(editor)

    assert (await editor.post(path, {**ours, "do": "keep"})).status_code == 422

    assert "Their office" in editor.text
    assert "What waits now publisher" in editor.text
    assert fields_of(editor)["owner"] == "Our office"
    assert [change.owner for change in waiting(area)] == ["Their office"]
    assert (await editor.post(path, {**fields_of(editor), "do": "keep"})).status_code == 303
    assert [change.owner for change in waiting(area)] == ["Our office"]
    noted = [row.what for row in area.rows(audit)]
    assert noted[-3:] == ["change added", "change replaced", "change added"]


async def test_what_was_discarded_meanwhile_is_told(area: Area, editor: Browser) -> None:
    await keep(editor, SPOT, owner="Somebody else")
    await editor.get(SPOT)
    ours = {**fields_of(editor), "owner": "Our office", "do": "keep"}
    (draft,) = area.staff.drafts.waiting()
    area.staff.drafts.discard(draft.id, by="a test")

    assert (await editor.post(SPOT, ours)).status_code == 422
    assert "Nothing of it waits now." in editor.text
    assert (await editor.post(SPOT, {**fields_of(editor), "do": "keep"})).status_code == 303


async def test_a_form_that_was_kept_knows_what_its_author_saw(
    area: Area, publisher: Browser, clock: Clock
) -> None:
    email = area.account(Role.EDITOR)
    editor = area.browser()
    await editor.sign_in(email)
    await keep(publisher, SPOT, owner="Seen by both")
    await editor.get(SPOT)
    ours = {**fields_of(editor), "owner": "Our office", "do": "keep"}
    await keep(publisher, SPOT, owner="Their office")
    clock.now += INACTIVITY
    await editor.post(SPOT, ours)
    await editor.sign_in(email)
    await editor.get("/kept")

    assert (await editor.post(SPOT, fields_of(editor))).status_code == 422
    assert "Their office" in editor.text
    assert fields_of(editor)["owner"] == "Our office"
    assert (await editor.post(SPOT, {**fields_of(editor), "do": "keep"})).status_code == 303
    assert [change.owner for change in waiting(area)] == ["Our office"]


@pytest.mark.parametrize("case", REFUSALS["answers"], ids=lambda case: case["reason"][:40])
async def test_an_answer_that_cannot_stay_so_says_why_at_the_field(
    area: Area, editor: Browser, case: dict[str, Any]
) -> None:
    status = await keep(editor, SPOT, **case["typed"])

    assert status == 422
    assert case["reason"] in editor.text
    assert f'id="problem-{case["field"]}"' in editor.page
    for name, value in case["typed"].items():
        assert fields_of(editor)[name.replace("__", ".")] == value.strip() or case.get(
            "is_unreadable"
        )
    assert waiting(area) == []


async def test_a_fact_is_given_up_by_who_says_so(area: Area, editor: Browser) -> None:
    text = 'Registering yourself to "hold" a spot makes you subject to a cancellation fee/transfer fee.'
    assert await keep(editor, SPOT, text=text) == 422
    assert "I know that M10.1 is no longer said" in editor.text
    assert "I know that M10.2" not in editor.text
    fields = {"do": "keep", **fields_of(editor), "drop.M10.1": "yes"}
    assert (await editor.post(SPOT, fields)).status_code == 303

    (change,) = waiting(area)

    assert isinstance(change, AnswerChanged)
    assert (change.gives_up, list(change.facts)) == (("M10.1",), ["M10.2"])
    await editor.get(SPOT)
    assert 'name="drop.M10.1" value="yes" checked' in editor.page


async def test_checking_keeps_nothing(area: Area, editor: Browser) -> None:
    await editor.get(SPOT)
    fields = {**fields_of(editor), "do": "check", "owner": "The training director"}
    assert (await editor.post(SPOT, fields)).status_code == 200
    assert "It can be kept so." in editor.text
    # What is seen of it where scripts are off.
    assert re.search(r"<noscript>.*spots cannot be held.*</noscript>", editor.page, re.DOTALL)
    assert waiting(area) == []


async def test_the_preview_follows_what_is_typed(editor: Browser) -> None:
    await editor.get(SPOT)
    typed = {**fields_of(editor), "text": f"{XSS} {{office_phone}}", "title.0": XSS}

    response = await editor.post(f"{SPOT}/message", typed)

    question, answer = response.json()["messages"]
    assert response.headers["content-type"] == "application/json"
    assert question["text"] == "Can I hold or reserve a spot?"
    assert answer["text"] == f"{XSS} 888.316.2776"
    assert answer["links"] == [{"title": "888.316.2776", "url": "tel:+18883162776"}]
    assert answer["buttons"][0] == {"title": XSS, "payload": '/more{"topic": "hold_spot"}'}


async def test_only_the_preview_may_stand_in_a_frame(editor: Browser) -> None:
    policies = {}
    for path in ("/preview", SPOT, "/topics/new", "/answers", "/changes"):
        policies[path] = (await editor.get(path)).headers["content-security-policy"]

    assert "frame-ancestors 'self'; " in policies.pop("/preview")
    assert all("frame-ancestors 'none'; " in policy for policy in policies.values())
    shows = [path for path, policy in policies.items() if "frame-src 'self'; " in policy]
    assert shows == [SPOT, "/topics/new"]
    assert not any("unsafe" in policy for policy in policies.values())


async def test_a_number_is_changed_in_one_place(area: Area, editor: Browser) -> None:
    assert await keep(editor, "/contacts/office_phone", text="(888) 316-2777") == 303

    (change,) = waiting(area)
    assert isinstance(change, ContactChanged)
    assert (change.text, change.url) == ("(888) 316-2777", "tel:+18883162777")
    await editor.get("/answers/utter_faq_login_trouble")
    assert "(888) 316-2777" in unescape(editor.page)


@pytest.mark.parametrize("case", REFUSALS["contacts"], ids=lambda case: case["reason"][:40])
async def test_a_contact_that_cannot_stay_so_says_why(
    area: Area, editor: Browser, case: dict[str, Any]
) -> None:
    assert await keep(editor, f"/contacts/{case['contact']}", **case["typed"]) == 422
    assert case["reason"] in editor.text
    assert waiting(area) == []


TOPIC = {
    "title": "Parking at classes",
    "text": "Parking is free at most venues. The confirmation says where to park.",
    "facts": "Parking is free\nsays where to park",
    "source_title": "Where do I park?",
    "owner": "NASRO training department",
    "examples": "\n".join(f"where do i park number {n}" for n in "abcdefghijkl"),
}


async def test_a_new_topic_waits_with_all_that_it_needs(area: Area, editor: Browser) -> None:
    await editor.get("/topics/new")
    fields = {**fields_of(editor), **TOPIC, "do": "keep"}

    assert (await editor.post("/topics/new", {**fields, "examples": "one\ntwo"})).status_code == 422
    assert 'id="problem-examples"' in editor.page
    assert (await editor.post("/topics/new", {**fields, "title": XSS})).status_code == 422
    assert "<img" not in editor.page.split("<main", 1)[1]
    assert waiting(area) == []
    assert (await editor.post("/topics/new", fields)).status_code == 303

    (change,) = waiting(area)
    assert isinstance(change, TopicAdded)
    assert change.name == "faq_parking_at_classes"
    assert list(change.facts.values()) == ["Parking is free", "says where to park"]
    await editor.get("/answers/utter_faq_parking_at_classes")
    assert "Parking is free" in editor.text


async def test_what_waits_is_discarded(area: Area, editor: Browser) -> None:
    await keep(editor, SPOT, owner="Somebody else")
    (draft,) = area.staff.drafts.waiting()
    await editor.get("/changes")

    await editor.post(f"/changes/{draft.id}/discard")
    await editor.get("/changes?done=discarded")

    assert "The change is discarded. What waits Nothing waits." in editor.text
    assert (await editor.post(f"/changes/{draft.id}/discard")).status_code == 422
    assert (await editor.post("/changes/try")).status_code == 422
    assert "Nothing waits to be tried." in editor.text
    assert [row.what for row in area.rows(audit)][-2:] == ["change added", "change discarded"]


def tried(area: Area, comparison: dict[str, Any] | None, **values: Any) -> int:
    """A trial of all that waits, with this result."""
    row = {
        "who": "jane@example.org", "at": area.staff.now(), "state": "ready", "share": 1.0, "reason": "",
        "changes": [draft.id for draft in area.staff.drafts.waiting()], "problems": {},
        "fingerprint": files.fingerprint(area.staff.root), "comparison": comparison, **values,
    }  # fmt: skip
    with area.staff.database.writing() as connection:
        inserted = connection.execute(tables.candidates.insert().values(**row))
        return int(inserted.inserted_primary_key[0])


def result(*understood: str, problem: Problem | None = None) -> BankResult:
    asked = tuple(
        Asked(f"question {n}", "faq_register", got, "answer", "right" if got == "faq_register" else "wrong",
              True, False)
        for n, got in enumerate(understood)
    )  # fmt: skip
    return BankResult(asked, (Held("says goodbye", problem),))


async def test_the_trial_says_what_would_change(area: Area, publisher: Browser) -> None:
    await keep(publisher, SPOT, owner="Somebody else")
    before = result("faq_register", "faq_hold_spot", "faq_hold_spot", "faq_register")
    after = result(
        *("faq_host_class", "faq_register", "faq_host_class", "faq_register"),
        problem=Problem("bye", (f"no '{XSS}' in the text",), ("Goodbye!",)),
    )
    tried(area, compare(before, after).as_json())

    await publisher.get("/changes")

    assert "3 questions now go to another topic : 1 better, 1 worse, 1 neither." in publisher.text
    assert "1 conversation reads differently." in publisher.text
    assert "says goodbye: after “bye”" in publisher.text
    assert "I know that 1 question gets a worse answer and 1 conversation reads differently" in (
        publisher.text
    )
    assert "<img" not in publisher.page.split("<main", 1)[1]


async def test_a_trial_in_the_making_says_how_far_it_is(area: Area, editor: Browser) -> None:
    await keep(editor, SPOT, owner="Somebody else")
    tried(area, None, state="failed", share=0.3, reason="The training failed.")

    await editor.get("/changes")
    assert "The last trial came to nothing. The training failed." in editor.text
    progress = (await editor.get("/changes/progress")).json()

    assert progress["is_over"] is True


async def test_what_nobody_tried_is_not_published(publisher: Browser) -> None:
    await keep(publisher, SPOT, owner="Somebody else")
    await publisher.get("/changes")

    for fields in ({"trial": "1"}, {"trial": XSS}, {}):
        assert (await publisher.post("/changes/publish", fields)).status_code == 422
        assert "Nothing was done." in publisher.text
    assert (await publisher.post("/changes/roll-back")).status_code == 422
    assert (await publisher.get("/changes/1/file")).status_code == 404


async def test_where_the_files_cannot_be_written_it_says_so(area: Area, publisher: Browser) -> None:
    await keep(publisher, SPOT, owner="Somebody else")
    (area.staff.root / "var").write_text("no folder")  # a mode wouldn't keep root from writing

    assert (await publisher.post("/changes/try")).status_code == 422
    assert "The server can’t write its own files" in publisher.text


HOSTILE: list[Change] = [
    AnswerChanged("utter_faq_hold_spot", XSS, (Button(XSS, XSS),), XSS, date(2027, 1, 1), {XSS: XSS}, (XSS,)),
    ContactChanged("office_phone", XSS, f"javascript:{XSS}", XSS, date(2027, 1, 1)),
    ExamplesAdded(XSS, (XSS,), XSS),
    TopicAdded(XSS, XSS, XSS, XSS, {XSS: XSS}, XSS, XSS, date(2027, 1, 1), (XSS,), XSS),
]  # fmt: skip


async def test_what_a_change_holds_is_shown_as_text(area: Area, publisher: Browser) -> None:
    for change in HOSTILE:  # past the checks, as by another program
        with area.staff.database.writing() as connection:
            area.staff.drafts.note(connection, change, by=XSS)
    tried(area, None, state="failed", reason=XSS, problems={"1": XSS})
    with area.staff.database.writing() as connection:
        connection.execute(
            tables.publications.insert().values(
                state=tables.DONE,
                who=XSS,
                at=area.staff.now(),
                lines=[XSS],
                fingerprint="",
                patch=XSS,
                model_before="",
                model="",
                revision=XSS,
            )
        )
        connection.execute(
            tables.servers.insert().values(
                name=XSS, publication=1, at=area.staff.now(), problem=XSS
            )
        )

    for path in ("/changes", "/answers", SPOT, "/contacts", "/contacts/office_phone", "/log"):
        await publisher.get(path)
        main = publisher.page.split("<main", 1)[1]
        assert "<img" not in main, path
        assert "alert(2)</script>" not in publisher.page, path
    await publisher.get("/changes")
    assert publisher.text.count("{{7*7}}") > 10
    await publisher.get(f"/answers?text={XSS.replace('#', '')}")
    assert "<img" not in publisher.page.split("<main", 1)[1]


async def test_a_viewer_sees_and_changes_nothing(area: Area) -> None:
    viewer = area.browser()
    await viewer.sign_in(area.account(Role.VIEWER))

    for path in ("/answers", SPOT, "/contacts/office_phone", "/changes"):
        assert (await viewer.get(path)).status_code == 200
        assert 'method="post"' not in viewer.page.split("<main", 1)[1], path
    await viewer.get(SPOT)
    assert "M10.1 “spots cannot be held”" in viewer.text
    for path in ("/answers/utter_nothing", "/contacts/nobody"):
        assert (await viewer.get(path)).status_code == 404
