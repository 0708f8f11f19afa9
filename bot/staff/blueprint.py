"""The staff area as the server gets it."""

from __future__ import annotations

from sanic import Blueprint

from bot.staff.area import Staff, StaffArea
from bot.staff.config import StaffConfig
from bot.staff.pages import PARTS
from registration.database import Database


def staff_blueprint(config: StaffConfig, registration: Database) -> Blueprint:
    """The routes under /staff.

    Args:
        config: The settings.
        registration: The registration database, for the calendar.
    """
    return StaffArea(Staff(config, registration), PARTS).blueprint()
