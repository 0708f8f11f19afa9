"""Times that people name, as intervals of days: "next month", "this fall", "March 3", "Q1".

Today is always handed in. A month or a day without a year is the next one that is not over. Some
names are other words first ("may I", "march with us", "fall asleep"), so those need a sign that a
time is meant. Values are ISO intervals, both days included, or "any" where a time is taken back.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from bot.nlu.mentions import ANY, NAMED, Ground, Mention, Respelt, corrected

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
_ALSO_WORDS = {"march", "may", *(short for short in _MONTHS if short == short[:3])} | {"sept"}
"""Months that need a sign that a month is meant."""

_SEASONS = {
    "spring": (3, 5),
    "summer": (6, 8),
    "fall": (9, 11),
    "autumn": (9, 11),
    "winter": (12, 14),
}
"""First and last month, counted on into the next year."""

_WEEKDAYS = {
    name: number
    for number, name in enumerate(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    )
}
_SHORT_FORMS = {
    "b4": "before", "nxt": "next", "wk": "week", "wks": "weeks", "wknd": "weekend",
    "mth": "month", "mths": "months", "mnth": "month", "mnths": "months", "yr": "year",
    "yrs": "years", "tmrw": "tomorrow", "tmw": "tomorrow", "thru": "through", "til": "until",
    "till": "until", "btwn": "between", "xmas": "christmas",
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday",
    "thu": "thursday", "thur": "thursday", "thurs": "thursday", "fri": "friday",
    "sat": "saturday", "sun": "sunday",
}  # fmt: skip
_MISSPELLABLE = tuple(
    name
    for name in (
        *_MONTHS, *_SEASONS, *_WEEKDAYS, "tomorrow", "weekend", "month", "months", "christmas",
        "thanksgiving",
    )
    if len(name) > 4
)  # fmt: skip

_COUNTS = {
    "a": 1, "one": 1, "two": 2, "couple": 2, "couple of": 2, "a couple": 2, "a couple of": 2,
    "three": 3, "few": 3, "a few": 3, "several": 4, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
}  # fmt: skip
_NTH = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3}
_QUARTERS = {**_NTH, "1": 0, "2": 1, "3": 2, "4": 3}

_OPEN_END = 365
"""Days that "after March" or "from June on" reach."""

_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_SEASON = "|".join(_SEASONS)
_YEAR = r"(?:20[2-4]\d)"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_TH = r"(?:st|nd|rd|th)"
_NOUN = (
    r"(?:class(?:es)?|courses?|trainings?|sessions?|conference|schedule|calendar|dates?"
    r"|ones?|seats?)"
)

_OF_YEAR = (
    rf"(?:,? (?:of )?(?P<year>{_YEAR})\b| of (?P<relative>this|next)(?: year)?\b"
    r"| ?'(?P<short>[2-4]\d)\b)?"
)

_TRIGGER = re.compile(
    rf"\b(?:{_MONTH}|{_SEASON}|{'|'.join(_WEEKDAYS)})\b|\d[/-]\d|\b{_YEAR}\b|\bq[1-4]\b"
    rf"|\d{_TH}\b|\bdays?\b|week|month|year|quarter|today|tomorrow|christmas|thanksgiving"
    r"|labor day|memorial day"
)


@dataclass(frozen=True)
class _Time:
    """A time as it was said: where it stands, what it means, whether a year was said."""

    start: int
    end: int
    first: date
    last: date
    has_year: bool = True
    months: tuple[int, int] | None = None
    """For a month or season: its numbers, to be counted again when a range says the year."""

    def of_year(self, year: int) -> _Time:
        if self.months:
            first, last = _months(year, *self.months)
        else:
            first = _on(year, self.first.month, self.first.day) or self.first
            last = first + (self.last - self.first)
        return replace(self, first=first, last=last, has_year=True)


def find_periods(text: str, today: date) -> tuple[Mention, ...]:
    """The times that a text names, in order, none overlapping, as "2027-03-01/2027-03-31"."""
    respelt = Respelt(text, _spelt)
    low = respelt.text
    if not _TRIGGER.search(low) and "date" not in low:
        return ()
    if taken_back := _ANY.search(low):
        return (Mention(*respelt.span(*taken_back.span()), ANY),)
    ground = Ground(len(low))
    times = [time for time in _times(low, today) if ground.claim(time.start, time.end)]
    times.sort(key=lambda time: time.start)
    times = _ranges(low, times)
    times = [_bounded(low, time, today) for time in times]
    return tuple(
        Mention(
            *respelt.span(time.start, time.end),
            f"{time.first.isoformat()}/{time.last.isoformat()}",
        )
        for time in times
        if time.first <= time.last and time.last.year >= today.year
    )


def _spelt(word: str) -> str:
    """A word of the calendar as it is spelt in full."""
    if word in _SHORT_FORMS:
        return _SHORT_FORMS[word]
    return corrected(word, _MISSPELLABLE) if 5 <= len(word) <= 13 else word


# Days --------------------------------------------------------------------------------------------


def _on(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _months(year: int, first: int, last: int) -> tuple[date, date]:
    """From the first day of one month to the last of another, numbers above 12 in the next year."""
    start = date(year + (first - 1) // 12, (first - 1) % 12 + 1, 1)
    end_year, end_month = year + (last - 1) // 12, (last - 1) % 12 + 1
    return start, date(end_year, end_month, monthrange(end_year, end_month)[1])


def _coming_months(
    first: int, last: int, today: date, *, unbegun: bool = False
) -> tuple[date, date]:
    """These months when they are next not over, or not even begun."""
    for year in range(today.year - 1, today.year + 3):
        start, end = _months(year, first, last)
        if (start > today) if unbegun else (end >= today):
            return start, end
    raise AssertionError("a month comes every year")


def _coming_day(month: int, day: int, today: date) -> date | None:
    for year in range(today.year, today.year + 9):  # a leap day may be eight years off
        found = _on(year, month, day)
        if found and found >= today:
            return found
    return None


def _coming_nth(number: int, today: date) -> date | None:
    """The next day of that number, this month or one of the next two."""
    for ahead in range(3):
        first, _ = _months(today.year, today.month + ahead, today.month + ahead)
        found = _on(first.year, first.month, number)
        if found and found >= today:
            return found
    return None


def _add_months(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _week_of(day: date) -> tuple[date, date]:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def _full_year(year: str) -> int:
    return int(year) if len(year) == 4 else 2000 + int(year)


# What is said ------------------------------------------------------------------------------------

_MONTH_DAY = re.compile(
    rf"\b(?P<month>{_MONTH})\b\.?\s*(?:the )?(?P<day>{_DAY}){_TH}?\b(?!:\d|\s?[ap]m)"
    rf"(?:\s?(?:-|\u2013|to|through)\s?(?P<until>{_DAY}){_TH}?\b(?![/-]))?"
    rf"(?:,?\s+(?:of )?(?P<year>{_YEAR})\b)?"
)
_DAY_MONTH = re.compile(
    rf"\b(?:the )?(?P<day>{_DAY})(?P<th>{_TH})?\s(?:of )?(?P<month>{_MONTH})\b\.?"
    rf"(?:,?\s+(?P<year>{_YEAR})\b)?"
)
_ISO_DAY = re.compile(rf"\b(?P<year>{_YEAR})-(?P<month>\d\d)-(?P<day>\d\d)\b")
_NUMERIC = re.compile(
    rf"(?<![\d/$.-])(?P<month>0?[1-9]|1[0-2])(?P<sep>[/-])(?P<day>{_DAY})(?:(?P=sep)"
    rf"(?P<year>{_YEAR}|\d\d))?(?![\d/-]|\.\d)"
)
_NUMERIC_MONTH = re.compile(rf"(?<![\d/$.-])(?P<month>0?[1-9]|1[0-2])/(?P<year>{_YEAR})(?![\d/-])")
_NTH_DAY = re.compile(
    rf"(?:\b(?:on|by|before|after|until|from|starting|around|week of)|(?<={_TH} )(?:to|through))(?: the)? "
    rf"(?P<day>(?P<number>{_DAY}){_TH})(?=\s*(?:$|[.,?!;)-]|(?:or|and|to|through|until|please|if"
    rf"|at|in)\b))"
)
_PARTS = {
    "early": (1, 10), "beginning": (1, 10), "start": (1, 10), "first part": (1, 10),
    "mid": (11, 20), "middle": (11, 20),
    "late": (21, 31), "end": (21, 31),
    "first half": (1, 15), "second half": (16, 31), "last half": (16, 31),
}  # fmt: skip
"""First and last day of the parts of a month."""

_PARTS_OF_YEAR = {
    "early": (1, 3), "beginning": (1, 3), "start": (1, 3), "first part": (1, 3),
    "mid": (5, 8), "middle": (5, 8),
    "late": (10, 12), "end": (10, 12),
    "first half": (1, 6), "second half": (7, 12), "last half": (7, 12),
}  # fmt: skip
"""First and last month of the same."""

_PART = (
    rf"\b(?:the )?(?P<part>{'|'.join(sorted(_PARTS, key=len, reverse=True))})(?: (?:of|in))?[\s-]+"
)
_PART_OF_MONTH = re.compile(rf"{_PART}(?P<month>{_MONTH})\b\.?{_OF_YEAR}")
_PART_OF_YEAR = re.compile(rf"{_PART}(?:(?P<year>{_YEAR})\b|(?P<next>next year)\b(?!'))")
_WEEK_OF_MONTH = re.compile(
    rf"\b(?:the )?(?P<nth>{'|'.join(_NTH)}|last) week (?:of|in) (?P<month>{_MONTH}"
    rf"|this month|next month|the month)\b\.?{_OF_YEAR}"
)
_WEEK_OF = re.compile(r"\b(?:the )?week of (?:the )?$")
_MONTH_ALONE = re.compile(
    rf"(?<![\w'])(?:(?P<which>this|next|this coming|coming) )?(?P<month>{_MONTH})\b\.?(?!'(?!\d))"
    rf"{_OF_YEAR}"
)
_SEASON_SAID = re.compile(
    rf"(?<!\w)(?:(?P<which>this|next|this coming|coming|upcoming) )?(?P<season>{_SEASON})\b{_OF_YEAR}"
)
_QUARTER_SAID = re.compile(
    rf"\b(?:the )?(?:q(?P<number>[1-4])|(?P<nth>{'|'.join(_NTH)}|last) quarter)\b{_OF_YEAR}"
)
_RELATIVE = re.compile(
    r"\b(?:(?P<which>this|next|this coming|the coming|the following) (?P<unit>week"
    r"|weekend|month|quarter|year)"
    r"|(?P<end>(?:(?:the )?(?:end|rest|remainder) of(?: the| this)?|later (?:in )?"
    r"(?:this|the)) (?P<endunit>week|month|year)))\b(?!')"
)
_COUNT = rf"(?P<count>\d{{1,3}}|{'|'.join(sorted(_COUNTS, key=len, reverse=True))})"
_UNIT = r"(?P<unit>day|week|month|year)s?\b"
_COUNTED = re.compile(
    rf"\b(?P<lead>(?:in|within|over|during|for)? ?(?:the )?(?:next|coming|following)"
    rf"|within|in)(?: the)? {_COUNT} ?{_UNIT}"
)
_COUNTED_FROM_NOW = re.compile(rf"\b{_COUNT} ?{_UNIT} from (?:now|today)\b")
_THE_NEXT = re.compile(rf"\b(?:in|within|over|during) the (?:next|coming)(?P<count>) {_UNIT}(?!')")
_YEAR_ALONE = re.compile(rf"(?<![\d/$#.,'-])(?P<year>{_YEAR})(?![\d/-]|[.,]\d)")
_WEEKDAY = re.compile(
    rf"\b(?P<which>on|this|next|this coming|coming|by|before|after|until) "
    rf"(?P<day>{'|'.join(_WEEKDAYS)})\b(?! through)"
)
_TODAY = re.compile(r"\b(?:today|tomorrow)\b")
_HOLIDAY = re.compile(
    r"\b(?:the )?(?P<name>christmas|thanksgiving|labor day|memorial day"
    r"|new year'?s?(?: day| eve)?)"
    r"(?: break| holidays?)?\b"
)

_PAST = re.compile(r"\b(?:last|past|previous)\s+$")
_PAST_YEAR = re.compile(r",?\s+(?:of )?(?:19\d\d|20[01]\d)\b")

_TIME_CUE = re.compile(
    r"(?:\b(?:in|this|next|by|before|after|until|early|late|mid|of|for|during"
    r"|since|through|from"
    r"|around|about|starting|beginning|between|coming|over|end|last|on|upcoming|ending)"
    r"(?: the)?(?: month of)?|[-\u2013])[\s-]+$"
)
_AFTER_CUE = re.compile(rf"\s+(?:(?:basic|advanced|sro|sso|cpted|amht) )?(?:{_NOUN})\b")
_BETWEEN_LISTED = r"\s*(?:[,/&\u2013-]|\b(?:and|or|to|through)\b)[\s,]*"
_LISTED = re.compile(rf"\b(?:{_MONTH}|{_SEASON})\.?{_BETWEEN_LISTED}(?:or |and )?$")
_LISTS = re.compile(rf"{_BETWEEN_LISTED}(?:in )?(?P<other>{_MONTH}|{_SEASON})\b")
_ONLY_SMALL_TALK = re.compile(
    r"[\W_]*(?:(?:what|how|about|and|no|not|i|mean|meant|yes|ok|okay|maybe|please|or"
    r"|then|the|in|instead|like"
    r"|is|are|try|any|anything|it|was|sometime|thanks|nothing|sorry|oops|wait|actually)[\W_]+)*"
)
_FULL_TALK = re.compile(
    r"[\W_]*(?:(?:please|then|instead|works|maybe|is fine|would be good|would work|or)[\W_]*)*"
)
_CLASS_WORD = re.compile(rf"\b{_NOUN}\b|\btrain")
_UNTIL_DAY = re.compile(r"\s?(?:[-\u2013]|to|through)\s?\d{1,2}/\d")
_DAY_CUE = re.compile(
    r"\b(?:on|by|before|after|until|from|to|through|starting|around|of|for"
    r"|between|and|about)(?: the)? $|[-\u2013] ?$"
)


_NO_MATTER = r"(?:doesn't|doesnt|does not|don't|dont|do not)"
_ANY = re.compile(
    r"\b(?:any|whatever|whichever) (?:month|date|week)s?\b"
    rf"|\b(?:the )?(?:month|date|time|week)s? {_NO_MATTER} matter\b"
    rf"|\b(?:it )?{_NO_MATTER} (?:have|need) to be (?:in )?(?:{_MONTH}|{_SEASON})\b"
)

_LONGEST_SMALL_TALK = 100
_SHORT_WAY_BACK = 40
"""Letters before a time in which its preposition stands; long messages are not read again."""


def _before(pattern: re.Pattern[str], text: str, end: int) -> re.Match[str] | None:
    """What a pattern finds right before a place in the text."""
    return pattern.search(text, max(0, end - _SHORT_WAY_BACK), end)


def _times(text: str, today: date) -> Iterator[_Time]:
    """Every time that is said, the surest and longest kinds first; they may overlap."""
    yield from _parts_of_months(text, today)
    for day in _days(text, today):
        week = _before(_WEEK_OF, text, day.start)
        yield _Time(week.start(), day.end, *_week_of(day.first)) if week else day
    yield from _months_and_seasons(text, today)
    yield from _relative(text, today)
    yield from _loose_days(text, today)


def _days(text: str, today: date) -> Iterator[_Time]:
    for match in _ISO_DAY.finditer(text):
        if day := _on(int(match["year"]), int(match["month"]), int(match["day"])):
            yield _Time(*match.span(), day, day)
    for pattern in (_MONTH_DAY, _DAY_MONTH):
        for match in pattern.finditer(text):
            if pattern is _DAY_MONTH and not _is_day_of_month(text, match):
                continue
            month, number = _MONTHS[match["month"]], int(match["day"])
            day = (
                _on(int(match["year"]), month, number)
                if match["year"]
                else _coming_day(month, number, today)
            )
            if day is None:
                continue
            until = match.groupdict().get("until")
            last = (_on(day.year, month, int(until)) if until else None) or day
            yield _Time(*match.span(), day, max(day, last), has_year=bool(match["year"]))
    for match in _NUMERIC.finditer(text):
        month, number = int(match["month"]), int(match["day"])
        year = match["year"]
        if not year and (
            (month, number) == (9, 11)
            or match["sep"] == "-"
            or (len(match["day"]) == 1 and not _is_dated(text, match))
        ):
            continue  # "9/11", "3-5 days", "1/2 day"
        if year and len(year) == 2 and match["sep"] == "-" and number > 31:
            continue
        day = _on(_full_year(year), month, number) if year else _coming_day(month, number, today)
        if day:
            yield _Time(*match.span(), day, day, has_year=bool(year))
    for match in _NUMERIC_MONTH.finditer(text):
        month = int(match["month"])
        yield _Time(*match.span(), *_months(int(match["year"]), month, month))
    for match in _NTH_DAY.finditer(text):
        if day := _coming_nth(int(match["number"]), today):
            yield _Time(*match.span("day"), day, day, has_year=False)


def _is_day_of_month(text: str, match: re.Match[str]) -> bool:
    """Whether a number before a month's name is its day: not in "5 may attend"."""
    return bool(
        match["month"] not in _ALSO_WORDS
        or match["th"]
        or match["year"]
        or _before(_DAY_CUE, text, match.start())
        or _is_alone(text, match)
    )


