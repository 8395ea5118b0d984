"""Whether expressions can be read, and read what is there for them."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, Self

from legato.flow.cel.references import Path, Reference
from legato.flow.expressions import (
    Expression,
    ExpressionInvalid,
    TemplateInvalid,
    compile_expression,
    compile_template,
)
from legato.flow.kinds import EXPRESSION, TEXT, Read, Schema, closed
from legato.flow.schema_paths import wrong_step

STEPS: Final = "steps"
RUN: Final = closed(id=TEXT, workflow=TEXT, user=TEXT, test={"type": "boolean"})
"""What expressions see of the run itself."""
_STEP_FIELDS: Final = ("output", "port", "error", "confidence")
_ERROR: Final = closed(code=TEXT, message=TEXT)


class Sight(NamedTuple):
    """What expressions at one place see."""

    names: frozenset[str]
    known: Mapping[str, Schema]
    """Schemas of names; others may be anything."""
    steps: Mapping[str, Schema] = {}
    """Of every node around, its output's."""
    ran: frozenset[str] = frozenset()
    """Nodes that are sure to have run."""
    before: frozenset[str] = frozenset()
    """Nodes that may have run."""
    guards: frozenset[Path] = frozenset()

    def seeing(self, names: Iterable[str]) -> Self:
        """Return the same with more names."""
        return self._replace(names=self.names | frozenset(names))

    def with_steps(self, steps: Mapping[str, Schema]) -> Self:
        """Return the same among more nodes."""
        return self._replace(steps={**self.steps, **steps})

    def at(self, ran: frozenset[str], before: frozenset[str]) -> Self:
        """Return the same with these nodes before it."""
        return self._replace(ran=ran, before=before)

    def guarded_by(self, condition: str | None) -> Self:
        """Return the same where a condition holds."""
        if condition is None:
            return self
        try:
            return self._replace(guards=self.guards | compile_expression(condition).guards())
        except ExpressionInvalid:
            return self


def read_problems(read: Read, sight: Sight, used: set[str]) -> Iterator[tuple[str, str]]:
    """Yield places and what is wrong there; note in `used` which nodes are read."""
    try:
        found = _expressions(read)
    except TemplateInvalid as error:
        for place, told in error.problems:
            yield f"{read.place}{place}", told
        return
    except ExpressionInvalid as error:
        yield read.place, error.message
        return
    for place, expression in found:
        for reference in expression.references:
            if wrong := _problem(reference, sight, used):
                yield f"{read.place}{place}", f"`{shown(reference.path)}`: {wrong}"


def _expressions(read: Read) -> Iterable[tuple[str, Expression]]:
    if read.form == EXPRESSION:
        return (("", compile_expression(read.source)),)
    return compile_template(read.source).expressions


def shown(path: Path) -> str:
    """Return a path as expressions write it."""
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in path
    ).removeprefix(".")


def _problem(reference: Reference, sight: Sight, used: set[str]) -> str | None:
    name, *below = reference.path
    if name not in sight.names:
        return _unknown(str(name), sight.names, "name")
    if name == STEPS:
        return _step_problem(reference, below, sight, used)
    schema = RUN if name == "run" else sight.known.get(str(name))
    return None if schema is None or reference.tested else wrong_step(schema, below)


def _step_problem(
    reference: Reference, below: list[Any], sight: Sight, used: set[str]
) -> str | None:
    if not below:
        return None if reference.tested else "write which node's, such as `steps.NODE.output`"
    node, *fields = below
    if node not in sight.steps:
        return _unknown(str(node), sight.steps, "node")
    used.add(node)
    if node not in sight.before:
        return f"`{node}` doesn't come before this; lead a path from it to here (`after`)"
    if fields and fields[0] not in _STEP_FIELDS:
        return f"a node has {', '.join(_STEP_FIELDS)}; did you mean `steps.{node}.output`?"
    guards = reference.guarded | _beginnings(sight.guards)
    asked = reference.tested and not fields
    if node not in sight.ran and not asked and (STEPS, node) not in guards:
        return f"`{node}` may not have run; ask first: `has(steps.{node}) ? ... : ...`"
    if reference.tested or len(fields) < len(("output", "field")):
        return None
    if fields[0] == "error":
        return wrong_step(_ERROR, fields[1:])
    return wrong_step(sight.steps[node], fields[1:]) if fields[0] == "output" else None


def _beginnings(guards: frozenset[Path]) -> frozenset[Path]:
    return frozenset(guard[:length] for guard in guards for length in range(len(guard) + 1))


def _unknown(name: str, known: Iterable[str], what: str) -> str:
    near = get_close_matches(name, list(known), n=1)
    told = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(known)[:20])}"
    return f"there is no {what} `{name}` here; {told}"
