"""The week's report by e-mail: ask for it, see what it says, end it."""

from __future__ import annotations

from sanic.response import HTTPResponse

from bot.staff.accounts import Account, Role
from bot.staff.area import PREFIX, Pages, Refused, Staff, Visit
from bot.staff.weekly import WeeklyReports
from bot.webchat.database import off_loop
from identity.addresses import masked

pages = Pages()


def weekly_reports(staff: Staff) -> WeeklyReports:
    return WeeklyReports(staff.database, staff.keys, staff.config.origin + PREFIX, staff.now)


@pages.get("/reports/mail", Role.VIEWER)
async def show(visit: Visit) -> HTTPResponse:
    weekly = weekly_reports(visit.staff)
    return visit.page(
        "report_mail.html",
        is_wanted=await off_loop(weekly.is_wanted, visit.who),
        sends_mail=visit.staff.config.sends_mail,
        text=await off_loop(weekly.text, visit.who),
    )


@pages.post("/reports/mail", Role.VIEWER)
async def choose(visit: Visit) -> HTTPResponse:
    weekly = weekly_reports(visit.staff)
    await off_loop(weekly.end if visit.form["wanted"] == "no" else weekly.ask, visit.who)
    return visit.redirect("/reports/mail")


@pages.get("/reports/mail/<id:str>", None)
async def ask_whether_to_end(visit: Visit, id: str) -> HTTPResponse:
    """Where the mail leads. It ends nothing by itself: programs that look through mails open links."""
    account = await _whose(visit, id)
    return visit.page("report_mail_end.html", is_ended=False, whose=masked(account.email))


@pages.post("/reports/mail/<id:str>", None)
async def end(visit: Visit, id: str) -> HTTPResponse:
    account = await _whose(visit, id)
    await off_loop(weekly_reports(visit.staff).end, account)
    return visit.page("report_mail_end.html", is_ended=True, whose=masked(account.email))


async def _whose(visit: Visit, word: str) -> Account:
    account = await off_loop(weekly_reports(visit.staff).whose, word)
    if account is None:
        raise Refused(404, "not_found")
    return account
