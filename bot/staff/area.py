"""What all staff pages have in common: who is there, what they may do, forms, templates, headers.

A part of the area declares its pages, each with the role that it needs:

    pages = Pages()

    @pages.get("/reports", Role.VIEWER, menu="Reports")
    async def show(visit: Visit) -> HTTPResponse:
        figures = await off_loop(read_figures, visit.staff.database)
        return visit.page("reports.html", figures=figures)

A handler is reached only by who may; a form's handler only by a form of ours, from our own pages.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sanic import Blueprint, Sanic
from sanic.exceptions import PayloadTooLarge, SanicException
from sanic.request import File, Request
from sanic.response import HTTPResponse, html, redirect
from sqlalchemy.exc import SQLAlchemyError

from bot.mails import TIDY_EVERY, for_ever
from bot.staff.accounts import Account, Accounts, Role, SignedIn
from bot.staff.candidates import Candidates
from bot.staff.config import StaffConfig
from bot.staff.content_tables import METADATA as CONTENT
from bot.staff.database import METADATA
from bot.staff.drafts import Drafts
from bot.staff.kept import KeptForm, KeptForms
from bot.staff.openid import Provider
from bot.staff.outcome_tables import METADATA as OUTCOMES
from bot.staff.publications import Publications
from bot.staff.uploads import Uploads
from bot.webchat.database import ConversationDatabase, off_loop
from bot.webchat.http import client_address
from bot.webchat.limits import address_key
from identity.keys import Keys
from registration.database import Database
from registration.errors import RegistrationUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

PREFIX = "/staff"
SIGN_IN = f"{PREFIX}/sign-in"
BACK_FROM_PROVIDER = "/sign-in/provider/back"
KEPT = f"{PREFIX}/kept"
TEMPLATES = Path(__file__).with_name("templates")
HTML = "text/html; charset=utf-8"
TOKEN = re.compile(r"[\w-]{20,100}", re.ASCII)
FORM_BYTES = 64 * 1024
"""A form without a file."""
DRAINED = 8
"""So many times the size of what is allowed is taken in and thrown away: a connection that is closed
while the browser is sending loses the page that says why."""
JUDGED_AT_ONCE = 2
"""Passwords: each takes 64 MiB and a core while it is."""

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-src {frames}; frame-ancestors {framed_by}; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
WITH_A_FRAME = {"Content-Security-Policy": POLICY.format(frames="'self'", framed_by="'none'")}
"""Headers of a page that shows another one of ours."""
IN_A_FRAME = {"Content-Security-Policy": POLICY.format(frames="'none'", framed_by="'self'")}
"""Headers of a page that is shown inside another one of ours."""
HEADERS = {
    "Content-Security-Policy": POLICY.format(frames="'none'", framed_by="'none'"),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": browsers then send forms with the origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Handler = Callable[..., Coroutine[Any, Any, HTTPResponse]]


class Staff:
    """What the pages work with.

    Args:
        config: The settings.
        registration: The registration database.
        now: Tells the time (UTC).
        root: The folder of `domain.yml`, `contacts.yml`, `answers.yml` and `data/`.
    """

    def __init__(
        self,
        config: StaffConfig,
        registration: Database,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        root: Path = Path(),
    ) -> None:
        self.config = config
        self.keys = Keys(config.secret)
        self.database = ConversationDatabase(
            config.conversations_url, metadata=(METADATA, OUTCOMES, CONTENT)
        )
        self.registration = registration
        self.accounts = Accounts(self.database, self.keys, now)
        self.uploads = Uploads(self.database, now)
        self.root = root
        self.kept = KeptForms(self.database, self.keys, now)
        self.provider = (
            Provider(config.openid, self.keys, config.origin + PREFIX + BACK_FROM_PROVIDER, now)
            if config.openid
            else None
        )
        self.drafts = Drafts(self.database, root, now)
        self.candidates = Candidates(self.database, root, now)
        self.publications = Publications(self.database, root, now)
        self.now = now
        self._judging = asyncio.Semaphore(JUDGED_AT_ONCE)

    def tidy(self) -> None:
        """Forgets what no longer counts."""
        self.accounts.forget_what_is_over()
        self.uploads.forget_what_is_over()
        self.kept.forget_what_is_over()

    async def judge(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Runs what hashes a password, off the event loop and few at once: the chat goes on."""
        async with self._judging:
            return await off_loop(partial(function, *arguments, **options))


