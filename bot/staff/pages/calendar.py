"""The calendar: classes and their seats, files to load, and taking the last one back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from sanic.response import HTTPResponse

from bot.staff import calendar_files
from bot.staff.accounts import Role
from bot.staff.apart import apart
from bot.staff.area import Pages, Refused, Visit, number_of
from bot.staff.calendar_files import Databases
from bot.staff.uploads import Upload
from bot.webchat.database import off_loop
from registration.calendar import calendar, states_in_calendar
from registration.importers import KINDS
from registration.imports import PastImport, recent
from registration.place_tables import STATE_NAMES

T = TypeVar("T")

ON_A_PAGE = 25
MOST_BYTES = 2 * 1024 * 1024
"""Of a file in the browser: some 40,000 rows, which are loaded within a request's time."""
PROBLEMS_SHOWN = 200

pages = Pages()


@pages.get("/calendar", Role.VIEWER, menu="Calendar")
async def show(visit: Visit) -> HTTPResponse:
    db = visit.staff.registration
    text, state, past = visit.asked("text"), visit.asked("state"), visit.asked("past")
    number = max(visit.number("page"), 1)
    found = await off_loop(
        lambda: calendar(
            db,
            text=text,
            state=state,
            from_day=None if past else visit.staff.now().date(),
            offset=(number - 1) * ON_A_PAGE,
            limit=ON_A_PAGE,
        )
    )
    chosen: dict[str, Any] = {"text": text, "state": state, "past": past}
    return visit.page(
        "calendar.html",
        found=found,
        states=[(code, STATE_NAMES[code]) for code in await off_loop(states_in_calendar, db)],
        may_load=visit.who.role.includes(Role.EDITOR),
        number=number,
        last=max(-(-found.total // ON_A_PAGE), 1),
        query=urlencode({name: value for name, value in chosen.items() if value}),
        **chosen,
    )


@pages.get("/calendar/files", Role.VIEWER)
async def files(visit: Visit) -> HTTPResponse:
    return await _files(visit, loaded=visit.number("loaded"))


@pages.post("/calendar/files", Role.EDITOR, most_bytes=MOST_BYTES)
async def upload(visit: Visit) -> HTTPResponse:
    kind, file = visit.form["kind"], visit.files.get("file")
    if kind not in KINDS:
        return await _files(visit, problem="kind")
    if file is None:
        return await _files(visit, problem="file", kind=kind)
    kept = await off_loop(
        lambda: visit.staff.uploads.keep(visit.who, kind=kind, name=file.name, content=file.body)
    )
    return await _previewed(visit, kept)


@pages.post("/calendar/files/load", Role.EDITOR)
async def load(visit: Visit) -> HTTPResponse:
    kept = await off_loop(visit.staff.uploads.find, visit.who, visit.form["upload"])
    if kept is None:
        return await _files(visit, problem="gone")
    seen = visit.form["seen"]
    report = await _apart(
        visit, calendar_files.load, kept, by=visit.who.email, at=visit.staff.now(), seen=seen
    )
    if report is None:
        return await _previewed(visit, kept, is_outdated=True)
    await off_loop(visit.staff.uploads.forget, visit.who)
    return visit.redirect("/calendar/files", loaded=str(report.import_id))


@pages.post("/calendar/files/forget", Role.EDITOR)
async def forget(visit: Visit) -> HTTPResponse:
    await off_loop(visit.staff.uploads.forget, visit.who)
    return visit.redirect("/calendar/files")


@pages.post("/calendar/files/undo", Role.EDITOR)
async def take_back(visit: Visit) -> HTTPResponse:
    id_ = number_of(visit.form["import"])
    if not id_:
        raise Refused(404, "not_found")
    who, now = visit.who.email, visit.staff.now()
    if reason := await _apart(visit, calendar_files.take_back, id_, by=who, at=now):
        return await _files(visit, problem="undo", reason=reason)
    return visit.redirect("/calendar/files")


async def _apart(visit: Visit, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """What may take seconds, out of the chat's way."""
    url = visit.staff.registration.engine.url.render_as_string(hide_password=False)
    databases = Databases(url, visit.staff.config.conversations_url)
    return await apart(function, databases, *arguments, **options)


async def _previewed(visit: Visit, kept: Upload, *, is_outdated: bool = False) -> HTTPResponse:
    report, is_good = await _apart(visit, calendar_files.preview, kept)
    if not is_good:
        await off_loop(visit.staff.uploads.forget, visit.who)
    return visit.page(
        "calendar_preview.html",
        status=200 if is_good and not is_outdated else 422,
        upload=kept,
        report=report,
        is_good=is_good,
        is_outdated=is_outdated,
        problems=report.errors[:PROBLEMS_SHOWN],
    )


async def _files(
    visit: Visit, *, problem: str = "", reason: str = "", kind: str = KINDS[0], loaded: int = 0
) -> HTTPResponse:
    past: list[PastImport] = await off_loop(recent, visit.staff.registration)
    values: dict[str, Any] = {"problem": problem, "reason": reason, "kind": kind, "kinds": KINDS}
    return visit.page(
        "calendar_files.html",
        status=422 if problem else 200,
        past=past,
        loaded=next((one for one in past if one.id == loaded), None),
        may_load=visit.who.role.includes(Role.EDITOR),
        most_megabytes=MOST_BYTES // 1024**2,
        **values,
    )
