"""A suite: which cases, who or what answers them, what is asked of the answers."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.evaluation.scorers.table import read_scorers
from legato.registry.reading import ContentInvalid, problems_in, unplain

_SUBJECTS_MAX = 50
Named = Annotated[str, Meta(min_length=1, max_length=200)]


class Suite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people write.

    Subjects are prompts, models, or every prompt with every model; or workflows.
    """

    dataset: Named
    """NAME, or NAME@VERSION."""
    scorers: Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=50)]
    prompts: Annotated[tuple[Named, ...], Meta(max_length=_SUBJECTS_MAX)] = ()
    """NAME@VERSION each, or NAME for its production label."""
    models: Annotated[tuple[Named, ...], Meta(max_length=_SUBJECTS_MAX)] = ()
    """Routes or deployments."""
    workflows: Annotated[tuple[Named, ...], Meta(max_length=_SUBJECTS_MAX)] = ()
    """NAME@VERSION each, or NAME for its production label."""
    tools: Annotated[tuple[Named, ...], Meta(max_length=200)] = ()
    """Which workflows may call where a case doesn't say what they answer."""
    split: str = ""
    """Of the data set; all of it without one."""
    repetitions: Annotated[int, Meta(ge=1, le=100)] = 1
    concurrency: Annotated[int, Meta(ge=1, le=64)] = 4
    cache: Literal["bypass", "use"] = "bypass"
    cost_max_usd: Decimal | None = None
    parameters: dict[str, Any] = {}
    """Sent with every call, as `temperature` and `max_tokens`."""
    regress_max: Annotated[float, Meta(ge=0, le=1)] = 0.05
    """How much worse than its baseline a subject may be, as a difference of mean scores."""


_RESERVED = ("model", "messages", "stream", "metadata")


def read_suite(content: Any) -> Suite:
    """Return a suite written as plain data.

    Raises:
        ContentInvalid, InvalidRequest: naming each field that is wrong, and the remedy.
    """
    problems = list(unplain(content)) or problems_in(content, Suite)
    if problems:
        raise ContentInvalid("suite", problems)
    suite = msgspec.convert(content, Suite)
    read_scorers(suite.scorers)
    _require_subjects(suite)
    if max(1, len(suite.prompts)) * max(1, len(suite.models)) > _SUBJECTS_MAX:
        msg = f"prompts: with models they make more than {_SUBJECTS_MAX} subjects"
        raise InvalidRequest(msg, param="prompts")
    for name in _RESERVED:
        if name in suite.parameters:
            msg = f"parameters.{name}: is set by the evaluation; leave it out"
            raise InvalidRequest(msg, param=f"parameters.{name}")
    cost_max = suite.cost_max_usd
    if cost_max is not None and not (cost_max.is_finite() and cost_max > 0):
        raise InvalidRequest("cost_max_usd: must be above 0", param="cost_max_usd")
    return suite


def _require_subjects(suite: Suite) -> None:
    if suite.workflows:
        for name in ("prompts", "models", "parameters"):
            if getattr(suite, name):
                msg = f"{name}: a suite of workflows has none: their nodes say what they ask"
                raise InvalidRequest(msg, param=name)
        return
    if suite.tools:
        raise InvalidRequest("tools: only workflows call tools; leave it out", param="tools")
    if not (suite.prompts or suite.models):
        msg = "prompts: name prompts, models, or both; or workflows"
        raise InvalidRequest(msg, param="prompts")
