"""What staff may change, as values: an answer, a contact, examples of a topic, a new topic.

A change is checked against a root folder and applied to it, whatever that holds by then. Files are changed
as text: `git diff` shows the change and nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bot.contacts import CONTACTS_FILE, load_contacts
from bot.content import examples, topics, yaml_text
from bot.content.answers import ANSWERS_FILE, DOMAIN_FILE, MORE, Answer, Button, read_answers, says
from bot.content.contacts import contact_problems
from bot.content.examples import ExampleRefused
from bot.content.wording import placeholders, plain_problems, text_problems, tidied
from bot.content.yaml_text import NotWritten

MOST_BUTTONS = 4
LONGEST_TITLE = 40
"""Characters of a button's title."""
LONGEST_SOURCE = 120
LONGEST_OWNER = 80
LONGEST_CONTACT = 200
FEWEST_EXAMPLES = 10
"""Of a new topic: with fewer the model can't tell it from others."""

_NO_DESTINATIONS = ("inform", "more", "nlu_fallback")
"""Intents that a button of an answer can't lead to by themselves."""

_FACT = re.compile(r"\w{1,40}\.\d{1,3}", re.ASCII)


# The changes -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AnswerChanged:
    """An answer reads as is said here."""

    response: str
    """Its name, like `utter_faq_hold_spot`."""
    text: str
    """With `{office_phone}`."""
    buttons: tuple[Button, ...]
    owner: str
    review_by: date
    facts: Mapping[str, str]
    """All facts that it says, by number, with the words by which it says them."""
    gives_up: tuple[str, ...] = ()
    """Facts that it knowingly says no longer."""


@dataclass(frozen=True)
class ContactChanged:
    """A contact reads as is said here, in every answer that names it."""

    name: str
    text: str
    url: str | None
    """The link that belongs to the text: see `bot.content.contacts.link_of`."""
    owner: str
    review_by: date


@dataclass(frozen=True)
class ExamplesAdded:
    """A topic is understood from these as well."""

    topic: str
    """An intent that has examples."""
    texts: tuple[str, ...]
    origin: str
    """Where they are from: the comment above them."""


@dataclass(frozen=True)
class TopicAdded:
    """Something can be asked that couldn't before."""

    name: str
    """The intent, like `faq_parking`: see `topic_name`."""
    title: str
    """Of the button that offers it."""
    text: str
    more: str
    """What "Tell me more" says; empty for none."""
    facts: Mapping[str, str]
    """What `text` or `more` has to say, by number: see `numbered`."""
    source_title: str
    """What the answer names as its source, on the page of the FAQ."""
    owner: str
    review_by: date
    examples: tuple[str, ...]
    """As people ask for it. What of them stood for something that isn't answered doesn't any more."""
    origin: str


Change = AnswerChanged | ContactChanged | ExamplesAdded | TopicAdded

_KINDS: dict[str, type] = {
    "answer": AnswerChanged,
    "contact": ContactChanged,
    "examples": ExamplesAdded,
    "topic": TopicAdded,
}


@dataclass(frozen=True)
class Problem:
    """Why a change can't be taken as it is."""

    field: str
    """Of the change; `buttons.0` for one of several, `facts.M10.1` for a fact."""
    message: str
    can_be_confirmed: bool = False
    """Whether it may be meant: a fact that isn't said any more, until `gives_up` names it."""


