"""Whether a call is one of a model, by its name, what it is called on, and its arguments."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from legato.code_audit.finding import Finding, Kind
from legato.code_audit.vendors import (
    BOUND_METHODS,
    CALLS,
    FUNCTIONS,
    MODEL_ARGUMENTS,
    SURE,
    TIMEOUTS,
    TOKEN_LIMITS,
)

_SELF_EVIDENT: Final = frozenset({"messages", "max_tokens", "input", "contents", "modelId", "body"})
_BEDROCK: Final = frozenset(
    {"invoke_model", "invoke_model_with_response_stream", "converse", "converse_stream"}
)
_OWN_LIMIT: Final = frozenset({"anthropic"})
"""Whose API refuses a call that says none."""
_WRAPPERS: Final = frozenset({"with_raw_response", "with_streaming_response", "withResponse"})


class Origin(NamedTuple):
    """Where a name comes from: a vendor's package, and whether it is a client made of it."""

    vendor: str
    name: str
    is_client: bool = False
    is_module: bool = False

    def as_client(self) -> "Origin":
        """Return what is made of a class."""
        return self._replace(is_client=True, is_module=False)


class Call(NamedTuple):
    """One call; `arguments` by name, None for values that aren't texts."""

    name: str
    origin: Origin
    arguments: Mapping[str, str | None]
    chat: bool = True
    spread: bool = False
    """Whether arguments come from an object, so that any may be there."""


def of_call(
    chain: str,
    base: Origin | None,
    function: Origin | None,
    arguments: Mapping[str, str | None],
    *,
    spread: bool,
) -> Call | None:
    """Return the call of a model that something is, None for all else.

    `chain` is what is called, `base` the client it is called on, `function` what its whole name
    was imported as.
    """
    end, kind = _known_end(chain)
    if base is not None:
        method = chain.rpartition(".")[2]
        if end:
            return Call(end, _whose(end, base), arguments, kind == "chat", spread)
        for family, methods in BOUND_METHODS.items():
            if method in methods and family in {base.vendor, _family(base.name)}:
                return Call(method, base, arguments, spread=spread)
        return None
    if function is not None:
        last = function.name.rpartition(".")[2]
        if last in FUNCTIONS.get(function.vendor, ()):
            chat = "embed" not in last.lower()
            return Call(last, function, arguments, chat, spread)
        if function.is_module and end:  # openai.chat.completions.create(...)
            return Call(end, function, arguments, kind == "chat", spread)
    if not end:
        return None
    names_model = spread or any(name in arguments for name in MODEL_ARGUMENTS)
    if end in SURE and names_model:
        return Call(end, Origin(_vendor_of(end), ""), arguments, kind == "chat", spread)
    if _likely(end, arguments):
        return Call(end, Origin(_vendor_of(end), ""), arguments, kind == "chat", spread)
    return None


def call_findings(path: str, line: int, call: Call, kind: Kind) -> Iterator[Finding]:
    """Yield a call or a client, and what it lacks."""
    vendor = call.origin.vendor
    model = next((call.arguments[name] for name in MODEL_ARGUMENTS if call.arguments.get(name)), "")
    yield Finding(kind=kind, path=path, line=line, vendor=vendor, name=call.name, text=model or "")
    if call.spread:
        return
    if kind is Kind.CLIENT:
        if not TIMEOUTS & call.arguments.keys():
            yield Finding(kind=Kind.NO_TIMEOUT, path=path, line=line, vendor=vendor, name=call.name)
    elif call.chat and vendor not in _OWN_LIMIT and _says_itself(call):
        yield Finding(kind=Kind.NO_TOKEN_LIMIT, path=path, line=line, vendor=vendor, name=call.name)


def _says_itself(call: Call) -> bool:
    """Whether a limit would stand in the call: chains and sessions have theirs elsewhere."""
    here = bool(_SELF_EVIDENT & call.arguments.keys()) or "prompt" in call.arguments
    return here and not TOKEN_LIMITS & call.arguments.keys()


def _known_end(chain: str) -> tuple[str, str]:
    parts = [part for part in chain.split(".") if part not in _WRAPPERS]
    for count in (4, 3, 2, 1):
        end = ".".join(parts[-count:])
        if count <= len(parts) and end in CALLS:
            return end, CALLS[end]
    return "", ""


def _likely(end: str, arguments: Mapping[str, str | None]) -> bool:
    """Whether arguments give a call of unknown origin away: other packages have such names, too."""
    names = arguments.keys()
    if "." not in end:
        return "modelId" in names and end in _BEDROCK
    if end.startswith(("messages.", "beta.messages.")):
        return "model" in names and bool({"messages", "max_tokens"} & names)
    return "model" in names and bool({"messages", "input", "contents", "prompt"} & names)


def _whose(end: str, base: Origin) -> Origin:
    """Return the client's origin, put right where one name is bound to two vendors' clients."""
    if "messages." in end and base.vendor == "openai":
        return base._replace(vendor="anthropic")
    return base._replace(vendor="openai") if end in SURE and base.vendor == "anthropic" else base


def _vendor_of(end: str) -> str:
    if "messages." in end:
        return "anthropic"
    if end.startswith("models."):
        return "google"
    return "aws" if "." not in end else "openai"


def _family(name: str) -> str:
    if name.startswith(("langchain", "@langchain")):
        return "langchain"
    return "llama-index" if name.startswith(("llama_index", "llamaindex", "@llamaindex")) else ""
