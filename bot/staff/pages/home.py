"""The first page, and the files that pages load."""

from __future__ import annotations

from pathlib import Path

from sanic.response import HTTPResponse, raw

from bot.staff.accounts import Role
from bot.staff.area import Pages, Visit

STATIC = Path(__file__).parents[1] / "static"

pages = Pages()


@pages.get("", Role.VIEWER, menu="Start")
async def start(visit: Visit) -> HTTPResponse:
    return visit.page("start.html")


def _serve(name: str, content_type: str) -> None:
    content = (STATIC / name).read_bytes()

    @pages.get(f"/{name}", None)
    async def answer(_: Visit) -> HTTPResponse:
        return raw(content, content_type=content_type, headers={"Cache-Control": "no-cache"})


_serve("staff.css", "text/css; charset=utf-8")
_serve("staff.js", "text/javascript; charset=utf-8")
_serve("preview.js", "text/javascript; charset=utf-8")
