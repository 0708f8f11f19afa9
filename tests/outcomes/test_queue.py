"""The unanswered queue: its order, decisions and what then waits, examples in data/nlu, and the CSV file."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from bot.content import examples, files
from bot.content.changes import ChangeRefused, ExamplesAdded, TopicAdded
from bot.content.examples import ExampleRefused
from bot.staff.consumer import Consumer
from bot.staff.csv_files import escaped, plain
from bot.staff.database import audit
from bot.staff.drafts import Drafts
from bot.staff.outcome_tables import clusters
from bot.staff.queue import Decision, Queue, QueueProblem
from bot.webchat.database import ConversationDatabase
from tests.outcomes.stream import Talk

ROOT = Path(__file__).resolve().parents[2]

TOPIC = TopicAdded(
    name="faq_transfer_fee",
    title="Transfer fee",
    text="There is no fee for a transfer.",
    more="",
    facts={"transfer_fee.1": "no fee"},
    source_title="What is the transfer fee?",
    owner="NASRO office",
    review_by=date(2099, 6, 30),
    examples=tuple(f"is there a transfer fee for {number} of us" for number in range(10)),
    origin="From a test.",
)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, but for a test that wants both kinds."""
    if getattr(request, "param", "") == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'conversations.sqlite'}"


both = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def nlu(tmp_path: Path) -> Path:
    """The training examples, in a repository of their own."""
    folder = tmp_path / "repository/data/nlu"
    shutil.copytree(ROOT / "data/nlu", folder)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(
        folder,
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "commit",
        "--quiet",
        "-m",
        "as it is",
    )
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def drafts(database: ConversationDatabase, tmp_path: Path) -> Drafts:
    files.copy(ROOT, tmp_path / "root")
    return Drafts(database, tmp_path / "root")


@pytest.fixture
def queue(database: ConversationDatabase, consumer: Consumer, drafts: Drafts) -> Queue:
    """With two questions: one asked three ways, one asked once."""
    talk = Talk(database)
    ranking = [("nlu_fallback", 0.4), ("faq_host_class", 0.3), ("faq_register", 0.2)]
    for text in ("what is the transfer fee", "is there a transfer fee", "the transfer fee is what"):
        talk.turn(text, "not_covered", "utter_not_covered", score=0.1, ranking=ranking)
    talk.turn("=HYPERLINK(evil) <script>alert(1)</script>", "not_covered", "utter_not_covered",
              score=0.1, ranking=ranking)  # fmt: skip
    consumer.catch_up()
    return Queue(database, drafts)


def added(nlu: Path) -> list[str]:
    """The lines that `git diff` shows as added; there must be none that it shows as removed."""
    diff = git(nlu, "diff", "--unified=0").splitlines()
    assert not [line for line in diff if line.startswith("-") and not line.startswith("---")]
    return [line[1:] for line in diff if line.startswith("+") and not line.startswith("+++")]


def entries(database: ConversationDatabase) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(sa.select(audit).order_by(audit.c.id)))


@both
def test_the_most_asked_comes_first_with_its_nearest_topics(queue: Queue) -> None:
    page = queue.waiting()

    assert page.total == 2
    assert [cluster.size for cluster in page.clusters] == [3, 1]
    first = page.clusters[0]
    assert first.nearest == (("faq_host_class", 0.3), ("faq_register", 0.2))
    assert first.reasons == {"not_answered": 3}
    assert queue.messages(first.id) == [
        "the transfer fee is what", "is there a transfer fee", "what is the transfer fee"
    ]  # fmt: skip
    assert queue.waiting(offset=1, limit=1).clusters == page.clusters[1:]


def waiting(drafts: Drafts) -> list[Any]:
    return [draft.change for draft in drafts.waiting()]


@both
def test_added_to_a_topic_it_waits_to_be_an_example_that_says_where_it_is_from(
    queue: Queue, database: ConversationDatabase, drafts: Drafts
) -> None:
    cluster = queue.waiting().clusters[0]
    before = files.fingerprint(drafts.root)

    new = queue.decide(
        Decision(
            cluster.id,
            "topic",
            "faq_host_class",
            ("what's the transfer fee", "How do we host a class?"),
        ),
        by="jane@example.org",
    )

    assert new == ["what's the transfer fee"]  # the other is an example already
    (draft,) = drafts.waiting()
    assert draft.by == "jane@example.org"
    assert draft.change == ExamplesAdded("faq_host_class", tuple(new), draft.change.origin)
    assert re.fullmatch(r"From the queue, 20\d\d-\d\d-\d\d: asked 3 times.", draft.change.origin)
    assert files.fingerprint(drafts.root) == before
    assert [(entry.who, entry.what, entry.after) for entry in entries(database)] == [
        ("jane@example.org", "question decided", "topic: faq_host_class"),
        ("jane@example.org", "change added", "1 example more for faq_host_class"),
    ]
    decided = queue.decided().clusters[0]
    assert (decided.verdict, decided.topic, decided.decided_by) == (
        "topic", "faq_host_class", "jane@example.org"
    )  # fmt: skip
    assert queue.waiting().total == 1