def _is_dated(text: str, match: re.Match[str]) -> bool:
    return (
        _is_alone(text, match)
        or bool(_before(_DAY_CUE, text, match.start()))
        or bool(_UNTIL_DAY.match(text, match.end()))
    )


def _is_alone(text: str, match: re.Match[str]) -> bool:
    return _is_small_talk_before(text, match) and bool(_FULL_TALK.fullmatch(text, match.end()))


def _is_small_talk_before(text: str, match: re.Match[str]) -> bool:
    return match.start() <= _LONGEST_SMALL_TALK and bool(
        _ONLY_SMALL_TALK.fullmatch(text, 0, match.start())
    )


@lru_cache(maxsize=16)
def _speaks_of_classes(text: str) -> bool:
    return bool(_CLASS_WORD.search(text))


def _month_said(match: re.Match[str], today: date) -> tuple[date, date]:
    """The month that a match names, its year said or not."""
    name = match["month"]
    if name in ("this month", "the month"):
        return _months(today.year, today.month, today.month)
    if name == "next month":
        return _months(today.year, today.month + 1, today.month + 1)
    number = _MONTHS[name]
    year = _year_said(match, today)
    return _months(year, number, number) if year else _coming_months(number, number, today)


def _parts_of_months(text: str, today: date) -> Iterator[_Time]:
    for match in _WEEK_OF_MONTH.finditer(text):
        first, last = _month_said(match, today)
        if match["nth"] == "last":
            first = last - timedelta(days=6)
        else:
            first += timedelta(days=7 * _NTH[match["nth"]])
            last = first + timedelta(days=6)
        yield _Time(*match.span(), first, last)
    for match in _PART_OF_MONTH.finditer(text):
        first, last = _month_said(match, today)
        begin, end = _PARTS[match["part"]]
        yield _Time(*match.span(), first.replace(day=begin), last.replace(day=min(end, last.day)))
    for match in _PART_OF_YEAR.finditer(text):
        year = today.year + 1 if match["next"] else int(match["year"])
        yield _Time(*match.span(), *_months(year, *_PARTS_OF_YEAR[match["part"]]))


