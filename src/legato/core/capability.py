"""What a request can need of a model, as bits: one AND tells whether a deployment lacks any."""

from types import MappingProxyType

import msgspec

CHAT = 1
EMBEDDINGS = 2
RERANK = 4
TOOLS = 8
VISION = 16
AUDIO = 32
JSON_OBJECT = 64
JSON_SCHEMA = 128
STREAMING = 256
REASONING = 512
DOCUMENTS = 1024


class Words(msgspec.Struct, frozen=True):
    """How a need is told: the setting that says so, what is asked, what is missing."""

    setting: str
    asked: str
    missing: str
    param: str = "model"


NEEDS = MappingProxyType(
    {
        CHAT: Words("chat", "chat", "no chat"),
        EMBEDDINGS: Words("embeddings", "make embeddings", "no embeddings"),
        RERANK: Words("rerank", "rerank documents", "no reranking"),
        TOOLS: Words("tools", "call tools", "no tools", "tools"),
        VISION: Words("vision", "take images", "no vision", "messages"),
        AUDIO: Words("audio", "take audio", "no audio", "messages"),
        JSON_OBJECT: Words("json_object", "be held to JSON", "no JSON mode", "response_format"),
        JSON_SCHEMA: Words(
            "json_schema", "be held to a JSON schema", "no JSON schema", "response_format"
        ),
        STREAMING: Words("streaming", "stream", "no streaming", "stream"),
        REASONING: Words("reasoning", "be asked to reason", "no reasoning", "reasoning_effort"),
        DOCUMENTS: Words("documents", "take documents", "no documents", "messages"),
    }
)


class Ability(msgspec.Struct, frozen=True, gc=False):
    """What is known of one deployment, in the form the router asks for it on each call.

    `lacks` has a bit for each need it is known not to serve: what is unknown is not lacking.
    0 tokens stand for an unknown limit.
    """

    lacks: int = 0
    context_tokens: int = 0
    output_tokens_max: int = 0


UNKNOWN_ABILITY = Ability()
