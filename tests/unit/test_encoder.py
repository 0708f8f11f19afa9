"""The sentence encoder: its vectors, and what happens without its files."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message

import bot.nlu.encoder
from bot.nlu.encoder import (
    WEIGHTS_PACKAGE,
    WEIGHTS_SHA256,
    Encoder,
    EncoderUnusable,
    SentenceEncoder,
    encoder,
)
from bot.nlu.minilm import LAYERS, SHARES, WIDTH
from bot.nlu.spelling import CORRECTED_TEXT

WEIGHTS = find_spec(WEIGHTS_PACKAGE).origin.replace("__init__.py", "model.onnx")

TEXTS = [
    "how do I register for a class",
    "sign me up for a course",
    "will it rain tomorrow",
    "",
    "👍",
    "ok",
    "what is the triad concept and who thought of it, if I may ask, and since when is it taught",
]


def test_vectors_are_of_length_one() -> None:
    vectors = encoder().encode(TEXTS)

    assert vectors.shape == (len(TEXTS), 768)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_no_text_gives_no_vector() -> None:
    assert encoder().encode([]).shape == (0, 768)


def test_a_paraphrase_is_nearer_than_another_subject() -> None:
    register, sign_up, rain = encoder().encode(TEXTS[:3])

    assert register @ sign_up > register @ rain + 0.2


def test_many_at_once_give_what_one_by_one_gives() -> None:
    together = encoder().encode(TEXTS)
    alone = np.vstack([encoder().encode([text]) for text in TEXTS])

    assert (together == alone).all()


def test_the_network_is_the_packages_own_less_some_precision() -> None:
    theirs = onnxruntime.InferenceSession(WEIGHTS, providers=["CPUExecutionProvider"])
    tokenizer = encoder()._tokenizer

    def by_theirs(text: str) -> np.ndarray:
        ids = np.array([tokenizer.encode(text).ids])
        inputs = {"attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        (hidden,) = theirs.run(None, {"input_ids": ids, **inputs})
        mean = hidden[0].mean(axis=0)
        return mean / np.linalg.norm(mean)

    exact = np.vstack([by_theirs(text) for text in TEXTS])
    last = encoder().encode(TEXTS)[:, -WIDTH:] / SHARES[LAYERS - 1] ** 0.5
    likeness = (last * exact).sum(axis=1)
    assert likeness.min() > 0.95
    assert likeness.mean() > 0.98


def test_a_text_of_ten_thousand_characters_is_fast() -> None:
    text = ("and then my chief asked about the certificate again " * 200)[:10_000]
    encoder()
    start = time.perf_counter()

    (vector,) = encoder().encode([text])

    assert time.perf_counter() - start < 3
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    weights = bytearray(Path(WEIGHTS).read_bytes())
    weights[1000] ^= 1
    changed = tmp_path / "model.onnx"
    changed.write_bytes(weights)

    with pytest.raises(EncoderUnusable) as refused:
        Encoder(changed)

    for said in (str(changed), f"instead of {WEIGHTS_SHA256}", "config.lexical.yml"):
        assert said in str(refused.value)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "model.onnx"

    with pytest.raises(EncoderUnusable, match="is missing") as refused:
        Encoder(missing)

    for said in (str(missing), "make install", "config.lexical.yml"):
        assert said in str(refused.value)


def test_a_missing_package_is_named_when_the_component_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bot.nlu.encoder, "WEIGHTS_PACKAGE", "no_such_package")
    # A second cache, so that the process's own encoder stays loaded.
    monkeypatch.setattr(bot.nlu.encoder, "encoder", encoder.__wrapped__)

    with pytest.raises(EncoderUnusable, match="the package no_such_package is not installed"):
        component(tmp_path)


def component(folder: Path) -> SentenceEncoder:
    return SentenceEncoder.create(
        {},
        LocalModelStorage(folder),
        Resource("encoder"),
        ExecutionContext(GraphSchema({}), node_name="encoder"),
    )


def test_the_component_reads_the_corrected_text(tmp_path: Path) -> None:
    corrected, plain = Message.build(text="regester"), Message.build(text="register")
    corrected.set(CORRECTED_TEXT, "register")
    empty = Message.build(text="")

    component(tmp_path).process([corrected, plain, empty])

    vectors = [m.get_dense_features("text")[1].features for m in (corrected, plain, empty)]
    assert [vector.shape for vector in vectors] == [(1, 768)] * 3
    assert (vectors[0] @ vectors[1].T).item() > 0.999
