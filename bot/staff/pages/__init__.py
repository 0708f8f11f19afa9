"""The pages of the staff area, one file each part."""

from bot.staff.area import Pages
from bot.staff.pages import account, calendar, home, kept, log, queue, reports, weekly

PARTS: tuple[Pages, ...] = (
    home.pages,
    queue.pages,
    reports.pages,
    weekly.pages,
    calendar.pages,
    log.pages,
    account.pages,
    kept.pages,
)
"""In the order of the navigation."""