class ChangeRefused(Exception):
    """A change can't be applied; `problems` say why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


def no_change(answer: Answer) -> AnswerChanged:
    """The change that leaves an answer as it is: what a form begins with."""
    return AnswerChanged(
        answer.name, answer.text, answer.buttons, answer.owner, answer.review_by, answer.facts
    )


# As values ---------------------------------------------------------------------------------------


def as_json(change: Change) -> dict[str, Any]:
    """A change as JSON holds it."""
    kind = next(kind for kind, type_ in _KINDS.items() if isinstance(change, type_))
    fields = dataclasses.asdict(change)
    if "review_by" in fields:
        fields["review_by"] = fields["review_by"].isoformat()
    return {"kind": kind, **json.loads(json.dumps(fields))}


def from_json(value: Mapping[str, Any]) -> Change:
    """The change that `as_json` gave.

    Raises:
        ValueError: It is none.
    """
    try:
        fields = {key: _read(key, field) for key, field in value.items() if key != "kind"}
        return _KINDS[value["kind"]](**fields)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"This is no change: {type(error).__name__}: {error}") from error


def _read(key: str, value: Any) -> Any:
    if key == "review_by":
        return date.fromisoformat(value)
    if key == "buttons":
        return tuple(Button(_text(b["title"]), _text(b["payload"])) for b in _list(value))
    if key == "facts":
        return {str(number): _text(words) for number, words in value.items()}
    if key in ("gives_up", "texts", "examples"):
        return tuple(map(_text, _list(value)))
    return value if value is None and key == "url" else _text(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def subject(change: Change) -> str:
    """What a change is about: the same for two that change the same thing."""
    if isinstance(change, AnswerChanged):
        return f"answer {change.response}"
    if isinstance(change, ContactChanged):
        return f"contact {change.name}"
    return f"topic {change.topic if isinstance(change, ExamplesAdded) else change.name}"


def described(change: Change) -> str:
    """A change in one plain line; of examples only their number, as people wrote them."""
    if isinstance(change, AnswerChanged):
        less = f" (no longer says {', '.join(change.gives_up)})" if change.gives_up else ""
        return f"The answer {_name(change.response)} reads: {_short(change.text)}{less}"
    if isinstance(change, ContactChanged):
        return f"The contact {change.name} reads: {_short(change.text)}"
    if isinstance(change, ExamplesAdded):
        number = len(change.texts)
        return f"{number} example{'s' * (number != 1)} more for {change.topic}"
    return (
        f'The new topic "{change.title}" ({change.name}), with {len(change.examples)} examples, '
        f"is answered: {_short(change.text)}"
    )


def _name(response: str) -> str:
    return response.removeprefix("utter_")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= 100 else f'"{line[:99]}…"'


def numbered(name: str, lines: Sequence[str]) -> dict[str, str]:
    """The facts of a new topic: `{"parking.1": ...}` from lines that its answer has to say.

    Args:
        name: Of the topic, like `faq_parking`.
    """
    stem = name.removeprefix("faq_")
    kept = [line for line in map(tidied, lines) if line]
    return {f"{stem}.{number}": words for number, words in enumerate(kept, start=1)}


def topic_name(title: str) -> str:
    """A name for a new topic, like `faq_parking_at_the_conference`."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    return f"faq_{'_'.join(words)[:40].strip('_')}"


def destinations(root: Path = Path()) -> list[Button]:
    """Where a button of an answer may lead, each with a title it could have.

    That is all topics that are offered, what else the answers' buttons lead to, and more about a topic.
    """
    domain = topics.domain_of(root)
    offered = {b["payload"]: b["title"] for b in domain["responses"]["utter_topics"][0]["buttons"]}
    mores = {
        topics.more_of(topic): f"More about: {offered.get(f'/faq_{topic}', topic)}"
        for topic in topics.with_more(domain)
    }
    others = {
        b.payload: b.title for answer in read_answers(root, domain).values() for b in answer.buttons
    }
    return [Button(title, payload) for payload, title in {**others, **offered, **mores}.items()]


# Checks ------------------------------------------------------------------------------------------


def problems(change: Change, root: Path = Path()) -> list[Problem]:
    """What is wrong with a change to what a root folder holds; empty if it may be applied.

    Raises:
        AnswersInvalid, ContactsInvalid, OSError: The root can't be read.
    """
    return list(_problems(change, _Root(root)))


def standing_problems(root: Path = Path()) -> list[tuple[str, Problem]]:
    """What is wrong with the answers and contacts as they stand, each with the name of which.

    Raises:
        AnswersInvalid, ContactsInvalid, OSError: The root can't be read.
    """
    read = _Root(root)
    standing: list[tuple[str, Change]] = [(n, no_change(a)) for n, a in read.answers.items()]
    for name, contact in read.contacts.items():
        same = ContactChanged(name, contact.text, contact.url, contact.owner, contact.review_by)
        standing.append((name, same))
    return [(name, found) for name, change in standing for found in _problems(change, read)]


