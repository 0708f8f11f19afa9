"""Changes of answers, contacts, examples and topics: what is refused (changes.yml), and what files become."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.contacts import load_contacts
from bot.content import changes, examples, files
from bot.content.answers import Button, read_answers
from bot.content.changes import (
    Change,
    ChangeRefused,
    ContactChanged,
    ExamplesAdded,
    TopicAdded,
    no_change,
)
from bot.content.contacts import kind_of, link_of
from tests.content.conftest import ROOT

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("changes.yml").read_text(encoding="utf-8")
)["refused"]
ANSWERS = read_answers(ROOT)

PARKING = TopicAdded(
    name="faq_parking",
    title="Where to park?",
    text="There is free parking behind the school.\n1. Look for the sign.\n2. Don't park: on the lawn.",
    more="For a bus, call {office_phone} before you come.",
    facts=changes.numbered(
        "faq_parking", ["free parking behind the school", "", "For a bus, call {office_phone}"]
    ),
    source_title="Where can I park when I attend a class?",
    owner="NASRO training department",
    review_by=date(2027, 6, 30),
    examples=(
        "where can we leave the car during the course",
        "is there parking at the school",
        "do I pay for parking",
        "can I bring a truck and trailer",
        "parking?",
        "how far is it from the parking lot: any idea",
        "where do buses stop and wait",
        "I'd like to know if there's a garage",
        "do you have handicapped parking",
        "will my cruiser be safe in the lot # overnight",
    ),
    origin="From the queue, 2026-11-26: asked 12 times.",
)


def change_of(case: dict[str, Any]) -> Change:
    if name := case.get("answer"):
        asked = {k: v for k, v in case.items() if k in ("text", "facts", "owner")}
        if "buttons" in case:
            asked["buttons"] = tuple(Button(**button) for button in case["buttons"])
        if "gives_up" in case:
            asked["gives_up"] = tuple(case["gives_up"])
        answer = ANSWERS.get(name, dataclasses.replace(ANSWERS["utter_faq_register"], name=name))
        return dataclasses.replace(no_change(answer), **asked)
    if contact := case.get("contact"):
        return ContactChanged(**contact, owner="NASRO office", review_by=date(2027, 6, 30))
    if found := case.get("examples"):
        return ExamplesAdded(found["topic"], tuple(found["texts"]), "From the queue.")
    asked = {k: tuple(v) if k == "examples" else v for k, v in case["topic"].items()}
    return dataclasses.replace(PARKING, **asked)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_change_is_refused_at_its_field_with_the_reason(case: dict[str, Any], root: Path) -> None:
    change = change_of(case)

    found = changes.problems(change, root)

    expected = case["problems"]
    assert [p.field for p in found] == [p["field"] for p in expected], found
    for problem, item in zip(found, expected, strict=True):
        assert item["says"] in problem.message
        assert problem.can_be_confirmed is item.get("can_be_confirmed", False), problem
    with pytest.raises(ChangeRefused):
        changes.apply(change, root)
    assert files.patch(ROOT, root) == ""


def test_answers_and_contacts_pass_their_own_checks() -> None:
    assert changes.standing_problems(ROOT) == []


def test_change_that_changes_nothing_changes_no_byte(root: Path) -> None:
    for answer in read_answers(root).values():
        changes.apply(no_change(answer), root)

    assert files.patch(ROOT, root) == ""


def changed_lines(before: Path, after: Path) -> dict[str, list[str]]:
    """The lines that a patch takes and adds, by file."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in files.patch(before, after).splitlines():
        if line.startswith("diff --git"):
            name = line.rpartition(" b/")[2]
        elif line[:1] in ("-", "+") and not line.startswith(("---", "+++")):
            found.setdefault(name, []).append(line)
    return found