@dataclass(frozen=True)
class Route:
    """A page or a form, and who may use it."""

    method: str
    path: str
    least: Role | None
    """The least role; None where somebody who isn't signed in may too."""
    handler: Handler
    menu: str = ""
    """What the page is called in the navigation, if it stands there."""
    most_bytes: int = FORM_BYTES
    keeps: bool = True
    """Whether what was typed is kept when the session has ended meanwhile; never passwords."""
    is_first: bool = False
    """Whether it is open to somebody who has to choose a password before anything else."""

    @property
    def address(self) -> str:
        return PREFIX + self.path


class Pages:
    """The pages of a part of the area."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def get(
        self, path: str, least: Role | None, *, menu: str = "", is_first: bool = False
    ) -> Callable[[Handler], Handler]:
        """Declares a page: its path under /staff, and the least role that it needs."""
        return self._declare(
            lambda handler: Route("GET", path, least, handler, menu, is_first=is_first)
        )

    def post(
        self,
        path: str,
        least: Role | None,
        *,
        most_bytes: int = FORM_BYTES,
        keeps: bool = True,
        is_first: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declares what a form is sent to. The handler finds its fields in `visit.form`.

        A form with a password says `keeps=False`.
        """
        return self._declare(
            lambda handler: Route(
                *("POST", path, least, handler),
                most_bytes=most_bytes,
                keeps=keeps,
                is_first=is_first,
            )
        )

    def _declare(self, route: Callable[[Handler], Route]) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.routes.append(route(handler))
            return handler

        return add


class Refused(Exception):
    """A request that gets a page that says why, of `refused.html`."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass
class Visit:
    """One request to a staff page."""

    staff: Staff
    area: StaffArea
    request: Request
    token: str = field(repr=False)
    """Of the browser's cookie: random from the first page on, and a session's once signed in."""
    account: Account | None
    form: Fields = field(default_factory=lambda: Fields(), repr=False)
    files: dict[str, File] = field(default_factory=dict, repr=False)
    """The files of a form that were chosen, by name."""

    @property
    def who(self) -> Account:
        """Who is signed in, on pages that need it."""
        assert self.account is not None
        return self.account

    @property
    def client(self) -> str:
        """What counts as one client address."""
        return address_key(client_address(self.request))

    def asked(self, name: str) -> str:
        """A parameter of the address; empty where there is none."""
        return (self.request.args.get(name) or "").strip()[:200]

    def number(self, name: str) -> int:
        """A parameter of the address that is a number; 0 where it is none."""
        return number_of(self.asked(name))

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTTPResponse:
        """A page of a template, which also knows `visit`, `menu` and `form_token`.

        Args:
            headers: In place of those that all pages have.
        """
        response = self.area.render(self, template, status, values)
        response.headers.update(headers or {})
        return response

    def redirect(self, path: str, **parameters: str) -> HTTPResponse:
        """Sends the browser to another staff page, as after a form that did what it was for."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return redirect(PREFIX + path + query, status=303)

    def signed_in(self, response: HTTPResponse, session: SignedIn) -> HTTPResponse:
        """Gives the browser the session's token in place of the one it has."""
        self.token = session.token
        self.area.set_cookie(response, session.token)
        return response


