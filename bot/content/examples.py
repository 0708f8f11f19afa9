"""Training examples in data/nlu, added as a person would: in the topic's file, after its other examples.

A file is changed as text, so that its comments and its order stay, and `git diff` shows what was added and
nothing else.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.content.yaml_text import write
from bot.webchat.messages import clean_text, plain_words

NLU = Path("data/nlu")

LONGEST = 300
"""Characters of an example."""

_BLOCK = re.compile(r"^- intent: (\S+)\s*$", re.MULTILINE)


class ExampleRefused(Exception):
    """An example can't be added; the message says why."""


def cleaned(text: str) -> str:
    """A text as an example: on one line, without what Rasa reads as markup or as an order.

    Raises:
        ExampleRefused: Nothing is left, or it is too long.
    """
    text = " ".join(plain_words(clean_text(text)).translate(_MARKUP).split())
    if not re.search(r"\w", text):
        raise ExampleRefused("There are no words in it.")
    if len(text) > LONGEST:
        raise ExampleRefused(f"An example has at most {LONGEST} characters: shorten it.")
    return text


_MARKUP = str.maketrans("", "", "[]{}|`\\")
"""An entity is written "[Ohio](place)"; a bar and a backslash mean something to YAML or to Rasa."""


@dataclass(frozen=True)
class Example:
    """A line of one of Rasa's NLU files."""

    text: str
    intent: str
    file: Path


def read_examples(folder: Path = NLU) -> list[Example]:
    """The examples of a folder of Rasa's NLU files; without Rasa, whose import takes seconds."""
    return [
        Example(text, intent, file)
        for file in sorted(folder.glob("*.yml"))
        for intent, texts in _parsed(file.read_text(encoding="utf-8")).items()
        for text in texts
    ]


def topics(folder: Path = NLU) -> list[str]:
    """Intents that have examples, in the order of the files."""
    found: dict[str, None] = {}
    for file in sorted(folder.glob("*.yml")):
        found.update(dict.fromkeys(_BLOCK.findall(file.read_text(encoding="utf-8"))))
    return list(found)


def add(topic: str, texts: Sequence[str], origin: str, folder: Path = NLU) -> list[str]:
    """Adds examples to a topic, in a block of their own with a comment that says where they are from.

    What the topic has already, up to case and punctuation, is left out.

    Args:
        topic: An intent that has examples.
        texts: As people put it.
        origin: The comment, on one line.

    Returns:
        What was added.

    Raises:
        ExampleRefused: There is no such topic, or a text is none to add.
        OSError: The file can't be written.
    """
    with _alone(folder):
        blocks = {
            file: file.read_text(encoding="utf-8").count(f"- intent: {topic}\n")
            for file in sorted(folder.glob("*.yml"))
        }
        file = max(
            blocks, key=lambda f: (f.stem == topic and blocks[f] > 0, blocks[f]), default=None
        )
        if file is None or not blocks[file]:
            raise ExampleRefused(f"There is no topic {topic}.")
        before = file.read_text(encoding="utf-8")
        known = {plain(example) for f in blocks if blocks[f] for example in _examples(f, topic)}
        new: list[str] = []
        for text in map(cleaned, texts):
            if plain(text) not in known:
                known.add(plain(text))
                new.append(text)
        if not new:
            return []
        block = f"# {' '.join(origin.split())}\n- intent: {topic}\n  examples: |\n"
        block += "".join(f"    - {text}\n" for text in new)
        after = _inserted(before, topic, block)
        _require_same_but(before, after, topic, new)
        write(file, after)
    return new


def intents_of(folder: Path = NLU) -> dict[str, str]:
    """The intent of every example, by the example up to case and punctuation."""
    return {plain(one.text): one.intent for one in read_examples(folder)}


def plain(text: str) -> str:
    """A text up to case and punctuation; as typed where it has nothing else ("???")."""
    return " ".join(re.findall(r"\w+", re.sub("['’]", "", text.lower()))) or text.strip()


def _examples(file: Path, topic: str) -> list[str]:
    return _parsed(file.read_text(encoding="utf-8")).get(topic, [])


def _parsed(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for block in yaml.load(text, yaml.CSafeLoader)["nlu"]:
        lines = [line.removeprefix("- ") for line in block["examples"].splitlines()]
        found.setdefault(block["intent"], []).extend(lines)
    return found


def _inserted(text: str, topic: str, block: str) -> str:
    """The file's text with a block after the last one of the topic."""
    last = [match for match in _BLOCK.finditer(text) if match[1] == topic][-1]
    # It ends at the first line that is neither indented nor empty.
    following = re.search(r"^(?=[^\s])", text[last.end() + 1 :], re.MULTILINE)
    end = last.end() + 1 + following.start() if following else len(text)
    return f"{text[:end].rstrip()}\n\n{block}" + (f"\n{text[end:]}" if following else "")


def _require_same_but(before: str, after: str, topic: str, new: list[str]) -> None:
    expected = _parsed(before)
    expected[topic] = expected[topic] + new
    try:
        is_same = _parsed(after) == expected
    except yaml.YAMLError:
        is_same = False
    if not is_same:
        raise ExampleRefused("It can't be written as an example: put it in other words.")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else who adds examples does so meanwhile."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        raise ExampleRefused(f"There is no folder {folder}.") from None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
