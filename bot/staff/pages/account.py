"""Signing in and out, and one's own password."""

from __future__ import annotations

from sanic.response import HTTPResponse, redirect

from bot.staff.accounts import Role, SignedIn, TooManyTries
from bot.staff.area import BACK_FROM_PROVIDER, KEPT, PREFIX, Pages, Refused, Visit, is_within
from bot.staff.openid import NotProven, Provider, ProviderUnavailable
from bot.staff.passwords import SHORTEST, PasswordRefused
from bot.webchat.database import off_loop

pages = Pages()


@pages.get("/sign-in", None)
async def ask(visit: Visit) -> HTTPResponse:
    if visit.account:
        return visit.redirect("")
    return _asked(visit, _next(visit.asked("next")))


@pages.post("/sign-in", None)
async def sign_in(visit: Visit) -> HTTPResponse:
    email, next_ = visit.form["email"], _next(visit.form["next"])
    if not visit.staff.config.takes_passwords:
        return _asked(visit, next_, "no_passwords", status=403)
    outcome = await visit.staff.judge(
        visit.staff.accounts.sign_in, email, visit.form["password"], client=visit.client
    )
    if isinstance(outcome, SignedIn):
        return await _begin(visit, outcome, next_)
    if isinstance(outcome, TooManyTries):
        return _asked(visit, next_, "locked", status=429, email=email)
    return _asked(visit, next_, "wrong", status=401, email=email)


@pages.get("/sign-in/provider", None)
async def ask_provider(visit: Visit) -> HTTPResponse:
    next_ = _next(visit.asked("next"))
    try:
        return redirect(await _provider(visit).begin(visit.token, next_), status=303)
    except ProviderUnavailable:
        return _asked(visit, next_, "unavailable", status=503)


@pages.get(BACK_FROM_PROVIDER, None)
async def come_back(visit: Visit) -> HTTPResponse:
    answer = {name: values[0] for name, values in visit.request.args.items()}
    try:
        proven = await _provider(visit).proven(visit.token, answer)
    except ProviderUnavailable:
        return _asked(visit, PREFIX, "unavailable", status=503)
    except NotProven as refusal:
        return _asked(visit, PREFIX, refusal.reason, status=403)
    outcome = await off_loop(visit.staff.accounts.sign_in_proven, proven.email)
    if outcome is None:
        return _asked(visit, PREFIX, "unknown", status=403, email=proven.email)
    return await _begin(visit, outcome, _next(proven.next))


async def _begin(visit: Visit, session: SignedIn, next_: str) -> HTTPResponse:
    if visit.account:  # somebody else's session of this browser
        await off_loop(visit.staff.accounts.sign_out, visit.token)
    if await off_loop(visit.staff.kept.find, session.account):
        next_ = KEPT
    return visit.signed_in(redirect(next_, status=303), session)


def _provider(visit: Visit) -> Provider:
    if visit.staff.provider is None:
        raise Refused(404, "not_found")
    return visit.staff.provider


def _asked(
    visit: Visit, next_: str, problem: str = "", *, status: int = 200, email: str = ""
) -> HTTPResponse:
    config = visit.staff.config
    return visit.page(
        "sign_in.html",
        status=status,
        problem=problem,
        email=email,
        next=next_,
        is_kept=next_ == KEPT,
        provider=config.openid.name if config.openid else "",
        takes_passwords=config.takes_passwords,
    )


def _next(address: str) -> str:
    return address if is_within(address) else PREFIX


@pages.post("/sign-out", Role.VIEWER, is_first=True)
async def sign_out(visit: Visit) -> HTTPResponse:
    await off_loop(visit.staff.accounts.sign_out, visit.token)
    return visit.redirect("/sign-in")


@pages.post("/sign-out-everywhere", Role.VIEWER, is_first=True)
async def sign_out_everywhere(visit: Visit) -> HTTPResponse:
    await off_loop(visit.staff.accounts.sign_out_everywhere, visit.who)
    return visit.redirect("/sign-in")


@pages.get("/account", Role.VIEWER, menu="Your account", is_first=True)
async def show(visit: Visit) -> HTTPResponse:
    return _page(visit, changed=visit.asked("changed") == "yes")


@pages.post("/account/password", Role.VIEWER, keeps=False, is_first=True)
async def change_password(visit: Visit) -> HTTPResponse:
    form = visit.form
    if not visit.staff.config.takes_passwords:
        raise Refused(404, "not_found")
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
        takes_passwords=visit.staff.config.takes_passwords,
    )