def test_every_topic_can_be_added_to(nlu: Path) -> None:
    for topic in examples.topics(nlu):
        text = f"zebra stripes: # are \"{topic}\" 'too' - ok"
        before = added(nlu)
        examples.add(topic, [text], "From a test.", nlu)

        new = list(added(nlu))
        for line in before:
            new.remove(line)
        assert [line for line in new if line] == [
            "# From a test.", f"- intent: {topic}", "  examples: |", f"    - {text}"
        ]  # fmt: skip


def test_what_is_out_of_scope_becomes_an_example_of_that(queue: Queue, drafts: Drafts) -> None:
    cluster = queue.waiting().clusters[0]

    queue.decide(Decision(cluster.id, "out of scope"), by="jane@example.org")

    (change,) = waiting(drafts)
    assert (change.topic, change.texts) == (
        "out_of_scope",
        ("the transfer fee is what", "is there a transfer fee", "what is the transfer fee"),
    )


def test_a_new_topic_waits_with_its_answer(queue: Queue, drafts: Drafts) -> None:
    cluster = queue.waiting().clusters[0]

    queue.decide(Decision(cluster.id, "new topic", TOPIC.name, change=TOPIC), by="a")

    assert waiting(drafts) == [TOPIC]
    assert queue.decided().clusters[0].topic == "faq_transfer_fee"
    with pytest.raises(ChangeRefused):  # there is that topic now
        queue.decide(Decision(2, "new topic", TOPIC.name, change=TOPIC), by="a")


@pytest.mark.parametrize("verdict", ["ignore", "new topic"])
def test_other_decisions_change_nothing_else(queue: Queue, drafts: Drafts, verdict: str) -> None:
    cluster = queue.waiting().clusters[0]

    assert queue.decide(Decision(cluster.id, verdict, "transfer fees"), by="a") == []

    assert waiting(drafts) == []
    assert queue.decided().total == 1


def test_a_decision_can_be_taken_back_with_its_change(
    queue: Queue, database: ConversationDatabase, drafts: Drafts
) -> None:
    cluster = queue.waiting().clusters[0]
    queue.decide(Decision(cluster.id, "out of scope"), by="jane@example.org")
    drafts.add(ExamplesAdded("faq_register", ("zebra stripes",), "Another's."), by="a")

    queue.reopen(cluster.id, by="bob@example.org")

    assert queue.waiting().clusters[0].id == cluster.id
    assert [change.topic for change in waiting(drafts)] == ["faq_register"]
    assert [(entry.who, entry.what) for entry in entries(database)] == [
        ("jane@example.org", "question decided"), ("jane@example.org", "change added"),
        ("a", "change added"),
        ("bob@example.org", "question reopened"), ("bob@example.org", "change discarded")
    ]  # fmt: skip


def test_decided_anew_the_first_decision_leaves_nothing(queue: Queue, drafts: Drafts) -> None:
    cluster = queue.waiting().clusters[0]
    queue.decide(Decision(cluster.id, "out of scope"), by="a")

    queue.decide(Decision(cluster.id, "topic", "faq_host_class"), by="b")

    assert [change.topic for change in waiting(drafts)] == ["faq_host_class"]


