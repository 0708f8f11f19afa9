"""The calendar over HTTP: what is listed, what a file would change, loading it and taking it back."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bot.staff import audit
from bot.staff.accounts import Role
from bot.staff.database import uploads
from bot.staff.pages.calendar import MOST_BYTES
from bot.staff.uploads import KEPT_FOR
from registration import models
from registration.calendar import calendar
from registration.database import Database
from registration.imports import recent
from tests.clock import Clock
from tests.services.given import a_class, registrations
from tests.staff.conftest import Area, Browser

HEAD = "id,course,city,state,starts_on,ends_on,capacity,status\n"
A, B, N = (f"{id_},basic,Austin,TX,2027-06-01,2027-06-05," for id_ in "ABN")
FIRST = HEAD + A + "40,\n" + B + "40,\n"
SECOND = HEAD + A + "45,\n" + B + "40,cancelled\n" + N + "40,\n"

XSS = "<img src=x onerror=alert(1)>{{7*7}}\"'&lt;"


@pytest.fixture
async def editor(area: Area) -> Browser:
    browser = area.browser()
    await browser.sign_in(area.account(Role.EDITOR))
    return browser


async def look_at(
    browser: Browser, text: str | bytes, kind: str = "classes", name: str = "calendar.csv"
) -> httpx.Response:
    await browser.get("/calendar/files")
    content = text.encode() if isinstance(text, str) else text
    return await browser.post(
        "/calendar/files", {"kind": kind}, files={"file": (name, content, "text/csv")}
    )


def hidden(browser: Browser, name: str) -> str:
    found = re.search(rf'name="{name}" value="(\w+)"', browser.page)
    assert found, browser.text
    return found[1]


async def load(browser: Browser) -> httpx.Response:
    """Presses "Load" on the preview."""
    fields = {name: hidden(browser, name) for name in ("upload", "seen")}
    done = await browser.post("/calendar/files/load", fields)
    if done.status_code == 303:
        await browser.get(done.headers["location"].removeprefix("/staff"))
    return done


async def undo(browser: Browser) -> httpx.Response:
    await browser.get("/calendar/files")
    return await browser.post("/calendar/files/undo", {"import": hidden(browser, "import")})


def capacities(db: Database) -> dict[str, int]:
    return dict(db.rows(sa.select(models.classes.c.external_id, models.classes.c.capacity)))


# Files -------------------------------------------------------------------------------------------


async def test_a_file_is_looked_at_loaded_and_undone(area: Area, editor: Browser) -> None:
    db = area.staff.registration
    await look_at(editor, FIRST)
    await load(editor)

    assert (await look_at(editor, SECOND)).status_code == 200
    assert "1 new, 2 changed (1 of them cancelled) , 0 unchanged" in editor.text
    assert "capacity: 40 45" in editor.text
    assert "status: scheduled cancelled" in editor.text
    assert capacities(db) == {"A": 40, "B": 40}

    assert (await load(editor)).status_code == 303
    assert "calendar.csv is loaded: 1 new, 2 changed, 0 unchanged. You can undo" in editor.text
    assert capacities(db) == {"A": 45, "B": 40, "N": 40}
    assert area.rows(uploads) == []

    assert (await undo(editor)).status_code == 303
    assert capacities(db) == {"A": 40, "B": 40}
    await editor.get("/calendar/files")
    assert "Undo this file" not in editor.text
    entries = audit.entries(area.staff.database, limit=3).entries
    assert [(e.what, e.subject, e.before, e.after) for e in entries] == [
        ("file undone", "classes: calendar.csv", "1 new, 2 changed, 0 unchanged", ""),
        ("file loaded", "classes: calendar.csv", "", "1 new, 2 changed, 0 unchanged"),
        ("file loaded", "classes: calendar.csv", "", "2 new, 0 changed, 0 unchanged"),
    ]


async def test_a_bad_file_is_reported_row_by_row(area: Area, editor: Browser) -> None:
    refused = await look_at(editor, FIRST + "C,karate,Austin,TX,2027-06-01,never,40,\n")

    assert refused.status_code == 422
    assert "Nothing was loaded: 2 problems in 3 rows." in editor.text
    assert "4 ends_on 'never' is not a date" in editor.text
    assert "4 course 'karate' is not one of basic" in editor.text
    assert 'name="upload"' not in editor.page
    assert capacities(area.staff.registration) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x00\x81\x8d\xff", "1 file"),
        (b"name,price\nA,1\n", "this column is missing"),
        (b'id,"course\n', "can't be read as CSV"),
    ],
)
async def test_what_is_no_calendar_is_said_kindly(
    editor: Browser, content: bytes, said: str
) -> None:
    assert (await look_at(editor, content)).status_code == 422
    assert said in editor.text


async def test_a_form_without_a_file_says_so(editor: Browser) -> None:
    await editor.get("/calendar/files")
    refused = await editor.post("/calendar/files", {"kind": "registrations"})

    assert refused.status_code == 422
    assert "choose a file first" in editor.text
    assert '<option value="registrations" selected>' in editor.page, "what was chosen is kept"


async def test_another_kind_is_none(editor: Browser) -> None:
    assert (await look_at(editor, FIRST, kind="evaluations")).status_code == 422


async def test_a_file_that_is_too_large(editor: Browser) -> None:
    assert (await look_at(editor, b"x" * (MOST_BYTES + 1))).status_code == 413
    assert "too large" in editor.text


async def test_nothing_is_loaded_that_was_not_seen(area: Area, editor: Browser) -> None:
    db = area.staff.registration
    await look_at(editor, FIRST)
    await load(editor)
    await look_at(editor, SECOND)
    with db.transaction() as connection:
        connection.execute(sa.update(models.classes).values(capacity=43))

    assert (await load(editor)).status_code == 422
    assert "something has changed since you looked" in editor.text
    assert "capacity: 43 45" in editor.text
    assert set(capacities(db).values()) == {43}

    assert (await load(editor)).status_code == 303
    assert capacities(db)["A"] == 45


async def test_a_file_is_kept_for_an_hour_for_its_own_account(
    area: Area, editor: Browser, clock: Clock
) -> None:
    await look_at(editor, FIRST)
    fields = {name: hidden(editor, name) for name in ("upload", "seen")}
    other = area.browser()
    await other.sign_in(area.account(Role.EDITOR))

    assert (await other.post("/calendar/files/load", fields)).status_code == 422
    assert "isn’t here any more" in other.text
    clock.now += KEPT_FOR * 0.5
    await editor.get("/account")
    clock.now += KEPT_FOR * 0.5
    assert (await load_again(editor, fields)).status_code == 422
    assert capacities(area.staff.registration) == {}
    assert len(area.rows(uploads)) == 1
    area.staff.tidy()
    assert area.rows(uploads) == []


async def load_again(browser: Browser, fields: dict[str, str]) -> httpx.Response:
    return await browser.post("/calendar/files/load", fields)


async def test_a_file_that_is_not_wanted_is_forgotten(area: Area, editor: Browser) -> None:
    await look_at(editor, FIRST)
    await editor.post("/calendar/files/forget")

    assert area.rows(uploads) == []


async def test_an_undo_that_is_refused_says_why(area: Area, editor: Browser) -> None:
    await look_at(editor, FIRST)
    await load(editor)
    registrations(area.staff.registration, "A", registered=1)

    refused = await undo(editor)

    assert refused.status_code == 422
    assert "can’t be undone. Something has changed since: class A has a reg" in editor.text
    assert set(capacities(area.staff.registration)) == {"A", "B"}


@pytest.mark.parametrize("id_", ["", "x", "-1", "99999999999"])
async def test_an_undo_of_nothing(editor: Browser, id_: str) -> None:
    await editor.get("/calendar/files")
    assert (await editor.post("/calendar/files/undo", {"import": id_})).status_code == 404


async def test_nothing_is_loaded_without_its_entry_in_the_log(
    area: Area, editor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await look_at(editor, FIRST)
    fields = {name: hidden(editor, name) for name in ("upload", "seen")}

    def fail(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr(audit, "record", fail)

    assert (await load_again(editor, fields)).status_code == 503
    assert capacities(area.staff.registration) == {}
    assert recent(area.staff.registration) == []


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "C:\\calendar.csv", "a\nb.csv", "é" * 300, ".csv"]
)
async def test_a_file_may_be_called_anything(editor: Browser, name: str) -> None:
    assert (await look_at(editor, FIRST, name=name)).status_code == 200
    assert (await load(editor)).status_code == 303


# Classes -----------------------------------------------------------------------------------------


@pytest.fixture
def classes(area: Area) -> None:
    db = area.staff.registration
    a_class(db, "TX-1", starts_on=date(2027, 6, 1), venue="100 % Hall", host="Austin ISD")
    a_class(db, "TX-2", "Dallas, TX", starts_on=date(2027, 7, 1), status="cancelled")
    a_class(db, "OH-1", "Columbus, OH", starts_on=date(2027, 5, 1), visibility="contract")
    a_class(db, "OLD", "Columbus, OH", starts_on=date(2027, 1, 1), course_code="advanced")
    registrations(db, "TX-1", registered=3, attended=2, cancelled=4)


@pytest.mark.parametrize(
    ("question", "ids"),
    [
        ("", ["OH-1", "TX-1", "TX-2"]),
        ("past=yes", ["OLD", "OH-1", "TX-1", "TX-2"]),
        ("state=TX", ["TX-1", "TX-2"]),
        ("state=OH&past=yes", ["OLD", "OH-1"]),
        ("text=dallas", ["TX-2"]),
        ("text=BASIC+austin", ["TX-1"]),
        ("text=isd", ["TX-1"]),
        ("text=100+%25", ["TX-1"]),
        ("text=%25", ["TX-1"]),
        ("text=_", []),
        ("text=tx-2", ["TX-2"]),
        ("text=advanced&past=yes", ["OLD"]),
        ("text=nothing", []),
        ("state=' OR 1=1 --", []),
    ],
)
@pytest.mark.usefixtures("classes")
async def test_classes_are_found(editor: Browser, question: str, ids: list[str]) -> None:
    await editor.get(f"/calendar?{question}")

    assert re.findall(r'<td class="fixed">(\w+(?:-\d)?)</td>\s*</tr>', editor.page) == ids


@pytest.mark.usefixtures("classes")
async def test_a_class_is_shown_with_its_seats(editor: Browser) -> None:
    await editor.get("/calendar?text=tx-1")

    assert (
        "Jun 1, 2027 to Jun 5, 2027 Basic SRO Course Austin, TX 100 % Hall Host: Austin ISD "
        "35 5 40 scheduled TX-1" in editor.text
    )


@pytest.mark.usefixtures("classes")
async def test_what_is_not_offered_is_marked(editor: Browser) -> None:
    await editor.get("/calendar")

    assert "cancelled TX-2" in editor.text
    assert "scheduled contract, not offered OH-1" in editor.text


async def test_many_classes_come_in_pages(area: Area, editor: Browser) -> None:
    for n in range(30):
        a_class(area.staff.registration, f"N{n}", starts_on=date(2027, 6, 1))

    await editor.get("/calendar?state=TX")
    assert "Page 1 of 2" in editor.text
    await editor.get("/calendar?state=TX&page=2")
    assert len(re.findall(r'<td class="fixed">N\d+</td>\s*</tr>', editor.page)) == 5
    assert 'href="?state=TX&amp;page=1"' in editor.page


# What others write -------------------------------------------------------------------------------


async def test_what_others_write_is_text(area: Area) -> None:
    browser = area.browser()
    email = area.account(Role.PUBLISHER, name=f"Jane {XSS}")
    await browser.sign_in(email)
    quoted = XSS.replace('"', '""')
    head = "id,course,city,state,starts_on,ends_on,capacity,zip,venue,host\n"
    row = f'"{quoted}",basic,"{quoted}",TX,2027-06-01,2027-06-05,40,78701,"{quoted}","{quoted}"\n'

    pages = [await browser.get("/account"), await browser.get()]
    pages += [await look_at(browser, head + row.replace("2027-06-01", quoted), name=f"{XSS}.csv")]
    pages += [await look_at(browser, head + row, name=f"{XSS}.csv")]
    await load(browser)
    pages += [await browser.get("/calendar/files?loaded=1"), await browser.get("/log")]
    pages += [await browser.get("/calendar", params={"text": XSS, "past": XSS, "state": XSS})]
    pages += [await browser.get("/calendar"), await browser.get("/calendar?past=yes&text=img")]
    stranger = area.browser()
    pages += [await stranger.sign_in(XSS, XSS)]

    for page in pages:
        assert page.status_code in (200, 401, 422)
        assert "<img src=x" not in page.text
        assert "{{7*7}}" in page.text or page is pages[0]
        assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
    assert len(calendar(area.staff.registration).classes) == 1