def _relative(text: str, today: date) -> Iterator[_Time]:
    for match in _THE_NEXT.finditer(text):
        yield _Time(*match.span(), *_counted(match, today, is_ahead=False))
    for match in _RELATIVE.finditer(text):
        first, last = _relative_interval(match, today)
        yield _Time(*match.span(), first, last)
    for match in _COUNTED_FROM_NOW.finditer(text):
        yield _Time(*match.span(), *_counted(match, today, is_ahead=True))
    for match in _COUNTED.finditer(text):
        is_ahead = match["lead"] == "in"
        if not (is_ahead and match["unit"] == "day" and _count(match) > 31):
            yield _Time(*match.span(), *_counted(match, today, is_ahead=is_ahead))
    for match in _TODAY.finditer(text):
        if _is_alone(text, match) or _speaks_of_classes(text):
            day = today + timedelta(days=match.group() == "tomorrow")
            yield _Time(*match.span(), day, day)


def _count(match: re.Match[str]) -> int:
    said = match["count"] or ("a few" if match[0].endswith("s") else "one")
    return int(said) if said.isdigit() else _COUNTS[said]


def _counted(match: re.Match[str], today: date, *, is_ahead: bool) -> tuple[date, date]:
    """So many days, weeks, months from today on; or the one that is so far ahead ("in two weeks")."""
    count, unit = _count(match), match["unit"]
    if unit in ("month", "year"):
        then = _add_months(today, count * (12 if unit == "year" else 1))
    else:
        then = today + timedelta(days=count * (7 if unit == "week" else 1))
    if not is_ahead:
        return today, then
    if unit == "day":
        return then, then
    if unit == "week":
        return _week_of(then)
    return (
        _months(then.year, 1, 12) if unit == "year" else _months(then.year, then.month, then.month)
    )


