"""What the model's child process is told, and what it answers when it is up."""

from typing import Annotated

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
LOOPBACK = "127.0.0.1"


class LocalModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`settings` of a provider of kind `local` in legato.yaml.

    Either `model`, a name in the catalogue, or `path`, a GGUF of one's own.
    """

    model: str | None = None
    path: str | None = None
    sha256: Sha256 | None = None
    """Pins a GGUF of one's own: another hash refuses the start."""
    context_tokens: Annotated[int, Meta(ge=256, le=1_048_576)] = 4096
    """Prompt plus answer, per slot; memory grows with `context_tokens * slots`."""
    slots: Annotated[int, Meta(ge=1, le=64)] = 2
    """Requests generated at once; more wait inside the server, in order."""
    threads: Annotated[int, Meta(ge=1, le=512)] | None = None
    """Default: one CPU less than this process may use."""
    batch_tokens: Annotated[int, Meta(ge=32, le=16_384)] = 512
    """Prompt tokens per step: larger is faster, and slower to notice a caller who left."""
    seed: Annotated[int, Meta(ge=0, le=4_294_967_294)] | None = None
    """For requests that name none; None draws a fresh one for each."""
    niceness: Annotated[int, Meta(ge=0, le=19)] = 0
    """Steps back for others on the same CPUs; under load it may then hardly advance."""
    connections_max: Annotated[int, Meta(ge=4, le=1024)] = 64
    """Each open connection holds a thread of the server; past it even /health waits."""
    prompt_cache: bool = True
    """Reuse the common beginning of prompts between requests (also between callers: the time
    to the first token and `cached_tokens` then tell that someone sent the same beginning)."""


class ServerOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The child's one argument, as JSON. Holds no secret: the key comes on stdin."""

    weights_path: str
    alias: str
    settings: LocalModelSettings
    sha256: Sha256 | None = None
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    port_file: str | None = None
    log_file: str | None = None
    parent_pid: Count


class ServerReady(msgspec.Struct, frozen=True, kw_only=True):
    """The child's line on stdout once it serves; also the content of the port file."""

    pid: int
    port: int
    model: str
    context_tokens: int
    slots: int
    tools: bool
    """Whether the model's chat template has a place for tools."""
    vision: bool

    @property
    def base_url(self) -> str:
        """The OpenAI-compatible base URL."""
        return f"http://{LOOPBACK}:{self.port}/v1"


class ServerFailed(msgspec.Struct, frozen=True, kw_only=True):
    """The child's line on stdout when it can't serve; it ends with a status other than 0."""

    failure: str
