"""The courses that NASRO teaches, and the conference. `Database.upgrade` writes them into the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CatalogueEntry:
    code: str
    title: str
    hours: int | None
    """Length in class hours, where it is known."""
    kind: Literal["course", "conference"] = "course"


CATALOGUE = (
    CatalogueEntry("basic", "Basic SRO Course", 40),
    CatalogueEntry("advanced", "Advanced SRO Course", 24),
    CatalogueEntry("supervisors", "SRO Supervisors and Management Course", 24),
    CatalogueEntry("cpted", "Crime Prevention through Environmental Design (CPTED)", None),
    CatalogueEntry("sso", "School Security Officer (SSO) Course", None),
    CatalogueEntry("amht", "Adolescent Mental Health Training (AMHT)", None),
    CatalogueEntry("unite", "Project Unite", None),
    CatalogueEntry("conference", "National School Safety Conference", None, "conference"),
)

COURSE_TITLES = {entry.code: entry.title for entry in CATALOGUE}