def _relative_interval(match: re.Match[str], today: date) -> tuple[date, date]:
    unit = match["unit"] or match["endunit"]
    is_next = bool(match["which"]) and match["which"] in ("next", "the following")
    if unit in ("week", "weekend"):
        first, last = _week_of(today + timedelta(days=7 * is_next))
        if unit == "weekend":
            first = last - timedelta(days=1)
    elif unit == "month":
        first, last = _months(today.year, today.month + is_next, today.month + is_next)
    elif unit == "quarter":
        start = (today.month - 1) // 3 * 3 + 1 + 3 * is_next
        first, last = _months(today.year, start, start + 2)
    else:
        first, last = _months(today.year + is_next, 1, 12)
    return (today, last) if match["end"] else (first, last)


def _months_and_seasons(text: str, today: date) -> Iterator[_Time]:
    for match in _QUARTER_SAID.finditer(text):
        number = 3 if match["nth"] == "last" else _QUARTERS[match["number"] or match["nth"]]
        yield _said_with_year(match, (3 * number + 1, 3 * number + 3), today)
    for pattern in (_MONTH_ALONE, _SEASON_SAID):
        for match in pattern.finditer(text):
            said = match.groupdict()
            name = said.get("month") or said["season"]
            is_dated = match["which"] or _year_said(match, today)
            is_sure = name in _MONTHS and name not in _ALSO_WORDS
            if _is_no_coming_time(text, match) or not (
                is_dated or is_sure or _is_time(text, match)
            ):
                continue
            number = _MONTHS.get(name, 0)
            yield _said_with_year(match, _SEASONS.get(name, (number, number)), today)


