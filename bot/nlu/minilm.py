"""The encoder's network, all-MiniLM-L6-v2, put together anew so that a message costs half the time.

The package's own graph holds 8-bit weights, and turns them into 32-bit numbers before it multiplies. This
one multiplies as integers, each text quantized for itself, and has one operator of the ONNX runtime for
what takes the other ten (attention, normalization). What was measured is in docs/decisions/0006.
Sources: Wang et al. 2020 (MiniLM), arXiv:2002.10957; https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 384
HEADS = 12
LAYERS = 6
EPSILON = 1e-12

SHARES = {3: 1 / 3, 5: 2 / 3}
"""The layers, counted from 0, whose mean over the tokens is a part of the vector, and the part's share of
its length, squared. The last layer tells what is meant; the fourth is nearer to the words."""

MICROSOFT = "com.microsoft"
"""The ONNX runtime's own operators:
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md"""


def network(file: Path) -> bytes:
    """The network as an ONNX model.

    Args:
        file: The package's ONNX file. Its matrices have no telling names, so it must be the one whose
            sha256 is known.

    Returns:
        A serialized model from `input_ids`, int64 of shape (1, tokens), to `vector`, float32 of shape
        (1, 768) and of length one: the means over the tokens after the layers in `SHARES`.
    """
    return _Network(onnx.load(file).graph).build()


class _Network:
    def __init__(self, graph: onnx.GraphProto) -> None:
        self._given = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        # In the order in which they are used: six to a layer.
        self._matrices = [
            node.input[1]
            for node in graph.node
            if node.op_type == "MatMul" and f"{node.input[1]}_q" in self._given
        ]
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def build(self) -> bytes:
        x, parts = self._embeddings(), []
        for layer in range(LAYERS):
            x = self._layer(x, layer)
            if layer in SHARES:
                parts.append(self._mean(x, SHARES[layer]))
        self._add("Concat", *parts, axis=1, output="vector")
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, len(parts) * WIDTH])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return bytes(model.SerializeToString())

    def _embeddings(self) -> str:
        """The tokens' vectors: of the word, of its place, and of the one kind of sentence there is."""
        given = {
            name: self._given[f"inner.embeddings.{name}"]
            for name in (
                "word_embeddings.weight_q",
                "word_embeddings.weight_scale",
                "position_embeddings.weight_q",
                "position_embeddings.weight_scale",
                "token_type_embeddings.weight",
            )
        }
        # Only the words of the text become 32-bit numbers, not all 30,522.
        word = self._constant(given["word_embeddings.weight_q"])
        word = self._add("Gather", word, "input_ids")
        word = self._add("Cast", word, to=TensorProto.FLOAT)
        scale = self._constant(given["word_embeddings.weight_scale"])
        word = self._add("Mul", word, self._add("Gather", scale, "input_ids"))
        places = given["position_embeddings.weight_q"] * given["position_embeddings.weight_scale"]
        place = self._add(
            "Slice",
            self._constant((places + given["token_type_embeddings.weight"][0]).astype(np.float32)),
            self._constant(np.array([0])),
            self._add("Shape", "input_ids", start=1, end=2),
        )
        return self._add(
            "LayerNormalization",
            self._add("Add", word, place),
            *self._norm("inner.embeddings.LayerNorm"),
            epsilon=EPSILON,
        )

    def _layer(self, x: str, layer: int) -> str:
        name = f"inner.encoder.layer.{layer}"
        query, key, value, output, wide, narrow = self._matrices[6 * layer : 6 * layer + 6]
        heads = self._multiply(
            x,
            [query, key, value],
            [f"{name}.attention.self.{part}.bias" for part in ("query", "key", "value")],
        )
        parts = [f"{heads}_{part}" for part in ("query", "key", "value")]
        self._nodes.append(helper.make_node("Split", [heads], parts, axis=2))
        attention = self._add("MultiHeadAttention", *parts, domain=MICROSOFT, num_heads=HEADS)
        attention = self._multiply(attention, [output], [f"{name}.attention.output.dense.bias"])
        x = self._add_and_norm(attention, x, f"{name}.attention.output.LayerNorm")
        inner = self._multiply(x, [wide], [f"{name}.intermediate.dense.bias"])
        inner = self._add("Gelu", inner, domain=MICROSOFT)
        inner = self._multiply(inner, [narrow], [f"{name}.output.dense.bias"])
        return self._add_and_norm(inner, x, f"{name}.output.LayerNorm")

    def _mean(self, x: str, share: float) -> str:
        mean = self._add("ReduceMean", x, axes=[1], keepdims=0)
        mean = self._add("LpNormalization", mean, axis=-1, p=2)
        return self._add("Mul", mean, self._constant(np.array(share**0.5, dtype=np.float32)))

    def _multiply(self, x: str, matrices: list[str], biases: list[str]) -> str:
        """x times matrices side by side, plus biases; in integers."""
        weights = np.concatenate([self._given[f"{m}_q"] for m in matrices], axis=1)
        scales = np.concatenate([self._given[f"{m}_scale"][0] for m in matrices])
        # Of seven bits: processors without VNNI add two products of 8-bit integers in 16 bits, where
        # larger ones would overflow. So the vectors are the same on every processor.
        weights = np.round(weights.astype(np.float32) / 2).clip(-63, 63).astype(np.int8)
        return self._add(
            "DynamicQuantizeMatMul",
            x,
            self._constant(weights),
            self._constant(2 * scales),
            self._constant(np.zeros(len(scales), dtype=np.int8)),
            self._constant(np.concatenate([self._given[bias] for bias in biases])),
            domain=MICROSOFT,
        )

    def _add_and_norm(self, x: str, skipped: str, name: str) -> str:
        return self._add(
            "SkipLayerNormalization",
            x,
            skipped,
            *self._norm(name),
            domain=MICROSOFT,
            epsilon=EPSILON,
        )

    def _norm(self, name: str) -> list[str]:
        return [self._constant(self._given[f"{name}.{part}"]) for part in ("weight", "bias")]

    def _constant(self, values: np.ndarray) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _add(
        self, operator: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any
    ) -> str:
        """Adds a node, and gives the name of its output."""
        output = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(
            helper.make_node(operator, inputs, [output], domain=domain, **attributes)
        )
        return output
