"""Signing in and out, and one's own password."""

from __future__ import annotations

from sanic.response import HTTPResponse, redirect

from bot.staff.accounts import Role, SignedIn, TooManyTries
from bot.staff.area import PREFIX, Pages, Visit, is_within
from bot.staff.passwords import SHORTEST, PasswordRefused
from bot.webchat.database import off_loop

pages = Pages()


@pages.get("/sign-in", None)
async def ask(visit: Visit) -> HTTPResponse:
    if visit.account:
        return visit.redirect("")
    return visit.page("sign_in.html", problem="", email="", next=_next(visit.asked("next")))


@pages.post("/sign-in", None)
async def sign_in(visit: Visit) -> HTTPResponse:
    email, next_ = visit.form["email"], _next(visit.form["next"])
    outcome = await visit.staff.judge(
        visit.staff.accounts.sign_in, email, visit.form["password"], client=visit.client
    )
    if isinstance(outcome, SignedIn):
        if visit.account:  # somebody else's session of this browser
            await off_loop(visit.staff.accounts.sign_out, visit.token)
        return visit.signed_in(redirect(next_, status=303), outcome)
    locked = isinstance(outcome, TooManyTries)
    return visit.page(
        "sign_in.html",
        status=429 if locked else 401,
        problem="locked" if locked else "wrong",
        email=email,
        next=next_,
    )


def _next(address: str) -> str:
    return address if is_within(address) else PREFIX


@pages.post("/sign-out", Role.VIEWER)
async def sign_out(visit: Visit) -> HTTPResponse:
    await off_loop(visit.staff.accounts.sign_out, visit.token)
    return visit.redirect("/sign-in")


@pages.post("/sign-out-everywhere", Role.VIEWER)
async def sign_out_everywhere(visit: Visit) -> HTTPResponse:
    await off_loop(visit.staff.accounts.sign_out_everywhere, visit.who)
    return visit.redirect("/sign-in")


@pages.get("/account", Role.VIEWER, menu="Your account")
async def show(visit: Visit) -> HTTPResponse:
    return _page(visit, changed=visit.asked("changed") == "yes")


@pages.post("/account/password", Role.VIEWER)
async def change_password(visit: Visit) -> HTTPResponse:
    form = visit.form
    if form["new"] != form["again"]:
        return _page(visit, "different")
    try:
        outcome = await visit.staff.judge(
            visit.staff.accounts.change_password,
            *(visit.who, form["old"], form["new"]),
            client=visit.client,
        )
    except PasswordRefused as refused:
        return _page(visit, refused.reason)
    if isinstance(outcome, SignedIn):
        return visit.signed_in(visit.redirect("/account", changed="yes"), outcome)
    return _page(visit, "locked" if isinstance(outcome, TooManyTries) else "wrong")


def _page(visit: Visit, problem: str = "", *, changed: bool = False) -> HTTPResponse:
    return visit.page(
        "account.html",
        status=422 if problem else 200,
        problem=problem,
        changed=changed,
        shortest=SHORTEST,
    )
