"""A new topic of the FAQ in all the files that know topics: what a developer would write by hand.

`domain.yml` (intent, forms that it may interrupt, button, responses), `answers.yml`, `data/rules/`, and a
file of examples in `data/nlu/`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bot.content import yaml_text
from bot.content.answers import ANSWERS_FILE, DOMAIN_FILE, MORE
from bot.content.yaml_text import after, inline, parsed

RULES_FILE = Path("data/rules/faq.yml")
SAID_BY_ACTIONS_FILE = Path("data/rules/said_by_actions.yml")
NLU = Path("data/nlu")

PREFIX = "utter_faq_"


def domain_of(root: Path) -> dict[str, Any]:
    """`domain.yml` as Rasa reads it."""
    return parsed((root / DOMAIN_FILE).read_text(encoding="utf-8"))


def intents(domain: Mapping[str, Any]) -> list[str]:
    """The names of the domain's intents."""
    return [next(iter(i)) if isinstance(i, dict) else i for i in domain["intents"]]


def with_more(domain: Mapping[str, Any]) -> list[str]:
    """Topics, without `faq_`, with more to say than their first answer."""
    return [
        name.removeprefix(PREFIX).removesuffix(MORE)
        for name in domain["responses"]
        if name.startswith(PREFIX) and name.endswith(MORE)
    ]


def more_of(topic: str) -> str:
    """What a button sends that leads to more about a topic.

    Args:
        topic: Its name without `faq_`.
    """
    return f'/more{{"topic": "{topic}"}}'


def escaped(payload: str) -> str:
    """A payload as `domain.yml` has it: Rasa fills in what stands in single braces."""
    return payload.replace("{", "{{").replace("}", "}}")


def button(title: str, payload: str) -> str:
    """A button as `domain.yml` writes it, without its dash; the payload is `escaped`."""
    return f"{{title: {inline(title, in_braces=True)}, payload: {inline(payload, in_braces=True)}}}"


def entry(values: Mapping[str, Any]) -> str:
    """An entry of `answers.yml`, below its name: its lines, the first without its indent."""
    lines = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += [
                f"{key}:",
                *(f"  {inline(number)}: {inline(words)}" for number, words in value.items()),
            ]
        elif isinstance(value, list):
            lines.append(f"{key}: [{', '.join(value)}]")
        else:
            lines.append(f"{key}: {inline(value) if isinstance(value, str) else value}")
    return "\n  ".join(lines)


def with_topic(
    root: Path,
    *,
    name: str,
    title: str,
    text: str,
    more: str,
    facts: Mapping[str, str],
    more_facts: Mapping[str, str],
    source_title: str,
    owner: str,
    review_by: date,
    examples: Sequence[str],
    origin: str,
) -> dict[str, str]:
    """The files that a new topic changes or adds, with their text.

    Args:
        name: The intent: `faq_` and a word.
        facts: By number, the words by which `text` says them.
        more_facts: The same of `more`.

    Raises:
        yaml_text.NotWritten: A file would not say what it should.
    """
    texts = {f"utter_{name}": text, **({f"utter_{name}{MORE}": more} if more else {})}
    responses: dict[str, dict[str, Any]] = {}
    for response, words in texts.items():
        leads = [{"title": "Tell me more", "payload": escaped(more_of(name.removeprefix("faq_")))}]
        responses[response] = {
            "text": words,
            **({"buttons": leads} if more and response == f"utter_{name}" else {}),
            "custom": {"source": {"title": source_title, "url": "{faq_page}"}},
        }
    of_each = (facts, more_facts)
    entries = {
        response: {"owner": owner, "review_by": review_by, "facts": dict(its)}
        for response, its in zip(responses, of_each, strict=False)
    }
    new = {
        DOMAIN_FILE: _domain(_read(root, DOMAIN_FILE), name, title, responses),
        ANSWERS_FILE: _answers(_read(root, ANSWERS_FILE), entries),
        RULES_FILE: _rule(_read(root, RULES_FILE), name),
        NLU / f"{name}.yml": _examples(name, title, origin, examples),
    }
    if more:
        said = _read(root, SAID_BY_ACTIONS_FILE)
        new[SAID_BY_ACTIONS_FILE] = _said_by_action(said, f"utter_{name}{MORE}")
    return {str(file): written for file, written in new.items()}


def _read(root: Path, file: Path) -> str:
    return (root / file).read_text(encoding="utf-8")


