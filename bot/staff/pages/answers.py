"""The answers: all of them, and one with its facts, a preview in the widget, and what would be changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sanic.response import HTTPResponse, json

from bot.contacts import CONTACTS_FILE, Contact, load_contacts
from bot.content.answers import Answer, Button, read_answers
from bot.content.changes import (
    MOST_BUTTONS,
    AnswerChanged,
    Change,
    ChangeRefused,
    ContactChanged,
    Problem,
    destinations,
    no_change,
    problems,
)
from bot.content.wording import tidied
from bot.staff.accounts import Role
from bot.staff.area import IN_A_FRAME, WITH_A_FRAME, Pages, Refused, Visit, number_of
from bot.staff.differences import differences
from bot.staff.drafts import SHOWN, Draft
from bot.staff.preview import exchange
from bot.staff.reports import Figures, report
from bot.webchat.database import off_loop

DAYS = 28
"""In which it is counted how often a topic was asked."""

pages = Pages()


@dataclass(frozen=True)
class Content:
    """Answers and contacts as they will be when what waits is published."""

    answers: Mapping[str, Answer]
    contacts: Mapping[str, Contact]
    destinations: list[Button]
    """What a button of an answer may lead to."""
    waiting: Mapping[str, Draft]
    """The waiting changes of answers and contacts, by the name of what they are about."""


def content(visit: Visit, but: str = "") -> Content:
    """Reads it; blocks.

    Args:
        but: An answer or a contact that is read without the change of it that waits.
    """
    drafts = visit.staff.drafts
    waiting = drafts.waiting()
    others = [draft for draft in waiting if not but or name_of(draft.change) != but]
    with drafts.applied(others) as applied:
        return Content(
            answers=read_answers(applied.root),
            contacts=load_contacts(applied.root / CONTACTS_FILE),
            destinations=destinations(applied.root),
            waiting={name_of(draft.change): draft for draft in waiting},
        )


def name_of(change: Change) -> str:
    """The answer or contact that a change is about; empty where it is something else."""
    if isinstance(change, AnswerChanged):
        return change.response
    return change.name if isinstance(change, ContactChanged) else ""


def title_of(answer: Answer) -> str:
    """What an answer is about, in words."""
    title = answer.source.title if answer.source else answer.name
    return f"{title} (more)" if answer.is_more else title


@dataclass(frozen=True)
class Line:
    """An answer in the list."""

    answer: Answer
    asked: int
    """Times that its topic was asked lately."""
    helpful: float | None
    """Share of the thumbs that went up."""
    is_overdue: bool
    is_waiting: bool

    @property
    def title(self) -> str:
        return title_of(self.answer)


@pages.get("/answers", Role.VIEWER, menu="Answers")
async def show(visit: Visit) -> HTTPResponse:
    text = visit.asked("text")
    lines = await off_loop(_listed, visit, text.lower().split())
    return visit.page("answers.html", lines=lines, text=text, days=DAYS)


def _listed(visit: Visit, words: list[str]) -> list[Line]:
    found = content(visit)
    today = visit.staff.now().date()
    figures = _figures(visit, today)
    lines = (
        Line(
            answer,
            figures.of("topic", answer.topic),
            figures.helpful_rate_of(answer.topic),
            answer.review_by < today,
            answer.name in found.waiting,
        )
        for answer in found.answers.values()
    )
    return [line for line in lines if all(word in _searched(line) for word in words)]


def _figures(visit: Visit, today: date) -> Figures:
    first = today - timedelta(days=DAYS - 1)
    return report(visit.staff.database, first, today, by_week=True).total


def _searched(line: Line) -> str:
    answer = line.answer
    titles = " ".join(button.title for button in answer.buttons)
    return f"{line.title} {answer.name} {answer.text} {titles} {answer.owner}".lower()


@pages.get("/answers/<id:str>", Role.VIEWER)
async def one(visit: Visit, id: str) -> HTTPResponse:
    found = await off_loop(content, visit, id)
    answer = _found(found, id)
    draft = found.waiting.get(id)
    typed = draft.change if draft else None
    return _page(
        visit, found, answer, typed if isinstance(typed, AnswerChanged) else no_change(answer)
    )


@pages.post("/answers/<id:str>", Role.EDITOR)
async def change(visit: Visit, id: str) -> HTTPResponse:
    found = await off_loop(content, visit, id)
    answer = _found(found, id)
    typed, unread = _typed(visit.form, answer)
    keeps = visit.form["do"] == "keep" and not unread
    if keeps and typed == no_change(answer):
        said = [Problem("text", "It reads so already: there is nothing to keep.")]
    else:
        said = [*unread, *await off_loop(tried, visit, typed, keeps)]
    if keeps and not said:
        return visit.redirect("/changes", done="added")
    if SHOWN in by_field(said):
        found = await off_loop(content, visit, id)
    return _page(visit, found, answer, typed, said, is_checked=True)


@pages.post("/answers/<id:str>/message", Role.EDITOR)
async def message(visit: Visit, id: str) -> HTTPResponse:
    """What the preview shows while somebody types."""
    found = await off_loop(content, visit, id)
    answer = _found(found, id)
    return json({"messages": _messages(visit, found, answer, _typed(visit.form, answer)[0])})


@pages.get("/preview", Role.VIEWER)
async def frame(visit: Visit) -> HTTPResponse:
    return visit.page("preview.html", headers=IN_A_FRAME)


def tried(visit: Visit, change: Change, keeps: bool) -> Sequence[Problem]:
    """What stands against a change; where it `keeps` and nothing does, it waits from now on. Blocks."""
    drafts = visit.staff.drafts
    if keeps:
        try:
            instead_of = number_of(visit.form[SHOWN]) or None
            drafts.add(change, by=visit.who.email, instead_of=instead_of)
        except ChangeRefused as refused:
            return refused.problems
        return ()
    name = name_of(change)
    others = [draft for draft in drafts.waiting() if not name or name_of(draft.change) != name]
    with drafts.applied(others) as applied:
        return problems(change, applied.root)


def what_waits(
    visit: Visit, found: Content, name: str, said: Mapping[str, Problem]
) -> dict[str, Any]:
    """What a page of an answer or a contact says about the change of it that waits.

    Args:
        found: Read without that change.
        said: What is wrong at each field.
    """
    draft = found.waiting.get(name)
    other = draft if SHOWN in said else None
    is_same_form = visit.form and SHOWN not in said  # its author has still seen no other
    return {
        "is_waiting": draft is not None,
        "shown": visit.form[SHOWN] if is_same_form else draft.id if draft else "",
        "other": other,
        "other_changes": differences(other.change, found.answers, found.contacts) if other else [],
    }


def by_field(said: Iterable[Problem]) -> dict[str, Problem]:
    """What is wrong at each field; where several things are, in one."""
    at_fields: dict[str, Problem] = {}
    for problem in said:
        before = at_fields.get(problem.field)
        both = f"{before.message} {problem.message}" if before else problem.message
        at_fields[problem.field] = replace(problem, message=both)
    return at_fields


def _found(found: Content, name: str) -> Answer:
    answer = found.answers.get(name)
    if answer is None:
        raise Refused(404, "not_found")
    return answer


def _typed(form: Mapping[str, str], answer: Answer) -> tuple[AnswerChanged, list[Problem]]:
    """The change that a form describes, and what of it can't be read."""
    words = {fact: one_line(form[f"fact.{fact}"]) for fact in (*answer.facts, *answer.given_up)}
    dropped = tuple(fact for fact in answer.facts if form[f"drop.{fact}"])
    review_by, unread = day_typed(form["review_by"], answer.review_by)
    typed = AnswerChanged(
        response=answer.name,
        text=tidied(form["text"]),
        buttons=_buttons_typed(form),
        owner=one_line(form["owner"]),
        review_by=review_by,
        # What was given up before is said again where there are words for it.
        facts={
            fact: said
            for fact, said in words.items()
            if fact not in dropped and (said or fact in answer.facts)
        },
        gives_up=dropped,
    )
    return typed, unread


