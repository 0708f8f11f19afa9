"""Our way to match rules predicts what Rasa's does, in conversations that nobody would think of."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from rasa.core.policies import rule_policy
from rasa.core.policies.policy import PolicyPrediction
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    DefinePrevUserUtteredFeaturization,
    Event,
    LoopInterrupted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from bot.rules import RulePolicy
from bot.served_model import ServedModel
from tests.running_server import ROOT

SEEDS = range(12)
MESSAGES = 8
LOOKUPS = ("classes", "seats", "certificates")


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> tuple[RulePolicy, rule_policy.RulePolicy]:
    """Ours and Rasa's, of the same trained model."""
    model = ROOT / "models" / "assistant.tar.gz"
    folder = tmp_path_factory.mktemp("model")
    storage, metadata = ServedModel.from_model_archive(folder, model)
    (node,) = (n for n in metadata.predict_schema.nodes.values() if n.uses is RulePolicy)
    context = ExecutionContext(GraphSchema({}))
    ours, stock = (
        kind.load({**kind.get_default_config(), **node.config}, storage, node.resource, context)
        for kind in (RulePolicy, rule_policy.RulePolicy)
    )
    ours.domain = metadata.domain
    return ours, stock


@pytest.mark.parametrize("seed", SEEDS)
def test_both_predict_the_same(
    policies: tuple[RulePolicy, rule_policy.RulePolicy], seed: int
) -> None:
    ours, stock = policies
    domain: Domain = ours.domain
    tracker = DialogueStateTracker.from_events("c", [SessionStarted()], domain.slots)
    chance = random.Random(seed)
    actions = set()

    for _ in range(MESSAGES):
        for event in _message(domain, chance):
            tracker.update(event, domain)
        for _ in range(6):
            predicted = ours.predict_action_probabilities(tracker, domain)
            expected = stock.predict_action_probabilities(tracker, domain)
            assert _told(predicted) == _told(expected), tracker.export_stories()
            action = domain.action_names_or_texts[predicted.max_confidence_index]
            actions.add(action)
            for event in _carried_out(action, predicted, tracker, chance):
                tracker.update(event, domain)
            if action == "action_listen":
                break

    assert len(actions) > 3, "a conversation in which nothing happens compares nothing"


def _told(prediction: PolicyPrediction) -> tuple[object, ...]:
    return (
        prediction.probabilities,
        prediction.policy_name,
        prediction.is_no_user_prediction,
        prediction.events,
        prediction.hide_rule_turn,
    )


def _message(domain: Domain, chance: random.Random) -> Iterator[Event]:
    if chance.random() < 0.1:
        yield UserUtteranceReverted()
    intent = chance.choice(
        [*domain.intents, "find_classes", "faq_seats_left", "inform", "inform", "deny"]
    )
    entities = [
        {"entity": entity, "value": "2"}
        for entity in ("place", "reference", "class_id")
        if chance.random() < 0.3
    ]
    yield ActionExecuted("action_listen")
    yield UserUttered("words", intent={"name": intent, "confidence": 1.0}, entities=entities)


def _carried_out(
    action: str, prediction: PolicyPrediction, tracker: DialogueStateTracker, chance: random.Random
) -> Iterator[Event]:
    """What may come of an action: a form begins, goes on, ends, or won't have what was said."""
    if tracker.latest_action_name == "action_listen" and not prediction.is_no_user_prediction:
        yield DefinePrevUserUtteredFeaturization(False)
    is_form = action.endswith("_form")
    if is_form and tracker.active_loop_name == action and chance.random() < 0.4:
        yield ActionExecutionRejected(action)
        return
    if action != "action_listen":
        yield ActionExecuted(action, prediction.policy_name)
    if is_form:
        yield ActiveLoop(action)
        if any(isinstance(event, LoopInterrupted) for event in prediction.events or []):
            yield LoopInterrupted(True)
        yield SlotSet("requested_slot", "place")
        if chance.random() < 0.4:
            yield SlotSet("requested_slot", None)
            yield ActiveLoop(None)
    if action == "action_deactivate_loop":
        yield ActiveLoop(None)
    if chance.random() < 0.3:
        yield SlotSet("lookup", chance.choice(LOOKUPS))