def _domain(text: str, name: str, title: str, responses: dict[str, dict[str, Any]]) -> str:
    expected = parsed(text)
    new: Any = {name: {"use_entities": []}}
    place = _last(
        expected["intents"], lambda i: _is_faq(next(iter(i)) if isinstance(i, dict) else i)
    )
    text = after(text, f"- {name}: {{use_entities: []}}", "intents", place)
    expected["intents"].insert(place + 1, new)
    for form, its in expected["forms"].items():
        place = _last(its["ignored_intents"], _is_faq)
        text = after(text, f"    - {name}", "forms", form, "ignored_intents", place)
        its["ignored_intents"].insert(place + 1, name)
    buttons = expected["responses"]["utter_topics"][0]["buttons"]
    place = _last(buttons, lambda b: _is_faq(b["payload"][1:]))
    offered = {"title": title, "payload": f"/{name}"}
    text = after(
        text, f"    - {button(**offered)}", "responses", "utter_topics", 0, "buttons", place
    )
    buttons.insert(place + 1, offered)
    last = [response for response in expected["responses"] if response.startswith(PREFIX)][-1]
    blocks = "\n".join(_response(response, its) for response, its in responses.items())
    text = after(text, f"\n{blocks}", "responses", last)
    expected["responses"].update({response: [its] for response, its in responses.items()})
    yaml_text.require_same(text, expected)
    return text


def _response(name: str, its: Mapping[str, Any]) -> str:
    lines = [f"  {name}:", f"  - text: {yaml_text.block(its['text'], indent=6, column=10)}"]
    if "buttons" in its:
        lines += ["    buttons:", *(f"    - {button(**b)}" for b in its["buttons"])]
    source = its["custom"]["source"]
    title = inline(source["title"], in_braces=True)
    lines += ["    custom:", f'      source: {{title: {title}, url: "{source["url"]}"}}']
    return "\n".join(lines)


def _answers(text: str, entries: Mapping[str, Mapping[str, Any]]) -> str:
    expected = parsed(text)
    last = [response for response in expected if response.startswith(PREFIX)][-1]
    blocks = [f"{response}:\n  {entry(_filled(its))}" for response, its in entries.items()]
    text = after(text, "\n" + "\n\n".join(blocks), last)
    yaml_text.require_same(text, {**expected, **{r: _filled(its) for r, its in entries.items()}})
    return text


def _filled(its: Mapping[str, Any]) -> dict[str, Any]:
    return {key: copy.copy(value) for key, value in its.items() if value}


def _rule(text: str, name: str) -> str:
    expected = parsed(text)
    steps = [{"intent": name}, {"action": f"utter_{name}"}]
    title = f"say what there is to say about {name.removeprefix('faq_').replace('_', ' ')}"
    place = _last(
        expected["rules"],
        lambda rule: any(step.get("action", "").startswith(PREFIX) for step in rule["steps"]),
    )
    block = f"\n- rule: {title}\n  steps:\n  - intent: {name}\n  - action: utter_{name}"
    text = after(text, block, "rules", place)
    expected["rules"].insert(place + 1, {"rule": title, "steps": steps})
    yaml_text.require_same(text, expected)
    return text


def _said_by_action(text: str, response: str) -> str:
    """The rule that tells the validator what `action_more` says."""
    expected = parsed(text)

    def is_more(step: Mapping[str, str]) -> bool:
        action = step.get("action", "")
        return action.startswith(PREFIX) and action.endswith(MORE)

    rule = _last(expected["rules"], lambda rule: any(map(is_more, rule["steps"])))
    steps = expected["rules"][rule]["steps"]
    place = _last(steps, is_more)
    text = after(text, f"  - action: {response}", "rules", rule, "steps", place)
    steps.insert(place + 1, {"action": response})
    yaml_text.require_same(text, expected)
    return text


def _examples(name: str, title: str, origin: str, examples: Sequence[str]) -> str:
    lines = "".join(f"    - {example}\n" for example in examples)
    text = (
        f'# {name}: "{title}". {origin}\nversion: "3.1"\n\nnlu:\n'
        f"- intent: {name}\n  examples: |\n{lines}"
    )
    listed = "".join(f"- {example}\n" for example in examples)
    yaml_text.require_same(text, {"version": "3.1", "nlu": [{"intent": name, "examples": listed}]})
    return text


def _is_faq(intent: str) -> bool:
    return intent.startswith("faq_")


def _last(items: Sequence[Any], is_one: Any) -> int:
    return max(number for number, item in enumerate(items) if is_one(item))
