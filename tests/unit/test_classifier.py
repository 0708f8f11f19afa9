"""The topic classifier: trained on a few examples, stored, loaded, and its three bands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.model_training import train_nlu
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.nlu.classifier import FALLBACK, NEGATIVES, NGRAMS, RANKED, NGrams, TopicClassifier
from bot.nlu.report import Utterance, understand

ROOT = Path(__file__).resolve().parents[2]
RESOURCE = Resource("classifier")
CONTEXT = ExecutionContext(GraphSchema({}), node_name="classifier")

EXAMPLES = {
    "faq_register": [
        "how do I register for a class",
        "I want to register",
        "sign me up for a class",
        "register for the basic course",
        "where can I register",
        "registration for a class please",
    ],
    "faq_get_certificate": [
        "how do I get my certificate",
        "print my certificate",
        "where is my certificate",
        "download the certificate",
        "I lost my certificate",
        "a copy of my certificate please",
    ],
    "greet": ["hello", "hello there", "good morning", "hello good morning", "hey", "hey there"],
    "not_covered": [
        "how much does it cost",
        "what does the hotel cost",
        "is there a discount",
        "what is the price",
        "can I get a refund",
        "the cost of membership",
    ],
    "out_of_scope": [
        "tell me a joke",
        "will it rain tomorrow",
        "write a poem",
        "who won the game",
        "what is the weather tomorrow",
        "order a pizza",
    ],
}
ASKED = [
    "can I register for a class",
    "my certificate",
    "hello",
    "what will the weather be",
    "does the refund cost",
    "certificate or register",
    "zzzz",
    "",
]


def data(examples: dict[str, list[str]]) -> TrainingData:
    return TrainingData(
        [
            Message.build(text=text, intent=intent)
            for intent, texts in examples.items()
            for text in texts
        ]
    )


def train(folder: Path) -> TopicClassifier:
    folder.mkdir()
    classifier = TopicClassifier.create({}, LocalModelStorage(folder), RESOURCE, CONTEXT)
    assert classifier.train(data(EXAMPLES)) == RESOURCE
    return classifier


def load(folder: Path) -> TopicClassifier:
    return TopicClassifier.load({}, LocalModelStorage(folder), RESOURCE, CONTEXT)


def outputs(classifier: TopicClassifier, texts: list[str]) -> list[dict[str, Any]]:
    messages = classifier.process([Message.build(text=text) for text in texts])
    return [message.as_dict(only_output_properties=True) for message in messages]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifier") / "trained"
    train(folder)
    return folder


def test_a_loaded_classifier_understands_as_the_trained_one(tmp_path: Path) -> None:
    trained = train(tmp_path / "trained")

    assert outputs(load(tmp_path / "trained"), ASKED) == outputs(trained, ASKED)


@pytest.mark.parametrize("options", NGRAMS, ids=lambda options: options["analyzer"])
def test_the_weights_of_ngrams_are_those_of_the_library(options: dict[str, Any]) -> None:
    texts = [text for texts in EXAMPLES.values() for text in texts]
    library = TfidfVectorizer(sublinear_tf=True, **options).fit(texts)
    ngrams = NGrams.fit(options, texts)

    for text in (*ASKED, "Hello hello HELLO there there"):
        row = np.zeros(len(ngrams.vocabulary))
        columns, values = ngrams.weigh(text)
        row[columns] = values

        assert list(library.get_feature_names_out()) == ngrams.vocabulary
        assert row == pytest.approx(library.transform([text]).toarray()[0])


def test_the_likeliest_topics_are_found(folder: Path) -> None:
    likeliest = [o["intent_ranking"][0]["name"] for o in outputs(load(folder), ASKED[:4])]

    assert likeliest == ["faq_register", "faq_get_certificate", "greet", "out_of_scope"]


def test_the_ranking_holds_probabilities_of_all_classes_whatever_was_decided(folder: Path) -> None:
    for output in outputs(load(folder), ASKED):
        ranking = output["intent_ranking"]
        confidences = [ranked["confidence"] for ranked in ranking]

        assert {ranked["name"] for ranked in ranking} == set(EXAMPLES)
        assert len(ranking) <= RANKED
        assert confidences == sorted(confidences, reverse=True)
        assert sum(confidences) == pytest.approx(1.0)
        assert output["understanding"]["score"] == max(
            ranked["confidence"] for ranked in ranking if ranked["name"] not in NEGATIVES
        )


def with_thresholds(folder: Path, copy: Path, answer: float, suggest: float) -> TopicClassifier:
    """The trained classifier, with other thresholds stored beside it."""
    (copy / RESOURCE.name).mkdir(parents=True)
    for file in (folder / RESOURCE.name).iterdir():
        (copy / RESOURCE.name / file.name).write_bytes(file.read_bytes())
    file = copy / RESOURCE.name / "classifier.json"
    described = json.loads(file.read_text(encoding="utf-8"))
    described["thresholds"] = {"answer": answer, "suggest": suggest}
    file.write_text(json.dumps(described), encoding="utf-8")
    return load(copy)


@pytest.mark.parametrize(
    ("above_answer", "above_suggest", "band", "intent"),
    [
        (0.0, -0.1, "answer", "faq_register"),  # exactly at the threshold
        (1e-6, -0.1, "suggest", FALLBACK),
        (1e-6, 0.0, "suggest", FALLBACK),
        (1e-6, 1e-6, "reject", None),
    ],
)
def test_the_bands_end_at_the_thresholds(
    folder: Path,
    tmp_path: Path,
    above_answer: float,
    above_suggest: float,
    band: str,
    intent: str | None,
) -> None:
    text = "can I register for a class"
    score = outputs(load(folder), [text])[0]["understanding"]["score"]

    (output,) = outputs(
        with_thresholds(folder, tmp_path, score + above_answer, score + above_suggest), [text]
    )

    assert output["understanding"] == {"score": score, "band": band}
    if intent:
        assert output["intent"] == {"name": intent, "confidence": score}
    else:
        assert output["intent"]["name"] in NEGATIVES
    assert output["intent_ranking"][0]["name"] == "faq_register"


def test_what_is_surely_out_of_scope_is_not_suggested(folder: Path, tmp_path: Path) -> None:
    text = EXAMPLES["out_of_scope"][4]

    (output,) = outputs(with_thresholds(folder, tmp_path, 0.99, 0.0), [text])

    assert output["intent"] == output["intent_ranking"][0]
    assert output["intent"]["name"] == "out_of_scope"
    assert output["intent"]["confidence"] >= 0.5
    assert output["understanding"]["band"] == "reject"


def test_the_stored_files_are_numbers_and_json(folder: Path) -> None:
    stored = {file.name for file in folder.rglob("*") if file.is_file()}

    assert stored == {"weights.npz", "classifier.json", "strays.json"}
    with np.load(folder / RESOURCE.name / "weights.npz", allow_pickle=False) as numbers:
        assert all(numbers[name].dtype.kind == "f" for name in numbers.files)


def test_two_trainings_give_the_same(tmp_path: Path) -> None:
    stored = []
    for name in ("one", "two"):
        train(tmp_path / name)
        folder = tmp_path / name / RESOURCE.name
        with np.load(folder / "weights.npz") as numbers:
            stored.append(
                (
                    {name: numbers[name].tobytes() for name in numbers.files},
                    (folder / "classifier.json").read_text(encoding="utf-8"),
                )
            )

    assert stored[0] == stored[1]


def test_without_negatives_the_thresholds_have_no_ground(tmp_path: Path) -> None:
    classifier = TopicClassifier.create({}, LocalModelStorage(tmp_path), RESOURCE, CONTEXT)
    topics = {name: texts for name, texts in EXAMPLES.items() if name not in NEGATIVES}

    with pytest.raises(ValueError, match="needs examples of not_covered and out_of_scope"):
        classifier.train(data(topics))


def test_the_pipeline_without_the_encoder_trains_and_understands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = yaml.safe_load((ROOT / "config.lexical.yml").read_text(encoding="utf-8"))
    names = [component["name"] for component in config["pipeline"]]
    full = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    assert [c["name"] for c in full["pipeline"] if c["name"] not in names] == [
        "bot.nlu.encoder.SentenceEncoder"
    ]
    (tmp_path / "nlu.yml").write_text(
        yaml.safe_dump(
            {
                "version": "3.1",
                "nlu": [
                    {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)}
                    for intent, texts in EXAMPLES.items()
                ],
            }
        ),
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)  # for Rasa's cache

    model = train_nlu(
        str(ROOT / "config.lexical.yml"), str(tmp_path / "nlu.yml"), output=str(tmp_path)
    )

    assert model
    understood = understand(
        [
            Utterance("how do I get my certifcate", "faq_get_certificate"),
            Utterance("register for a class", "faq_register"),
            Utterance("will it rain", "out_of_scope"),
            Utterance("Texas", "inform"),
        ],
        Path(model),
    )
    assert [u.ranking[0] for u in understood] == [u.utterance.intent for u in understood]
    assert [u.outcome for u in understood[2:]] == ["right", "right"]