class StaffArea:
    """The routes of all parts on one blueprint.

    Args:
        staff: What the pages work with.
        parts: The parts, in the order of the navigation.
    """

    def __init__(self, staff: Staff, parts: Iterable[Pages]) -> None:
        self.staff = staff
        self.routes = [route for part in parts for route in part.routes]
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(moment=_moment, day=_day)
        self._templates.globals["prefix"] = PREFIX

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("staff")
        for route in self.routes:
            blueprint.add_route(
                self._answering(route),
                route.address,
                methods=[route.method],
                name=f"{route.method} {route.path}",
                # A streaming route: nothing of a body is read before we know whose it is.
                stream=route.method == "POST",
            )

        tidying = for_ever("The staff area can't be tidied", TIDY_EVERY, self.staff.tidy)

        @blueprint.after_server_start
        async def start(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
            app.ctx.staff_tidying = loop.create_task(tidying())

        @blueprint.before_server_stop
        async def stop(app: Sanic, _: asyncio.AbstractEventLoop) -> None:
            app.ctx.staff_tidying.cancel()
            await asyncio.gather(app.ctx.staff_tidying, return_exceptions=True)
            self.staff.database.dispose()

        return blueprint

    def _answering(self, route: Route) -> Handler:
        async def answer(request: Request, **parts: str) -> HTTPResponse:
            visit = Visit(self.staff, self, request, self._cookie(request), None)
            try:
                response = await self._reached(route, visit, parts)
            except Refused as refused:
                response = visit.page("refused.html", status=refused.status, reason=refused.reason)
            except (SQLAlchemyError, OSError, RegistrationUnavailable) as error:
                logger.error("A staff page could not be made: %s", type(error).__qualname__)
                visit.account = None
                response = visit.page("refused.html", status=503, reason="unavailable")
            except SanicException:
                raise
            except Exception as error:
                # Neither a traceback with its message: it may quote what was typed.
                logger.error("Unexpected %s in a staff page", type(error).__qualname__)
                response = visit.page("refused.html", status=500, reason="unexpected")
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return answer

    async def _reached(self, route: Route, visit: Visit, parts: dict[str, str]) -> HTTPResponse:
        if visit.token:
            visit.account = await off_loop(self.staff.accounts.account_of, visit.token)
        if route.least is not None:
            if visit.account is None:
                return await self._to_sign_in(route, visit)
            if visit.account.must_change and not route.is_first:
                return visit.redirect("/account")
            if not visit.account.role.includes(route.least):
                raise Refused(403, "role")
        is_new = not visit.token
        if route.method == "POST":
            await self._read_form(route, visit)
            if not self._fits(visit, visit.token):
                return await self._of_another_session(route, visit)
        elif is_new:
            visit.token = secrets.token_urlsafe(32)
        response = await route.handler(visit, **parts)
        if visit.form["kept"] and visit.account:
            await off_loop(self.staff.kept.forget, visit.account)
        if is_new and route.method == "GET" and response.content_type == HTML:
            self.set_cookie(response, visit.token)
        return response

    async def _read_form(self, route: Route, visit: Visit) -> None:
        request = visit.request
        if request.headers.get("origin") != self.staff.config.origin:
            raise Refused(403, "origin")
        assert request.stream is not None
        request.stream.request_max_size = route.most_bytes
        try:
            await request.receive_body()
        except PayloadTooLarge:
            request.stream.request_max_size = DRAINED * route.most_bytes
            raise Refused(413, "too_large") from None
        visit.form = Fields({name: values[0] for name, values in (request.form or {}).items()})
        visit.files = {
            name: files[0] for name, files in (request.files or {}).items() if files[0].name
        }

    def _fits(self, visit: Visit, token: str) -> bool:
        """Whether the form was made for the browser with this cookie."""
        return bool(token) and hmac.compare_digest(
            visit.form["form_token"].encode(), self.form_token(token).encode()
        )

    async def _of_another_session(self, route: Route, visit: Visit) -> HTTPResponse:
        """Refuses a form; what the same person typed before they signed in again is shown to them."""
        accounts, account = self.staff.accounts, visit.account
        if (
            account
            and route.keeps
            and (form := _typed(visit))
            and await off_loop(accounts.is_of_earlier_session, account, visit.form["form_token"])
        ):
            await off_loop(self.staff.kept.keep, account, form)
            return redirect(KEPT, status=303)
        raise Refused(403, "form")

    async def _to_sign_in(self, route: Route, visit: Visit) -> HTTPResponse:
        request = visit.request
        came_for = request.path + (f"?{request.query_string}" if request.query_string else "")
        if route.method == "POST":
            came_for = await self._kept(route, visit)
        back = f"?next={quote(came_for, safe='/')}" if came_for else ""
        return redirect(SIGN_IN + back, status=303)

    async def _kept(self, route: Route, visit: Visit) -> str:
        """Keeps a form whose session has ended meanwhile; where it is found then, if it is kept."""
        account = None
        if visit.token and route.keeps:
            account = await off_loop(self.staff.accounts.whose_was, visit.token)
        if account is None:  # of somebody we don't know nothing is read
            return ""
        await self._read_form(route, visit)
        if not (self._fits(visit, visit.token) and (form := _typed(visit))):
            return ""
        await off_loop(self.staff.kept.keep, account, form)
        return KEPT

    def render(
        self, visit: Visit, template: str, status: int, values: dict[str, Any]
    ) -> HTTPResponse:
        menu = [
            route
            for route in self.routes
            if route.menu
            and route.least
            and visit.account
            and not visit.account.must_change
            and visit.account.role.includes(route.least)
        ]
        text = self._templates.get_template(template).render(
            visit=visit,
            me=visit.account,
            menu=menu,
            here=visit.request.path.rstrip("/"),
            form_token=self.form_token(visit.token),
            origin=self.staff.config.origin,
            **values,
        )
        return html(text, status=status)

    def form_token(self, token: str) -> str:
        """What a form of the browser with this cookie must bring along."""
        return self.staff.accounts.form_token(token)

    def _cookie(self, request: Request) -> str:
        # Not Sanic's own reading: it fails on cookies of others that aren't well-formed.
        for header in request.headers.getall("cookie", []):
            for part in header.split(";"):
                name, _, value = part.strip().partition("=")
                if name == self.staff.config.cookie and TOKEN.fullmatch(value):
                    return value
        return ""

    def set_cookie(self, response: HTTPResponse, token: str) -> None:
        config = self.staff.config
        response.cookies[config.cookie] = token
        cookie = response.cookies[config.cookie]
        cookie["path"] = "/"
        cookie["httponly"] = True
        cookie["samesite"] = "Lax"
        if config.is_secure:
            cookie["secure"] = True


class Fields(dict[str, str]):
    """The fields of a form by name; one that is missing was left empty."""

    def __missing__(self, name: str) -> str:
        return ""


def _typed(visit: Visit) -> KeptForm | None:
    """The fields of a form that somebody has sent, if it has any, without its files."""
    if visit.request.headers.get("sec-fetch-mode", "navigate") != "navigate":
        return None  # by a script of ours, as for a preview
    fields = {name: v for name, v in visit.form.items() if name not in ("form_token", "kept")}
    return KeptForm(visit.request.path, fields) if any(fields.values()) else None


def _moment(at: datetime) -> str:
    """A moment as staff read it."""
    return f"{_day(at)}, {at:%H:%M} UTC"


def _day(day: date) -> str:
    return f"{day:%b} {day.day}, {day:%Y}"


def number_of(text: str) -> int:
    """A number as forms and addresses have it; 0 where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def is_within(address: str) -> bool:
    """Whether an address is a page of ours, so that a sign-in may lead there."""
    return bool(re.fullmatch(r"/staff(/[\w/.-]*)?(\?[\w=&%+.:/-]*)?", address, re.ASCII)) and (
        "//" not in address and ".." not in address
    )