class _Root:
    """What a root folder holds, each file read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.domain = topics.domain_of(folder)
        self.answers = read_answers(folder, self.domain)
        self.contacts = load_contacts(folder / CONTACTS_FILE)


def _problems(change: Change, root: _Root) -> Iterator[Problem]:
    if isinstance(change, AnswerChanged):
        return _answer_problems(change, root)
    if isinstance(change, ContactChanged):
        return _contact_problems(change, root)
    if isinstance(change, ExamplesAdded):
        return _example_problems("texts", change.topic, change.texts, root)
    return _topic_problems(change, root)


def _answer_problems(change: AnswerChanged, root: _Root) -> Iterator[Problem]:
    answer = root.answers.get(change.response)
    if answer is None:
        yield Problem("response", f"There is no answer {change.response} any more.")
        return
    text = tidied(change.text)
    for message in text_problems(text, root.contacts, others=placeholders(answer.text)):
        yield Problem("text", message)
    yield from _fact_problems(change, answer, text)
    yield from _button_problems(change.buttons, root)
    yield from _owner_problems(change.owner)


def _fact_problems(change: AnswerChanged, answer: Answer, text: str) -> Iterator[Problem]:
    for number in change.gives_up:
        if number not in (*answer.facts, *answer.given_up):
            yield Problem("gives_up", f"{number} is no fact of this answer.")
    for number, before in answer.facts.items():
        if number not in change.facts and number not in change.gives_up:
            yield Problem(
                f"facts.{number}", f'The fact {number} is gone: "{before}".', can_be_confirmed=True
            )
    for number, words in change.facts.items():
        if number in change.gives_up:
            continue
        if number not in answer.facts and not _FACT.fullmatch(number):
            yield Problem("facts", f'"{number}" is no number of a fact, like M10.1.')
        elif len(re.findall(r"\w", words)) < 3:
            yield Problem(f"facts.{number}", f"The words that say the fact {number} are missing.")
        elif not says(text, words):
            yield Problem(
                f"facts.{number}",
                f'The text doesn\'t say the fact {number}: "{tidied(words)}".',
                can_be_confirmed=number in answer.facts,
            )


def _button_problems(buttons: Sequence[Button], root: _Root) -> Iterator[Problem]:
    if len(buttons) > MOST_BUTTONS:
        yield Problem("buttons", f"An answer has at most {MOST_BUTTONS} buttons.")
    known, mores = topics.intents(root.domain), topics.with_more(root.domain)
    titles = [tidied(button.title).casefold() for button in buttons]
    for number, button in enumerate(buttons):
        field = f"buttons.{number}"
        for message in _title_problems(button.title):
            yield Problem(field, message)
        if titles.index(titles[number]) < number:
            yield Problem(field, f'There are two buttons "{tidied(button.title)}".')
        if not _leads_somewhere(button.payload, known, mores):
            yield Problem(field, f'The button "{tidied(button.title)}" leads to nothing there is.')


def _title_problems(title: str) -> Iterator[str]:
    yield from text_problems(tidied(title), {}, longest=LONGEST_TITLE, is_one_line=True)


def _leads_somewhere(payload: str, known: Sequence[str], mores: Sequence[str]) -> bool:
    if re.fullmatch(r"/\w+", payload):
        return payload[1:] in known and payload[1:] not in _NO_DESTINATIONS
    return payload in map(topics.more_of, mores)


def _owner_problems(owner: str) -> Iterator[Problem]:
    for message in plain_problems(tidied(owner), longest=LONGEST_OWNER):
        yield Problem("owner", f"Who keeps it right? {message}")


def _contact_problems(change: ContactChanged, root: _Root) -> Iterator[Problem]:
    contact = root.contacts.get(change.name)
    if contact is None:
        yield Problem("name", f"There is no contact {change.name} any more.")
        return
    text = tidied(change.text)
    found = [("text", message) for message in plain_problems(text, longest=LONGEST_CONTACT)]
    if not found and re.search(r"[{}]", text):
        found.append(("text", "{ and } can't stand in a contact."))
    for field, message in found or contact_problems(contact, text, change.url):
        yield Problem(field, message)
    yield from _owner_problems(change.owner)


def _example_problems(
    field: str, topic: str, texts: Sequence[str], root: _Root, *, is_new: bool = False
) -> Iterator[Problem]:
    folder = root.folder / examples.NLU
    if not is_new and topic not in examples.topics(folder):
        yield Problem("topic", f"There is no topic {topic} any more.")
        return
    if not texts:
        yield Problem(field, "There is no example: write one line for each.")
    elsewhere = examples.intents_of(folder)
    for text in texts:
        try:
            example = examples.cleaned(text)
        except ExampleRefused as refused:
            yield Problem(field, f'"{tidied(text)}": {refused}')
            continue
        other = elsewhere.get(examples.plain(example), topic)
        if other not in (topic, *examples.NOT_ANSWERED):
            yield Problem(field, f'"{example}" is an example of {other} already: take it out here.')


def _topic_problems(change: TopicAdded, root: _Root) -> Iterator[Problem]:
    domain = root.domain
    if not re.fullmatch(r"faq_[a-z0-9_]{2,40}", change.name) or change.name.endswith(MORE):
        yield Problem("name", f'"{change.name}" is no name for a topic, like faq_parking.')
        return
    if change.name in topics.intents(domain) or f"utter_{change.name}" in domain["responses"]:
        yield Problem("name", f"There is a topic {change.name} already.")
    title = tidied(change.title)
    for message in _title_problems(change.title):
        yield Problem("title", message)
    for button in domain["responses"]["utter_topics"][0]["buttons"]:
        if button["title"].casefold() == title.casefold():
            yield Problem(
                "title", f'"{title}" is offered already: it leads to {button["payload"]}.'
            )
    texts = {"text": tidied(change.text), "more": tidied(change.more)}
    for field, text in texts.items():
        if field == "text" or text:
            for message in text_problems(text, root.contacts):
                yield Problem(field, message)
    yield from _new_fact_problems(change, texts)
    for message in text_problems(
        tidied(change.source_title), {}, longest=LONGEST_SOURCE, is_one_line=True
    ):
        yield Problem("source_title", f"Where is it from? {message}")
    yield from _owner_problems(change.owner)
    for message in plain_problems(tidied(change.origin), longest=LONGEST_CONTACT):
        yield Problem("origin", message)
    yield from _example_problems("examples", change.name, change.examples, root, is_new=True)
    different = {examples.plain(text) for text in change.examples} - {""}
    if 0 < len(different) < FEWEST_EXAMPLES:
        yield Problem(
            "examples",
            f"{len(different)} different ways of asking are too few: write at least "
            f"{FEWEST_EXAMPLES}, as different people would put it.",
        )


def _new_fact_problems(change: TopicAdded, texts: Mapping[str, str]) -> Iterator[Problem]:
    if not change.facts:
        yield Problem("facts", "What does the answer have to say? Write at least one line.")
    for number, words in change.facts.items():
        if not _FACT.fullmatch(number):
            yield Problem("facts", f'"{number}" is no number of a fact, like M10.1.')
        elif len(re.findall(r"\w", words)) < 3:
            yield Problem(f"facts.{number}", "There are no words in it.")
        elif not any(says(text, words) for text in texts.values()):
            yield Problem(f"facts.{number}", f'The answer doesn\'t say "{tidied(words)}".')
    for field, text in texts.items():
        if change.facts and text and not any(says(text, w) for w in change.facts.values()):
            yield Problem(field, "It says nothing of what the answer has to say.")


# Into the files ----------------------------------------------------------------------------------


def apply(change: Change, root: Path = Path()) -> None:
    """Writes a change into the files of a root folder.

    Raises:
        ChangeRefused: It can't be applied; nothing was written.
        AnswersInvalid, ContactsInvalid, OSError: The root can't be read or written.
    """
    if found := problems(change, root):
        raise ChangeRefused(found)
    try:
        if isinstance(change, ExamplesAdded):
            examples.add(change.topic, change.texts, change.origin, root / examples.NLU)
            return
        for name, text in _written(change, root).items():
            yaml_text.write(root / name, text)
    except (NotWritten, ExampleRefused) as error:
        raise ChangeRefused(
            [Problem("", "It can't be written into the files as it is.")]
        ) from error


def _written(change: AnswerChanged | ContactChanged | TopicAdded, root: Path) -> dict[str, str]:
    """The files that a change writes, with their new text."""
    if isinstance(change, ContactChanged):
        return {str(CONTACTS_FILE): _with_contact(_read_file(root, CONTACTS_FILE), change)}
    if isinstance(change, AnswerChanged):
        return {
            str(DOMAIN_FILE): _with_response(_read_file(root, DOMAIN_FILE), change),
            str(ANSWERS_FILE): _with_entry(_read_file(root, ANSWERS_FILE), change),
        }
    text, more = tidied(change.text), tidied(change.more)
    facts = {number: tidied(words) for number, words in change.facts.items()}
    asked = list(dict.fromkeys(map(examples.cleaned, change.examples)))
    taken = examples.taken(asked, change.name, root / examples.NLU)
    new = topics.with_topic(
        root,
        name=change.name,
        title=tidied(change.title),
        text=text,
        more=more,
        facts={number: words for number, words in facts.items() if says(text, words)},
        more_facts={number: words for number, words in facts.items() if says(more, words)},
        source_title=tidied(change.source_title),
        owner=tidied(change.owner),
        review_by=change.review_by,
        examples=asked,
        origin=" ".join(change.origin.split()),
    )
    return {**new, **{str(file.relative_to(root)): less for file, less in taken.items()}}


def _read_file(root: Path, name: Path) -> str:
    return (root / name).read_text(encoding="utf-8")


def _with_contact(text: str, change: ContactChanged) -> str:
    expected = yaml_text.parsed(text)
    for key, value in (
        ("text", tidied(change.text)),
        ("url", change.url),
        ("owner", tidied(change.owner)),
        ("review_by", change.review_by),
    ):
        if value is not None and expected[change.name].get(key) != value:
            source = yaml_text.inline(value) if isinstance(value, str) else value.isoformat()
            text = yaml_text.replaced(text, source, change.name, key)
            expected[change.name][key] = value
    yaml_text.require_same(text, expected)
    return text


def _with_response(text: str, change: AnswerChanged) -> str:
    """`domain.yml` with the answer's words and buttons."""
    expected = yaml_text.parsed(text)
    place = ("responses", change.response, 0)
    response = expected["responses"][change.response][0]
    words = tidied(change.text)
    if response["text"] != words:
        start, end = yaml_text.span(text, *place, "text")
        column = start - text.rfind("\n", 0, start) - 1
        # Folded as it was, so that only the lines after the change differ.
        lines = text[start:end].split("\n")[1:]
        width = max(map(len, lines), default=0) if len(lines) > 1 else yaml_text.WIDTH
        text = yaml_text.replaced(
            text, yaml_text.block(words, indent=6, column=column, width=width), *place, "text"
        )
        response["text"] = words
    buttons = [
        {"title": tidied(button.title), "payload": topics.escaped(button.payload)}
        for button in change.buttons
    ]
    if response.get("buttons", []) != buttons:
        text = _with_buttons(text, place, response.get("buttons"), buttons)
        response["buttons"] = buttons
        if not buttons:
            del response["buttons"]
    yaml_text.require_same(text, expected)
    return text


