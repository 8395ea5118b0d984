"""Ask a route's rules about a call: what they need to know of it, and which of them decides."""

import logging
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from legato.core.decisions import Routed
from legato.core.errors import LookupFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legato.gateway.context import Call
    from legato.gateway.directory import Route
    from legato.routing.rules.rules import Rule

log = logging.getLogger(__name__)

_WARN_EACH: Final = 1_000


def ruling_of(call: "Call", route: "Route", able: "Sequence[str]") -> "Rule | None":
    """Return the rule that decides for a call, None where none does; what was decided is kept.

    A call that is decided again brings the features of then.
    """
    rules = route.rules
    if rules is None:
        return None
    if call.routed is None:
        from legato.gateway.request_features import (  # noqa: PLC0415 - where a route has rules only
            features_of,
        )

        features = features_of(call, rules)
        if rules.lookups:
            if call.looked_up is None:
                raise LookupFailed("A rule of this route looks something up, and nobody did.")
            features |= call.looked_up
    else:
        features = call.routed.features
    ruling = rules.decide(features, able)
    rule = ruling.rule
    name = "" if rule is None else rule.setting.name
    call.routed = replace(
        call.routed or Routed(),
        features=features,
        rule=name,
        failed=ruling.failed,
        emptied=ruling.emptied,
    )
    return rule


class RuleWarnings:
    """Says in the log that rules don't work: the first time, then every thousandth."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], int] = {}

    def __call__(self, alias: str, rule: str, result: str) -> None:
        """Count a rule that was passed over, `failed` or `emptied`."""
        key = (alias, rule)
        count = self._failures[key] = self._failures.get(key, 0) + 1
        if count % _WARN_EACH == 1:
            log.warning(
                "a rule was passed over",
                extra={"route": alias, "rule": rule, "result": result, "times": count},
            )
