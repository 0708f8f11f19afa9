"""The unanswered queue: what people asked and weren't answered, and what to do about it."""

from __future__ import annotations

from sanic.response import HTTPResponse, raw

from bot.content import examples
from bot.staff.accounts import Role
from bot.staff.area import Pages, Refused, Visit, number_of
from bot.staff.csv_files import CSV, attached
from bot.staff.queue import NEW_TOPIC, PAGE, SHOWN, VERDICTS, Cluster, Decision, Queue, QueueProblem
from bot.webchat.database import off_loop

pages = Pages()


@pages.get("/queue", Role.VIEWER, menu="Unanswered")
async def show(visit: Visit) -> HTTPResponse:
    number, is_decided = max(visit.number("page"), 1), bool(visit.asked("decided"))
    queue = _queue(visit)
    read = queue.decided if is_decided else queue.waiting
    found = await off_loop(lambda: read(offset=(number - 1) * PAGE, limit=PAGE))
    return visit.page(
        "queue.html",
        clusters=found.clusters,
        total=found.total,
        is_decided=is_decided,
        done=visit.number("done"),
        added=visit.number("added"),
        number=number,
        last=max(-(-found.total // PAGE), 1),
        query="decided=yes" if is_decided else "",
    )


@pages.get("/queue/file", Role.VIEWER)
async def file(visit: Visit) -> HTTPResponse:
    text = await off_loop(_queue(visit).exported)
    return raw(text.encode(), content_type=CSV, headers=attached("queue.csv"))


@pages.get("/queue/<id:str>", Role.VIEWER)
async def one(visit: Visit, id: str) -> HTTPResponse:
    queue = _queue(visit)
    cluster = await _found(queue, id)
    return await _page(visit, queue, cluster)


@pages.post("/queue/<id:str>", Role.EDITOR)
async def decide(visit: Visit, id: str) -> HTTPResponse:
    queue = _queue(visit)
    cluster = await _found(queue, id)
    verdict, form = visit.form["verdict"], visit.form
    texts = [line.strip() for line in form["examples"].splitlines() if line.strip()]
    topic = {"topic": form["topic"], "new topic": form["about"].strip()}.get(verdict, "")
    decision = Decision(cluster.id, verdict, topic, tuple(texts[:SHOWN]))
    try:
        if verdict in ("topic", "out of scope") and not texts:
            raise QueueProblem("There is no example left: write one line for each.")
        added = await off_loop(lambda: queue.decide(decision, by=visit.who.email))
    except QueueProblem as problem:
        return await _page(visit, queue, cluster, str(problem))
    if verdict == NEW_TOPIC:
        return visit.redirect("/topics/new", question=str(cluster.id))
    return visit.redirect("/queue", done=str(cluster.id), added=str(len(added)))


@pages.post("/queue/<id:str>/reopen", Role.EDITOR)
async def reopen(visit: Visit, id: str) -> HTTPResponse:
    queue = _queue(visit)
    cluster = await _found(queue, id)
    await off_loop(lambda: queue.reopen(cluster.id, by=visit.who.email))
    return visit.redirect(f"/queue/{cluster.id}")


def _queue(visit: Visit) -> Queue:
    return Queue(visit.staff.database, visit.staff.drafts, visit.staff.now)


async def _found(queue: Queue, id: str) -> Cluster:
    cluster = await off_loop(queue.cluster, number_of(id))
    if cluster is None:
        raise Refused(404, "not_found")
    return cluster


async def _page(visit: Visit, queue: Queue, cluster: Cluster, problem: str = "") -> HTTPResponse:
    messages = await off_loop(queue.messages, cluster.id)
    return visit.page(
        "queue_cluster.html",
        status=422 if problem else 200,
        cluster=cluster,
        messages=messages,
        topics=await off_loop(examples.topics, visit.staff.root / examples.NLU),
        verdicts=VERDICTS,
        form=visit.form,
        may_decide=visit.who.role.includes(Role.EDITOR),
        problem=problem,
    )
