"""Reports: how much was asked and how it went, what about, and where classes are looked for."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

from sanic.response import HTTPResponse, raw

from bot.content import examples
from bot.staff.accounts import Role
from bot.staff.area import Pages, Visit
from bot.staff.csv_files import CSV, attached
from bot.staff.outcomes import NOT_ANSWERED
from bot.staff.reports import Report, report
from bot.staff.state_map import tiles
from bot.webchat.database import off_loop
from registration.place_tables import STATE_NAMES

USUAL_DAYS = 28

pages = Pages()


@pages.get("/reports", Role.VIEWER, menu="Reports")
async def show(visit: Visit) -> HTTPResponse:
    first, last, by_week = _asked(visit)
    problem, found = "", None
    try:
        found = await off_loop(partial(report, visit.staff.database, first, last, by_week=by_week))
    except ValueError as error:
        problem = str(error)
    total = found.total if found else None
    topics = await off_loop(examples.topics)
    return visit.page(
        "reports.html",
        status=422 if problem else 200,
        problem=problem,
        first=first,
        last=last,
        by="week" if by_week else "day",
        report=found,
        unanswered=[row for row in total.by_key("outcome") if row[0] in NOT_ANSWERED]
        if total
        else [],
        rising=[topic for topic, _, _ in found.rising] if found else [],
        never_asked=found.never_asked(topics) if found else [],
        tiles=tiles(total.states) if total else [],
        state_names=STATE_NAMES,
    )


@pages.get("/reports/file", Role.VIEWER)
async def file(visit: Visit) -> HTTPResponse:
    first, last, by_week = _asked(visit)
    try:
        found: Report = await off_loop(
            partial(report, visit.staff.database, first, last, by_week=by_week)
        )
    except ValueError:
        return await show(visit)  # which says why there is none
    kind = visit.asked("of")
    text = {"states": found.states_as_csv, "counts": found.counts_as_csv}.get(kind, found.as_csv)()
    name = f"report-{first}-{last}{f'-{kind}' if kind in ('states', 'counts') else ''}.csv"
    return raw(text.encode(), content_type=CSV, headers=attached(name))


def _asked(visit: Visit) -> tuple[date, date, bool]:
    """First and last day, and whether by week; four weeks up to today where none is named."""
    last = _day(visit.asked("to")) or visit.staff.now().date()
    first = _day(visit.asked("from")) or last - timedelta(days=USUAL_DAYS - 1)
    return first, last, visit.asked("by") == "week"


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(2000, 1, 1) <= day <= date(2999, 12, 31) else None
