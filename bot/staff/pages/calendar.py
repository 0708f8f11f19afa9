"""The calendar: classes and their seats, files to load, and taking the last one back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sanic.response import HTTPResponse

from bot.staff.accounts import Role
from bot.staff.area import Pages, Refused, Visit
from bot.staff.uploads import Upload
from bot.webchat.database import off_loop
from registration.calendar import calendar, states_in_calendar
from registration.errors import ImportRejected, UndoRefused
from registration.importers import KINDS, ImportReport, import_file, preview_file
from registration.imports import PastImport, recent, undo
from registration.place_tables import STATE_NAMES

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
    try:
        report = await off_loop(_load, visit, kept)
    except (ImportRejected, _Outdated):
        return await _previewed(visit, kept, is_outdated=True)
    await off_loop(visit.staff.uploads.forget, visit.who)
    return visit.redirect("/calendar/files", loaded=str(report.import_id))


@pages.post("/calendar/files/forget", Role.EDITOR)
async def forget(visit: Visit) -> HTTPResponse:
    await off_loop(visit.staff.uploads.forget, visit.who)
    return visit.redirect("/calendar/files")


@pages.post("/calendar/files/undo", Role.EDITOR)
async def take_back(visit: Visit) -> HTTPResponse:
    id_ = visit.form["import"]
    if not (id_.isascii() and id_.isdigit() and len(id_) < 10):
        raise Refused(404, "not_found")
    db, now = visit.staff.registration, visit.staff.now()

    def confirm(done: PastImport) -> None:
        visit.record("file undone", f"{done.kind}: {done.file_name}", before=_in_short(done))

    try:
        await off_loop(lambda: undo(db, int(id_), by=visit.who.email, at=now, confirm=confirm))
    except UndoRefused as refusal:
        return await _files(visit, problem="undo", reason=str(refusal))
    return visit.redirect("/calendar/files")


class _Outdated(Exception):
    """A file would change something else than was shown."""


def _load(visit: Visit, kept: Upload) -> ImportReport:
    def confirm(report: ImportReport) -> None:
        if report.seen != visit.form["seen"]:
            raise _Outdated
        visit.record("file loaded", f"{kept.kind}: {kept.name}", after=_in_short(report))

    with kept.as_file() as file:
        return import_file(
            visit.staff.registration, kept.kind, file, by=visit.who.email, confirm=confirm
        )


def _preview(visit: Visit, kept: Upload) -> tuple[ImportReport, bool]:
    """What the file would do, and whether it can be loaded."""
    try:
        with kept.as_file() as file:
            return preview_file(visit.staff.registration, kept.kind, file), True
    except ImportRejected as rejected:
        return rejected.report, False


async def _previewed(visit: Visit, kept: Upload, *, is_outdated: bool = False) -> HTTPResponse:
    report, is_good = await off_loop(_preview, visit, kept)
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


def _in_short(done: ImportReport | PastImport) -> str:
    return f"{done.created} new, {done.updated} changed, {done.unchanged} unchanged"
