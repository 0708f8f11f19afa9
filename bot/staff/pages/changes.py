"""What waits to be published, how it was tried, what was published, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sanic.response import HTTPResponse, json, raw

from bot.contacts import CONTACTS_FILE, load_contacts
from bot.content.answers import read_answers
from bot.content.changes import described
from bot.staff.accounts import Role
from bot.staff.area import Pages, Refused, Visit, number_of
from bot.staff.candidates import Candidate, CandidateProblem
from bot.staff.csv_files import attached
from bot.staff.differences import Difference, differences
from bot.staff.drafts import Draft, NotWaiting
from bot.staff.publications import Publication, PublicationRefused, ServerState
from bot.webchat.database import off_loop

SHOWN = 50
"""Questions and conversations of a trial that are shown."""

CANNOT_WRITE = "cannot write"
"""The problem that the folder of the content is read-only, or full."""

pages = Pages()


@dataclass(frozen=True)
class Line:
    """A change that waits."""

    draft: Draft
    what: str
    differences: list[Difference]
    problem: str
    """Why it can't be published any more; empty where it can."""
    is_tried: bool
    """Whether it is in the newest trial."""


@dataclass(frozen=True)
class Found:
    lines: list[Line]
    trial: Candidate | None
    """The newest, unless it is about what waits no more."""
    outdated: str
    """Why the trial can't be published; empty where it can."""
    publications: list[Publication]
    servers: list[ServerState]


@pages.get("/changes", Role.VIEWER, menu="Changes")
async def show(visit: Visit) -> HTTPResponse:
    return await _page(visit)


@pages.get("/changes/progress", Role.VIEWER)
async def progress(visit: Visit) -> HTTPResponse:
    """How far the trial is: the share that is done, in words too, and whether it is over."""
    trial = await off_loop(visit.staff.candidates.latest)
    is_over = trial is None or not trial.is_running
    said = {"is_over": is_over, "done": trial.share if trial else 1, "words": _words(trial)}
    return json(said)


@pages.post("/changes/<id:str>/discard", Role.EDITOR)
async def discard(visit: Visit, id: str) -> HTTPResponse:
    try:
        await off_loop(lambda: visit.staff.drafts.discard(number_of(id), by=visit.who.email))
    except NotWaiting as gone:
        return await _page(visit, str(gone))
    return visit.redirect("/changes", done="discarded")


@pages.post("/changes/try", Role.EDITOR)
async def try_it(visit: Visit) -> HTTPResponse:
    return await _carried_out(visit, lambda: visit.staff.candidates.start(by=visit.who.email))


@pages.post("/changes/publish", Role.PUBLISHER)
async def publish(visit: Visit) -> HTTPResponse:
    form, publications = visit.form, visit.staff.publications
    number, although_worse = number_of(form["trial"]), bool(form["although_worse"])
    return await _carried_out(
        visit,
        lambda: publications.publish(number, by=visit.who.email, although_worse=although_worse),
        done="published",
    )


@pages.post("/changes/roll-back", Role.PUBLISHER)
async def roll_back(visit: Visit) -> HTTPResponse:
    return await _carried_out(
        visit,
        lambda: visit.staff.publications.roll_back(by=visit.who.email),
        done="rolled back",
    )


@pages.get("/changes/<id:str>/file", Role.VIEWER)
async def patch(visit: Visit, id: str) -> HTTPResponse:
    """A publication as a patch, for a repository elsewhere."""
    text = await off_loop(visit.staff.publications.patch, number_of(id))
    if text is None:
        raise Refused(404, "not_found")
    return raw(
        text.encode(),
        content_type="text/x-patch; charset=utf-8",
        headers=attached(f"publication-{number_of(id)}.patch"),
    )


async def _carried_out(visit: Visit, work: Callable[[], object], **done: str) -> HTTPResponse:
    """The page after what a button is for; or with the reason why that can't be."""
    try:
        await off_loop(work)
    except (CandidateProblem, PublicationRefused) as problem:
        return await _page(visit, str(problem))
    except OSError:
        return await _page(visit, CANNOT_WRITE)
    return visit.redirect("/changes", **done)


def _words(trial: Candidate | None) -> str:
    if trial is None:
        return ""
    names = {"copying": "Copying the files", "training": "Training", "testing": "Asking the bank"}
    return f"{names.get(trial.state, trial.state)}: {trial.share:.0%}"


def _find(visit: Visit) -> Found:
    staff = visit.staff
    with staff.drafts.applied() as applied:
        cannot = applied.problems
    answers = read_answers(staff.root)
    contacts = load_contacts(staff.root / CONTACTS_FILE)
    trial = staff.candidates.latest()
    tried = set(trial.changes) if trial else set()
    lines = [
        Line(
            draft,
            described(draft.change),
            differences(draft.change, answers, contacts),
            cannot.get(draft.id, ""),
            draft.id in tried,
        )
        for draft in staff.drafts.waiting()
    ]
    if trial and trial.comparison and not any(line.is_tried for line in lines):
        trial = None
    outdated = staff.candidates.outdated(trial) if trial else ""
    return Found(lines, trial, outdated, staff.publications.all(), staff.publications.servers())


async def _page(visit: Visit, problem: str = "") -> HTTPResponse:
    found = await off_loop(_find, visit)
    comparison = found.trial.comparison if found.trial else None
    worse = comparison.verdicts()["worse"] if comparison else 0
    return visit.page(
        "changes.html",
        status=422 if problem else 200,
        problem=problem,
        lines=found.lines,
        trial=found.trial,
        words=_words(found.trial),
        outdated=found.outdated,
        comparison=comparison,
        worse=worse,
        otherwise=len(comparison.broken) if comparison else 0,
        shown=SHOWN,
        publications=found.publications,
        servers=found.servers,
        may_change=visit.who.role.includes(Role.EDITOR),
        may_publish=visit.who.role.includes(Role.PUBLISHER),
        done=visit.asked("done"),
    )
