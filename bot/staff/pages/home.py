"""The first page, and the style sheet."""

from __future__ import annotations

from pathlib import Path

from sanic.response import HTTPResponse, raw

from bot.staff.accounts import Role
from bot.staff.area import Pages, Visit

STYLES = Path(__file__).parents[1].joinpath("static", "staff.css").read_bytes()

pages = Pages()


@pages.get("", Role.VIEWER, menu="Start")
async def start(visit: Visit) -> HTTPResponse:
    return visit.page("start.html")


@pages.get("/staff.css", None)
async def styles(_: Visit) -> HTTPResponse:
    return raw(
        STYLES, content_type="text/css; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )
