"""A trained model as the server needs it: to answer, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.core
from rasa.core.policies import rule_policy
from rasa.core.processor import MessageProcessor
from rasa.engine.graph import GraphNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import MODEL_ARCHIVE_METADATA_FILE, LocalModelStorage
from rasa.engine.storage.storage import ModelMetadata
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.utils.io import read_json_file

from bot.rules import RulePolicy

_Step = tuple[str, GraphNode, tuple[str, ...]]
"""A component's name, the component, and whose outputs it needs."""


class ServedModel(LocalModelStorage):
    """A model's files.

    A model also says how it was trained. Rasa imports the components of that graph too, among them a
    check of configurations that imports every component there is, and so TensorFlow; the server
    doesn't train. And rules are matched by our policy, which predicts what Rasa's does.
    """

    @staticmethod
    def _load_metadata(directory: Path) -> ModelMetadata:
        described = read_json_file(directory / MODEL_ARCHIVE_METADATA_FILE)
        described["train_schema"] = {"nodes": {}}
        for node in described["predict_schema"]["nodes"].values():
            if node["uses"] == _path(rule_policy.RulePolicy):
                node["uses"] = _path(RulePolicy)
        return ModelMetadata.from_dict(described)


class ServedGraph(DaskGraphRunner):
    """A model's graph. Its six or so components run one after the other, and nothing plans that anew.

    Dask's scheduler, made for long tasks on many machines, takes half a millisecond for each run, and a
    turn has three to six.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plans: dict[tuple[str, ...], list[_Step]] = {}

    def run(
        self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None
    ) -> dict[str, Any]:
        """Runs what the targets need; see Rasa's."""
        wanted = tuple(targets or self._graph_schema.target_names)
        if wanted not in self._plans:
            self._plans[wanted] = self._plan(wanted)
        outputs = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, node, needs in self._plans[wanted]:
            outputs[name] = node(*(outputs.get(need, need) for need in needs))
        return dict(outputs[name] for name in wanted)

    def _plan(self, wanted: tuple[str, ...]) -> list[_Step]:
        graph = self._build_dask_graph(self._graph_schema.minimal_graph_schema(list(wanted)))
        return [(name, graph[name][0], graph[name][1:]) for name in dask.core.toposort(graph)]


class ServedProcessor(MessageProcessor):
    """Rasa's way through a turn, without what is only checked or made for its log."""

    def _check_for_unseen_features(self, parse_data: dict[str, Any]) -> None:
        """Stock warns of intents that the domain hasn't; but the domain is the trained model's own."""

    @staticmethod
    def _log_slots(tracker: DialogueStateTracker) -> None:
        """Stock writes them into its log, for debugging; they may hold what a person said."""


def _path(component: type) -> str:
    return f"{component.__module__}.{component.__name__}"
