"""The calendar: classes and their seats."""

from __future__ import annotations

from bot.staff.area import Pages

pages = Pages()
