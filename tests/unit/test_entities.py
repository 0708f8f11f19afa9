"""All entities of a message, plain answers (tests/unit/tables/answers.yml), and the components."""

from __future__ import annotations

import time
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.entities import EntityAnswerClassifier, GazetteerEntityExtractor, today
from bot.nlu.spotting import find_entities, is_only_an_answer
from registration.places import resolve

TODAY = date(2026, 11, 23)
TABLE = yaml.safe_load(
    (Path(__file__).parent / "tables" / "answers.yml").read_text(encoding="utf-8")
)


def extracted(text: str) -> Message:
    extractor = GazetteerEntityExtractor(today=lambda: TODAY)
    return extractor.process([Message.build(text=text)])[0]


@pytest.mark.parametrize(
    ("text", "is_answer"),
    [(text, group == "only an answer") for group, texts in TABLE.items() for text in texts],
)
def test_is_only_an_answer(text: str, is_answer: bool) -> None:
    assert is_only_an_answer(text, find_entities(text, TODAY)) is is_answer


@pytest.mark.parametrize("text", TABLE["no entity at all"])
def test_small_words_hold_no_entity(text: str) -> None:
    assert find_entities(text, TODAY) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "any basic sro classes in ohio in march",
            [
                ("course", "basic sro classes", "basic"),
                ("place", "ohio", "Ohio"),
                ("period", "march", "2027-03-01/2027-03-31"),
            ],
        ),
        (
            "the first week of June in Dallas, TX",
            [
                ("period", "the first week of June", "2027-06-01/2027-06-07"),
                ("place", "Dallas, TX", "Dallas, TX"),
            ],
        ),
        (
            "how many seats in the second one?",
            [("reference", "the second one", "2")],
        ),
        (
            "the Portland one in May",
            [
                ("place", "Portland", "Portland"),
                ("reference", "one", "one"),
                ("period", "May", "2027-05-01/2027-05-31"),
            ],
        ),
        (
            "any basic classes in dallas, houston or in oklahoma?",
            [
                ("course", "basic classes", "basic"),
                ("place", "dallas, houston or in oklahoma", "Dallas, TX; Houston, TX; Oklahoma"),
            ],
        ),
        (
            "texas in march or ohio in may",
            [
                ("place", "texas", "Texas"),
                ("period", "march", "2027-03-01/2027-03-31"),
                ("place", "ohio", "Ohio"),
                ("period", "may", "2027-05-01/2027-05-31"),
            ],
        ),
        ("no, not texas but oklahoma", [("place", "not texas but oklahoma", "Oklahoma")]),
        ("oklahoma, not texas", [("place", "oklahoma, not texas", "Oklahoma")]),
        ("advanced not basic", [("course", "advanced not basic", "advanced")]),
        (
            "not the first one, the second one",
            [
                ("reference", "not the first one, the second one", "2"),
            ],
        ),
        (
            "why not dallas or houston",
            [
                ("place", "dallas or houston", "Dallas, TX; Houston, TX"),
            ],
        ),
        ("not in texas", [("place", "texas", "Texas")]),
        ("How do I become an SRO?", []),
    ],
)
def test_extractor_sets_entities_on_the_text_as_typed(
    text: str, expected: list[tuple[str, str, str]]
) -> None:
    entities = extracted(text).get("entities")

    assert [(e["entity"], text[e["start"] : e["end"]], e["value"]) for e in entities] == expected
    assert {e["extractor"] for e in entities} <= {"GazetteerEntityExtractor"}


@pytest.mark.parametrize(
    "words",
    [
        "in or ",
        "may ",
        "Portland ",
        "basic, ",
        "conference today ",
        "the second one ",
        "the Dallas one ",
        "TX, OK or ",
        "week of 6/14 ",
        "anywhere in ",
        "s s ",
        "springfeild ",
    ],
)
def test_a_long_message_is_understood_in_a_moment(words: str) -> None:
    text = (words * 20_000)[:20_000]  # five times what the channel takes

    started = time.process_time()
    is_only_an_answer(text, find_entities(text, TODAY))

    # It takes a tenth of that; if it grew with the square of the length, it would take longer.
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("America/New_York", 23),
        ("America/Chicago", 23),
        ("America/Los_Angeles", 23),
        ("America/New_York", 4),
        ("America/Los_Angeles", 0),
        ("Pacific/Honolulu", 20),
    ],
)
@pytest.mark.parametrize("month", [3, 7])
def test_today_is_the_day_it_is_where_people_are_up(zone: str, hour: int, month: int) -> None:
    now = datetime(2027, month, 31, hour, 30, tzinfo=ZoneInfo(zone))

    assert today(now) == date(2027, month, 31)


def test_periods_are_counted_from_today() -> None:
    evening = datetime(2027, 3, 31, 22, tzinfo=ZoneInfo("America/Chicago"))  # in UTC it is April
    extractor = GazetteerEntityExtractor(today=lambda: today(evening))

    (message,) = extractor.process([Message.build(text="classes this month")])

    assert [e["value"] for e in message.get("entities")] == ["2027-03-01/2027-03-31"]


def test_places_in_messages_are_understood_again() -> None:
    places = [
        entity.value
        for text in TABLE["only an answer"]
        for entity in find_entities(text, TODAY)
        if entity.kind == "place"
    ]

    assert len(places) > 15
    assert [value for value in places if resolve(value) is None] == []


def test_extractor_keeps_what_others_found() -> None:
    message = Message.build(text="Texas")
    message.set("entities", [{"entity": "class_id", "start": 0, "end": 5, "value": "7"}])

    GazetteerEntityExtractor(today=lambda: TODAY).process([message])

    assert [entity["entity"] for entity in message.get("entities")] == ["class_id", "place"]


def with_intent(message: Message, name: str) -> Message:
    message.set("intent", {"name": name, "confidence": 0.7})
    message.set(
        "intent_ranking",
        [{"name": name, "confidence": 0.7}, {"name": "inform", "confidence": 0.2}],
    )
    return message


def test_a_plain_answer_becomes_inform_before_the_classifiers_ranking() -> None:
    message = with_intent(extracted("no, I meant Ohio"), "deny")

    EntityAnswerClassifier().process([message])

    inform: dict[str, Any] = {"name": "inform", "confidence": 1.0}
    assert message.get("intent") == inform
    assert message.get("intent_ranking") == [inform, {"name": "deny", "confidence": 0.7}]


@pytest.mark.parametrize("text", ["how many seats in the dallas class", "no", "classes in texas"])
def test_another_message_keeps_its_intent(text: str) -> None:
    message = with_intent(extracted(text), "faq_seats_left")

    EntityAnswerClassifier().process([message])

    assert message.get("intent") == {"name": "faq_seats_left", "confidence": 0.7}
    assert len(message.get("intent_ranking")) == 2