def _is_no_coming_time(text: str, match: re.Match[str]) -> bool:
    """Whether a month or season is one gone by ("last March", "spring 2014"), or a person."""
    return bool(
        _before(_PAST, text, match.start())
        or _PAST_YEAR.match(text, match.end())
        or _before(NAMED, text, match.start())
    )


def _year_said(match: re.Match[str], today: date) -> int | None:
    """The year of a match of `_OF_YEAR`, if one was said."""
    if match["year"]:
        return int(match["year"])
    if match["short"]:
        return 2000 + int(match["short"])
    return today.year + (match["relative"] == "next") if match["relative"] else None


def _said_with_year(match: re.Match[str], months: tuple[int, int], today: date) -> _Time:
    year = _year_said(match, today)
    if year:
        first, last = _months(year, *months)
    else:
        is_next = match.groupdict().get("which") == "next"
        first, last = _coming_months(*months, today, unbegun=is_next)
    return _Time(*match.span(), first, last, has_year=year is not None, months=months)


def _is_time(text: str, match: re.Match[str]) -> bool:
    """Whether a word that has another meaning names a time here."""
    if _is_alone(text, match):
        return True
    after = text[match.end() : match.end() + 12]
    if match.groupdict().get("season"):
        if re.match(
            r"\s+(?:asleep|behind|back|off|under|into|out|short|water|break|through)\b", after
        ):
            return False
    elif re.match(r"\s+(?:i|we|you|he|she|they|be|have|not|also|need|with|against)\b", after):
        return False
    return bool(
        _before(_TIME_CUE, text, match.start())
        or _AFTER_CUE.match(text, match.end())
        or _before(_LISTED, text, match.start())
        or (
            (lists := _LISTS.match(text, match.end()))
            and (
                lists["other"] not in _ALSO_WORDS
                or _speaks_of_classes(text)
                or _is_small_talk_before(text, match)
            )
        )
    )


