"""Outcomes of stored conversations: what they say, and that each event counts exactly once."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from actions import wording
from bot.staff import consumer as consumer_module
from bot.staff import outcomes
from bot.staff.consumer import Consumer, erase
from bot.staff.outcome_tables import clusters, conversations, figures, progress, questions
from bot.staff.outcomes import Question
from bot.webchat.database import ConversationDatabase
from bot.webchat.history import History
from registration.queries import MOST_COUNTED
from tests.outcomes.stream import EVENTS, NOON, Talk, database_at, made_up_vector

ROOT = Path(__file__).resolve().parents[2]
CASES = yaml.safe_load(Path(__file__).with_name("outcomes.yml").read_text(encoding="utf-8"))
DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))

ANSWERS_THAT_NAME_THE_OFFICE = {
    "utter_faq_register_more", "utter_faq_new_account", "utter_faq_get_certificate_more",
    "utter_faq_hold_spot_more", "utter_faq_login_trouble",
    "utter_certificate_cancelled", "utter_certificate_transferred", "utter_certificate_class_cancelled",
    "utter_certificate_class_postponed", "utter_no_registrations", "utter_classes_called_off",
    "utter_membership_ended", "utter_no_membership", "utter_one_seat_left", "utter_class_full",
    "utter_certificate_attendance_not_recorded",
}  # fmt: skip
"""They answer, and say who can do more."""


def rows(database: ConversationDatabase, table: sa.Table) -> list[Any]:
    with database.reading() as connection:
        order = list(table.primary_key.columns)
        return list(connection.execute(sa.select(table).order_by(*order)).mappings())


def told(database: ConversationDatabase) -> dict[str, Any]:
    """All outcomes, without what differs from run to run."""
    left_out = {"id", "conversation", "cluster", "version", "center"}
    result: dict[str, Any] = {}
    for table in (conversations, questions, clusters, figures):
        found = [
            json.dumps({k: v for k, v in row.items() if k not in left_out}, default=str)
            for row in rows(database, table)
        ]
        result[table.name] = Counter(found)
    return result


def some_conversations(database: ConversationDatabase, number: int, seed: int = 0) -> None:
    """Made-up conversations of the turns in outcomes.yml, in between one another."""
    chance = random.Random(seed)
    talks = [Talk(database, id=f"{n:032x}") for n in range(number)]
    left = [(talk, turn) for talk in talks for turn in chance.choice(CASES)["turns"]]
    chance.shuffle(left)
    for talk, turn in left:
        take(talk, turn)
        if talk.answers and chance.random() < 0.2:
            talk.rate(chance.random() < 0.5)


def take(talk: Talk, turn: dict[str, Any]) -> None:
    options = {key: turn[key] for key in ("score", "band", "place", "total") if key in turn}
    talk.turn(turn["user"], turn["intent"], *turn["said"], **options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_comes_of_a_message(tmp_path: Path, case: dict[str, Any]) -> None:
    database = database_at(f"sqlite:///{tmp_path / 'conversations.sqlite'}")
    talk = Talk(database)
    for turn in case["turns"]:
        take(talk, turn)

    Consumer(database, made_up_vector).catch_up()

    for turn, row in zip(case["turns"], rows(database, questions), strict=True):
        found = {**row, "queued_for": Question(**row).queued_for}
        assert {name: found[name] for name in turn["row"]} == turn["row"]
    (conversation,) = rows(database, conversations)
    expected = case.get("conversation", {})
    assert {name: conversation[name] for name in expected} == expected


def test_more_results_than_are_counted_are_some(
    database: ConversationDatabase, consumer: Consumer, caplog: pytest.LogCaptureFixture
) -> None:
    talk = Talk(database)
    for found in (3, MOST_COUNTED + 1):
        total = wording.number(found)
        talk.turn("all classes", "find_classes", "utter_classes_found", total=total)

    consumer.catch_up()

    assert [row["results"] for row in rows(database, questions)] == [3, MOST_COUNTED]
    (conversation,) = rows(database, conversations)
    assert (conversation["lookups"], conversation["last_at"]) == (2, talk.at)
    assert caplog.records == []


def test_the_tables_of_responses_hold_what_the_domain_says() -> None:
    names = set(DOMAIN["responses"])
    named = {*outcomes.HANDED_OVER, *outcomes.LOOKUPS, *outcomes._BY_RESPONSE}
    assert named <= names
    office = {
        name for name, said in DOMAIN["responses"].items() if "{office_phone}" in json.dumps(said)
    }
    unclear = office - set(outcomes.HANDED_OVER) - ANSWERS_THAT_NAME_THE_OFFICE
    assert office >= ANSWERS_THAT_NAME_THE_OFFICE
    assert not unclear, f"do these hand over? {unclear}: say so in bot/staff/outcomes.py or here"
    assert set(outcomes.HANDED_OVER.values()) == set(outcomes.REASONS)


def test_the_table_of_events_is_rasas() -> None:
    from rasa.core.tracker_store import SQLTrackerStore  # noqa: PLC0415  slow to import

    rasas = SQLTrackerStore.SQLEvent.__table__
    assert [c.name for c in rasas.columns] == [c.name for c in EVENTS.columns]


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_the_portions_in_which_events_are_read_make_no_difference(
    tmp_path: Path, batch: int
) -> None:
    whole = database_at(f"sqlite:///{tmp_path / 'whole.sqlite'}")
    portions = database_at(f"sqlite:///{tmp_path / 'portions.sqlite'}")
    for database in (whole, portions):
        some_conversations(database, 12)

    Consumer(whole, made_up_vector).catch_up()
    consumer = Consumer(portions, made_up_vector, batch=batch)
    consumer.catch_up()

    assert without_clusters(told(portions)) == without_clusters(told(whole))
    before = told(portions)
    assert consumer.catch_up() == 0
    assert told(portions) == before


def without_clusters(outcomes_: dict[str, Any]) -> dict[str, Any]:
    # Whether a message is alike depends on what the cluster's mean is at the time; how many don't.
    sizes = [json.loads(row)["size"] * n for row, n in outcomes_[clusters.name].items()]
    return {**outcomes_, clusters.name: sum(sizes)}


def test_nothing_is_lost_or_counted_twice_when_the_process_is_killed(
    url: str, tmp_path: Path
) -> None:
    database = database_at(url)
    some_conversations(database, 40)
    undisturbed = database_at(f"sqlite:///{tmp_path / 'undisturbed.sqlite'}")
    some_conversations(undisturbed, 40)
    Consumer(undisturbed, made_up_vector, batch=7).catch_up()
    killed, reached = 0, 0
    chance = random.Random(1)

    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-m", "tests.outcomes.crash", url], cwd=ROOT)
        start = reached
        while process.poll() is None and reached < start + 30:
            reached = max([row["event_id"] for row in rows(database, progress)] or [0])
        time.sleep(chance.random() / 50)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    Consumer(database, made_up_vector, batch=7).catch_up()

    assert killed == 4
    assert without_clusters(told(database)) == without_clusters(told(undisturbed))
    assert sum(row["size"] for row in rows(database, clusters)) == sum(
        Question(**row).queued_for is not None for row in rows(database, questions)
    )


def read_until_killed(url: str, at: int) -> None:
    """Reads in a process of its own, which ends at this statement or commit, counted from 0."""
    database = database_at(url)
    points = itertools.count()

    def reach(*_: Any) -> None:
        if next(points) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    for point in ("before_cursor_execute", "commit"):
        sa.event.listen(database._open(), point, reach)
    Consumer(database, made_up_vector, batch=7).catch_up()


def test_a_kill_at_any_statement_or_commit_loses_nothing(url: str, tmp_path: Path) -> None:
    undisturbed = database_at(f"sqlite:///{tmp_path / 'undisturbed.sqlite'}")
    some_conversations(undisturbed, 12)
    Consumer(undisturbed, made_up_vector, batch=7).catch_up()
    database = database_at(url)
    some_conversations(database, 12)
    database.dispose()  # a connection mustn't be in two processes
    killed = 0

    for at in itertools.count():
        reader = multiprocessing.get_context("fork").Process(
            target=read_until_killed, args=(url, at)
        )
        reader.start()
        reader.join(60)
        if reader.exitcode == 0:
            break
        assert reader.exitcode == -signal.SIGKILL
        killed += 1

    assert killed > 15  # one step alone has more statements
    assert without_clusters(told(database)) == without_clusters(told(undisturbed))


def test_a_thumb_is_not_passed_over_while_its_question_cannot_be_read(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "LONGEST_WAIT", 0.2)
    database = database_at(postgres_url)
    consumer = Consumer(database, made_up_vector)
    known = Talk(database, NOON + timedelta(hours=1))
    known.turn("what is an sro", "faq_what_is_sro", "utter_faq_what_is_sro")
    consumer.catch_up()
    known.rate(True)
    late = Talk(database, NOON)
    late.turn("how do i register", "faq_register", "utter_faq_register")
    late.rate(False)

    # Somebody stores for so long that nothing can be read; meanwhile thumbs of an hour later are there.
    Talk(database).turn("hi", "greet", "utter_greet", also=lambda _: consumer.catch_up())
    consumer.catch_up()

    assert {row["topic"]: row["is_helpful"] for row in rows(database, questions)} == {
        "faq_what_is_sro": True, "faq_register": False, "greet": None
    }  # fmt: skip


def test_several_that_read_at_once_count_once(url: str, tmp_path: Path) -> None:
    database = database_at(url)
    some_conversations(database, 25)
    alone = database_at(f"sqlite:///{tmp_path / 'alone.sqlite'}")
    some_conversations(alone, 25)
    Consumer(alone, made_up_vector).catch_up()
    workers = [
        threading.Thread(target=Consumer(database_at(url), made_up_vector, batch=11).catch_up)
        for _ in range(4)
    ]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert without_clusters(told(database)) == without_clusters(told(alone))


def test_what_becomes_visible_late_is_not_passed_over(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "LONGEST_WAIT", 0.2)
    database = database_at(postgres_url)
    slow, quick = Talk(database), Talk(database)
    consumer = Consumer(database, made_up_vector)
    seen: list[int] = []

    def meanwhile(_: Any) -> None:
        # The slow turn's events have their ids, and aren't committed: a quick turn overtakes them.
        quick.turn("what is an sro", "faq_what_is_sro", "utter_faq_what_is_sro")
        with database.reading() as connection:
            assert connection.execute(sa.select(sa.func.min(EVENTS.c.id))).scalar() > 1
        consumer.catch_up()
        seen.append(len(rows(database, questions)))

    slow.turn("how do i register", "faq_register", "utter_faq_register", also=meanwhile)
    consumer.catch_up()

    assert seen == [0]
    assert {row["topic"] for row in rows(database, questions)} == {
        "faq_what_is_sro",
        "faq_register",
    }


def test_ids_that_sqlite_gives_again_are_read(tmp_path: Path) -> None:
    database = database_at(f"sqlite:///{tmp_path / 'conversations.sqlite'}")
    consumer = Consumer(database, made_up_vector)
    stays, goes = Talk(database), Talk(database)
    stays.turn("what is an sro", "faq_what_is_sro", "utter_faq_what_is_sro")
    goes.turn("how do i register", "faq_register", "utter_faq_register")
    goes.turn("hi", "greet", "utter_greet")
    consumer.catch_up()

    forget(database, goes)
    stays.turn("can you hold a spot", "faq_hold_spot", "utter_faq_hold_spot")
    consumer.catch_up()

    topics = Counter(row["topic"] for row in rows(database, questions))
    assert topics == {"faq_what_is_sro": 1, "faq_register": 1, "greet": 1, "faq_hold_spot": 1}


def forget(database: ConversationDatabase, talk: Talk) -> None:
    """As `DELETE /sessions` and `nasro-chat privacy` do."""

    def also(connection: Any) -> None:
        erase(connection, talk.id)
        connection.execute(EVENTS.delete().where(EVENTS.c.sender_id == talk.id))

    History(database).end(talk.id, talk.at, also)


@pytest.mark.parametrize("is_read_before", [True, False])
def test_what_is_erased_leaves_numbers_and_no_trace(
    database: ConversationDatabase, consumer: Consumer, is_read_before: bool
) -> None:
    talk, other = Talk(database), Talk(database)
    talk.turn("how much is the transfer fee", "not_covered", "utter_not_covered", score=0.1)
    talk.turn("what is the refund policy please", "not_covered", "utter_not_covered", score=0.1)
    talk.turn("what is an sro", "faq_what_is_sro", "utter_faq_what_is_sro")
    talk.rate(False)
    if is_read_before:
        consumer.catch_up()
    other.turn("how much is the transfer fee", "not_covered", "utter_not_covered", score=0.1)

    forget(database, talk)
    consumer.catch_up()

    kept = json.dumps([dict(r) for t in (questions, conversations, clusters) for r in rows(database, t)],
                      default=str)  # fmt: skip
    assert talk.id not in kept
    assert "refund" not in kept
    assert not [
        row for row in rows(database, questions) if row["message_id"] and row["text"] is None
    ]
    numbers = {(r["measure"], r["key"]): r["number"] for r in rows(database, figures)}
    assert numbers["messages", ""] == 4
    assert numbers["outcome", "not_covered"] == 3
    assert numbers["feedback", "unhelpful"] == 1
    assert numbers["conversations", ""] == 2
    texts = [row["text"] for row in rows(database, clusters) if row["size"]]
    assert texts == ["how much is the transfer fee"]


def test_a_thumb_counts_however_often_it_is_read_and_changed(
    database: ConversationDatabase, consumer: Consumer
) -> None:
    talk = Talk(database)
    talk.turn("where does my dog train", "faq_host_class", "utter_faq_host_class")
    consumer.catch_up()
    assert rows(database, clusters) == []

    talk.rate(False)
    consumer.catch_up()
    Consumer(database, made_up_vector).catch_up()  # reads the last minutes again
    (row,) = rows(database, questions)
    (cluster,) = rows(database, clusters)
    assert (row["is_helpful"], row["text"]) == (False, "where does my dog train")
    assert (cluster["size"], cluster["reasons"]) == (1, {"thumbs_down": 1})

    talk.rate(True)
    consumer.catch_up()
    (row,) = rows(database, questions)
    (cluster,) = rows(database, clusters)
    numbers = {(r["measure"], r["key"]): r["number"] for r in rows(database, figures)}
    assert (row["is_helpful"], row["text"], row["cluster"]) == (True, None, None)
    assert cluster["size"] == 0
    assert (numbers["feedback", "helpful"], numbers["feedback", "unhelpful"]) == (1, 0)
    of_topic = [numbers[f"topic_{thumb}", "faq_host_class"] for thumb in ("helpful", "unhelpful")]
    assert of_topic == [1, 0]


def test_who_comes_back_after_a_long_pause_reopens_the_conversation(
    database: ConversationDatabase, consumer: Consumer
) -> None:
    talk = Talk(database)
    talk.session_started()
    talk.turn("hi", "greet", "utter_greet")
    consumer.catch_up()
    talk.session_started()
    talk.turn("hi again", "greet", "utter_greet")
    consumer.catch_up()

    (conversation,) = rows(database, conversations)
    assert conversation["reopened"] == 1
    assert conversation["began_at"].replace(microsecond=0) == NOON


@pytest.mark.parametrize(
    "data", ["{}", "[]", "no JSON", '{"timestamp": "x"}', '{"timestamp": 1, "parse_data": 5}']
)
def test_an_event_that_nobody_can_read_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: str
) -> None:
    database = database_at(f"sqlite:///{tmp_path / 'conversations.sqlite'}")
    bad, good = Talk(database), Talk(database)
    with database.writing() as connection:
        connection.execute(EVENTS.insert().values(sender_id=bad.id, type_name="user", data=data))
    good.turn("what is an sro", "faq_what_is_sro", "utter_faq_what_is_sro")

    Consumer(database, made_up_vector).catch_up()
    forget(database, bad)

    assert [row["topic"] for row in rows(database, questions)] == ["faq_what_is_sro"]
    assert "An event can't be read: user" in caplog.text


def test_messages_that_mean_the_same_share_a_cluster(
    database: ConversationDatabase, consumer: Consumer
) -> None:
    talk = Talk(database)
    ranking = [("not_covered", 0.6), ("faq_register", 0.2), ("faq_host_class", 0.1), ("greet", 0.05),
               ("faq_hold_spot", 0.01), ("ask_human", 0.001)]  # fmt: skip
    for text in ("what is the transfer fee", "the transfer fee is what", "is there a transfer fee",
                 "do you sell coffee mugs anywhere"):  # fmt: skip
        talk.turn(text, "not_covered", "utter_not_covered", score=0.2, ranking=ranking)
        consumer.catch_up()

    fee, mugs = rows(database, clusters)
    assert (fee["size"], mugs["size"]) == (3, 1)
    assert fee["text"] == "is there a transfer fee"
    assert fee["nearest"] == [
        ["faq_register", 0.2],
        ["faq_host_class", 0.1],
        ["faq_hold_spot", 0.01],
    ]


def test_clusters_that_go_on_coming_are_not_all_kept_in_mind(
    database: ConversationDatabase, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "MOST", 5)
    talk = Talk(database)
    in_mind = []

    for text in [*(f"wish{n}" for n in range(40)), "wish0", "wish39"]:
        talk.turn(text, "not_covered", "utter_not_covered", score=0.2)
        consumer.catch_up()
        in_mind.append(len(consumer._clusters or ()))

    assert max(in_mind) <= 2 * 5 + 1
    sizes = {row["id"]: row["size"] for row in rows(database, clusters)}
    assert (len(sizes), sizes[40]) == (41, 2), "the newest is known, the oldest isn't any more"


def test_no_log_line_quotes_anybody(
    database: ConversationDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(text: str) -> Any:
        raise RuntimeError(text)

    import asyncio  # noqa: PLC0415  only here

    Talk(database).turn("my secret wish", "not_covered", "utter_not_covered", score=0.2)

    async def a_while() -> None:
        task = asyncio.create_task(consumer_module.keep_up(Consumer(database, fails)))
        while not caplog.records:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(a_while())
    assert "Outcomes can't be written: RuntimeError" in caplog.text
    assert not re.search("secret wish", caplog.text)
