"""Traffic from files: public traces of language model services, or our own lines.

`azure`: CSV with TIMESTAMP, ContextTokens, GeneratedTokens (Azure LLM inference traces,
Patel et al. 2024). `mooncake`: JSON lines with timestamp (ms), input_length, output_length,
hash_ids of the prompt's blocks (Qin et al. 2024). `jsonl`: arrived_s, input_tokens, output_tokens
and, where known, route, team, feature, user, key, prompt (a hash of the whole prompt).
"""

import csv
import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import IO, Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest, OperatorError
from legato.core.usage import Usage
from legato.replay.twin.traffic import US_PER_S, Request

LINES_MAX: Final = 5_000_000
_Tokens = Annotated[int, Meta(ge=0, le=100_000_000)]


class Owner(NamedTuple):
    """Whose a file's requests are, where it doesn't say."""

    org: str
    team: str
    feature: str
    key: str
    name: str


class _Mooncake(msgspec.Struct):
    timestamp: Annotated[int, Meta(ge=0)]
    input_length: _Tokens
    output_length: _Tokens
    hash_ids: list[int] = []


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    arrived_s: Annotated[float, Meta(ge=0)]
    input_tokens: _Tokens
    output_tokens: _Tokens
    route: str = ""
    team: str = ""
    feature: str = ""
    user: str = ""
    key: str = ""
    prompt: str = ""


def read_requests(
    file: Path, form: str, owner: Owner, key_ids: Callable[[str], str]
) -> tuple[list[Request], int | None]:
    """Return a file's requests by arrival, and when the first came, where the file says.

    Raises:
        OperatorError: it can't be read.
        InvalidRequest: a line isn't what its format says; the message names the line.
    """
    try:
        with _opened(file) as lines:
            found = sorted(_FORMS[form](lines, owner, key_ids), key=lambda one: one.at_us)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise OperatorError(f"{file} can't be read: {error}") from error
    if not found:
        raise InvalidRequest(f"{file} has no requests", param="traffic.file")
    first_us = found[0].at_us
    shifted = [msgspec.structs.replace(one, at_us=one.at_us - first_us) for one in found]
    return shifted, first_us * 1_000 if form == "azure" else None


def _opened(file: Path) -> IO[str]:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8")
    return file.open(encoding="utf-8")


def _azure(lines: IO[str], owner: Owner, key_ids: Callable[[str], str]) -> Iterator[Request]:
    key_id = key_ids(owner.key)
    for number, row in enumerate(csv.DictReader(lines), 2):
        try:
            moment = datetime.fromisoformat(row["TIMESTAMP"][:26]).replace(tzinfo=UTC)
            usage = Usage(
                in_uncached=int(row["ContextTokens"]), out_text=int(row["GeneratedTokens"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _wrong(number, error) from None
        whole_s = int(moment.timestamp())
        at_us = whole_s * US_PER_S + moment.microsecond
        yield _request(at_us, usage, owner, key_id)


def _mooncake(lines: IO[str], owner: Owner, key_ids: Callable[[str], str]) -> Iterator[Request]:
    key_id = key_ids(owner.key)
    for number, line in _numbered(lines):
        try:
            one = msgspec.json.decode(line, type=_Mooncake)
        except msgspec.DecodeError as error:
            raise _wrong(number, error) from None
        usage = Usage(in_uncached=one.input_length, out_text=one.output_length)
        prompt = _digest(f"{one.input_length}:{one.hash_ids}") if one.hash_ids else 0
        request = _request(one.timestamp * 1_000, usage, owner, key_id)
        yield msgspec.structs.replace(request, prompt=prompt)


def _own(lines: IO[str], owner: Owner, key_ids: Callable[[str], str]) -> Iterator[Request]:
    for number, line in _numbered(lines):
        try:
            one = msgspec.json.decode(line, type=_Line)
        except msgspec.DecodeError as error:
            raise _wrong(number, error) from None
        whose = Owner(
            owner.org,
            one.team or owner.team,
            one.feature or owner.feature,
            one.key or owner.key,
            one.route or owner.name,
        )
        usage = Usage(in_uncached=one.input_tokens, out_text=one.output_tokens)
        request = _request(round(one.arrived_s * US_PER_S), usage, whose, key_ids(whose.key))
        prompt = _digest(one.prompt) if one.prompt else 0
        yield msgspec.structs.replace(request, user=one.user, prompt=prompt)


def _numbered(lines: IO[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        if number > LINES_MAX:
            raise InvalidRequest(f"the file has over {LINES_MAX} lines", param="traffic.file")
        if line.strip():
            yield number, line


def _request(at_us: int, usage: Usage, owner: Owner, key_id: str) -> Request:
    return Request(
        at_us=at_us,
        name=owner.name,
        usage=usage,
        org=owner.org,
        team=owner.team,
        feature=owner.feature,
        key_id=key_id,
    )


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) or 1


def _wrong(number: int, error: Exception) -> InvalidRequest:
    msg = f"traffic.file: line {number} is not of the format named: {error}"
    return InvalidRequest(msg, param="traffic.file")


_FORMS: Final = MappingProxyType({"azure": _azure, "mooncake": _mooncake, "jsonl": _own})
