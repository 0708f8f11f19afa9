"""What is kept of a message that staff may read: its words, without whom it tells of.

E-mail addresses and codes are found by the channel's own rules (`bot.webchat.private`), which ran before
anything was stored; telephone numbers, names that are said to be names, numbers of accounts and members,
addresses of houses and links are found here. Rules can't know every name: `docs/privacy.md` says what
that means.

Every rule is linear in the length of the text: what may repeat is bounded or possessive in effect, as the
next character is never one that could have been taken before.
"""

from __future__ import annotations

import re

from bot.webchat.private import hidden

EMAIL, CODE, PHONE, NAME, NUMBER, ADDRESS, LINK = (
    "[e-mail]",
    "[code]",
    "[phone]",
    "[name]",
    "[number]",
    "[address]",
    "[link]",
)

_LINK = re.compile(r"\b(?:https?://|www\.)[^\s<>\"']{1,2000}", re.IGNORECASE)
_MASKED_EMAIL = re.compile(r"[^\s@•]{0,1}•••@[^\s;:!?()<>\"']{1,255}")
_MASKED_CODE = re.compile(r"•{6}")
_UNFINISHED_EMAIL = re.compile(r"(?<![\w.+-])[\w.+'%-]{1,64}@[\w.,-]{1,255}")

_SEPARATOR = r"[\s.()/-]{0,3}"
_PHONE = re.compile(
    rf"(?<![\w.])(?:\+?\d{{1,3}}{_SEPARATOR})?\(?\d{{3}}{_SEPARATOR}\d{{3}}{_SEPARATOR}\d{{4}}(?!\d)"
    rf"(?:\s?(?:x|ext\.?)\s?\d{{1,6}})?"
    r"|(?<![\w.-])\d{3}[-. ]\d{4}(?![\w-])"
    r"|(?<!\w)\+\d[\d .()-]{6,18}\d(?!\d)",
    re.IGNORECASE,
)

_NUMBERED = re.compile(
    r"\b((?:member(?:ship)?|badge|account|acct|registration|order|invoice|confirmation|id|case|license|ssn|"
    r"social(?: security)?|certificate|cert|student|employee|pin|password|passcode|pw)"
    r"(?: ?(?:number|num|no\.?|nr|id|#))?(?:\s?(?:is|was|:|=|#)){0,2}\s{0,3})"
    r"(?=[A-Za-z-]{0,6}\d)([\w-]{2,40})",
    re.IGNORECASE,
)
"""A number that is said to be somebody's: "badge 4711", "member # A-12345"."""
_SECRET = re.compile(
    r"\b((?:password|passcode|pw|pin)(?: is|:| =|=)\s{0,3})(\S{1,100})", re.IGNORECASE
)
_LONG_NUMBER = re.compile(r"(?<![\w.,$-])(?!(?:19|20)\d\d-\d\d?-\d)\d(?:[ -]?\d){5,30}(?!\w)")
"""Six digits and more are neither a year nor a ZIP code."""

_HOUSE = re.compile(
    r"\b\d{1,6} (?:[nsew]\.? )?(?:[a-z0-9.'-]{1,30} ){1,3}"
    r"(?:st|street|ave|avenue|rd|road|blvd|boulevard|dr|drive|ln|lane|ct|court|way|hwy|highway|pkwy|pl|place|cir"
    r"|circle)\b\.?",
    re.IGNORECASE,
)

_CAPITALIZED = r"(?:(?:[A-Z]['’])?[A-Z][a-z'’-]{1,30}(?:[A-Z][a-z]{1,30})?|[A-Z]\.)"
_NAMES = rf"{_CAPITALIZED}(?: {_CAPITALIZED}){{0,3}}"
_WORD = r"[^\W\d_][^\W\d_'’.-]{0,30}"
_TITLE = (
    r"mr|mrs|ms|miss|mx|dr|prof|sir|officer|ofc|deputy|dep|sheriff|sgt|sergeant|cpl|corporal|lt|lieutenant|"
    r"capt|captain|chief|det|detective|trooper|agent|principal|superintendent|coach|sro|col|colonel|maj|major"
)
_INTRODUCED = re.compile(
    rf"\b((?:my|his|her|their|(?:officer|instructor|teacher|colleague|student|son|daughter|chief)(?:'s)?)"
    rf" (?:full |first |last |sur)?name(?: is|'s|:| =)? {{0,2}})({_WORD}(?: {_WORD}){{0,2}})",
    re.IGNORECASE,
)
"""After "my name is" up to three words go, whatever their letters: too much is better than a name."""
_SELF = re.compile(
    rf"\b((?:[Tt]his is|THIS IS|[Ii] am|[Ii]['’]m|I AM|[Ii]m|[Ii]t['’]s|[Mm]y name is|[Ss]igned|[Ss]incerely|"
    rf"[Rr]egards|[Tt]hanks|[Tt]hank you|[Cc]heers|[Nn]amed|[Cc]alled|[Nn]ame|[Aa]sk for|[Tt]alk to|"
    rf"[Ss]peak (?:to|with)),?(?: again)?[ \n]{{1,2}})({_NAMES})"
)
_TITLED = re.compile(rf"\b((?i:{_TITLE})\.? )({_NAMES})")
_SIGNED = re.compile(rf"([\n.!?,-]\s{{0,3}})({_CAPITALIZED}(?: {_CAPITALIZED}){{1,2}})\s{{0,20}}\Z")

_NO_NAMES = """
    i a an the in at on for to from with and or not so is are was be my your our his her their its this that
    just only really very trying looking having interested wondering new here there from still also going
    registered signed stuck unable able confused sorry happy angry sure no yes ok okay
    nasro sro sros sso amht cpted project unite basic advanced supervisors management class classes course
    courses training conference national school schools safety resource officer officers security adolescent
    mental health crime prevention environmental design certificate certificates membership member members
    account registration spring summer fall winter january february march april may june july august september
    october november december monday tuesday wednesday thursday friday saturday sunday jan feb mar apr jun jul
    aug sep sept oct nov dec english spanish christmas
    police department sheriff county district city isd pd chief sergeant deputy
    who what when where why how can could will would do does did help please thanks
    """
NO_NAMES = frozenset(_NO_NAMES.split())
"""Words that begin no name, however they are written."""


def redacted(text: str) -> str:
    """The text as it may be kept for staff: what tells of a person is replaced by a word in brackets.

    Args:
        text: What a person typed, as it stands in the conversation.

    Returns:
        The text on one line.
    """
    text = hidden(text)
    text = _LINK.sub(LINK, text)
    text = _MASKED_EMAIL.sub(EMAIL, text)
    text = _MASKED_CODE.sub(CODE, text)
    text = _UNFINISHED_EMAIL.sub(EMAIL, text)
    text = _SECRET.sub(rf"\1{NUMBER}", text)
    text = _PHONE.sub(PHONE, text)
    text = _NUMBERED.sub(rf"\1{NUMBER}", text)
    text = _LONG_NUMBER.sub(NUMBER, text)
    text = _HOUSE.sub(ADDRESS, text)
    for pattern in (_INTRODUCED, _TITLED, _SELF, _SIGNED):
        text = pattern.sub(_without_name, text)
    return " ".join(text.split())


def _without_name(match: re.Match[str]) -> str:
    """What introduces a name, and after it the words up to the first that is none, replaced."""
    words = match[2].split(" ")
    is_none = (n for n, word in enumerate(words) if word.lower() in NO_NAMES)
    end = next(is_none, len(words))
    return " ".join([match[1] + NAME, *words[end:]]) if end else match[0]
