"""The running server: restarts, a database that is away, an action server, closed doors, quiet logs."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from bot.content.given import put
from registration.database import Database
from tests.conversations.chat import Person
from tests.running_server import ROOT, Server, free_port, wait_until

GIVEN = {
    "classes": [
        {
            "id": "TX-1",
            "course": "basic",
            "city": "Austin",
            "state": "TX",
            "in_days": 20,
            "seats": 4,
        }
    ]
}


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may stop, restart or start in another way."""
    server = Server(folder=tmp_path, port=free_port())
    database = Database(server.registration_url)
    database.upgrade()
    put(database, GIVEN)
    yield server
    server.stop()
    database.dispose()


def test_restart_in_mid_conversation_loses_nothing(own_server: Server) -> None:
    own_server.start()
    person = Person(own_server.url)
    person.say("show me upcoming classes")

    own_server.restart()
    answers = Person(own_server.url, token=person.token).say("texas")

    assert "one upcoming class in Texas" in answers[0]["text"]
    history = person.http.get("/messages", headers=person.headers).json()["messages"]
    said = [message["text"] for message in history if message["from"] == "user"]
    assert said == ["show me upcoming classes", "texas"]


def test_interrupt_ends_the_server_cleanly(own_server: Server) -> None:
    own_server.start()
    process = own_server.process
    assert process

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=15) == 0
    assert "Traceback" not in own_server.log
    assert own_server.log.rstrip().endswith(f"http://localhost:{own_server.port}  (Ctrl-C ends it)")


def test_told_to_stop_it_finishes_what_has_begun(own_server: Server) -> None:
    own_server.start()
    process, person = own_server.process, Person(own_server.url)
    assert process
    database = sa.create_engine(own_server.conversations_url, future=True)

    with ThreadPoolExecutor() as threads:
        with database.connect() as writing:
            # The turn waits until nobody else writes.
            writing.exec_driver_sql("BEGIN IMMEDIATE")
            answer = threads.submit(person.post, {"text": "can I hold a spot?"})
            wait_until(lambda: "turns_at_once 1.0" in httpx.get(f"{own_server.url}/metrics").text)
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: httpx.get(f"{own_server.url}/health/ready").status_code == 503)
            late = httpx.post(f"{own_server.url}/api/chat/v1/sessions")
        answered = answer.result()

    assert (late.status_code, late.json()["error"]["code"]) == (503, "temporarily_unavailable")
    assert answered.status_code == 200
    assert process.wait(timeout=30) == 0
    assert "Traceback" not in own_server.log
    with database.connect() as reading:
        kept = reading.exec_driver_sql("SELECT id FROM webchat_messages WHERE sender = 'assistant'")
        assert answered.json()["messages"][-1]["id"] in kept.scalars().all()


def test_actions_run_in_an_action_server_of_their_own(own_server: Server, tmp_path: Path) -> None:
    port = free_port()
    endpoints = tmp_path / "endpoints.yml"
    named = f"\naction_endpoint:\n  url: http://127.0.0.1:{port}/webhook\n"
    endpoints.write_text((ROOT / "endpoints.yml").read_text() + named)
    own_server.arguments = ("--endpoints", str(endpoints))
    with (tmp_path / "actions.log").open("wb") as log:
        actions = subprocess.Popen(
            [Path(sys.executable).with_name("rasa"), "run", "actions", "--port", str(port)],
            cwd=ROOT,
            env=own_server.environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        own_server.start()
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200)
        person = Person(own_server.url)

        answers = person.say("show upcoming classes in texas")

        assert "one upcoming class in Texas" in answers[0]["text"]
        assert [card["subtitle"] for card in answers[0]["cards"]] == ["Austin, Texas"]
    finally:
        actions.terminate()
        actions.wait(timeout=15)

    answers = person.say("show upcoming classes in texas")

    assert "Something went wrong on my side" in answers[0]["text"]
    assert "spots cannot be held" in person.say("can I hold a spot?")[0]["text"]


def test_faq_answers_while_the_registration_database_is_away_and_look_ups_come_back(
    server: Server, registration: Database
) -> None:
    put(registration, GIVEN)
    person = Person(server.url)
    with registration.transaction() as connection:
        connection.execute(sa.text("ALTER TABLE classes RENAME TO classes_that_are_away"))
    try:
        (look_up,) = person.say("show upcoming classes in texas")
        (seats,) = person.say("how many seats are left in the austin class")
        (faq,) = person.say("can I hold a spot?")
        health = httpx.get(f"{server.url}/health/ready")
    finally:
        with registration.transaction() as connection:
            connection.execute(sa.text("ALTER TABLE classes_that_are_away RENAME TO classes"))

    for answer in (look_up, seats):
        assert "I can't reach the live class list right now" in answer["text"]
        assert {link["url"] for link in answer["links"]} == {
            "https://nasro.org/",
            "tel:+18883162776",
        }
    assert "spots cannot be held" in faq["text"]
    assert health.status_code == 200
    assert "one upcoming class in Texas" in person.say("show upcoming classes in texas")[0]["text"]


@pytest.mark.parametrize(
    "path",
    [
        "/model",
        "/status",
        "/domain",
        "/conversations/x/tracker",
        "/webhooks/rest/webhook",
        "/webhooks/webchat/webhook",
        "/socket.io/",
        "/webhook",
        "/actions",
    ],
)
def test_rasas_own_routes_are_not_there(server_url: str, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert httpx.request(method, f"{server_url}{path}").status_code == 404


def test_slots_are_not_carried_into_a_new_session() -> None:
    domain = (ROOT / "domain.yml").read_text()

    assert "carry_over_slots_to_new_session: false" in domain


def test_two_conversations_do_not_see_each_other(server_url: str) -> None:
    one, other = Person(server_url), Person(server_url)
    one.say("can I hold a spot?")

    history = other.http.get("/messages", headers=other.headers).json()["messages"]

    assert [message["from"] for message in history] == ["assistant"]


def test_button_that_was_not_offered_here_is_refused(server_url: str) -> None:
    one, other = Person(server_url), Person(server_url)
    one.say("can I hold a spot?")
    offered = one.messages[-1]["buttons"][0]["payload"]

    assert one.post({"payload": offered}).status_code == 200
    refused = other.post({"payload": offered})

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "payload_not_offered"


def test_page_and_widget_come_from_the_server(server_url: str) -> None:
    page = httpx.get(server_url)

    assert "<nasro-chat" in page.text
    assert "sample data" in page.text
    assert "trusted-types 'none'" in page.headers["content-security-policy"]
    widget = httpx.get(f"{server_url}/widget.js")
    assert widget.headers["content-type"].startswith("text/javascript")
    again = httpx.get(f"{server_url}/widget.js", headers={"If-None-Match": widget.headers["etag"]})
    assert again.status_code == 304


def test_no_word_of_a_conversation_is_in_the_log(server: Server) -> None:
    person = Person(server.url)
    person.say("my address is zebra.quagga@example.org and I want to hold a spot")
    person.say("xylophone zygote 4417")

    for word in ("zebra", "quagga", "xylophone", "4417", person.token):
        assert word not in server.log
