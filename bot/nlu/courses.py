"""Courses by what people call them: "40 hour class", "adv", "crime prevention through ...".

The values are course codes, or "any" where a course is taken back. A bare "basic" or "advanced" is also
an ordinary adjective ("a basic question", "in advance", "account type Basic"); most of this module decides
which it is.
"""

from __future__ import annotations

import re

from bot.nlu.mentions import ANY, Ground, Mention, corrected, words_of
from registration.place_tables import word_set

COURSE_CODES = (
    "basic",
    "advanced",
    "supervisors",
    "cpted",
    "sso",
    "amht",
    "unite",
    "conference",
)

_VOCABULARY = tuple(
    sorted(
        word_set("""
    basic basics advanced supervisor supervisors management crime prevention through environmental design
    cpted security officer officers adolescent mental health project unite conference conferences
    national school safety resource training course class
    """)
    )
)

_NOUN = r"(?:class|classes|course|courses|training|trainings|cert|certification|session|sessions)"
_SRO = r"(?:sro|sros|school resource officer|school resource officers)"
_HOUR = r"(?:hour|hours|hr|hrs)"
_SUPERVISORS = r"supervis(?:or|ors|ory|ion)"
_OR_ONE = rf"(?: {_NOUN}|(?= ones?\b))"
_CONFERENCE = r"(?:conference|conferences|conf)"

# Matched against the corrected words, joined by single spaces. The first that fits wins.
_NAMES = tuple(
    (code, re.compile(rf"(?<![\w'-]){pattern}(?![\w'])"))
    for code, pattern in (
        ("cpted", rf"crime prevention (?:through|thru|by|and) environmental design(?: {_NOUN})?"),
        ("cpted", rf"(?:cpted|cepted|cp ?ted|c p ?ted|sep ?ted)(?: {_NOUN})?"),
        ("cpted", rf"(?:crime prevention|environmental design){_OR_ONE}"),
        ("cpted", r"environmental design"),
        ("supervisors", rf"{_SRO} (?:{_SUPERVISORS}|management)(?: (?:and|&|/) management)?"
            rf"(?: {_NOUN})?"),
        ("supervisors", rf"{_SUPERVISORS} (?:and|&|/) (?:management|mgmt)(?: {_NOUN})?"),
        ("supervisors", rf"(?:{_SUPERVISORS}(?: ' s|'s)?|management|mgmt"
            rf"|leadership) {_NOUN}"),
        ("amht", rf"(?:adolescent )?mental health(?: first aid)?{_OR_ONE}"),
        ("amht", rf"(?:adolescent mental health|amht|amh)(?: {_NOUN})?"),
        ("sso", rf"(?:sso|ssos|school security officer|school security officers)(?: {_NOUN})?"),
        ("sso", rf"(?:school )?security (?:officer |officers )?{_NOUN}"),
        ("unite", rf"project (?:- )?(?:unite|united|unit)(?: {_NOUN})?"),
        ("unite", rf"unite {_NOUN}"),
        ("conference", rf"(?:nasro |the |annual |national |summer )*"
            rf"(?:national )?school safety {_CONFERENCE}"),
        ("conference", r"(?:nssc|national conference|annual conference|summer conference"
            r"|nasro conference)"),
        ("advanced", rf"(?:advanced|advance|adv)\.? {_SRO}(?: {_NOUN})?"),
        ("advanced", rf"{_SRO} (?:advanced|advance|adv)(?: {_NOUN})?"),
        ("advanced", rf"(?:advanced|advance|adv)\.? {_NOUN}"),
        ("basic", rf"(?:40|forty) ?-? ?{_HOUR} (?:basic )?(?:{_SRO} )?{_NOUN}"),
        ("basic", rf"basics? {_SRO}(?: {_NOUN})?"),
        ("basic", rf"{_SRO} basics?(?: {_NOUN})?(?! of )"),
        ("basic", rf"basics? {_NOUN}"),
    )
)  # fmt: skip

_BARE = re.compile(
    rf"(?<![\w'-])(?:(?P<basic>basic)|(?P<advanced>advanced|adv|advance)|"
    rf"(?P<conference>{_CONFERENCE})"
    r"|(?P<supervisors>supervisors?|supervisory|supervision|management|mgmt)"
    rf"|(?P<unite>unite)|(?P<hours>(?:40|forty) ?-? ?(?:hour|hr)))(?![\w'])"
)

_MAY_FOLLOW = word_set("""
    . , ? ! ; ) / & + - in near on at for and or vs versus this next coming please from around by
    is are was if when one ones then to with after before but full starts again instead too also
    available offered anywhere there not soon happening being up january february march april may
    june july august september october november december jan feb mar apr jun jul aug sep sept oct
    nov dec spring summer fall winter now already yet
    """)
"""After these words "basic" can't be an adjective of what follows."""

_PLACE_OR_TIME_AFTER = word_set("in near on at around this and or , / &")

