"""What the staff area can be told from outside. Where the values come from is not decided here."""

from __future__ import annotations

from dataclasses import dataclass, field

COOKIE = "nasro_staff"


@dataclass(frozen=True)
class StaffConfig:
    origin: str
    """Where staff open the pages, as a browser names it: `https://chat.example.org`."""
    secret: str = field(repr=False)
    conversations_url: str = field(repr=False)
    sends_mail: bool = False
    """Whether there is a way for mail."""

    @property
    def is_secure(self) -> bool:
        return self.origin.startswith("https://")

    @property
    def cookie(self) -> str:
        """Its name; with the prefix browsers take it over HTTPS from this very host only."""
        return f"__Host-{COOKIE}" if self.is_secure else COOKIE
