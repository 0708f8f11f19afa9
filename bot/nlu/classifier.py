"""Which topic a message is about, and how sure that is: one linear classifier over words and meaning.

Features are word and character n-grams (tf-idf) of the corrected text, beside whatever dense sentence
feature the pipeline has; without an encoder (config.lexical.yml) the n-grams alone. The classes
`not_covered` and `out_of_scope` are trained like any topic.

The decision has three bands, by the score: the probability of the likeliest topic, with the two negative
classes in the running. Sure: the topic. Not sure: `nlu_fallback`, and the dialogue asks. Neither: the
likelier of the negative classes. Both thresholds come from cross-validation on the training data, are
stored with the model, and are printed when it is trained.
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy import linalg, sparse, special
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from bot.nlu.fingerprint import CodeCounts
from bot.nlu.spelling import CORRECTED_TEXT

logger = logging.getLogger(__name__)

NEGATIVES = ("not_covered", "out_of_scope")
FALLBACK = "nlu_fallback"

EMERGENCY = "emergency"
LIKELY_EMERGENCY = 0.25
"""Probability from which on a message is one: a false alarm costs a sentence, a missed one more."""

SAME_WITH_A_PLACE = ("find_classes", "faq_class_in_my_state")
"""Where a place is named, both are answered by its classes, so neither makes the other unsure."""

STRAYS_FILE = "strays.json"
"""Beside the model, for those who write examples."""

STRAY = 0.95
"""Probability from which on an example that cross-validation takes for another topic is listed."""

RANKED = 10
"""Topics in the ranking of a message."""

LANDMARKS = 1000
"""Examples whose inner products with an example stand for its n-grams when the regression is fitted."""

NARROW = 800
"""Columns that the cross-validation is fitted on: its thresholds are the same to the second decimal."""

NGRAMS: tuple[dict[str, Any], ...] = (
    {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+"},
    {"analyzer": "char_wb", "ngram_range": (2, 5)},
)


class NGrams:
    """Tf-idf of words or characters.

    What TfidfVectorizer(sublinear_tf=True) gives, which is made for many texts: a single one took it
    two milliseconds.
    """

    def __init__(self, options: dict[str, Any], vocabulary: list[str], idf: np.ndarray) -> None:
        self.vocabulary = vocabulary
        self.idf = idf
        self._columns = {ngram: column for column, ngram in enumerate(vocabulary)}
        self._analyze = TfidfVectorizer(**options).build_analyzer()

    @classmethod
    def fit(cls, options: dict[str, Any], texts: list[str]) -> NGrams:
        vectorizer = TfidfVectorizer(**options).fit(texts)
        return cls(options, [str(n) for n in vectorizer.get_feature_names_out()], vectorizer.idf_)

    def weigh(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Columns and values, of length one, of the n-grams of a text that are in the vocabulary."""
        counts = Counter(
            self._columns[ngram] for ngram in self._analyze(text) if ngram in self._columns
        )
        columns = np.fromiter(counts.keys(), np.int64, len(counts))
        times = np.fromiter(counts.values(), np.float64, len(counts))
        values = (1 + np.log(times)) * self.idf[columns]
        return columns, values / (np.linalg.norm(values) or 1)


