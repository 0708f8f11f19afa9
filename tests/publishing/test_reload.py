"""A running server takes on what is published while people talk, and keeps what it has where it can't."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from bot.contacts import load_contacts
from bot.content.changes import ContactChanged
from bot.content.files import MODEL
from bot.staff.drafts import Drafts
from bot.staff.publications import Publications
from registration.database import Database
from tests.conversations.chat import Person
from tests.publishing.conftest import JANE, PutTogether, reads
from tests.roots import copy_of_the_root
from tests.running_server import ROOT, Server, free_port, wait_until

ASKED = "can I hold a spot?"


@dataclass
class Talking:
    """People who ask the same again and again, until they are told to stop."""

    url: str
    people: int = 4
    answers: list[list[str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    is_over: bool = False

    def __enter__(self) -> Talking:
        self._persons = [Person(self.url) for _ in range(self.people)]
        self.answers = [[] for _ in self._persons]
        self._threads = [
            threading.Thread(target=self._talk, args=one)
            for one in zip(self._persons, self.answers, strict=True)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        for thread in self._threads:
            thread.join()

    def _talk(self, person: Person, answers: list[str]) -> None:
        while not self.is_over:
            body = {"text": ASKED, "client_id": str(uuid4())}
            try:
                answer = person.post(body)
            except httpx.HTTPError as error:
                self.failed.append(type(error).__name__)
                continue
            if answer.status_code == 429:  # a conversation is slowed down, not lost
                time.sleep(float(answer.headers["Retry-After"]))
            elif answer.status_code != 200:
                self.failed.append(f"{answer.status_code}")
            else:
                answers.append(" ".join(m["text"] for m in answer.json()["messages"]))

    def have_all_heard(self, text: str) -> bool:
        return all(answers and text in answers[-1] for answers in self.answers)

    def stored(self) -> list[list[str]]:
        """What the server says it answered."""
        histories = []
        for person in self._persons:
            said = person.http.get("/messages", headers=person.headers).json()["messages"][1:]
            histories.append([m["text"] for m in said if m["from"] == "assistant"])
        return histories


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = copy_of_the_root(tmp_path_factory.mktemp("running") / "root")
    server = Server(folder=root.parent, port=free_port(), root=root)
    Database(server.registration_url).upgrade()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def url(running: Server) -> str:
    return running.conversations_url


@pytest.fixture
def root(running: Server) -> Path:
    return running.root


@pytest.fixture
def served(running: Server, publications: Publications, drafts: Drafts) -> Iterator[Publications]:
    """What the server has taken on; at the end of the test all is taken back, and nothing waits."""
    running.start() if running.process is None else None
    yield publications
    while any(one.may_be_rolled_back for one in publications.all()):
        publications.roll_back(by=JANE)
    for draft in drafts.waiting():
        drafts.discard(draft.id, by=JANE)
    wait_until(lambda: bool(publications.servers()))


def test_nobody_loses_an_answer_while_it_changes(
    running: Server, served: Publications, drafts: Drafts, candidates: PutTogether, root: Path
) -> None:
    with Talking(running.url) as talking:
        wait_until(lambda: all(talking.answers))
        for text in ("It says this now.", "And now that."):
            drafts.add(reads(root, text), by=JANE)
            served.publish(candidates.build_now(by=JANE).id, by=JANE)
            wait_until(lambda text=text: talking.have_all_heard(text))
        served.roll_back(by=JANE)
        wait_until(lambda: talking.have_all_heard("It says this now."))

    assert talking.failed == []
    assert talking.stored() == talking.answers
    for answers in talking.answers:
        told = [answer if "now" in answer else "as it was" for answer in answers]
        changes = [now for before, now in zip(["", *told], told, strict=False) if now != before]
        assert changes == [
            "as it was", "It says this now.", "And now that.", "It says this now."
        ]  # fmt: skip
    (server,) = served.servers()
    assert (server.name.endswith(f":{running.port}"), server.problem) == (True, "")


def test_a_contact_is_another_one_at_once(
    running: Server, served: Publications, drafts: Drafts, candidates: PutTogether, root: Path
) -> None:
    office = load_contacts(root / "contacts.yml")["office_phone"]
    change = ContactChanged(
        office.name, "205-555-0123", "tel:+12055550123", office.owner, office.review_by
    )
    drafts.add(change, by=JANE)
    person = Person(running.url)

    served.publish(candidates.build_now(by=JANE).id, by=JANE)
    wait_until(lambda: bool(served.servers()))

    (answer, *_) = person.say("what is your phone number?")
    assert "205-555-0123" in answer["text"]
    assert {"title": "205-555-0123", "url": "tel:+12055550123"} in answer["links"]


def test_a_model_that_cannot_be_loaded_leaves_the_old_one_and_says_so(
    running: Server,
    served: Publications,
    drafts: Drafts,
    candidates: PutTogether,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(number: int) -> None:
        model = candidates.folder(number) / MODEL
        model.parent.mkdir()
        model.write_bytes(b"no model")

    monkeypatch.setattr(candidates, "_train", broken)
    drafts.add(reads(root, "Nobody hears this."), by=JANE)
    person = Person(running.url)
    before = person.say(ASKED)

    served.publish(candidates.build_now(by=JANE).id, by=JANE)
    wait_until(lambda: bool(served.servers()))

    (server,) = served.servers()
    assert "can't be loaded" in server.problem
    assert [m["text"] for m in person.say(ASKED)] == [m["text"] for m in before]
    assert httpx.get(f"{running.url}/health/ready").status_code == 200


def test_a_server_that_starts_brings_to_its_end_what_was_cut_short(
    running: Server,
    served: Publications,
    drafts: Drafts,
    candidates: PutTogether,
    root: Path,
) -> None:
    drafts.add(reads(root, "It says this now."), by=JANE)
    candidates.build_now(by=JANE)
    running.stop()
    assert served.servers() == []

    subprocess.run(
        [sys.executable, "-m", "tests.publishing.crash", running.conversations_url, root, "publish",
         "files"], env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    running.start()

    wait_until(lambda: bool(served.servers()))
    assert "It says this now." in Person(running.url).say(ASKED)[0]["text"]