def test_changed_answer_is_a_change_of_its_lines_alone(root: Path) -> None:
    answer = ANSWERS["utter_faq_hold_spot"]
    words = "makes you subject to a cancellation or a transfer fee"
    change = dataclasses.replace(
        no_change(answer),
        text=answer.text.replace("makes you subject to a cancellation fee/transfer fee", words),
        buttons=(answer.buttons[0], Button("I can't log in", "/faq_login_trouble")),
        facts={**answer.facts, "M10.2": words},
        review_by=date(2028, 6, 30),
    )

    changes.apply(change, root)

    assert changed_lines(ROOT, root) == {
        "answers.yml": [
            "-  review_by: 2027-06-30",
            "+  review_by: 2028-06-30",
            "-    M10.2: makes you subject to a cancellation fee/transfer fee",
            "+    M10.2: makes you subject to a cancellation or a transfer fee",
        ],
        "domain.yml": [
            "-      cancellation fee/transfer fee.",
            "+      cancellation or a transfer fee.",
            "-    - {title: Check the seats left, payload: /faq_seats_left}",
            '+    - {title: "I can\'t log in", payload: /faq_login_trouble}',
        ],
    }
    assert read_answers(root)["utter_faq_hold_spot"] == dataclasses.replace(
        answer,
        text=change.text,
        buttons=change.buttons,
        facts=change.facts,
        review_by=change.review_by,
    )


def test_fact_that_is_given_up_is_noted(root: Path) -> None:
    answer = ANSWERS["utter_faq_hold_spot"]
    change = dataclasses.replace(
        no_change(answer), text="No, spots cannot be held.", gives_up=("M10.2",), buttons=()
    )

    changes.apply(change, root)

    after = read_answers(root)["utter_faq_hold_spot"]
    assert (after.facts, after.given_up) == ({"M10.1": "spots cannot be held"}, ("M10.2",))
    assert after.buttons == ()
    assert changes.problems(change, root) == [], "it may be said twice"

    changes.apply(dataclasses.replace(no_change(answer), gives_up=()), root)

    again = read_answers(root)["utter_faq_hold_spot"]
    assert again == answer


def test_text_of_several_lines_is_kept_line_by_line(root: Path) -> None:
    answer = ANSWERS["utter_faq_membership_card"]
    text = (
        'It\'s easy: "print" it.\r\n1. On your "My Account" page, on the lower right-hand side,\r\n'
        '2. click "Print membership card".\r\n\r\n# Done  \r\n'
    )

    changes.apply(
        dataclasses.replace(no_change(answer), text=text.replace("# Done", "- Done")), root
    )

    assert read_answers(root)[answer.name].text == (
        'It\'s easy: "print" it.\n1. On your "My Account" page, on the lower right-hand side,\n'
        '2. click "Print membership card".\n\n- Done'
    )


def test_answer_of_a_look_up_keeps_what_is_filled_in(root: Path) -> None:
    answer = ANSWERS["utter_no_classes"]

    changes.apply(
        dataclasses.replace(no_change(answer), text=answer.text.replace("I see", "I find")), root
    )

    assert read_answers(root)[answer.name].text.startswith("I find no upcoming classes {where}")


def test_changed_contact_is_a_change_of_its_lines_alone(root: Path) -> None:
    text = "(888) 316-2777"
    link = link_of(kind_of(load_contacts(root / "contacts.yml")["office_phone"]), text)

    changes.apply(
        ContactChanged("office_phone", text, link, "NASRO office", date(2027, 6, 30)), root
    )

    assert changed_lines(ROOT, root) == {
        "contacts.yml": [
            "-  text: 888.316.2776",
            "-  url: tel:+18883162776",
            "+  text: '(888) 316-2777'",
            "+  url: tel:+18883162777",
        ]
    }


def test_examples_are_added_with_their_origin(root: Path) -> None:
    texts = ("could somebody keep me two chairs", "Can I hold a spot?", "keep us: # three")

    changes.apply(ExamplesAdded("faq_hold_spot", texts, "From the queue."), root)

    assert changed_lines(ROOT, root) == {
        "data/nlu/faq_hold_spot.yml": [
            "+",
            "+# From the queue.",
            "+- intent: faq_hold_spot",
            "+  examples: |",
            "+    - could somebody keep me two chairs",
            "+    - keep us: # three",
        ]
    }


def test_neighbours_of_a_new_topic_that_are_not_answered_are_found(root: Path) -> None:
    alike = examples.unanswered_like(PARKING.examples[:3], root / examples.NLU)

    parking = {"is there parking at the training site", "is parking free at the class"}
    assert parking <= set(alike)
    assert len([text for text in alike if "park" in text]) > len(alike) / 2
    assert examples.unanswered_like([*PARKING.examples[:3], *alike], root / examples.NLU) != alike
    assert examples.unanswered_like(["", "?"], root / examples.NLU) == []