@dataclass(frozen=True)
class Thresholds:
    """Where the bands end, on the score."""

    answer: float
    """From here on the topic is answered."""
    suggest: float
    """From here on up to `answer` the likeliest topics are offered."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(CodeCounts, IntentClassifier, GraphComponent):
    """Sets `intent`, `intent_ranking` (raw probabilities) and `understanding` (score and band).

    Configuration:
        C: Inverse strength of the L2 regularization; 10 was the best of 1, 3, 10, 30 beforehand.
        dense_weight: Weight of the dense feature beside the n-grams, each of length one.
        wrong: Share of the negative examples that may be answered with a topic, in
            cross-validation; it sets the threshold to answer. Most of them are deliberate near
            misses, of which people send fewer.
        lost: Share of in-scope examples that may neither be answered nor offered; it sets the
            threshold to suggest.
        folds: Folds of the cross-validation.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"C": 10.0, "dense_weight": 1.75, "wrong": 0.1, "lost": 0.01, "folds": 5}

    def __init__(
        self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        self._config = {**self.get_default_config(), **config}
        self._model_storage = model_storage
        self._resource = resource
        self._ngrams: list[NGrams] = []
        self._width = 0
        self._topics: list[str] = []
        self._weights = np.zeros((0, 0), dtype=np.float32)
        self._bias = np.zeros(0, dtype=np.float32)
        self._thresholds = Thresholds(1.0, 1.0)
        self._strays: list[dict[str, Any]] = []

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003  Rasa's signature
    ) -> TopicClassifier:
        return cls(config, model_storage, resource)

    # Training ------------------------------------------------------------------------------------

    def train(self, training_data: TrainingData) -> Resource:
        examples = [e for e in training_data.intent_examples if e.get(TEXT)]
        texts = [_text(e) for e in examples]
        self._ngrams = [NGrams.fit(options, texts) for options in NGRAMS]
        dense = examples[0].get_dense_features(TEXT)[1]
        self._width = sum(len(n.idf) for n in self._ngrams)
        self._width += 0 if dense is None else dense.features.shape[1]
        topics, labels = np.unique([e.get(INTENT) for e in examples], return_inverse=True)
        self._topics = [str(topic) for topic in topics]

        features = self._features(examples)
        basis, weights = _basis(features, ngrams=sum(len(n.idf) for n in self._ngrams))
        # A fit on each core is faster than each fit on all of them.
        with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as cores:
            fitting = cores.submit(self._fit, basis, labels)
            unseen = self._cross_validate(_narrowed(basis), labels, cores)
            regression = fitting.result()
        self._thresholds = self._fit_thresholds(unseen, labels)
        self._strays = self._find_strays(unseen, labels, examples)
        self._weights = weights(regression.coef_)
        self._bias = regression.intercept_.astype(np.float32)
        self._persist()
        return self._resource

    def _fit(self, basis: np.ndarray, labels: np.ndarray) -> LogisticRegression:
        # Newton's method: in 32-bit numbers, which scikit-learn's default doesn't count in, and nearer
        # to the end in half the time.
        regression = LogisticRegression(C=self._config["C"], solver="newton-cg", tol=1.0)
        return regression.fit(basis, labels)

    def _cross_validate(self, basis: np.ndarray, labels: np.ndarray, cores: Executor) -> np.ndarray:
        """Each example's probabilities from a classifier that hasn't seen it."""
        folds = StratifiedKFold(self._config["folds"], shuffle=True, random_state=0)
        splits = list(folds.split(basis, labels))

        def judge(split: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
            seen, unseen = split
            return self._fit(basis[seen], labels[seen]).predict_proba(basis[unseen])

        probabilities = np.zeros((len(labels), len(self._topics)))
        for (_, unseen), judged in zip(splits, cores.map(judge, splits), strict=True):
            probabilities[unseen] = judged
        return probabilities

    def _fit_thresholds(self, probabilities: np.ndarray, labels: np.ndarray) -> Thresholds:
        in_scope = probabilities[:, self._in_scope]
        scores = in_scope.max(axis=1)
        is_right = self._in_scope[in_scope.argmax(axis=1)] == labels
        is_negative = np.isin(labels, np.setdiff1d(np.arange(len(self._topics)), self._in_scope))
        if not is_negative.any():
            raise ValueError(f"The training data needs examples of {' and '.join(NEGATIVES)}.")
        thresholds = Thresholds(
            answer=float(np.quantile(scores[is_negative], 1 - self._config["wrong"])),
            suggest=float(np.quantile(scores[~is_negative], self._config["lost"])),
        )
        answered = scores >= thresholds.answer
        logger.info(
            "Cross-validation on the training data: of %d in-scope examples %.1f %% right, %.1f %% "
            "answered right, %.1f %% answered wrong; of %d others %.1f %% answered. Answer from %.2f, "
            "suggest from %.2f.",
            (~is_negative).sum(),
            100 * is_right[~is_negative].mean(),
            100 * (answered & is_right)[~is_negative].mean(),
            100 * (answered & ~is_right)[~is_negative].mean(),
            is_negative.sum(),
            100 * answered[is_negative].mean(),
            thresholds.answer,
            thresholds.suggest,
        )
        return thresholds

    def _find_strays(
        self, probabilities: np.ndarray, labels: np.ndarray, examples: list[Message]
    ) -> list[dict[str, Any]]:
        """Examples that a classifier that hasn't seen them surely takes for another intent.

        Of the two negative classes it doesn't matter which.
        """
        taken_for = probabilities.argmax(axis=1)
        has_topic = np.isin(labels, self._in_scope) | np.isin(taken_for, self._in_scope)
        is_stray = (taken_for != labels) & has_topic & (probabilities.max(axis=1) >= STRAY)
        return [
            {
                "text": examples[n].get(TEXT),
                "intent": self._topics[labels[n]],
                "taken_for": self._topics[taken_for[n]],
            }
            for n in np.flatnonzero(is_stray)
        ]

    @property
    def _in_scope(self) -> np.ndarray:
        return np.array([n for n, topic in enumerate(self._topics) if topic not in NEGATIVES])

    # Understanding -------------------------------------------------------------------------------

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._understand(message)
        return messages

    def _understand(self, message: Message) -> None:
        columns, values = self._row(message)
        # As 32-bit numbers, which the weights are: else they were all copied for every message.
        logits = values.astype(np.float32) @ self._weights[columns] + self._bias
        probabilities = special.softmax(logits)
        if any(entity["entity"] == "place" for entity in message.get(ENTITIES, [])):
            self._merge(probabilities, SAME_WITH_A_PLACE)
        order = np.argsort(-probabilities)
        ranking = [
            {"name": self._topics[n], "confidence": float(probabilities[n])} for n in order[:RANKED]
        ]
        best = next(n for n in order if self._topics[n] not in NEGATIVES)
        negative = next(n for n in order if self._topics[n] in NEGATIVES)
        score = float(probabilities[best])
        if score >= self._thresholds.answer:
            band, name, confidence = "answer", self._topics[best], score
        elif score >= self._thresholds.suggest and probabilities[negative] < 0.5:
            band, name, confidence = "suggest", FALLBACK, score
        else:
            band, name = "reject", self._topics[negative]
            confidence = float(probabilities[negative])
        for n, topic in enumerate(self._topics):
            if topic == EMERGENCY and probabilities[n] >= LIKELY_EMERGENCY:
                band, name, confidence = "answer", EMERGENCY, float(probabilities[n])
        message.set(INTENT, {"name": name, "confidence": confidence}, add_to_output=True)
        message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        message.set("understanding", {"score": score, "band": band}, add_to_output=True)

    def _merge(self, probabilities: np.ndarray, topics: tuple[str, ...]) -> None:
        """Gives the likeliest of some topics the probability of all of them."""
        numbers = [n for n, topic in enumerate(self._topics) if topic in topics]
        if numbers:
            total = probabilities[numbers].sum()
            likeliest = max(numbers, key=probabilities.__getitem__)
            probabilities[numbers] = 0
            probabilities[likeliest] = total

    def _features(self, messages: list[Message]) -> sparse.csr_matrix:
        """One row for each message: n-grams, then the dense feature where there is one."""
        rows = [self._row(message) for message in messages]
        columns, values = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        ends = np.cumsum([0, *(len(found) for found, _ in rows)])
        return sparse.csr_matrix((values, columns, ends), shape=(len(rows), self._width))

    def _row(self, message: Message) -> tuple[np.ndarray, np.ndarray]:
        """Columns and values of the features of a message."""
        columns, values, offset = [], [], 0
        for ngrams in self._ngrams:
            found, weights = ngrams.weigh(_text(message))
            columns.append(offset + found)
            values.append(weights)
            offset += len(ngrams.idf)
        dense = message.get_dense_features(TEXT)[1]
        if dense is not None:
            columns.append(np.arange(offset, self._width))
            values.append(self._config["dense_weight"] * dense.features[0])
        return np.concatenate(columns), np.concatenate(values)

    # Storage: numbers and JSON, nothing that runs when it is read ----------------------------------

    def _persist(self) -> None:
        with self._model_storage.write_to(self._resource) as folder:
            np.savez_compressed(
                folder / "weights.npz",
                weights=self._weights,
                bias=self._bias,
                **{f"idf_{n}": ngrams.idf for n, ngrams in enumerate(self._ngrams)},
            )
            described = {
                "topics": self._topics,
                "thresholds": asdict(self._thresholds),
                "vocabularies": [ngrams.vocabulary for ngrams in self._ngrams],
            }
            (folder / "classifier.json").write_text(json.dumps(described), encoding="utf-8")
            (folder / STRAYS_FILE).write_text(json.dumps(self._strays), encoding="utf-8")

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
        **kwargs: Any,  # noqa: ARG003
    ) -> TopicClassifier:
        classifier = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            described = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
            numbers = np.load(folder / "weights.npz", allow_pickle=False)
            classifier._weights, classifier._bias = numbers["weights"], numbers["bias"]
            classifier._ngrams = [
                NGrams(options, vocabulary, numbers[f"idf_{n}"])
                for n, (options, vocabulary) in enumerate(
                    zip(NGRAMS, described["vocabularies"], strict=True)
                )
            ]
        classifier._width = len(classifier._weights)
        classifier._topics = described["topics"]
        classifier._thresholds = Thresholds(**described["thresholds"])
        return classifier