def _buttons_typed(form: Mapping[str, str]) -> tuple[Button, ...]:
    rows = (Button(one_line(form[f"title.{n}"]), form[f"payload.{n}"]) for n in range(MOST_BUTTONS))
    return tuple(button for button in rows if button.title or button.payload)


def one_line(text: str) -> str:
    """What stood in a box of one line, as it is kept."""
    return " ".join(text.split())


def day_typed(text: str, otherwise: date) -> tuple[date, list[Problem]]:
    """A day; where it can't be read, another one and what is wrong."""
    try:
        return date.fromisoformat(text.strip()), []
    except ValueError:
        return otherwise, [Problem("review_by", "Write the day like 2027-06-30.")]


def _messages(
    visit: Visit, found: Content, answer: Answer, typed: AnswerChanged
) -> list[dict[str, Any]]:
    asked = answer.source.title if answer.source else title_of(answer)
    at = visit.staff.now()
    return exchange(asked, typed.text, typed.buttons, answer.source, found.contacts, at)


def _page(
    visit: Visit,
    found: Content,
    answer: Answer,
    typed: AnswerChanged,
    said: Iterable[Problem] = (),
    *,
    is_checked: bool = False,
) -> HTTPResponse:
    at_fields = by_field(said)
    return visit.page(
        "answer.html",
        status=422 if at_fields else 200,
        headers=WITH_A_FRAME,
        answer=answer,
        title=title_of(answer),
        typed=typed,
        said=at_fields,
        is_checked=is_checked,
        is_overdue=typed.review_by < visit.staff.now().date(),
        rows=[*typed.buttons, *[Button("", "")] * MOST_BUTTONS][:MOST_BUTTONS],
        destinations=found.destinations,
        contacts=found.contacts.values(),
        messages=_messages(visit, found, answer, typed),
        may_change=visit.who.role.includes(Role.EDITOR),
        **what_waits(visit, found, answer.name, at_fields),
    )
