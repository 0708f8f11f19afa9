"""The content's files: what a copy, a fingerprint and a patch hold."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

from bot.content import changes, files
from bot.content.answers import read_answers
from tests.content.conftest import ROOT
from tests.content.test_changes import PARKING


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def test_copy_is_the_same_and_knows_it(root: Path) -> None:
    assert files.fingerprint(root) == files.fingerprint(ROOT)
    assert files.texts(root) == files.texts(ROOT)
    assert files.patch(ROOT, root) == ""
    assert (root / "config.yml").is_file()

    (root / "config.yml").write_text("pipeline: []\n")

    assert files.fingerprint(root) != files.fingerprint(ROOT)
    assert files.patch(ROOT, root) == ""


def test_what_is_half_written_or_an_editors_is_no_content(root: Path) -> None:
    (root / "data/nlu/faq_register.yml.new").write_text("half")
    (root / "data/nlu/.faq_register.yml.swp").write_text("editor")

    assert files.fingerprint(root) == files.fingerprint(ROOT)


def test_file_that_is_renamed_is_another_content(root: Path) -> None:
    (root / "data/nlu/faq_register.yml").rename(root / "data/nlu/faq_enroll.yml")

    assert files.fingerprint(root) != files.fingerprint(ROOT)


def test_patch_makes_of_one_content_the_other_and_back(root: Path, tmp_path: Path) -> None:
    before = tmp_path / "repository"
    shutil.copytree(root, before)
    changes.apply(PARKING, root)
    answer = read_answers(root)["utter_faq_hold_spot"]
    changes.apply(dataclasses.replace(changes.no_change(answer), owner="Señora Núñez"), root)
    (root / "data/nlu/heard.yml").unlink()
    (root / "contacts.yml").write_text((root / "contacts.yml").read_text().rstrip("\n"))
    patch = files.patch(before, root)
    (tmp_path / "patch").write_text(patch)
    git(before, "init", "--quiet")
    git(before, "add", ".")

    git(before, "apply", "--index", str(tmp_path / "patch"))

    assert files.texts(before) == files.texts(root)

    git(before, "apply", "--reverse", "--index", str(tmp_path / "patch"))

    assert files.texts(before) == files.texts(ROOT)