_NO_COURSE_AFTER = word_set("in very so more most too how my your his her our a an")
_ACCOUNT_WORDS = word_set(
    "account accounts membership memberships type select choose box captcha option blue"
)
_OTHER_CONFERENCES = word_set("press teacher parent phone video zoom news")
_CONFERENCE_OTHERWISE = word_set("call calls room rooms center centre line number code # no")
_ANY_EVENT = re.compile(
    rf"{_NOUN} (?:or|and|/|&|or a|or the|and a) (?:a |the |our |your )?{_CONFERENCE}"
    rf"|{_CONFERENCE} (?:or|and|/|&|or a|or the|and a) (?:a |the )?{_NOUN}"
)
""" "A class or conference" names any event, no particular kind."""

_ANY_COURSE = re.compile(
    r"(?:any|whatever|whichever) (?:course|(?:type|kind) of (?:class|course|training))(?![\w'])"
    r"|(?:the )?(?:course|type|kind) (?:doesn't|doesnt|does not) matter"
    r"|(?:it )?(?:doesn't|doesnt|does not) (?:have|need) to be (?:the )?(?:basic|advanced)(?: one)?"
)

_SMALL_TALK = word_set("""
    the a an i mean meant no yes please what about how and or for in want need just only say said
    take attend do is it it's its was im i'm that would like actually rather instead , . ? ! class
    classes course courses training one ones any when next
    """)


def find_courses(text: str) -> tuple[Mention, ...]:
    """The courses that a text names, in order, none overlapping."""
    words = words_of(text)
    said = _Said([corrected(word.text, _VOCABULARY) for word in words])
    if taken_back := _ANY_COURSE.search(said.joined):
        first = said.joined.count(" ", 0, taken_back.start())
        last = said.joined.count(" ", 0, taken_back.end())
        return (Mention(words[first].start, words[last].end, ANY),)
    if not _MAY_HOLD.search(said.joined):
        return ()
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    at = 0
    for number, word in enumerate(said.words):
        starts[at] = number
        ends[at + len(word)] = number
        at += len(word) + 1

    ground = Ground(at)
    found: list[tuple[int, int, str]] = []  # first word, last word, code
    for code, pattern in _NAMES:
        for match in pattern.finditer(said.joined):
            start, end = match.span()
            if start in starts and end in ends and ground.claim(start, end):
                found.append((starts[start], ends[end], code))
    for match in _BARE.finditer(said.joined):
        kind, (start, end) = str(match.lastgroup), match.span()
        if (
            start in starts
            and end in ends
            and _is_course(kind, said, starts[start], ends[end])
            and ground.claim(start, end)
        ):
            found.append((starts[start], ends[end], "basic" if kind == "hours" else kind))
    return tuple(
        Mention(words[first].start, words[last].end, code) for first, last, code in sorted(found)
    )


_MAY_HOLD = re.compile(
    r"basic|adv|superv|manag|mgmt|leadership|crime|environ|c ?e?p ?t ?e|sep ?ted|mental|amh|sso"
    r"|security|unit|conf|nssc|school safety|\b40|forty"
)


class _Said:
    """The words of a message, spelt right, and what holds for all of it."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.joined = " ".join(words)
        telling = [number for number, word in enumerate(words) if word not in _SMALL_TALK]
        self.first_telling, self.last_telling = (telling or [0])[0], (telling or [0])[-1]
        self.is_about_account = not _ACCOUNT_WORDS.isdisjoint(words)
        self.is_about_any_event = bool(_ANY_EVENT.search(self.joined))


def _is_course(kind: str, said: _Said, first: int, last: int) -> bool:
    """Whether a bare word that may be an adjective, or a thing of its own, names the course."""
    words = said.words
    before = words[first - 1] if first else ""
    after = words[last + 1] if last + 1 < len(words) else ""
    is_asked_for = said.first_telling >= first  # nothing but small talk comes before
    is_alone = is_asked_for and said.last_telling <= last
    if kind == "conference":
        return (
            before not in _OTHER_CONFERENCES
            and after not in _CONFERENCE_OTHERWISE
            and not said.is_about_any_event
        )
    if kind in ("supervisors", "unite", "hours"):
        if before in _NO_COURSE_AFTER - {"in"} or after == "said":
            return False
        is_plural = words[first] == "supervisors"  # a person is rarely in the plural
        is_for_them = (
            is_plural and before == "for" and after in ("", "?", ".", "!", *_PLACE_OR_TIME_AFTER)
        )
        return (
            is_alone
            or is_for_them
            or (is_plural and after in _PLACE_OR_TIME_AFTER and is_asked_for)
        )
    if said.is_about_account:
        return False
    if words[first] == "advance":
        return is_alone and before != "in"
    if before in _NO_COURSE_AFTER - {"in", "a", "an"} or (before == "." and first > 1):
        return False
    if after == "" or after in _MAY_FOLLOW:
        return True
    if before in ("a", "an"):
        return False
    soon_after = words[last + 1 : last + 4]
    return (len(words) <= 3 and after not in _ADJECTIVE_OF) or (
        any(word in ("class", "classes", "course", "courses", "training") for word in soon_after)
        and after not in _ADJECTIVE_OF
    )


_ADJECTIVE_OF = word_set("""
    question questions info information idea ideas rate level fee fees thing things rule rules
    requirement requirements need needs knowledge fact facts answer answers help english math
    skill skills stuff plan user understanding notice warning payment copy registration search
    options degree human terms concept concepts duties duty role roles
    """)
