"""The bounds on wrong hits, and what they have learnt, shared by the workers of a machine.

What decides is in `legato.matching`. Each team (or organisation that shares) is bounded by itself
on each route. A worker leaves what it has seen in a file of its own, and reads the others'.
"""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from legato.matching.bound import BoundSettings, Decision, OnlineBound
from legato.matching.tally import Tally
from legato.matching.verifier import trust_in

if TYPE_CHECKING:
    from legato.core.semantic_terms import SemanticTerms
    from legato.core.tasks import InThread

log = logging.getLogger(__name__)

FOLLOW_S: Final = 1.0
_NOTHING: Final = 1.0
"""A score that nothing reaches."""
_encode = msgspec.msgpack.Encoder().encode
_Seen = dict[str, dict[bytes, Tally]]
"""By settings, then by whose bound it is."""
_decode = msgspec.msgpack.Decoder(_Seen).decode


class Bounds:
    """One process's view. `name` is the same in each life of a worker."""

    def __init__(self, directory: Path, name: str, check_share: float, embedder: str) -> None:
        """`embedder` names by what questions are compared: what was learnt holds for it alone."""
        self._own_file = directory / f"{name}.bounds"
        self._check_share = check_share
        self._embedder = embedder
        self._bounds: dict[str, OnlineBound] = {}
        self._last: dict[str, float] = {}
        self._past: _Seen = {}
        self._others: _Seen = {}
        self.failures = 0
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self) -> None:
        """Learn what was seen before this process began. Blocking. Raises OSError."""
        self._past = _read(self._own_file)
        self._take(self._read_others())

    def decide(self, scope: str, terms: "SemanticTerms", score: float, draw: float) -> Decision:
        """Decide over a request's best candidate; score 0 where there is none. Counts it."""
        decision = self._bound(terms).decide(scope.encode(), score, draw)
        self._last[scope] = decision.threshold
        return decision

    def threshold(self, scope: str) -> float:
        """Return from which score hits were last served."""
        return self._last.get(scope, _NOTHING)

    def learn(self, scope: str, terms: "SemanticTerms", score: float, *, right: bool) -> None:
        """Take in whether a hit that was served by a score was right."""
        self._bound(terms).learn(scope.encode(), score, right=right)

    async def follow(self, in_thread: "InThread") -> None:
        """Leave what was seen and learn what others saw, for ever."""
        while True:
            await asyncio.sleep(FOLLOW_S)
            try:
                self._take(await in_thread(self._exchange))
            except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
                self.failures += 1
                if self.failures == 1:
                    reason = {"reason": type(error).__name__}
                    log.warning("what bounds of the cache saw can't be shared", extra=reason)

    def flush(self) -> None:
        """Leave what was seen. Blocking. Raises OSError."""
        seen: _Seen = {name: dict(bound.own()) for name, bound in self._bounds.items()}
        part = self._own_file.with_suffix(".part")
        part.write_bytes(_encode(_summed(self._past, seen)))
        part.replace(self._own_file)

    def _exchange(self) -> _Seen:
        self.flush()
        return self._read_others()

    def _read_others(self) -> _Seen:
        files = self._own_file.parent.glob("*.bounds")
        return _summed(*(_read(one) for one in files if one != self._own_file))

    def _take(self, others: _Seen) -> None:
        self._others = others
        known = _summed(self._past, others)
        for name, bound in self._bounds.items():
            bound.absorb(known.get(name, {}))

    def _bound(self, terms: "SemanticTerms") -> OnlineBound:
        name = name_of(terms, self._embedder)
        bound = self._bounds.get(name)
        if bound is None:
            settings = settings_of(name, self._check_share)
            bound = self._bounds[name] = OnlineBound(settings)
            bound.absorb(_summed(self._past, self._others).get(name, {}))
        return bound


def name_of(terms: "SemanticTerms", embedder: str) -> str:
    """Return the name under which is kept what a bound learns."""
    return f"{terms.bound:g}/{terms.bound_per_hit or 0:g}/{terms.confidence:g}/{embedder}"


def embedder_of(name: str) -> str:
    """Return the embedder for which a bound learnt that; "" where that wasn't written down."""
    return name.partition("/")[2].partition("/")[2].partition("/")[2]


def seen_in(directory: Path) -> Mapping[str, Mapping[bytes, Tally]]:
    """Return what all processes have seen, by settings and whose bound it is. Raises OSError."""
    return _summed(*(_read(one) for one in directory.glob("*.bounds")))


def settings_of(name: str, check_share: float) -> BoundSettings:
    """Return the settings that `seen_in` names."""
    bound, per_hit, confidence = map(float, name.split("/", 3)[:3])
    trust = trust_in(embedder_of(name))
    return BoundSettings(
        bound=bound,
        per_hit=per_hit or None,
        confidence=confidence,
        check_rate=check_share,
        evidence=trust.evidence,
        prior=trust.prior,
    )


def _read(file: Path) -> _Seen:
    """Return what a file holds. Raises OSError; what another version wrote tells nothing."""
    try:
        return _decode(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}


def _summed(*parts: Mapping[str, Mapping[bytes, Tally]]) -> _Seen:
    total: _Seen = {}
    for part in parts:
        for name, tallies in part.items():
            into = total.setdefault(name, {})
            for scope, tally in tallies.items():
                into.setdefault(scope, Tally()).add(tally)
    return total
