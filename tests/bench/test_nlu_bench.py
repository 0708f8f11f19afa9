"""The comparison with other systems: its readers, its typing errors and its figures."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from bench.nlu import data
from bench.nlu.data import FAR, NEAR, Dataset, misspell
from bench.nlu.figures import figures
from bench.nlu.systems import Neighbours


def test_clinc150_becomes_a_small_domain_with_near_and_far(tmp_path: Path) -> None:
    intents = [f"intent {n}" for n in range(5)]
    splits = {
        split: [[f"{split} {intent} {n}", intent] for intent in intents for n in range(4)]
        for split in ("train", "val", "test")
    }
    splits |= {f"oos_{s}": [[f"far {s} {n}", "oos"] for n in range(3)] for s in ("train", "test")}
    (tmp_path / "data_full.json").write_text(json.dumps(splits))

    small = data.clinc150(tmp_path / "data_full.json", seed=1, intents=2, examples=3)

    chosen = {intent for _, intent in small.train} - {FAR}
    assert len(chosen) == 2
    assert len(small.train) == 2 * 3 + 3
    assert [intent for _, intent in small.test].count(NEAR) == 3 * 4
    assert [intent for _, intent in small.test].count(FAR) == 3


def test_banking77_oos_is_read_line_by_line(tmp_path: Path) -> None:
    for part in ("train", "test", "id-oos/train", "id-oos/test", "ood-oos/valid", "ood-oos/test"):
        folder = tmp_path / part
        folder.mkdir(parents=True)
        (folder / "seq.in").write_text(f"{part} one\n{part} two\n")
        if part != "ood-oos/test":  # published without labels there
            (folder / "label").write_text("card_arrival\ntop_up\n")

    read = data.with_oos(tmp_path)

    assert read.train == [
        ("train one", "card_arrival"),
        ("train two", "top_up"),
        ("id-oos/train one", NEAR),
        ("id-oos/train two", NEAR),
        ("ood-oos/valid one", FAR),
        ("ood-oos/valid two", FAR),
    ]
    assert read.test[2:] == [
        ("id-oos/test one", NEAR),
        ("id-oos/test two", NEAR),
        ("ood-oos/test one", FAR),
        ("ood-oos/test two", FAR),
    ]


def test_hint3_marks_what_no_intent_fits(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    (tmp_path / "train/curekart_train.csv").write_text("sentence,label\nwhere is my order,ORDER\n")
    (tmp_path / "test/curekart_test.csv").write_text(
        'sentence,label\n"my order, where",ORDER\nsing,NO_NODES_DETECTED\n'
    )

    read = data.hint3(tmp_path, "curekart")

    assert read.train[0] == ("where is my order", "ORDER")
    assert {intent for _, intent in read.train[1:]} == {FAR}
    assert read.test == [("my order, where", "ORDER"), ("sing", FAR)]


def test_slips_change_one_or_two_words_and_are_the_same_each_time() -> None:
    texts = ["how do I register for the basic class"] * 50
    slips, again = random.Random(0), random.Random(0)
    misspelt = [misspell(text, slips) for text in texts]

    assert misspelt == [misspell(text, again) for text in texts]
    for text, slipped in zip(texts, misspelt, strict=True):
        changed = sum(a != b for a, b in zip(text.split(), slipped.split(), strict=True))
        assert changed <= 2
    assert sum(a != b for a, b in zip(texts, misspelt, strict=True)) > 40
    assert misspell("ok go", random.Random(0)) == "ok go"


def test_figures_are_counted_as_they_say() -> None:
    dataset = Dataset(
        "a small one",
        [],
        [("1", "a"), ("2", "a"), ("3", "b"), ("4", "b"), ("5", NEAR), ("6", NEAR), ("7", FAR)],
    )
    rankings = [
        {"a": 0.9, "b": 0.1},
        {"a": 0.8, NEAR: 0.2},
        {"b": 0.7, "a": 0.3},
        {"a": 0.6, "b": 0.4},  # wrong
        {"a": 0.95, NEAR: 0.05},  # taken for a topic
        {NEAR: 0.9, "a": 0.1},
        {FAR: 1.0},
    ]

    counted = figures(dataset, rankings)

    assert counted.accuracy == 0.75
    assert counted.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert counted.near_rejected == 0.5
    assert counted.far_rejected == 1.0
    assert counted.near_auroc == 0.5
    assert counted.far_auroc == 1.0


def test_neighbours_rank_by_likeness() -> None:
    asked = Neighbours().ask(
        Dataset(
            "two topics",
            [("how do I register", "register"), ("print my certificate", "certificate")],
            [("sign me up", "register"), ("where is my certificate", "certificate")],
        )
    )

    assert [max(r, key=r.__getitem__) for r in asked.rankings] == ["register", "certificate"]
    assert len(asked.milliseconds) == 2