def _loose_days(text: str, today: date) -> Iterator[_Time]:
    for match in _WEEKDAY.finditer(text):
        ahead = (_WEEKDAYS[match["day"]] - today.weekday()) % 7
        if match["which"] == "next":
            ahead = 7 - today.weekday() + _WEEKDAYS[match["day"]]
        day = today + timedelta(days=ahead)
        is_bound = match["which"] in ("by", "before", "after", "until")
        yield _Time(match.start("day" if is_bound else 0), match.end(), day, day)
    for match in _HOLIDAY.finditer(text):
        day = _holiday(match["name"], today)
        around = timedelta(days=7)
        if _before(_BOUND, text, match.start()) or _before(_LIMIT, text, match.start()):
            yield _Time(*match.span(), day, day)
        elif _before(_TIME_CUE, text, match.start()):
            yield _Time(*match.span(), max(today, day - around), day + around)
    for match in _YEAR_ALONE.finditer(text):
        has_cue = _before(_TIME_CUE, text, match.start()) or _AFTER_CUE.match(text, match.end())
        year = int(match["year"])
        if year >= today.year and (has_cue or _is_alone(text, match)):
            yield _Time(*match.span(), *_months(year, 1, 12))


def _holiday(name: str, today: date) -> date:
    for year in (today.year - 1, today.year, today.year + 1):  # New Year's Day ends a year
        if name == "thanksgiving":  # the fourth Thursday of November
            day = _nth_weekday(year, 11, 3, 4)
        elif name == "labor day":  # the first Monday of September
            day = _nth_weekday(year, 9, 0, 1)
        elif name == "memorial day":  # the last Monday of May
            day = date(year, 5, 31) - timedelta(days=date(year, 5, 31).weekday())
        elif name.startswith("new year"):
            day = date(year + 1, 1, 1) if "eve" not in name else date(year, 12, 31)
        else:
            day = date(year, 12, 25)
        if day >= today:
            return day
    raise AssertionError("holidays come every year")


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


