"""YAML files changed as text: what isn't meant stays byte for byte, with its comments, order and folding.

A place is named by a path of keys and numbers, like `("responses", "utter_greet", 0, "text")`. Whoever
changes a file reads it again afterwards and compares: see `require_same`.
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

WIDTH = 100
"""Columns at which folded text is wrapped."""

Step = str | int


class NotWritten(Exception):
    """A file would not say what it should after a change."""


# Places ------------------------------------------------------------------------------------------


def parsed(text: str) -> Any:
    """What YAML says.

    Raises:
        yaml.YAMLError: It is none.
    """
    return yaml.load(text, yaml.CSafeLoader)


def span(text: str, *path: Step) -> tuple[int, int]:
    """Where the value at a place begins and ends.

    Raises:
        KeyError: There is no such place.
    """
    node = _node(text, path)
    return node.start_mark.index, _end(text, node)


def replaced(text: str, source: str, *path: Step) -> str:
    """The text with another value at a place."""
    start, end = span(text, *path)
    return text[:start] + source + text[end:]


def without_key(text: str, key: str, *path: Step) -> str:
    """The text without a key (not the first) of the block mapping at a place, if it is there."""
    values = _node(text, path).value
    for (_, before), (name, value) in pairwise(values):
        if name.value == key:
            return text[: _end(text, before)] + text[_end(text, value) :]
    return text


def after(text: str, block: str, *path: Step) -> str:
    """The text with lines after the value at a place.

    Args:
        block: Whole lines, indented, without the last line's end.
    """
    end = span(text, *path)[1]
    # A comment at the end of the value's line belongs to it.
    end = text.find("\n", end) if "\n" in text[end:] else len(text)
    return f"{text[:end]}\n{block}{text[end:]}"


def _node(text: str, path: tuple[Step, ...]) -> Any:
    node: Any = yaml.compose(text, yaml.CSafeLoader)
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step] if step < len(node.value) else None
        else:
            node = None
        if node is None:
            raise KeyError("/".join(map(str, path)))
    return node


def _end(text: str, node: Any) -> int:
    """Where a value ends: the parser takes what follows a block for a part of it."""
    is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    if is_block and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    source = text[node.start_mark.index : node.end_mark.index]
    return int(node.start_mark.index + len(source.rstrip()))


# Values ------------------------------------------------------------------------------------------


def inline(value: str, *, in_braces: bool = False) -> str:
    """A text of one line, as a person would write it: without quotes where it can.

    Args:
        in_braces: Whether it stands in a mapping like `{title: ..., payload: ...}`.
    """
    is_plain = re.fullmatch(r"[A-Za-z/][\w ./&-]*" if in_braces else r"[A-Za-z0-9].*", value)
    if is_plain and _reads_as(value, value, in_braces):
        return value
    if "'" not in value and _reads_as(f"'{value}'", value, in_braces):
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False)


def _reads_as(source: str, value: str, in_braces: bool) -> bool:
    try:
        read = parsed(f"{{key: {source}}}" if in_braces else f"key: {source}")
    except yaml.YAMLError:
        return False
    return bool(read == {"key": value})


def block(value: str, *, indent: int, column: int, width: int = WIDTH) -> str:
    """A text as it stands in `domain.yml`: on the line, folded, or line by line where it has several.

    Args:
        indent: Spaces before each line.
        column: Where the value begins.
        width: Columns at which it is folded.
    """
    if "\n" in value:
        lines = value.split("\n")
        return "|-\n" + "\n".join(f"{' ' * indent}{line}" if line else "" for line in lines)
    on_the_line = inline(value)
    if column + len(on_the_line) <= width:
        return on_the_line
    lines = textwrap.wrap(value, width - indent, break_long_words=False, break_on_hyphens=False)
    return ">-\n" + "\n".join(f"{' ' * indent}{line}" for line in lines)


# Files -------------------------------------------------------------------------------------------


def require_same(text: str, expected: Any) -> None:
    """Holds a changed file against what it is meant to say.

    Raises:
        NotWritten: It says something else.
    """
    try:
        is_same = parsed(text) == expected
    except yaml.YAMLError:
        is_same = False
    if not is_same:
        raise NotWritten


def write(file: Path, text: str) -> None:
    """Writes a file, so that whoever reads it finds the old one or the new one."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(text, encoding="utf-8")
    if file.exists():
        os.chmod(beside, file.stat().st_mode)
    os.replace(beside, file)
