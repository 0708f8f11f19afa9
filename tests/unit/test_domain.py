"""Contracts of domain.yml, data/rules and actions: what is declared is used, what is used is declared."""

import ast
import re
from pathlib import Path
from typing import Any

import yaml

from bot.contacts import load_contacts
from bot.content.answers import read_answers, says

ROOT = Path(__file__).resolve().parents[2]
DOMAIN: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
RESPONSES = set(DOMAIN["responses"])
INTENTS = {next(iter(i)) if isinstance(i, dict) else i for i in DOMAIN["intents"]}

# Said by action_more, which finds them in the domain.
MORE = {name for name in RESPONSES if name.startswith("utter_faq_") and name.endswith("_more")}

# Said by Rasa, its forms or the channel rather than by an action or a rule.
SAID_BY_OTHERS = {
    "utter_welcome",
    "utter_action_failed",
    "utter_default",
    "utter_ask_email",
    "utter_ask_code",
}


def rules() -> list[dict[str, Any]]:
    return [
        rule
        for path in (ROOT / "data/rules").glob("*.yml")
        if path.name != "said_by_actions.yml"
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]
    ]


def named_in_actions() -> set[str]:
    """Every string in actions/ and bot/ that is the name of a response."""
    names = set()
    for path in [*(ROOT / "actions").rglob("*.py"), *(ROOT / "bot").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names |= set(re.findall(r"^utter_\w+$", node.value))
    return names


def listed_as_said_by_actions() -> set[str]:
    listed = yaml.safe_load((ROOT / "data/rules/said_by_actions.yml").read_text(encoding="utf-8"))
    return {s["action"] for rule in listed["rules"] for s in rule["steps"] if "action" in s}


def said_by_rules() -> set[str]:
    actions = {step["action"] for rule in rules() for step in rule["steps"] if "action" in step}
    return {action for action in actions if action.startswith("utter_")}


def buttons() -> list[dict[str, str]]:
    return [
        button
        for variations in DOMAIN["responses"].values()
        for variation in variations
        for button in variation.get("buttons", [])
    ]


def test_every_response_is_said_by_a_rule_an_action_or_the_channel() -> None:
    assert said_by_rules() | listed_as_said_by_actions() == RESPONSES


def test_list_of_what_actions_say_is_what_they_say() -> None:
    assert (
        listed_as_said_by_actions() - said_by_rules() - SAID_BY_OTHERS
        == (named_in_actions() - said_by_rules() - SAID_BY_OTHERS) & RESPONSES | MORE
    )
    beginnings = {"utter_faq_", "utter_ask_", "utter_which_"}
    assert named_in_actions() <= RESPONSES | beginnings | {"utter_action"}


def test_every_intent_has_a_rule() -> None:
    intents = {step["intent"] for rule in rules() for step in rule["steps"] if "intent" in step}

    assert intents == INTENTS


def test_every_button_sends_an_intent_of_the_domain() -> None:
    intents = {re.match(r"/(\w+)", button["payload"]).group(1) for button in buttons()}  # type: ignore[union-attr]

    assert intents <= INTENTS


def test_every_more_button_has_more_to_say() -> None:
    topics = {m.group(1) for b in buttons() if (m := re.search(r'"topic": "(\w+)"', b["payload"]))}

    assert {f"utter_faq_{topic}_more" for topic in topics} <= MORE


def test_every_topic_can_be_offered_when_not_sure() -> None:
    offered = {b["payload"] for b in DOMAIN["responses"]["utter_topics"][0]["buttons"]}

    topics = {f"/{intent}" for intent in INTENTS if intent.startswith("faq_")}

    assert topics <= offered


def test_every_answer_says_its_facts_and_names_its_source() -> None:
    for name, answer in read_answers(ROOT).items():
        for number, words in answer.facts.items():
            assert says(answer.text, words), f"{name} doesn't say {number}"
        if name.startswith("utter_faq_"):
            assert answer.source, f"{name} has no source"


def test_contacts_stand_in_one_place() -> None:
    everything = "".join(
        (ROOT / name).read_text(encoding="utf-8") for name in ("domain.yml", "answers.yml")
    )
    for contact in load_contacts(ROOT / "contacts.yml").values():
        if contact.name != "website":
            assert contact.text not in everything, f"{contact.name} is spelled out"


def test_every_placeholder_of_an_answer_without_variables_is_a_contact() -> None:
    contacts = set(load_contacts(ROOT / "contacts.yml"))
    for name in said_by_rules():
        for variation in DOMAIN["responses"][name]:
            assert set(re.findall(r"(?<!{){(\w+)}", str(variation))) <= contacts, name


def test_interruptions_of_the_forms_are_all_intents_that_answer_neither_question() -> None:
    questions = {"inform", "nlu_fallback"}
    own = {
        "find_classes_form": {"find_classes", "faq_class_in_my_state"},
        "seats_form": {"faq_seats_left", "about_that_class"},
    }
    for form, answers in own.items():
        assert set(DOMAIN["forms"][form]["ignored_intents"]) == INTENTS - questions - answers
