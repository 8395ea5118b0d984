"""The canonical chat: what every dialect is translated to and from.

Only the translating path uses it; between equal dialects bodies pass through untouched.
"""

from enum import StrEnum
from typing import Any

import msgspec

from legato.core.usage import NO_USAGE, Usage


class Role(StrEnum):
    """Who speaks. System and developer texts live in `ChatRequest.system`."""

    USER = "user"
    ASSISTANT = "assistant"


class _Tagged(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class CitedPlace(msgspec.Struct, frozen=True):
    """Where in the caller's documents the cited words stand.

    `unit` is what `start` and `end` count: char, page, block, or result (blocks of a search
    result). `document` is the document's number among all of them, search results apart.
    """

    unit: str
    document: int
    start: int
    end: int


class Citation(msgspec.Struct, frozen=True):
    """What a stretch of an answer rests on.

    `span` is its first character and the one after its last, counted in code points: of the text
    that holds the citation, in a stream of all the choice's text. None: the provider doesn't say.
    `document` names a source that may have no address; `quote` is the source's own words.
    """

    span: tuple[int, int] | None = None
    url: str = ""
    title: str = ""
    document: str = ""
    quote: str = ""
    place: CitedPlace | None = None


class Text(_Tagged, frozen=True, tag="text"):
    """Plain text; `cache_control` is a provider cache hint, kept where the dialect has one.

    `signature` is Google's, of the thoughts behind this part: to be sent back with it.
    `citations` are an answer's; no provider is sent them back.
    """

    text: str
    cache_control: dict[str, Any] | None = None
    signature: str = ""
    citations: tuple[Citation, ...] = ()


class Image(_Tagged, frozen=True, tag="image"):
    """An image by `url`, or as base64 `data` with its `media_type`."""

    url: str | None = None
    media_type: str | None = None
    data: str | None = None
    detail: str | None = None
    cache_control: dict[str, Any] | None = None


class Document(_Tagged, frozen=True, tag="document"):
    """A document: plain `text`, base64 `data`, or by `url`, of a `media_type`.

    `context` is told to the model but not cited; `cites` asks for citations of it. `source` is
    where a search found it: a search result has a text only.
    """

    url: str | None = None
    media_type: str = ""
    data: str | None = None
    text: str | None = None
    title: str = ""
    context: str = ""
    source: str = ""
    cites: bool = False
    cache_control: dict[str, Any] | None = None


class ToolUse(_Tagged, frozen=True, tag="tool_use"):
    """A call the model asks for; `arguments` is JSON text exactly as the model wrote it.

    `signature` is Google's, of the thoughts behind this call: to be sent back with it.
    """

    id: str
    name: str
    arguments: str
    signature: str = ""


class ToolResult(_Tagged, frozen=True, tag="tool_result"):
    """What a tool answered."""

    tool_use_id: str
    content: tuple[Text | Image | Document, ...]
    is_error: bool = False
    cache_control: dict[str, Any] | None = None


class Thinking(_Tagged, frozen=True, tag="thinking"):
    """Reasoning text with the vendor's signature, to be sent back unchanged."""

    text: str
    signature: str = ""


class RedactedThinking(_Tagged, frozen=True, tag="redacted_thinking"):
    """Reasoning the vendor keeps encrypted."""

    data: str


class Refusal(_Tagged, frozen=True, tag="refusal"):
    """The model declined."""

    text: str


Part = Text | Image | Document | ToolUse | ToolResult | Thinking | RedactedThinking | Refusal


class Message(msgspec.Struct, frozen=True):
    """One turn."""

    role: Role
    parts: tuple[Part, ...]


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call; `parameters` is a JSON schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool | None = None
    cache_control: dict[str, Any] | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    """`mode` is auto, none, required or tool (then `name`)."""

    mode: str
    name: str = ""


class OutputFormat(msgspec.Struct, frozen=True):
    """Structured output: any JSON object, or a named JSON schema."""

    schema: dict[str, Any] | None = None
    name: str = ""
    strict: bool | None = None
    description: str = ""


class ChatRequest(msgspec.Struct, frozen=True):
    """A chat request that any dialect can be written from."""

    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    choices: int = 1
    output_format: OutputFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    reasoning_effort: str | None = None
    thinking_budget_tokens: int | None = None
    verbosity: str | None = None
    user: str | None = None
    modalities: tuple[str, ...] = ()
    """What the answer may hold, where that is not text alone: text, image, audio."""
    stream: bool = False
    drop_unsupported: bool = False
    """Leave out what the provider's dialect can't carry, instead of refusing it."""


class StopReason(StrEnum):
    """Why the model stopped."""

    END = "end"
    LENGTH = "length"
    TOOL_USE = "tool_use"
    STOP_SEQUENCE = "stop_sequence"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"


class Choice(msgspec.Struct, frozen=True):
    """One of the answers asked for."""

    parts: tuple[Part, ...]
    stop_reason: StopReason
    stop_sequence: str | None = None
    logprobs: Any = None


class ChatResponse(msgspec.Struct, frozen=True):
    """A complete answer. `created_s` is Unix seconds."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = NO_USAGE
    created_s: int = 0


class Started(_Tagged, frozen=True, tag="started"):
    """First event of a stream."""

    id: str
    model: str
    created_s: int = 0
    usage: Usage | None = None


class TextDelta(_Tagged, frozen=True, tag="text_delta"):
    """More text of a choice. `logprobs` is OpenAI's object for this very text.

    A `signature`, see `Text`, may come with an empty text at the end. `block` counts the texts of
    a choice from 0, where the provider keeps several apart.
    """

    text: str
    choice: int = 0
    signature: str = ""
    logprobs: Any = None
    block: int = 0


class CitationDelta(_Tagged, frozen=True, tag="citation_delta"):
    """What a stretch of a choice's text rests on; comes when the text has."""

    citation: Citation
    choice: int = 0


class ThinkingDelta(_Tagged, frozen=True, tag="thinking_delta"):
    """More reasoning."""

    text: str
    choice: int = 0


class SignatureDelta(_Tagged, frozen=True, tag="signature_delta"):
    """The signature of the reasoning so far."""

    signature: str
    choice: int = 0


class RedactedThinkingDelta(_Tagged, frozen=True, tag="redacted_thinking_delta"):
    """A whole block of reasoning the vendor keeps encrypted."""

    data: str
    choice: int = 0


class RefusalDelta(_Tagged, frozen=True, tag="refusal_delta"):
    """More of a refusal."""

    text: str
    choice: int = 0


class ImageDelta(_Tagged, frozen=True, tag="image_delta"):
    """A picture the model answers with; it comes whole."""

    image: Image
    choice: int = 0


class ToolUseStarted(_Tagged, frozen=True, tag="tool_use_started"):
    """A tool call begins; `tool` counts the calls of a choice from 0."""

    tool: int
    id: str
    name: str
    choice: int = 0
    signature: str = ""


class ToolUseDelta(_Tagged, frozen=True, tag="tool_use_delta"):
    """More of a tool call's JSON arguments."""

    tool: int
    arguments: str
    choice: int = 0


class Stopped(_Tagged, frozen=True, tag="stopped"):
    """A choice ends; exactly one per choice."""

    reason: StopReason
    stop_sequence: str | None = None
    choice: int = 0


class UsageReported(_Tagged, frozen=True, tag="usage"):
    """The provider's usage so far: the last one counts, never the sum."""

    usage: Usage


class Ping(_Tagged, frozen=True, tag="ping"):
    """Keep-alive."""


class Ended(_Tagged, frozen=True, tag="ended"):
    """The stream is complete."""


ChatEvent = (
    Started
    | TextDelta
    | CitationDelta
    | ThinkingDelta
    | SignatureDelta
    | RedactedThinkingDelta
    | RefusalDelta
    | ImageDelta
    | ToolUseStarted
    | ToolUseDelta
    | Stopped
    | UsageReported
    | Ping
    | Ended
)
