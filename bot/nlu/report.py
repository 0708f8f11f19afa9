"""How well the trained model understands utterances it was not trained on.

    python -m bot.nlu.report [folder]       (make nlu-report)

prints the figures and writes them to results/nlu/: report.md and confusion.png. The folder
(tests/nlu/utterances) holds one of Rasa's NLU files for each voice.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rasa.core.channels.channel import UserMessage
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.engine.loader import load_predict_graph_runner
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.shared.nlu.training_data.message import Message

from bot.content.bank import UTTERANCES, Outcome
from bot.content.examples import read_examples
from bot.nlu.classifier import FALLBACK, NEGATIVES, STRAYS_FILE
from bot.nlu.language import INTENTS as OTHER_LANGUAGES

MODEL = Path("models/assistant.tar.gz")
RESULTS = Path("results/nlu")

NOT_ANSWERED = (*NEGATIVES, FALLBACK, *OTHER_LANGUAGES.values(), "complain")
"""What a message outside the FAQ may be understood as: none of these gives it a topic's answer."""


@dataclass(frozen=True)
class Utterance:
    text: str
    intent: str
    voice: str = ""
    file: Path | None = None


@dataclass(frozen=True)
class Understood:
    """What the model made of an utterance."""

    utterance: Utterance
    predicted: str
    band: str
    """`answer`, `suggest` or `reject`; `only entities` where those decided."""
    score: float
    ranking: tuple[str, ...]
    """The likeliest intents, best first."""
    milliseconds: float

    @classmethod
    def of(
        cls, utterance: Utterance, parsed: dict[str, Any], milliseconds: float = 0.0
    ) -> Understood:
        """What Rasa's parse data say."""
        predicted, score = parsed["intent"]["name"], parsed["intent"]["confidence"]
        is_only_entities = predicted == "inform" and score == 1
        return cls(
            utterance,
            predicted,
            "only entities" if is_only_entities else parsed["understanding"]["band"],
            score if is_only_entities else parsed["understanding"]["score"],
            tuple(ranked["name"] for ranked in parsed["intent_ranking"]),
            milliseconds,
        )

    @property
    def is_in_scope(self) -> bool:
        return self.utterance.intent not in NEGATIVES

    @property
    def outcome(self) -> Outcome:
        """`right`, `offered`, `rejected` or `wrong`; outside the scope, `right` or `wrong`."""
        if not self.is_in_scope:
            return "right" if self.predicted in NOT_ANSWERED else "wrong"
        if self.predicted == self.utterance.intent:
            return "right"
        if self.predicted == FALLBACK:
            return "offered"
        return "rejected" if self.predicted in NEGATIVES else "wrong"

    @property
    def likeliest(self) -> str:
        """The intent that was answered, or else the topic that was nearest to it."""
        if self.predicted in (FALLBACK, *NEGATIVES):
            return next((name for name in self.ranking if name not in NEGATIVES), "")
        return self.predicted

    def __str__(self) -> str:
        return (
            f"'{self.utterance.text}': expected {self.utterance.intent}, understood "
            f"{self.predicted} ({self.score:.2f}; {', '.join(self.ranking[:3])}) "
            f"[{self.utterance.file}]"
        )


def read_utterances(folder: Path = UTTERANCES) -> list[Utterance]:
    """The utterances of a folder of Rasa's NLU files, each named by the voice it speaks in."""
    return [
        Utterance(one.text, one.intent, one.file.stem, one.file) for one in read_examples(folder)
    ]


@contextmanager
def parser(model: Path = MODEL) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Gives Rasa's parse data of a text, as the trained model understands it, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        metadata, runner = load_predict_graph_runner(
            Path(folder), model, LocalModelStorage, DaskGraphRunner
        )
        target = metadata.nlu_target

        def parse(text: str) -> dict[str, Any]:
            inputs = {PLACEHOLDER_MESSAGE: [UserMessage(text)], PLACEHOLDER_TRACKER: None}
            parsed: Message = runner.run(inputs, [target])[target][0]
            return {"entities": [], **parsed.as_dict(only_output_properties=True)}

        parse("hello")  # the first message is slower
        yield parse


