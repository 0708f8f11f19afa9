"""What a web chat can be told from outside. Where the values come from is not decided here."""

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

MIN_SECRET_BYTES = 32
"""HS256 is as strong as its key: RFC 7518 asks for at least the hash's own size."""


@dataclass(frozen=True)
class Limit:
    """A bucket of `burst` tokens that fills up again in `seconds`."""

    burst: int
    seconds: float


def is_origin(text: str) -> bool:
    """Whether it names a website as a browser's Origin header does."""
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and text == f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class WebChatConfig:
    """Settings of the web chat; the defaults are what a small site would use."""

    secret: str = field(repr=False)
    """Signs the session tokens. All processes of one installation share it."""
    allowed_origins: tuple[str, ...] = ()
    """Web sites, other than the server's own, whose pages may call the API from a browser."""
    session_ttl: timedelta = timedelta(hours=24)
    max_text: int = 2_000
    """Characters in one message."""
    max_comment: int = 1_000
    """Characters in the comment of a piece of feedback."""
    max_body: int = 16 * 1024
    """Bytes in one request."""
    turn_timeout: float = 30.0
    """Seconds the assistant may think before the person is asked to try again."""
    messages_per_conversation: Limit = Limit(20, 30)
    sessions_per_address: Limit = Limit(30, 60)
    requests_per_address: Limit = Limit(300, 60)
    """Generous, because a whole school can sit behind one address."""

    def __post_init__(self) -> None:
        if len(self.secret.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"The web chat's secret needs at least {MIN_SECRET_BYTES} bytes.")
        for origin in self.allowed_origins:
            if not is_origin(origin):
                raise ValueError(
                    f"{origin!r} is not an origin. Write it as the browser sends it: "
                    "https://www.example.org, without a path or a closing slash."
                )
