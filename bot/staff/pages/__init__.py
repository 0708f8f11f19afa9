"""The pages of the staff area, one file each part."""

from bot.staff.area import Pages
from bot.staff.pages import (
    account,
    answers,
    calendar,
    changes,
    contacts,
    home,
    log,
    queue,
    reports,
    topics,
)

PARTS: tuple[Pages, ...] = (
    home.pages,
    queue.pages,
    answers.pages,
    contacts.pages,
    topics.pages,
    changes.pages,
    reports.pages,
    calendar.pages,
    log.pages,
    account.pages,
)
"""In the order of the navigation."""
