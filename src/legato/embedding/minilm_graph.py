"""MiniLM-L6 as an ONNX graph, built from its weights alone: no framework takes part.

The architecture is BERT's (Devlin et al., 2019; six layers of 384, Wang et al., "MiniLM", 2020),
with the mean over all tokens as its end. The graph takes one text without padding, so it needs no
mask. Attention, layer norms and activation are onnxruntime's fused operators.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

LAYERS = 6
HEADS = 12
DIMENSIONS = 384
EPSILON = 1e-12
_OPSET = 17
_IR_VERSION = 9
_FUSED = "com.microsoft"
Weights = Mapping[str, NDArray[Any]]


class _Graph:
    """Nodes and constants as they are added; each method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], domain: str = "", **facts: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, domain=domain, **facts))
        return name


def build(weights: Weights) -> ModelProto:
    """Return the graph in float32: `ids` (1, tokens) int64 to `mean` (1, 384)."""
    graph = _Graph()
    hidden = _embedded(graph, weights)
    for layer in range(LAYERS):
        hidden = _layer(graph, weights, f"encoder.layer.{layer}.", hidden)
    graph.nodes.append(helper.make_node("ReduceMean", [hidden], ["mean"], axes=[1], keepdims=0))
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "minilm-l6",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, DIMENSIONS])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)],
        ir_version=_IR_VERSION,
    )


def _embedded(graph: _Graph, weights: Weights) -> str:
    words = graph.constant("words", weights["embeddings.word_embeddings.weight"])
    # every token of one text is of type 0, which is as good as part of its position
    places = (
        weights["embeddings.position_embeddings.weight"]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    table = graph.constant("places", places)
    start = graph.constant("start", np.array([0], np.int64))
    axis = graph.constant("axis", np.array([0], np.int64))
    shape = graph.node("Shape", ["ids"], start=1, end=2)
    here = graph.node("Slice", [table, start, shape, axis])
    word = graph.node("Gather", [words, "ids"])
    return _normalised(graph, weights, "embeddings.LayerNorm", [word, _batched(graph, here)])


def _batched(graph: _Graph, table: str) -> str:
    axes = graph.constant("first", np.array([0], np.int64))
    return graph.node("Unsqueeze", [table, axes])


def _layer(graph: _Graph, weights: Weights, prefix: str, hidden: str) -> str:
    attention = f"{prefix}attention."
    parts = [f"{attention}self.{part}." for part in ("query", "key", "value")]
    together = np.concatenate([weights[f"{part}weight"].T for part in parts], axis=1)
    biases = np.concatenate([weights[f"{part}bias"] for part in parts])
    attended = graph.node(
        "Attention",
        [
            hidden,
            graph.constant(f"{attention}weight", together),
            graph.constant(f"{attention}bias", biases),
        ],
        _FUSED,
        num_heads=HEADS,
    )
    mixed = _dense(graph, weights, f"{attention}output.dense", attended)
    hidden = _normalised(
        graph,
        weights,
        f"{attention}output.LayerNorm",
        [mixed, hidden],
        biased=f"{attention}output.dense",
    )
    wide = _dense(graph, weights, f"{prefix}intermediate.dense", hidden)
    bias = graph.constant(f"{prefix}intermediate.bias", weights[f"{prefix}intermediate.dense.bias"])
    active = graph.node("BiasGelu", [wide, bias], _FUSED)
    narrow = _dense(graph, weights, f"{prefix}output.dense", active)
    return _normalised(
        graph,
        weights,
        f"{prefix}output.LayerNorm",
        [narrow, hidden],
        biased=f"{prefix}output.dense",
    )


def _dense(graph: _Graph, weights: Weights, name: str, hidden: str) -> str:
    """Multiply; the bias is added by whatever follows."""
    return graph.node("MatMul", [hidden, graph.constant(name, weights[f"{name}.weight"].T)])


def _normalised(
    graph: _Graph, weights: Weights, name: str, summands: list[str], *, biased: str | None = None
) -> str:
    scale = graph.constant(f"{name}.scale", weights[f"{name}.weight"])
    shift = graph.constant(f"{name}.shift", weights[f"{name}.bias"])
    inputs = [*summands, scale, shift]
    if biased is not None:
        inputs.append(graph.constant(f"{biased}.bias", weights[f"{biased}.bias"]))
    return graph.node("SkipLayerNormalization", inputs, _FUSED, epsilon=EPSILON)
