"""The staff area as the server gets it."""

from __future__ import annotations

import asyncio

from sanic import Blueprint, Sanic

from bot.mails import for_ever
from bot.staff.area import Staff, StaffArea
from bot.staff.config import StaffConfig
from bot.staff.pages import PARTS
from bot.staff.pages.weekly import weekly_reports
from bot.staff.weekly import WAITING_FOR_MAIL, WeeklyReports
from identity.mail import Sender, sender_of
from identity.settings import IdentityConfig
from registration.database import Database


def staff_blueprint(
    config: StaffConfig, registration: Database, identity: IdentityConfig
) -> Blueprint:
    """The routes under /staff, and the reports that go out by e-mail.

    Args:
        config: The settings.
        registration: The registration database, for the calendar.
        identity: How mail goes.
    """
    staff = Staff(config, registration)
    blueprint = StaffArea(staff, PARTS).blueprint()
    if sender := sender_of(identity):
        send_reports(blueprint, weekly_reports(staff), sender, identity.mail_from)
    return blueprint


def send_reports(
    blueprint: Blueprint, weekly: WeeklyReports, sender: Sender, mail_from: str
) -> None:
    """Lets the server send the weekly reports that are due."""
    sending = for_ever(
        "Weekly reports can't be sent",
        WAITING_FOR_MAIL,
        lambda: weekly.send_due(sender, mail_from),
    )

    @blueprint.after_server_start
    async def start(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        app.ctx.weekly_reports = loop.create_task(sending())

    @blueprint.before_server_stop
    async def stop(app: Sanic, _: asyncio.AbstractEventLoop) -> None:
        app.ctx.weekly_reports.cancel()
        await asyncio.gather(app.ctx.weekly_reports, return_exceptions=True)
