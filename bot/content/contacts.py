"""What makes a contact of `contacts.yml` well-formed: its text, and the link that belongs to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.contacts import Contact
from identity.addresses import EMAIL

PHONE, EMAIL_ADDRESS, WEB = "phone", "email", "web"

_KINDS = {"tel": PHONE, "mailto": EMAIL_ADDRESS, "http": WEB, "https": WEB}
_COUNTRY = "US"
_PHONE = re.compile(r"\+?[\d\s().-]+", re.ASCII)
_WEB = re.compile(
    r"(?:https://)?(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}(?:/[\w./~%#?=&+-]*)?", re.IGNORECASE | re.ASCII
)


def kind_of(contact: Contact) -> str | None:
    """`phone`, `email` or `web`, as its link says; None for one without a link, like a name."""
    return _KINDS.get((contact.url or "").partition(":")[0])


def link_of(kind: str | None, text: str) -> str | None:
    """The link that belongs to a contact's text.

    Args:
        kind: `phone`, `email`, `web` or None.
        text: As an answer shows it: "888.316.2776", "jane@example.org", "nasro.org".

    Returns:
        A `tel:`, `mailto:` or `https:` URL; None for a contact that has none.

    Raises:
        ValueError: The text is none of that kind; the message says what is wrong.
    """
    if kind == PHONE:
        return _tel(text)
    if kind == EMAIL_ADDRESS:
        if not EMAIL.fullmatch(text):
            raise ValueError(f'"{text}" is not an e-mail address like office@example.org.')
        return f"mailto:{text}"
    if kind == WEB:
        if not _WEB.fullmatch(text):
            raise ValueError(f'"{text}" is not a web address like nasro.org or https://nasro.org/.')
        url = text if text.lower().startswith("https://") else f"https://{text}"
        return url if urlsplit(url).path else f"{url}/"
    return None


def _tel(text: str) -> str:
    import phonenumbers  # noqa: PLC0415  every command would wait for its tables

    if _is_emergency(text):
        return f"tel:{text}"
    if _PHONE.fullmatch(text):
        try:
            number = phonenumbers.parse(text, _COUNTRY)
        except phonenumbers.NumberParseException:
            pass
        else:
            if phonenumbers.is_valid_number(number):
                e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                return f"tel:{e164}"
    raise ValueError(
        f'"{text}" is not a complete phone number: write it with its area code, like 888.316.2776.'
    )


def contact_problems(before: Contact, text: str, url: str | None) -> Iterator[tuple[str, str]]:
    """What is wrong with a contact's new text and link; the field and a sentence for each.

    A contact stays what it is: a phone number doesn't become a web address, as answers say "call".
    """
    kind = kind_of(before)
    try:
        expected = link_of(kind, text)
    except ValueError as problem:
        yield "text", str(problem)
        return
    if kind == PHONE and _is_emergency(before.text) != _is_emergency(text):
        yield (
            "text",
            f'"{text}" can\'t stand for {before.text}: one of them is an emergency number.',
        )
    elif kind == WEB and url and url.startswith("https://"):
        # A page may be shown by its site's name alone.
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        shown = (urlsplit(expected or "").hostname or "").removeprefix("www.")
        if not _WEB.fullmatch(url) or host != shown:
            yield "url", f"The link leads to {host or 'nowhere'}, but the text says {shown}."
    elif (url or None) != expected:
        yield "url", f"The link has to be {expected or 'empty'}, as the text says."


def _is_emergency(text: str) -> bool:
    import phonenumbers  # noqa: PLC0415  the same

    return text.isascii() and text.isdigit() and phonenumbers.is_emergency_number(text, _COUNTRY)
