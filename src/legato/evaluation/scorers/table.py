"""All scorers by name: those of Legato, and after them those that packages bring."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.evaluation.scorers.grounding import Grounding
from legato.evaluation.scorers.installed import (
    InstalledScorer,
    installed_kind,
    installed_scorers,
    require_same,
)
from legato.evaluation.scorers.judge import Judge
from legato.evaluation.scorers.measures import Accepted, Cost, Latency
from legato.evaluation.scorers.numbers import Numeric
from legato.evaluation.scorers.semantic import Semantic
from legato.evaluation.scorers.structured import JsonMatch, JsonSchema
from legato.evaluation.scorers.text import Contains, Exact, Pattern
from legato.evaluation.scoring import Scorer, ScorerSettings
from legato.registry.reading import problems_in

_CLASSES: Final = (
    Exact, Contains, Pattern, JsonMatch, JsonSchema, Numeric, Semantic, Grounding, Judge, Latency,
    Cost, Accepted,
)  # fmt: skip
SCORERS: Final[Mapping[str, type[ScorerSettings]]] = MappingProxyType(
    {str(one.__struct_config__.tag): one for one in _CLASSES}
)
_LABEL_MAX: Final = 64


def read_scorers(plain: Sequence[Any], place: str = "scorers") -> tuple[Scorer, ...]:
    """Read a suite's scorers. Raises InvalidRequest, naming the place, the field and the remedy."""
    scorers = tuple(read_scorer(one, f"{place}[{index}]") for index, one in enumerate(plain))
    seen: set[str] = set()
    for index, one in enumerate(scorers):
        if one.label in seen:
            where = f"{place}[{index}].name"
            msg = f"{where}: there is a scorer {one.label!r} already; give this one another name"
            raise InvalidRequest(msg, param=where)
        seen.add(one.label)
    return scorers


def label_of(plain: Mapping[str, Any]) -> str:
    """Return what a scorer of a plan is called, whether or not it is installed any more."""
    return str(plain.get("name") or str(plain.get("judge", "")).partition("@")[0] or plain["use"])


def read_scorer(plain: Any, place: str) -> Scorer:
    """Read one scorer: `use` names it, the rest are its settings. Raises InvalidRequest."""
    use = plain.get("use") if isinstance(plain, dict) else None
    kind = SCORERS.get(use) if isinstance(use, str) else None
    if kind is None and isinstance(use, str):
        kind = installed_kind(use, place)
    if kind is None:
        known = dict.fromkeys((*SCORERS, *sorted(installed_scorers())))
        msg = f"{place}.use: name one of {', '.join(known)}"
        raise InvalidRequest(msg, param=f"{place}.use")
    if problems := problems_in(plain, kind, place):
        raise InvalidRequest(str(problems[0]), param=problems[0].place)
    scorer = msgspec.convert(plain, kind)
    if len(scorer.label) > _LABEL_MAX or "=" in scorer.label:
        msg = f"{place}.name: at most {_LABEL_MAX} characters, none of them ="
        raise InvalidRequest(msg, param=f"{place}.name")
    try:
        scorer.require_settings()
    except InvalidRequest as error:
        raise InvalidRequest(f"{place}.{error.message}", param=f"{place}.{error.param}") from None
    if isinstance(scorer, InstalledScorer):
        require_same(scorer, place)
    checked: Any = scorer
    return checked  # type: ignore[no-any-return]