def test_what_is_asked_after_a_decision_is_counted(
    queue: Queue, database: ConversationDatabase, consumer: Consumer
) -> None:
    cluster = queue.waiting().clusters[0]
    queue.decide(Decision(cluster.id, "ignore"), by="a")

    Talk(database).turn("what is the transfer fee", "not_covered", "utter_not_covered", score=0.1)
    consumer.catch_up()

    assert queue.decided().clusters[0].since == 1
    assert queue.waiting().total == 1


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (Decision(1, "delete"), "no verdict"),
        (Decision(1, "topic"), "needs a topic"),
        (Decision(1, "topic", "faq_nothing", ("hello",)), "no topic faq_nothing"),
        (Decision(1, "topic", "../../etc/passwd", ("hello",)), "no topic"),
        (Decision(1, "topic", "faq_register", ("///",)), "no words"),
        (Decision(1, "topic", "faq_register", ("a" * 301,)), "at most 300"),
        (Decision(99, "ignore"), "no cluster 99"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    queue: Queue, database: ConversationDatabase, drafts: Drafts, decision: Decision, reason: str
) -> None:
    with pytest.raises(QueueProblem, match=reason):
        queue.decide(decision, by="a")

    assert waiting(drafts) == []
    assert entries(database) == []
    assert queue.decided().total == 0


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("/restart now", "restart now"),
        ("see [Ohio](place)", "see Ohio(place)"),
        ('x {"entity": "y"}', 'x "entity": "y"'),
        ("two\nlines", "two lines"),
        ("- a dash", "- a dash"),
        ("tab\tand | bar \\ here", "tab and bar here"),
    ],
)
def test_an_example_is_words_and_nothing_else(nlu: Path, typed: str, kept: str) -> None:
    assert examples.add("faq_register", [typed], "From a test.", nlu) == [kept]
    last = yaml.safe_load((nlu / "faq_register.yml").read_text())["nlu"][-1]
    assert last["examples"] == f"- {kept}\n"


def test_two_who_add_at_once_lose_nothing(nlu: Path) -> None:
    import threading  # noqa: PLC0415  only here

    adding = [
        threading.Thread(
            target=examples.add, args=("faq_register", [f"zebra number {n}"], "Test.", nlu)
        )
        for n in range(4)
    ]
    for one in adding:
        one.start()
    for one in adding:
        one.join()

    assert len([line for line in added(nlu) if line.startswith("    - zebra")]) == 4


def test_the_file_goes_out_and_comes_back(
    queue: Queue, database: ConversationDatabase, drafts: Drafts
) -> None:
    table = list(csv.DictReader(io.StringIO(queue.exported())))
    assert [(row["times asked"], row["nearest topic"], row["score"]) for row in table] == [
        ("3", "faq_host_class", "0.3"), ("1", "faq_host_class", "0.3")
    ]  # fmt: skip
    assert table[1]["text"].startswith("'=HYPERLINK")
    table[0] |= {"verdict": "Topic", "topic": "faq_host_class", "text": "what does a transfer cost"}
    table[1] |= {"verdict": "ignore"}

    assert queue.import_(as_csv(table), by="command line") == 2

    assert [change.texts for change in waiting(drafts)] == [("what does a transfer cost",)]
    assert queue.waiting().total == 0
    assert [entry.after for entry in entries(database)] == [
        "topic: faq_host_class", "1 example more for faq_host_class", "ignore"
    ]  # fmt: skip


def test_a_file_with_a_bad_line_changes_nothing(
    queue: Queue, database: ConversationDatabase, drafts: Drafts
) -> None:
    table = list(csv.DictReader(io.StringIO(queue.exported())))
    table[0] |= {"verdict": "topic", "topic": "faq_host_class"}
    table[1] |= {"verdict": "topic", "topic": "faq_hots_class"}

    with pytest.raises(QueueProblem, match="line 3: There is no topic faq_hots_class"):
        queue.import_(as_csv(table), by="command line")

    assert waiting(drafts) == []
    assert entries(database) == []


def test_a_file_that_is_none_says_so(queue: Queue) -> None:
    with pytest.raises(QueueProblem, match="columns"):
        queue.import_("a,b\n1,2\n", by="command line")


def as_csv(table: list[dict[str, str]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    return "\ufeff" + file.getvalue()  # as spreadsheet programs write it


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "'=1", " =1", "''-x", "\uff1d1"])
def test_no_cell_is_taken_for_a_formula(text: str) -> None:
    assert escaped(text) == f"'{text}"
    assert plain(escaped(text)) == text


@pytest.mark.parametrize("text", ["what is 1+1", "it's", "'quoted'", "", "a=b"])
def test_other_cells_stay(text: str) -> None:
    assert escaped(text) == text == plain(text)


@both
def test_the_whole_queue_is_exported(queue: Queue, database: ConversationDatabase) -> None:
    with database.writing() as connection:
        row = connection.execute(sa.select(clusters)).mappings().first()
        connection.execute(
            clusters.insert(), [{k: v for k, v in row.items() if k != "id"} for _ in range(50)]
        )

    assert len(queue.exported().splitlines()) == 53


def test_nothing_is_added_where_there_is_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ExampleRefused, match="no folder"):
        examples.add("faq_register", ["x"], "Test.", tmp_path / "none")
