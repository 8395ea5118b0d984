"""What a node's confidence leads to: whatever its kind, it may be believed, or is done otherwise.

Below the threshold the ways of `below` are gone in their order: the same node with another model,
whose confidence is looked at as the first one's was, or an end at a port.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from legato.core.errors import InvalidRequest
from legato.flow.definition import AnyNode, Below
from legato.workflows.nodes.contract import NodeKind, NodeKinds, RunFacts, Step, StepOutcome
from legato.workflows.nodes.within import Again

Calibrated = Callable[[RunFacts, str, float], Awaitable[float]]
"""Maps a confidence by the organisation's calibration of this name. Raises NotFound."""


def believed(kinds: NodeKinds, calibrated: Calibrated) -> NodeKinds:
    """Return the kinds, each doing what its nodes say of their confidence."""
    return {node: Believed(kind, calibrated) for node, kind in kinds.items()}


class Believed:
    """A kind whose nodes may have a `confidence`; others cost nothing."""

    def __init__(self, kind: NodeKind, calibrated: Calibrated) -> None:
        self._kind = kind
        self._calibrated = calibrated

    async def __call__(self, node: AnyNode, step: Step) -> StepOutcome:
        """Run the node, and again by other models while its confidence is too low.

        Raises:
            InvalidRequest: nothing says how sure it is, or it can't be asked of another model.
        """
        terms = node.confidence
        outcome = await self._kind(node, step)
        if terms is None:
            return outcome
        confidence = await self._confidence(node, step, outcome, "confidence")
        tried = [_tried(node, confidence)]
        port = ""
        for number, way in enumerate(terms.below):
            if confidence >= terms.at_least or port:
                break
            if way.model:
                other = _by_model(node, way)
                outcome = await self._kind(other, Again(step, f"below{number}"))
                confidence = await self._confidence(node, step, outcome, f"confidence{number}")
                tried.append(_tried(other, confidence))
            if confidence < terms.at_least and way.port:
                port = way.port
        believed_in = confidence >= terms.at_least
        lineage = {**outcome.lineage, "confidences": tried, "believed": believed_in}
        return msgspec.structs.replace(
            outcome, port=port or outcome.port, confidence=confidence, lineage=lineage
        )

    async def _confidence(
        self, node: AnyNode, step: Step, outcome: StepOutcome, name: str
    ) -> float:
        terms = node.confidence
        assert terms is not None  # noqa: S101 - asked only of such
        said: Any = outcome.confidence
        if terms.value is not None:
            said = await step.value("${" + terms.value + "}", {"output": outcome.output})
        if isinstance(said, bool) or not isinstance(said, int | float):
            msg = f"{node.id}: nothing says how sure it is; give `confidence.value`"
            raise InvalidRequest(msg, param="confidence")
        if not terms.calibration:
            return float(said)
        stated, run = float(said), step.run

        async def look(_key: str) -> float:
            return await self._calibrated(run, terms.calibration, stated)

        found: float = await step.do(name, look)
        return found


def _by_model(node: AnyNode, way: Below) -> AnyNode:
    if not hasattr(node, "model"):
        raise InvalidRequest(f"{node.id}: asks no model, so `below.model` can't be", param="below")
    other: AnyNode = msgspec.structs.replace(node, model=way.model)
    return other


def _tried(node: AnyNode, confidence: float) -> dict[str, Any]:
    return {"model": getattr(node, "model", ""), "confidence": confidence}