def understand(utterances: Iterable[Utterance], model: Path = MODEL) -> list[Understood]:
    """Each utterance as the trained model understands it."""
    understood = []
    with parser(model) as parse:
        for utterance in utterances:
            start = time.perf_counter()
            parsed = parse(utterance.text)
            milliseconds = 1000 * (time.perf_counter() - start)
            understood.append(Understood.of(utterance, parsed, milliseconds))
    return understood


def strays(model: Path = MODEL) -> list[dict[str, str]]:
    """The training examples that cross-validation surely took for another intent.

    Returns:
        `text`, `intent` and `taken_for` of each.
    """
    with tarfile.open(model) as archive:
        name = next(n for n in archive.getnames() if n.endswith(f"/{STRAYS_FILE}"))
        file = archive.extractfile(name)
        assert file
        return json.load(file)


def share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


# The report --------------------------------------------------------------------------------------


def report(understood: Sequence[Understood]) -> str:
    """The figures, as Markdown."""
    in_scope = [u for u in understood if u.is_in_scope]
    others = [u for u in understood if not u.is_in_scope]
    outcomes = Counter(u.outcome for u in in_scope)
    answered = outcomes["right"] + outcomes["wrong"]
    offered = [u for u in in_scope if u.outcome == "offered"]
    times = np.array([u.milliseconds for u in understood])

    def line(what: str, part: int, whole: int) -> tuple[str, str, str]:
        return what, f"{part} of {whole}", f"{share(part, whole):.1%}"

    def answered_of(intent: str) -> tuple[str, str, str]:
        of_intent = [u for u in others if u.utterance.intent == intent]
        wrong = sum(u.outcome == "wrong" for u in of_intent)
        return line(f"Out of scope, `{intent}`: answered with a topic", wrong, len(of_intent))

    rows = [
        line(
            "In scope: the likeliest topic is the right one",
            sum(u.likeliest == u.utterance.intent for u in in_scope),
            len(in_scope),
        ),
        line("In scope: answered at once", answered, len(in_scope)),
        line("In scope: answered right", outcomes["right"], len(in_scope)),
        line("In scope: offered in did-you-mean", outcomes["offered"], len(in_scope)),
        line("In scope: rejected", outcomes["rejected"], len(in_scope)),
        line("In scope: answered wrong", outcomes["wrong"], len(in_scope)),
        line("When answered, right", outcomes["right"], answered),
        line(
            "When offered, the right one among the first three",
            sum(u.utterance.intent in offers(u) for u in offered),
            len(offered),
        ),
        *map(answered_of, NEGATIVES),
    ]
    missed = [u for u in understood if u.outcome != "right"]
    return "\n\n".join(
        (
            f"# Understanding of {len(understood)} held-out utterances",
            f"{datetime.now(timezone.utc):%Y-%m-%d}. A message takes "
            f"{np.percentile(times, 50):.1f} ms (median), {np.percentile(times, 95):.1f} ms (95 %).",
            _table(("", "utterances", "share"), rows),
            "## By voice",
            _table(
                ("voice", "utterances", "right", "offered", "rejected", "wrong"),
                _voices(understood),
            ),
            "## By intent",
            "`not_covered` and `out_of_scope` count as one here: the assistant answered no topic.",
            _table(("intent", "utterances", "precision", "recall", "F1"), _intents(understood)),
            "## Confusions",
            _table(
                ("expected", "understood", "times"),
                [(*pair, str(times)) for pair, times in _confusions(missed).most_common()],
            ),
            "## Every utterance that was not understood",
            "\n".join(f"- {u.outcome}: {u}" for u in missed),
        )
    )


