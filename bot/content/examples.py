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

NOT_ANSWERED = ("not_covered", "out_of_scope")
"""Intents of what has no answer. What is added to another topic has one, and is taken from these."""

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

    What the topic has already, up to case and punctuation, is left out; what stood for something that isn't
    answered stands for this topic from now on.

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
        _require_says(after, {**_parsed(before), topic: _parsed(before)[topic] + new})
        write(file, after)
        for other, text in taken(new, topic, folder).items():
            write(other, text)
    return new


def taken(texts: Sequence[str], topic: str, folder: Path = NLU) -> dict[Path, str]:
    """The files that lose examples when these are a topic's, each with its text without them.

    A block of which nothing is left goes, with the comment above it.

    Raises:
        ExampleRefused: They can't be taken out.
    """
    unwanted = set(map(plain, texts))
    sources = [intent for intent in NOT_ANSWERED if intent != topic]
    files = {}
    for file in sorted(folder.glob("*.yml")):
        before = after = file.read_text(encoding="utf-8")
        for start, end, intent in reversed(list(_blocks(before))):
            if intent in sources:
                after = after[:start] + _without(before[start:end], unwanted) + after[end:]
        if after == before:
            continue
        after = f"{after.rstrip()}\n"
        kept = {
            intent: [e for e in its if intent not in sources or plain(e) not in unwanted]
            for intent, its in _parsed(before).items()
        }
        _require_says(after, {intent: its for intent, its in kept.items() if its})
        files[file] = after
    return files


def intents_of(folder: Path = NLU) -> dict[str, str]:
    """The intent of every example, by the example up to case and punctuation."""
    return {plain(one.text): one.intent for one in read_examples(folder)}


def unanswered_like(texts: Sequence[str], folder: Path = NLU) -> list[str]:
    """Examples of what isn't answered that look like these, the likest first, at most `MOST_ALIKE`.

    A new topic is understood badly while its neighbours stand for something that has no answer: whoever
    adds it is shown them, and those that belong to the topic become its examples.
    """
    from sklearn.feature_extraction.text import (  # noqa: PLC0415  takes a second
        TfidfVectorizer,
    )

    others = [one.text for one in read_examples(folder) if one.intent in NOT_ANSWERED]
    given = {plain(text) for text in texts} - {""}
    others = [text for text in dict.fromkeys(others) if plain(text) not in given]
    if not given or not others:
        return []
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    matrix = vectors.fit_transform([*texts, *others])
    likeness = (matrix[len(texts) :] @ matrix[: len(texts)].T).max(axis=1).toarray().ravel()
    likest = sorted(range(len(others)), key=lambda n: -likeness[n])[:MOST_ALIKE]
    return [others[n] for n in likest if likeness[n] >= ALIKE]


MOST_ALIKE = 12

ALIKE = 0.34
"""Cosine of two texts' parts of words from which on they may be about the same."""


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


def _blocks(text: str) -> Iterator[tuple[int, int, str]]:
    """Where each block of examples begins, with the comment above it, and ends; and its intent."""
    for match in _BLOCK.finditer(text):
        before = _COMMENT.search(text, 0, match.start())
        # It ends at the first line that is neither indented nor empty.
        following = _OUTSIDE.search(text, match.end() + 1)
        start = before.start() if before else match.start()
        yield start, following.start() if following else len(text), match[1]


_COMMENT = re.compile(r"(?:^#.*\n)+\Z", re.MULTILINE)
_OUTSIDE = re.compile(r"^\S", re.MULTILINE)


def _inserted(text: str, topic: str, block: str) -> str:
    """The file's text with a block after the last one of the topic."""
    end = [end for _, end, intent in _blocks(text) if intent == topic][-1]
    following = f"\n{text[end:]}" if end < len(text) else ""
    return f"{text[:end].rstrip()}\n\n{block}{following}"


def _without(block: str, unwanted: set[str]) -> str:
    """A block without some of its examples; empty if none is left."""
    lines = block.split("\n")
    kept = [
        line for line in lines if not (m := _EXAMPLE.match(line)) or plain(m[1]) not in unwanted
    ]
    return "\n".join(kept) if any(map(_EXAMPLE.match, kept)) else ""


_EXAMPLE = re.compile(r" +- (?!intent: )(.*)")


def _require_says(text: str, expected: dict[str, list[str]]) -> None:
    try:
        is_same = _parsed(text) == expected
    except (yaml.YAMLError, TypeError):
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
