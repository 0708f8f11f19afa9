"""What somebody typed before they were signed out, to be sent after all."""

from __future__ import annotations

from sanic.response import HTTPResponse

from bot.staff.accounts import Role
from bot.staff.area import Pages, Visit
from bot.webchat.database import off_loop

pages = Pages()


@pages.get("/kept", Role.VIEWER)
async def show(visit: Visit) -> HTTPResponse:
    return visit.page("kept.html", form=await off_loop(visit.staff.kept.find, visit.who))


@pages.post("/kept/forget", Role.VIEWER)
async def forget(visit: Visit) -> HTTPResponse:
    await off_loop(visit.staff.kept.forget, visit.who)
    return visit.redirect("")
