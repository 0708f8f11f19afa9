"""Every refusal of the API: its code, its status and the sentence a person may be shown.

Codes are part of the API and listed in `openapi.yaml`; sentences may change at any time.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """How one kind of error is answered."""

    status: int
    sentence: str


CHAT_HAS_ENDED = "This chat has ended. Please start a new one."

REFUSALS: Mapping[str, Refusal] = {
    "invalid_request": Refusal(400, "We couldn't read that request: {detail}"),
    "empty_message": Refusal(400, "There are no words in that message. Please type your question."),
    "payload_not_offered": Refusal(
        400, "That choice is no longer available. Please type what you need."
    ),
    "identity_not_configured": Refusal(400, "Signing in isn't available in this chat."),
    "identity_refused": Refusal(
        401, "We couldn't sign you in. You can still ask anything that isn't about your account."
    ),
    "other_member": Refusal(409, "This chat belongs to another member. Please start a new one."),
    # The same words for every bad token: a caller learns nothing about why it was refused.
    "session_invalid": Refusal(401, CHAT_HAS_ENDED),
    "session_expired": Refusal(401, CHAT_HAS_ENDED),
    "not_found": Refusal(404, "There is nothing at this address."),
    "message_not_found": Refusal(404, "We couldn't find that message in this chat."),
    "method_not_allowed": Refusal(405, "This address doesn't work that way."),
    "request_timeout": Refusal(408, "The request took too long to arrive. Please try again."),
    "message_too_long": Refusal(
        413, "That message is too long. Please keep it to {limit:,} characters."
    ),
    "comment_too_long": Refusal(
        413, "That comment is too long. Please keep it to {limit:,} characters."
    ),
    "body_too_large": Refusal(413, "That was too much at once. Please send a shorter message."),
    "unsupported_media_type": Refusal(415, "Please send the request as application/json."),
    "rate_limited": Refusal(429, "That was a bit fast. Please try again in {seconds} s."),
    "internal_error": Refusal(500, "Sorry, something went wrong on our side."),
    "busy": Refusal(503, "Many people are asking right now. Please try again in a moment."),
    "temporarily_unavailable": Refusal(
        503, "Sorry, we can't answer right now. Please try again in a moment."
    ),
}

RETRY_AFTER_SECONDS = 5
"""When to try again after a 503: a restart takes about that long."""

BUSY_SECONDS = 2
"""When to try again where too many ask at once: what waits by then has been answered."""


class ApiError(Exception):
    """A refusal on its way to the client."""

    def __init__(
        self, code: str, *, headers: Mapping[str, str] | None = None, **details: object
    ) -> None:
        super().__init__(code)
        refusal = REFUSALS[code]
        self.code = code
        self.status = refusal.status
        self.message = refusal.sentence.format(**details)
        self.headers = dict(headers or {})
        if self.status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"

    def as_json(self) -> dict[str, dict[str, str]]:
        return {"error": {"code": self.code, "message": self.message}}


def rate_limited(seconds: int) -> ApiError:
    return ApiError("rate_limited", seconds=seconds, headers={"Retry-After": str(seconds)})


def busy() -> ApiError:
    return ApiError("busy", headers={"Retry-After": str(BUSY_SECONDS)})


def unavailable() -> ApiError:
    return ApiError("temporarily_unavailable", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
