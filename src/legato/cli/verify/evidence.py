"""The evidence of a run: a small file to look at, keep, or send in."""

import platform
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from legato import __version__
from legato.app.desks.one_provider import OneProvider
from legato.app.prices.pricing import address_of
from legato.cli.verify.run import Verified
from legato.core.clock import Clock

_FORM = 1
_NS_PER_S = 1_000_000_000


class CheckSeen(msgspec.Struct, frozen=True):
    """How one check came out."""

    name: str
    outcome: str
    seen: str


class ModelSeen(msgspec.Struct, frozen=True):
    """One model with its checks; `model` as it is configured."""

    model: str
    work: str
    checks: list[CheckSeen]


class Evidence(msgspec.Struct, frozen=True):
    """What was seen, of whom and when (UTC); no key, no text of an answer, no price."""

    form: int
    date: str
    legato: str
    python: str
    kind: str
    preset: str
    host: str
    models: list[ModelSeen]


def evidence_of(one: OneProvider, verified: list[Verified], clock: Clock) -> Evidence:
    """Return the evidence of a run."""
    models = [
        ModelSeen(
            ran.planned.facts.model,
            ran.planned.work.value,
            [CheckSeen(one.check.name, one.outcome.value, one.seen) for one in ran.results],
        )
        for ran in verified
    ]
    return Evidence(
        _FORM,
        _moment(clock).isoformat(timespec="seconds"),
        __version__,
        platform.python_version(),
        one.config.kind,
        one.config.preset or "",
        urlsplit(address_of(one.config)).hostname or "",
        models,
    )


def keep(evidence: Evidence, folder: Path, provider: str) -> Path:
    """Write it and return where.

    Raises:
        OSError: the place can't be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = provider.translate({ord("/"): "-", ord(":"): "-"})
    stamp = evidence.date.replace(":", "").replace("+0000", "Z")
    file = folder / f"{name}-{stamp}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(evidence), indent=2) + b"\n")
    return file


def _moment(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.now_ns() // _NS_PER_S, UTC)