# Ranges and bounds -------------------------------------------------------------------------------

_BETWEEN = re.compile(
    r"\s*(?:[/,&\u2013-]|\b(?:to|through|until|and|or)\b)\s*(?:the |in |end of |of )*"
)
_FROM = re.compile(r"\b(?:between|from|anytime from)(?: the)?\s+$")
_LIMIT = re.compile(
    r"\b(?P<word>before|prior to|by|until|through|no later than)(?: the)?(?: end of)?\s+$"
)
_BOUND = re.compile(
    r"\b(?P<word>after|since|starting(?: in| on| from)?|beginning(?: in| on)?|from)(?: the)?\s+$"
)
_THE_END = re.compile(r"(?:the )?end\b")
_ON = re.compile(r"\s*(?:on(?:ward|wards)?|or later|and later|and after)\b(?! the)")


def _ranges(text: str, times: list[_Time]) -> list[_Time]:
    """Joins "between March and May", "6/1 - 6/15" and months said one after the other."""
    joined: list[_Time] = []
    for time in times:
        before = joined[-1] if joined else None
        if before is None or not _BETWEEN.fullmatch(text, before.end, time.start):
            joined.append(time)
            continue
        link = text[before.end : time.start].strip()
        is_range = bool(_before(_FROM, text, before.start)) or link[:1] not in (
            "a",
            "o",
            "/",
            ",",
            "&",
        )
        if time.has_year and not before.has_year:
            before = before.of_year(time.last.year)
            if before.first > time.last:
                before = before.of_year(time.last.year - 1)
        elif time.last < before.first and not time.has_year:
            time = time.of_year(before.first.year)
            if time.last < before.first:
                time = time.of_year(before.first.year + 1)
        follows = timedelta(0) <= time.first - before.last <= timedelta(days=1)
        if before.first <= time.last and (is_range or follows):
            opening = _before(_FROM, text, before.start)
            start = opening.start() if opening else before.start
            joined[-1] = _Time(start, time.end, before.first, max(before.last, time.last))
        else:
            joined.append(time)
    return joined


def _bounded(text: str, time: _Time, today: date) -> _Time:
    """The time with its "before", "by", "after" or "from ... on"."""
    limit = _before(_LIMIT, text, time.start)
    bound = _before(_BOUND, text, time.start)
    on = _ON.match(text, time.end)
    if limit:
        is_before = limit["word"] in ("before", "prior to") and not _THE_END.match(text, time.start)
        last = time.first - timedelta(days=1) if is_before else time.last
        return replace(time, start=limit.start(), first=min(today, last), last=last)
    if bound and bound["word"] == "after":
        first = time.last + timedelta(days=1)
        last = first + timedelta(days=_OPEN_END - 1)
        return replace(time, start=bound.start(), first=first, last=last)
    if on or (bound and bound["word"] != "from"):
        last = time.first + timedelta(days=_OPEN_END - 1)
        start = bound.start() if bound else time.start
        return replace(time, start=start, end=on.end() if on else time.end, last=last)
    return time
