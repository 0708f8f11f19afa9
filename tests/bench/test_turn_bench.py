"""The measurement of turns: its clock within the server, and the stock assistant it compares with."""

from __future__ import annotations

import time

import pytest
import yaml

from bench import stages, stock
from bench.turns import Measured


def test_a_stage_within_another_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    turn = stages._Turn()
    stages._turn.set(turn)
    with stages._stage(stages.CHANNEL):
        now += 0.002
        with stages._stage(stages.ACTION):
            now += 0.003
            with stages._stage(stages.TRACKER):
                now += 0.004
        with stages._stage(stages.TRACKER):
            now += 0.001

    expected = {stages.CHANNEL: 2.0, stages.ACTION: 3.0, stages.TRACKER: 5.0}
    assert turn.spent == pytest.approx(expected)


def test_stock_learns_the_rules_that_answer_at_once_as_stories() -> None:
    told = yaml.safe_load(stock._stories())["stories"]

    steps = [story["steps"] for story in told]
    assert [{"intent": "faq_sro_roles"}, {"action": "utter_faq_sro_roles"}] in steps
    assert all([list(step) for step in story] == [["intent"], ["action"]] for story in steps)
    assert len({story[0]["intent"] for story in steps}) == len(steps), "two answers to one intent"


def test_stock_has_its_epochs_unless_told_otherwise() -> None:
    config = yaml.safe_load(stock._config())

    (diet,) = (c for c in config["pipeline"] if c["name"] == "DIETClassifier")
    assert diet["epochs"] == stock.EPOCHS


def test_percentiles_are_of_all_turns() -> None:
    measured = Measured([float(n) for n in range(1, 1001)], 10.0, 2.0, 500)

    assert measured.percentiles == pytest.approx((500.5, 950.95, 990.99))
    assert measured.turns_a_second == 100