def _basis(
    features: sparse.csr_matrix, ngrams: int
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Few columns with nearly the same inner products, which are all that the regression depends on.

    The dense columns stay as they are. The columns of the n-grams, 60,000 and more, become a thousand: a
    fit takes seconds, and cross-validation finds no difference.
    Source: Williams & Seeger 2001 (Nystroem), https://papers.nips.cc/paper/1866.

    Args:
        features: A row for each example.
        ngrams: How many columns are n-grams; they are the first.

    Returns:
        The new columns of the examples, and what turns the coefficients of such columns, of shape
        (topics, columns), into weights of the features, of shape (features, topics).
    """
    sparse_part, dense_part = features[:, :ngrams], features[:, ngrams:].toarray()
    rows = sparse_part.shape[0]
    chosen = np.random.default_rng(0).choice(rows, min(LANDMARKS, rows), replace=False)
    landmarks = sparse_part[np.sort(chosen)]
    values, vectors = linalg.eigh((landmarks @ landmarks.T).toarray())
    scaled = vectors / np.sqrt(np.maximum(values, 1e-3))
    basis = np.hstack([(sparse_part @ landmarks.T) @ scaled, dense_part])

    def weights(coefficients: np.ndarray) -> np.ndarray:
        of_ngrams, of_dense = np.split(coefficients, [scaled.shape[1]], axis=1)
        of_ngrams = landmarks.T @ (scaled @ of_ngrams.T)
        return np.vstack([of_ngrams, of_dense.T]).astype(np.float32)

    return basis.astype(np.float32), weights


def _narrowed(basis: np.ndarray) -> np.ndarray:
    """The principal components of a basis."""
    _, vectors = linalg.eigh(basis.T @ basis)
    return basis @ vectors[:, -NARROW:]


def _text(message: Message) -> str:
    return message.get(CORRECTED_TEXT) or message.get(TEXT) or ""
