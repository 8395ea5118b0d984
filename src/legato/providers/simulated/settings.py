"""How the simulated server behaves: latency, lengths, faults and shapes, per server and per model.

`Behaviour` holds what may differ from model to model. `SimulatedSettings` is the behaviour of every
model not named in `models`, plus what belongs to the whole server. All of it is immutable; a change
at run time builds a new tree.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta

from legato.providers.simulated.script import Line

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Milliseconds = Annotated[float, Meta(ge=0.0, le=3_600_000.0)]
Seconds = Annotated[float, Meta(ge=0.0, le=3_600.0)]
TokenCount = Annotated[int, Meta(ge=1, le=1_000_000)]
EventCount = Annotated[int, Meta(ge=0, le=1_000_000)]

CutStyle = Literal["reset", "close", "eof", "error_event"]
StallPlace = Literal["first_byte", "mid_stream"]
GarbageShape = Literal["html", "invalid_json"]
WrongUsageShape = Literal["inflated", "zero", "negative", "cached_exceeds_prompt"]
UsageShape = Literal["final_chunk", "on_finish_chunk", "cumulative", "null_each", "missing"]
Framing = Literal["plain", "crlf", "comments", "multiline", "split", "no_final_newline"]

DEFAULT_MODELS = ("simulated-small", "simulated-large")


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one model does with a call. Rates are shares of calls, decided by seed and call number.

    Faults, by precedence: `error_rate`, then `rate429`, then `garbage_rate`; cuts, stalls and
    wrong usage combine with each other and with a good answer.
    """

    # Time. A whole (not streamed) answer takes the latency plus one gap for every token.
    latency_ms: Milliseconds = 0.0
    latency_jitter_ms: Milliseconds = 0.0  # uniform, either side of latency_ms
    itl_ms: Milliseconds = 0.0  # gap between two tokens
    tokens_per_s: Annotated[float, Meta(ge=0.0)] = 0.0  # above 0 it sets the gap instead of itl_ms

    # Length. Without output_tokens it is drawn from the prompt within the range; both are totals
    # that include reasoning, and the caller's maximum caps them.
    output_tokens: TokenCount | None = None
    output_tokens_min: TokenCount = 16
    output_tokens_max: TokenCount = 64
    tool_calls: Annotated[int, Meta(ge=1, le=16)] = 1
    # A last user message containing this asks for a tool call when the request has tools; the empty
    # text is in every message, null in none.
    tool_call_marker: str | None = "[call-tool]"
    script: tuple[Line, ...] = ()
    embedding_dimensions: Annotated[int, Meta(ge=1, le=8192)] = 256

    # Usage. Cache writes are reported in Anthropic's dialect only, which alone has a word for them.
    cached_share: Share = 0.0
    cache_write_share: Share = 0.0
    reasoning_share: Share = 0.0
    usage_shape: UsageShape = "final_chunk"
    wrong_usage_rate: Share = 0.0
    wrong_usage_shape: WrongUsageShape = "inflated"

    # Faults.
    error_rate: Share = 0.0
    error_status: Annotated[int, Meta(ge=400, le=599)] = 503
    rate429: Share = 0.0
    retry_after_s: Seconds | None = 1.0
    retry_after_ms: Milliseconds | None = None
    requests_per_minute: Annotated[int, Meta(ge=1)] | None = None  # then 429; told in headers
    garbage_rate: Share = 0.0
    garbage_shape: GarbageShape = "html"
    cut_rate: Share = 0.0
    cut_after_events: EventCount = 3
    cut_style: CutStyle = "reset"
    stall_rate: Share = 0.0
    stall_where: StallPlace = "first_byte"
    stall_after_events: EventCount = 3  # for mid_stream
    stall_s: Seconds = 30.0
    # Faults strike only the first so many calls after the settings were set.
    fault_calls_max: EventCount | None = None
    framing: Framing = "plain"  # legal but unusual server-sent event bytes

    def __post_init__(self) -> None:
        """Refuse a range that is upside down."""
        if self.output_tokens_min > self.output_tokens_max:
            raise ValueError("output_tokens_min is above output_tokens_max")

    @property
    def gap_s(self) -> float:
        """Seconds between two tokens."""
        return 1.0 / self.tokens_per_s if self.tokens_per_s > 0 else self.itl_ms / 1000.0

    @property
    def is_faulty(self) -> bool:
        """Whether any fault can strike, so the common call draws nothing."""
        rates = (self.error_rate, self.rate429, self.garbage_rate, self.cut_rate)
        return any(rates) or bool(self.stall_rate or self.wrong_usage_rate)

    def changed(self, fields: dict[str, Any], *, strict: bool = True) -> "Behaviour":
        """A copy with `fields` replaced. `strict=False` also takes numbers written as text.

        Raises:
            msgspec.ValidationError: a field is unknown or its value out of bounds.
        """
        base = {name: getattr(self, name) for name in Behaviour.__struct_fields__}
        return msgspec.convert(base | fields, Behaviour, strict=strict)


class SimulatedSettings(Behaviour, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole server: default behaviour, seed, and what each model does differently.

    `models` maps a model's name to the `Behaviour` fields that differ. Other names are answered
    too, unless `strict_models`.
    """

    seed: int = 0
    models: dict[str, dict[str, Any]] = {}
    strict_models: bool = False
    book_memory_max: Annotated[int, Meta(ge=1_000, le=10_000_000)] = 100_000  # calls kept in memory

    def __post_init__(self) -> None:
        """Refuse a model's overrides that make no valid behaviour, naming the model."""
        super().__post_init__()
        for name, fields in self.models.items():
            try:
                self.changed(fields)
            except msgspec.ValidationError as error:
                raise ValueError(f"model {name}: {error}") from error

    def behaviours(self) -> dict[str, Behaviour]:
        """Each named model's complete behaviour; the key "" is that of all the others."""
        named = {name: self.changed(fields) for name, fields in self.models.items()}
        return {"": self.changed({}), **named}

    def merged(self, fields: dict[str, Any]) -> "SimulatedSettings":
        """A copy with `fields` laid over it; in `models` an entry replaces, a null entry removes.

        Raises:
            msgspec.ValidationError: the result is not valid.
        """
        base: dict[str, Any] = msgspec.to_builtins(self)
        models = base["models"] | (fields.get("models") or {})
        kept = {name: value for name, value in models.items() if value is not None}
        return msgspec.convert(base | fields | {"models": kept}, SimulatedSettings)

    @property
    def model_names(self) -> tuple[str, ...]:
        """What the models endpoint lists."""
        return tuple(self.models) or DEFAULT_MODELS

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read settings from a .json, .yaml or .yml file.

        Raises:
            OSError: the file can't be read.
            msgspec.ValidationError: the file's settings are not valid.
        """
        decode = msgspec.json.decode if path.suffix == ".json" else msgspec.yaml.decode
        return decode(path.read_bytes(), type=cls)
