"""A new topic: its answer, and how people ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sanic.response import HTTPResponse, json

from bot.content import examples
from bot.content.answers import Button, Source
from bot.content.changes import ChangeRefused, Problem, TopicAdded, numbered, topic_name
from bot.content.wording import tidied
from bot.staff.accounts import Role
from bot.staff.area import WITH_A_FRAME, Fields, Pages, Visit, number_of
from bot.staff.pages.answers import by_field, content, day_typed, one_line, tried
from bot.staff.preview import exchange
from bot.staff.queue import NEW_TOPIC, Cluster, Decision, Queue
from bot.webchat.database import off_loop

MORE_BUTTON = "Tell me more"
REVIEWED_AFTER = timedelta(days=365)

pages = Pages()


@pages.get("/topics/new", Role.EDITOR)
async def ask(visit: Visit) -> HTTPResponse:
    cluster = await _cluster(visit, visit.number("question"))
    messages = await off_loop(_queue(visit).messages, cluster.id) if cluster else []
    form = Fields(
        title=(cluster.topic if cluster and cluster.verdict == NEW_TOPIC else "") or "",
        review_by=f"{visit.staff.now().date() + REVIEWED_AFTER}",
        examples="\n".join(messages),
    )
    return await _page(visit, form, cluster)


@pages.post("/topics/new", Role.EDITOR)
async def add(visit: Visit) -> HTTPResponse:
    cluster = await _cluster(visit, number_of(visit.form["question"]))
    typed, unread = _typed(visit, cluster)
    keeps = visit.form["do"] == "keep" and not unread
    said = [*unread, *await off_loop(_tried, visit, typed, cluster, keeps)]
    if keeps and not said:
        return visit.redirect("/changes", done="added")
    return await _page(visit, visit.form, cluster, said, is_checked=True)


@pages.post("/topics/message", Role.EDITOR)
async def message(visit: Visit) -> HTTPResponse:
    """What the preview shows while somebody types."""
    return json({"messages": await off_loop(_messages, visit, visit.form)})


def _tried(
    visit: Visit, change: TopicAdded, cluster: Cluster | None, keeps: bool
) -> Iterable[Problem]:
    said = tried(visit, change, keeps and not cluster)
    if said or not (keeps and cluster):
        return said
    decision = Decision(cluster.id, NEW_TOPIC, topic=change.title, change=change)
    try:
        _queue(visit).decide(decision, by=visit.who.email)
    except ChangeRefused as refused:
        return refused.problems
    return ()


def _typed(visit: Visit, cluster: Cluster | None) -> tuple[TopicAdded, list[Problem]]:
    form, now = visit.form, visit.staff.now()
    title = one_line(form["title"])
    name = one_line(form["name"]) or topic_name(title)
    review_by, unread = day_typed(form["review_by"], now.date() + REVIEWED_AFTER)
    origin = (
        f"From the queue, {now:%Y-%m-%d}: asked {cluster.size} times."
        if cluster
        else f"Written by staff, {now:%Y-%m-%d}."
    )
    typed = TopicAdded(
        name=name,
        title=title,
        text=tidied(form["text"]),
        more=tidied(form["more"]),
        facts=numbered(name, _lines(form["facts"])),
        source_title=one_line(form["source_title"]),
        owner=one_line(form["owner"]),
        review_by=review_by,
        examples=tuple(_lines(form["examples"])),
        origin=origin,
    )
    return typed, unread


def _lines(text: str) -> list[str]:
    return [line for line in map(one_line, text.splitlines()) if line]


def _messages(visit: Visit, form: Mapping[str, str]) -> list[dict[str, Any]]:
    asked = one_line(form["source_title"]) or one_line(form["title"])
    buttons = [Button(MORE_BUTTON, "/more")] if form["more"].strip() else []
    source = Source(asked, "{faq_page}") if asked else None
    contacts = content(visit).contacts
    return exchange(asked, tidied(form["text"]), buttons, source, contacts, visit.staff.now())


def _queue(visit: Visit) -> Queue:
    return Queue(visit.staff.database, visit.staff.drafts, now=visit.staff.now)


async def _cluster(visit: Visit, number: int) -> Cluster | None:
    return await off_loop(_queue(visit).cluster, number) if number else None


async def _page(
    visit: Visit,
    form: Mapping[str, str],
    cluster: Cluster | None,
    said: Iterable[Problem] = (),
    *,
    is_checked: bool = False,
) -> HTTPResponse:
    # Facts are written in one box.
    at_fields = by_field(replace(one, field=one.field.partition(".")[0]) for one in said)
    return visit.page(
        "topic_new.html",
        status=422 if at_fields else 200,
        headers=WITH_A_FRAME,
        form=form,
        cluster=cluster,
        said=at_fields,
        is_checked=is_checked,
        messages=await off_loop(_messages, visit, form),
        not_answered=await off_loop(_not_answered, visit, form),
    )


def _not_answered(visit: Visit, form: Mapping[str, str]) -> list[str]:
    """What stands for something without an answer today, and looks like the topic."""
    texts = [text for text in (one_line(form["title"]), *_lines(form["examples"])) if text]
    return examples.unanswered_like(texts, visit.staff.root / examples.NLU)
