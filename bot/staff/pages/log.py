"""The audit log, for publishers."""

from __future__ import annotations

from sanic.response import HTTPResponse

from bot.staff.accounts import Role
from bot.staff.area import Pages, Visit
from bot.staff.audit import entries
from bot.webchat.database import off_loop

ON_A_PAGE = 50

pages = Pages()


@pages.get("/log", Role.PUBLISHER, menu="Audit log")
async def show(visit: Visit) -> HTTPResponse:
    number = max(visit.number("page"), 1)
    found = await off_loop(
        lambda: entries(visit.staff.database, offset=(number - 1) * ON_A_PAGE, limit=ON_A_PAGE)
    )
    last = max(-(-found.total // ON_A_PAGE), 1)
    return visit.page(
        "log.html", entries=found.entries, total=found.total, number=number, last=last, query=""
    )
