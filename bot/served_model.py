"""A trained model as the server needs it: to answer, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.core
from rasa.core.policies import rule_policy
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import MODEL_ARCHIVE_METADATA_FILE, LocalModelStorage
from rasa.engine.storage.storage import ModelMetadata
from rasa.shared.utils.io import read_json_file

from bot.rules import RulePolicy


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
        self._plans: dict[tuple[str, ...], dict[str, Any]] = {}

    def run(
        self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None
    ) -> dict[str, Any]:
        """Runs what the targets need; see Rasa's."""
        wanted = targets or self._graph_schema.target_names
        plan = self._plans.get(tuple(wanted))
        if plan is None:
            schema = self._graph_schema.minimal_graph_schema(wanted)
            plan = self._plans[tuple(wanted)] = self._build_dask_graph(schema)
        graph = dict(plan)
        self._add_inputs_to_graph(inputs, graph)
        return dict(dask.core.get(graph, wanted))


def _path(component: type) -> str:
    return f"{component.__module__}.{component.__name__}"
