"""The pages of the staff area, one file each part."""

from bot.staff.area import Pages
from bot.staff.pages import (
    account,
    answers,
    calendar,
    changes,
    contacts,
    home,
    kept,
    log,
    queue,
    reports,
    topics,
    weekly,
)

PARTS: tuple[Pages, ...] = (
    home.pages,
    queue.pages,
    answers.pages,
    contacts.pages,
    topics.pages,
    changes.pages,
    reports.pages,
    weekly.pages,
    calendar.pages,
    log.pages,
    account.pages,
    kept.pages,
)
"""In the order of the navigation."""
