"""What a text in code may be: a prompt, a model's name, an address, a secret."""

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from legato.code_audit.finding import Finding, Kind
from legato.code_audit.vendors import PROMPT_NAMES, is_model, vendor_of_url
from legato.guardrails.secrets.placeholders import is_placeholder
from legato.guardrails.secrets.vendors import VendorKeys
from legato.guardrails.spans import Text

_SURE_MIN: Final = 12
_NAMED_MIN: Final = 40
_PROMPT_MAX: Final = 20_000
_KEY_LENGTHS: Final = range(16, 400)
_SHOWN: Final = 4
_KEY_NAMES: Final = frozenset({"api_key", "apiKey", "api_token", "apiToken", "auth_token"})
_WORDS_MIN: Final = 3
_KINDS_MIN: Final = 10


class Literal(NamedTuple):
    """A text with where it stands: the name it is given to, whether that is a prompt for sure."""

    text: str
    name: str = ""
    prompt: bool = False
    argument: bool = False


def text_findings(path: str, line: int, literal: Literal) -> Iterator[Finding]:
    """Yield what a text is. A secret is never shown, and never a prompt as well."""
    text = literal.text
    if len(text) in _KEY_LENGTHS and (masked := _masked_key(text, literal.name)):
        yield Finding(kind=Kind.KEY, path=path, line=line, name=masked)
        return
    if is_model(text) and (literal.name or "").lower() not in {"role", "content", "name"}:
        yield Finding(kind=Kind.MODEL_NAME, path=path, line=line, name=text)
        return
    vendor, address = vendor_of_url(text)
    if vendor:
        kept = literal.name.lower() in {"base_url", "baseurl", "api_base", "azure_endpoint"}
        if not kept:
            yield Finding(kind=Kind.RAW_HTTP, path=path, line=line, vendor=vendor, name=address)
        return
    if _is_prompt(literal):
        yield Finding(
            kind=Kind.PROMPT, path=path, line=line, name=literal.name, text=text[:_PROMPT_MAX]
        )


def _is_prompt(literal: Literal) -> bool:
    text = literal.text.strip()
    if len(text.split()) < _WORDS_MIN:
        return False
    if literal.prompt:
        return len(text) >= _SURE_MIN
    return len(text) >= _NAMED_MIN and PROMPT_NAMES.search(literal.name) is not None


def _masked_key(text: str, name: str) -> str:
    """Return a secret as it may be shown, "" for what is none."""
    stripped = text.strip()
    if " " in stripped or "\n" in stripped or "{}" in stripped:
        return ""
    if next(_vendor_keys().find(Text(stripped)), None) is not None:
        return _mask(stripped)
    if name in _KEY_NAMES and not is_placeholder(stripped) and _random(stripped):
        return _mask(stripped)
    return ""


def _mask(secret: str) -> str:
    return f"{secret[:_SHOWN]}… ({len(secret)} characters)"


def _random(text: str) -> bool:
    """Whether a text looks made by a machine: digits and letters, of many kinds."""
    mixed = any(one.isdigit() for one in text) and any(one.isalpha() for one in text)
    return mixed and len(set(text)) >= _KINDS_MIN


@cache
def _vendor_keys() -> VendorKeys:
    return VendorKeys()