def test_what_was_not_answered_and_is_now_stands_for_its_topic_alone(root: Path) -> None:
    out_of_scope = ExamplesAdded("out_of_scope", ("may I land a balloon",), "From the queue.")
    changes.apply(out_of_scope, root)
    asked = ("Where do I park?", "may I land a balloon", *PARKING.examples)

    changes.apply(dataclasses.replace(PARKING, examples=asked), root)

    lines = changed_lines(ROOT, root)
    assert lines["data/nlu/not_covered.yml"] == ["-    - where do I park"]
    assert "data/nlu/out_of_scope.yml" not in lines, "its block is gone, with its comment"
    assert "+    - Where do I park?" in lines["data/nlu/faq_parking.yml"]

    changes.apply(
        ExamplesAdded("faq_parking", ("is parking free at the class",), "From the queue."), root
    )

    assert changed_lines(ROOT, root)["data/nlu/not_covered.yml"] == [
        "-    - where do I park",
        "-    - is parking free at the class",
    ]


@pytest.mark.parametrize(
    "change",
    [
        dataclasses.replace(no_change(ANSWERS["utter_faq_register"]), gives_up=("M2.1",)),
        ContactChanged("training_director", "Jane Doe", None, "NASRO", date(2027, 1, 1)),
        ExamplesAdded("faq_register", ("one", "two"), "From the queue."),
        PARKING,
    ],
    ids=lambda change: type(change).__name__,
)
def test_change_survives_json(change: Change) -> None:
    kept = json.dumps(changes.as_json(change))

    assert changes.from_json(json.loads(kept)) == change
    assert changes.described(change)
    assert "\n" not in changes.described(change)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"kind": "file", "name": "/etc/passwd"},
        {"kind": "examples", "topic": "faq_register", "texts": "one", "origin": ""},
        {"kind": "examples", "topic": "faq_register", "texts": ["one"], "origin": 1},
        {"kind": "examples", "topic": "faq_register", "texts": [1], "origin": ""},
        {"kind": "examples", "topic": "faq_register", "texts": ["one"], "origin": "", "more": ""},
        {**changes.as_json(PARKING), "review_by": "soon"},
        {**changes.as_json(PARKING), "facts": ["x"]},
    ],
)
def test_what_is_no_change_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no change"):
        changes.from_json(value)


def test_new_topic_is_written_as_a_developer_would_and_rasa_finds_nothing_wrong(
    root: Path,
) -> None:
    changes.apply(PARKING, root)
    changes.apply(dataclasses.replace(PARKING, name="faq_food", title="Food", more="",
                                      examples=tuple(f"lunch, way {n}" for n in range(10)),
                                      facts={"food.1": "free parking"}), root)  # fmt: skip

    answers = read_answers(root)
    assert [name for name in answers if name not in ANSWERS] == [
        "utter_faq_parking", "utter_faq_parking_more", "utter_faq_food",
    ]  # fmt: skip
    assert answers["utter_faq_parking"].buttons == (
        Button("Tell me more", '/more{"topic": "parking"}'),
    )
    assert answers["utter_faq_parking"].text == PARKING.text
    assert answers["utter_faq_parking_more"].facts == {
        "parking.2": "For a bus, call {office_phone}"
    }
    assert changes.standing_problems(root) == []
    taken = [
        line for lines in changed_lines(ROOT, root).values() for line in lines if line[0] == "-"
    ]
    assert taken == []
    # What holds of the project's domain holds of this one.
    for name in ("actions", "bot"):
        (root / name).symlink_to(ROOT / name)
    test = root / "tests/unit/test_domain.py"
    test.parent.mkdir(parents=True)
    shutil.copy(ROOT / "tests/unit/test_domain.py", test)
    run([sys.executable, "-m", "pytest", "-q", "--noconftest", str(test)], root)
    printed = run(
        [
            str(Path(sys.executable).with_name("rasa")),
            *("data", "validate", "--fail-on-warnings"),
        ],
        root,
    )
    assert "No story structure conflicts found" in printed


def run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "RASA_TELEMETRY_ENABLED": "false",
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return printed
