"""What is found in code."""

from enum import StrEnum
from typing import Final

import msgspec

from legato.code_audit.constants import NO_TEXTS, FileTexts


class Kind(StrEnum):
    """What a finding is."""

    MODEL_CALL = "model_call"
    CLIENT = "client"
    MODEL_NAME = "model_name"
    PROMPT = "prompt"
    KEY = "key"
    RAW_HTTP = "raw_http"
    RETRY_LOOP = "retry_loop"
    NO_TOKEN_LIMIT = "no_token_limit"  # noqa: S105 - a kind, not a secret
    NO_TIMEOUT = "no_timeout"


TITLES: Final[dict[Kind, str]] = {
    Kind.MODEL_CALL: "A model is called",
    Kind.CLIENT: "A vendor's client is made",
    Kind.MODEL_NAME: "A model's name is written into the code",
    Kind.PROMPT: "A prompt is written into the code",
    Kind.KEY: "A secret is written into the code",
    Kind.RAW_HTTP: "A vendor's address is called without a client",
    Kind.RETRY_LOOP: "A call of a model is tried again by hand",
    Kind.NO_TOKEN_LIMIT: "A call of a model doesn't say how long its answer may get",
    Kind.NO_TIMEOUT: "Nobody says how long to wait for a model",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One place. `text` is a prompt with `{}` for what is put in; never a secret."""

    kind: Kind
    path: str
    line: int
    vendor: str = ""
    name: str = ""
    """The call, the class, the model, the address; a secret masked."""
    text: str = ""
    unbounded: bool = False
    """Of a retry: nothing ends it but success."""
    made_of: tuple[tuple[str, int], ...] = ()
    """Of a prompt: where the constants it is put together of are written, file and line."""


class Helper(msgspec.Struct, frozen=True, kw_only=True):
    """A function that calls a model: `digest` is of its body, whatever its names and texts."""

    path: str
    line: int
    name: str
    digest: str


class Parsed(msgspec.Struct, frozen=True):
    """What one file holds."""

    findings: list[Finding]
    helpers: list[Helper]
    texts: FileTexts = NO_TEXTS


class Unparsed(Exception):
    """A file can't be read as what its name says; the message says why."""
