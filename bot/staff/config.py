"""What the staff area can be told from outside. Where the values come from is not decided here."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

COOKIE = "nasro_staff"


@dataclass(frozen=True)
class OpenIdConfig:
    """An OpenID Connect provider, and what it knows us as."""

    issuer: str
    """Its URL, exactly as it names itself: `https://accounts.google.com`."""
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def name(self) -> str:
        """What staff read."""
        return urlsplit(self.issuer).hostname or self.issuer


@dataclass(frozen=True)
class StaffConfig:
    origin: str
    """Where staff open the pages, as a browser names it: `https://chat.example.org`."""
    secret: str = field(repr=False)
    conversations_url: str = field(repr=False)
    openid: OpenIdConfig | None = None
    """Who may prove an address; None: nobody."""
    takes_passwords: bool = True
    sends_mail: bool = False
    """Whether there is a way for mail."""

    @property
    def is_secure(self) -> bool:
        return self.origin.startswith("https://")

    @property
    def cookie(self) -> str:
        """Its name; with the prefix browsers take it over HTTPS from this very host only."""
        return f"__Host-{COOKIE}" if self.is_secure else COOKIE