def _with_buttons(
    text: str,
    place: tuple[yaml_text.Step, ...],
    before: list[dict[str, str]] | None,
    buttons: list[dict[str, str]],
) -> str:
    if before is None:
        block = "    buttons:\n" + "\n".join(f"    - {topics.button(**b)}" for b in buttons)
        return yaml_text.after(text, block, *place, "text")
    if not buttons:
        return yaml_text.without_key(text, "buttons", *place)
    sources = []
    for button in buttons:
        if button in before:
            start, end = yaml_text.span(text, *place, "buttons", before.index(button))
            sources.append(text[start:end])
        else:
            sources.append(topics.button(**button))
    source = "- " + "\n    - ".join(sources)
    return yaml_text.replaced(text, source, *place, "buttons")


def _with_entry(text: str, change: AnswerChanged) -> str:
    """`answers.yml` with the answer's owner, date and facts."""
    expected = yaml_text.parsed(text)
    before = expected[change.response]
    facts = {n: tidied(w) for n, w in change.facts.items() if n not in change.gives_up}
    given_up = [*before.get("given_up", []), *change.gives_up]
    entry: dict[str, Any] = {
        "topic": before.get("topic"),
        "owner": tidied(change.owner),
        "review_by": change.review_by,
        "facts": facts,
        "given_up": [number for number in dict.fromkeys(given_up) if number not in facts],
    }
    entry = {key: value for key, value in entry.items() if value}
    if entry != before:
        text = yaml_text.replaced(text, topics.entry(entry), change.response)
        expected[change.response] = entry
    yaml_text.require_same(text, expected)
    return text