def _of_strays() -> str:
    found = [f"- {s['intent']}, taken for {s['taken_for']}: '{s['text']}'" for s in strays()]
    head = "## Training examples that cross-validation surely took for another intent"
    return "\n\n".join((head, "\n".join(sorted(found))))


def offers(understood: Understood) -> list[str]:
    """The first three topics of the ranking, which did-you-mean offers."""
    return [name for name in understood.ranking if name not in NEGATIVES][:3]


def _voices(understood: Sequence[Understood]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for voice in sorted({u.utterance.voice for u in understood}):
        outcomes = Counter(u.outcome for u in understood if u.utterance.voice == voice)
        whole = sum(outcomes.values())
        shares = (
            f"{share(outcomes[name], whole):.0%}"
            for name in ("right", "offered", "rejected", "wrong")
        )
        rows.append((voice, str(whole), *shares))
    return rows


def _intents(understood: Sequence[Understood]) -> list[tuple[str, ...]]:
    def merged(name: str) -> str:
        return "not answered" if name in NEGATIVES else name

    pairs = [
        (
            merged(u.utterance.intent),
            merged(u.utterance.intent if u.outcome == "right" else u.predicted),
        )
        for u in understood
    ]
    rows: list[tuple[str, ...]] = []
    for intent in dict.fromkeys(merged(name) for name in in_domain_order(understood)):
        expected = sum(e == intent for e, _ in pairs)
        predicted = sum(p == intent for _, p in pairs)
        right = sum(e == p == intent for e, p in pairs)
        if not expected:
            continue
        precision, recall = share(right, predicted), share(right, expected)
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        rows.append((intent, str(expected), f"{precision:.1%}", f"{recall:.1%}", f"{f1:.3f}"))
    return rows


def _confusions(missed: Iterable[Understood]) -> Counter[tuple[str, str]]:
    return Counter((u.utterance.intent, u.predicted) for u in missed)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def in_domain_order(understood: Iterable[Understood]) -> list[str]:
    """The intents that were expected or predicted, as domain.yml orders them."""
    domain = yaml.safe_load(Path("domain.yml").read_text(encoding="utf-8"))
    ordered = [
        intent if isinstance(intent, str) else next(iter(intent)) for intent in domain["intents"]
    ]
    seen = {name for u in understood for name in (u.utterance.intent, u.predicted)}
    return [name for name in ordered if name in seen] + sorted(seen - set(ordered))


def draw_confusion(understood: Sequence[Understood], file: Path) -> None:
    """Expected intents down, understood ones across, as counts on shares of the row."""
    import matplotlib  # noqa: PLC0415  a tool of development; the server has none

    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    names = in_domain_order(understood)
    place = {name: n for n, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=int)
    for u in understood:
        counts[place[u.utterance.intent], place[u.predicted]] += 1
    figure, axes = pyplot.subplots(figsize=(15, 14))
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmax=1.0)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(np.arange(len(names)) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(names)) - 0.5, minor=True)
    axes.grid(which="minor", color="0.9", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    for row, column in zip(*counts.nonzero(), strict=True):
        is_dark = counts[row, column] > 0.5 * counts[row].sum()
        color = "white" if is_dark else "black" if row == column else "firebrick"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=color)
    axes.set_xlabel("understood as")
    axes.set_ylabel("expected")
    axes.set_title(f"{len(understood)} held-out utterances")
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else UTTERANCES
    utterances = read_utterances(folder)
    if not utterances:
        sys.exit(f"There are no utterances in {folder}.")
    if not MODEL.is_file():
        sys.exit(f"{MODEL} is missing: 'make train' makes it.")
    understood = understand(utterances)
    text = "\n\n".join((report(understood), _of_strays()))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "report.md").write_text(text + "\n", encoding="utf-8")
    draw_confusion(understood, RESULTS / "confusion.png")
    print(text.partition("\n\n## Every utterance")[0])
    print(
        f"\nWhat was not understood is listed in {RESULTS}/report.md; see confusion.png there too."
    )


if __name__ == "__main__":
    main()
