"""A folder of the content of its own, as a server's working directory: what a test publishes stays in it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import yaml

from bot.content import files
from bot.content.files import MODEL
from tests.running_server import ROOT

BANK = ("tests/nlu/utterances", "tests/conversations")


def copy_of_the_root(to: Path, *, in_git: bool = True) -> Path:
    """The content with its model and bank, committed in a repository of its own."""
    files.copy(ROOT, to)
    for name in ("endpoints.yml", "credentials.yml", ".gitignore"):
        shutil.copy2(ROOT / name, to / name)
    for name in BANK:
        shutil.copytree(
            ROOT / name, to / name, ignore=shutil.ignore_patterns("*.py", "__pycache__")
        )
    (to / "models").mkdir()
    shutil.copy2(ROOT / MODEL, to / MODEL)
    if in_git:
        git(to, "init", "--quiet")
        git(to, "config", "user.name", "A Developer")
        git(to, "config", "user.email", "developer@example.org")
        git(to, "add", ".")
        git(to, "commit", "--quiet", "-m", "as it is")
    return to


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout


def with_responses_of(root: Path, model: Path, to: Path) -> None:
    """A model's file with the responses that a root's domain has: what training would make of it, but for
    new topics and examples."""
    responses = yaml.load((root / "domain.yml").read_text(encoding="utf-8"), yaml.CSafeLoader)[
        "responses"
    ]
    to.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(model) as read, tarfile.open(to, "w:gz", compresslevel=1) as written:
        for member in read:
            opened = read.extractfile(member)
            content = opened.read() if opened else b""
            if member.name.endswith("metadata.json"):
                described = json.loads(content)
                described["domain"]["responses"] = responses
                content = json.dumps(described).encode()
            elif member.name.endswith("domain_provider/domain.yml"):
                domain = yaml.load(content, yaml.CSafeLoader)
                domain["responses"] = responses
                content = yaml.dump(domain, Dumper=yaml.CSafeDumper).encode()
            member.size = len(content)
            written.addfile(member, io.BytesIO(content) if opened else None)
