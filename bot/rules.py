"""Rasa's RulePolicy, asked only what can matter: what it predicts is the same, in less time.

For each prediction, and a turn takes two to five, stock makes the states of the whole conversation anew
and compares each of some 250 rules with them. But a rule ends in an action and mostly an intent: few end
in those of the moment. And a rule is as long as it is: earlier states can't tell anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from operator import is_not
from typing import Any

from rasa.core.policies import rule_policy
from rasa.core.policies.rule_policy import RULES, RULES_FOR_LOOP_UNHAPPY_PATH
from rasa.shared.core.constants import PREVIOUS_ACTION, USER
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import ActionExecuted, Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

Rules = Mapping[str, str]
"""What stock's lookup holds: a rule's states, as a key, and what it then does."""

USUALLY = 3
"""States that most rules reach back to: making one costs a tenth of replaying the conversation again."""

End = tuple[Any, Any]
"""The action before a state and the intent in it; None where there is none."""


class RulePolicy(rule_policy.RulePolicy):
    """The policy of a trained model; whether a rule applies is still decided by stock's own code.

    Events name the policy that predicted them, so it has the name of the one it stands for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Training changes the rules as it goes; until a trained model is loaded, all is stock.
        self._by_end: dict[int, dict[End, dict[str, str]]] = {}
        # A prediction asks twice, first as if rules were about what was typed, then about the intent.
        self._latest = _Latest(DialogueStateTracker("", []), Domain.empty(), 1)

    @classmethod
    def load(cls, *args: Any, **kwargs: Any) -> RulePolicy:
        """Loads a trained policy; see Rasa's."""
        policy = super().load(*args, **kwargs)
        for kind in (RULES, RULES_FOR_LOOP_UNHAPPY_PATH):
            rules = policy.lookup.get(kind, {})
            policy._by_end[id(rules)] = policy._sorted_by_end(rules)
        return policy

    def _sorted_by_end(self, rules: Rules) -> dict[End, dict[str, str]]:
        by_end: dict[End, dict[str, str]] = defaultdict(dict)
        for key, action in rules.items():
            by_end[_end(self._rule_key_to_state(key)[-1])][key] = action
        return dict(by_end)

    def _get_possible_keys(self, lookup: Rules, states: list[State]) -> set[str]:
        by_end = self._by_end.get(id(lookup))
        if by_end is None:
            return super()._get_possible_keys(lookup, states)
        action, intent = _end(states[-1])
        # A rule that names no action or no intent leaves it open.
        ends = {(a, i) for a in (action, None) for i in (intent, None)}
        candidates = {key: does for end in ends for key, does in by_end.get(end, {}).items()}
        return super()._get_possible_keys(candidates, states)

    def _prediction_states(
        self, tracker: DialogueStateTracker, domain: Domain, *args: Any, **kwargs: Any
    ) -> list[State]:
        if not self._by_end:
            return super()._prediction_states(tracker, domain, *args, **kwargs)
        if not self._latest.follows(tracker):
            self._latest = _Latest(tracker, domain, USUALLY)
        states = super()._prediction_states(self._latest, domain, *args, **kwargs)
        # The rules that go with the latest state tell how far back it matters.
        longest = max(
            (
                len(self._rule_key_to_state(key))
                for kind in (RULES, RULES_FOR_LOOP_UNHAPPY_PATH)
                for key in self._get_possible_keys(self.lookup.get(kind, {}), states[-1:])
            ),
            default=1,
        )
        if self._latest.reaches_back(longest):
            return states
        self._latest = _Latest(tracker, domain, longest)
        return super()._prediction_states(self._latest, domain, *args, **kwargs)


class _Latest:
    """A tracker for a featurizer that asks for its states: it is given the latest only.

    It goes on with the tracker, and replays what is new.
    """

    def __init__(self, tracker: DialogueStateTracker, domain: Domain, count: int) -> None:
        self._tracker, self._domain = tracker, domain
        applied = tracker.applied_events()
        actions = [n for n, event in enumerate(applied) if isinstance(event, ActionExecuted)]
        wanted = actions[max(len(actions) + 1 - count, 0) :]
        self._is_whole = len(wanted) == len(actions)
        self._first = wanted[0] if wanted else len(applied)
        self._replayed = tracker.init_copy()
        self._applied: list[Event] = []
        # The states before the latest actions, and the present one.
        self._states: list[State] = []
        self._go_on(applied)

    def follows(self, tracker: DialogueStateTracker) -> bool:
        """Goes on to where a tracker is, if it is the same one and nothing was taken back in it."""
        if tracker is not self._tracker:
            return False
        if len(tracker.events) > self._events:
            applied = tracker.applied_events()
            if any(map(is_not, self._applied, applied)) or len(applied) < len(self._applied):
                return False
            self._states.pop()
            self._go_on(applied)
        return True

    def reaches_back(self, count: int) -> bool:
        """Whether it has so many of the latest states, or all there are."""
        return self._is_whole or len(self._states) >= count

    def past_states(self, *_: Any, **__: Any) -> list[State]:
        """The same as the end of `DialogueStateTracker.past_states` without options."""
        # Featurizers change what they get.
        return [{kind: dict(part) for kind, part in state.items()} for state in self._states]

    def _go_on(self, applied: list[Event]) -> None:
        for number, event in enumerate(applied[len(self._applied) :], len(self._applied)):
            if number >= self._first and isinstance(event, ActionExecuted):
                self._states.append(self._domain.get_active_state(self._replayed))
            self._replayed.update(event)
        self._states.append(self._domain.get_active_state(self._replayed))
        self._applied, self._events = applied, len(self._tracker.events)


def _end(state: State) -> End:
    return (
        state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME),
        state.get(USER, {}).get(INTENT),
    )
