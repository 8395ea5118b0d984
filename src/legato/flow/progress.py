"""Which node comes next: the rules of `definition.py`, worked out as outcomes come in.

How it is used:

    plan = Plan.of(definition.nodes)          # once a definition (or body); raises on circles
    progress = Progress(plan, recorded)       # outcomes known so far, in any order
    progress.ready                            # nodes that may begin, in the definition's order
    progress.record("classify", "refund")     # a node ended; returns what became ready by it
    progress.record("ask", SKIPPED)           # a ready node whose `when` is false
    progress.ended                            # None, or how the graph ended

An outcome is a port, or SKIPPED. What no taken path leads to is skipped by itself and needn't be
recorded; recording it again changes nothing. `ready` holds a node until its outcome is recorded,
whether or not somebody has begun it: who drives it knows what is at work.

What failed (port `error`) has been dealt with if a node behind its error port runs. If none does,
because there is none or `when` skipped them, the graph has failed and nothing else becomes ready.
The same outcomes come to the same state in whatever order they are recorded.

Recording costs time for the paths that it decides alone; a whole run costs time for nodes plus
paths, whatever its shape.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, Final, Self

import msgspec

from legato.core.errors import InvalidRequest
from legato.flow.definition import DONE, ERROR, SKIPPED, AnyNode

_PENDING: Final = ""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a graph ended."""

    failed: str | None
    """The node whose error nothing dealt with; of several the first in the definition."""
    ends: tuple[str, ...]
    """Nodes that ran and after which none ran, in the definition's order: what a graph without
    an `output` of its own comes to. Empty if it failed."""

    def output(self, outputs: Mapping[str, Any]) -> Any:
        """Return the one end's output, or an object of all by their ids; None: nothing ran."""
        if len(self.ends) == 1:
            return outputs.get(self.ends[0])
        return {node: outputs.get(node) for node in self.ends} or None


class Plan:
    """The paths of a graph, laid out once; immutable."""

    def __init__(self, ids: Sequence[str], paths_into: Sequence[Sequence[tuple[int, str]]]) -> None:
        self.ids: Final = tuple(ids)
        self.index: Final = {node: index for index, node in enumerate(self.ids)}
        self.into: Final = tuple(tuple(dict.fromkeys(paths)) for paths in paths_into)
        out: list[list[tuple[int, str]]] = [[] for _ in self.ids]
        for target, paths in enumerate(self.into):
            for source, port in paths:
                out[source].append((target, port))
        self.out: Final = tuple(map(tuple, out))
        self.any: frozenset[int] = frozenset()

    @classmethod
    def of(cls, nodes: Sequence[AnyNode]) -> Self:
        """Return the plan of nodes.

        Raises:
            InvalidRequest: two have one id, a path begins at no node, or paths form a circle.
        """
        index = {node.id: place for place, node in enumerate(nodes)}
        if len(index) < len(nodes):
            msg = "two nodes have the same id; give each its own"
            raise InvalidRequest(msg, param="nodes")
        into = []
        for node in nodes:
            paths = [path_of(path) for path in node.after]
            if unknown := [source for source, _ in paths if source not in index]:
                msg = f"`{node.id}` comes after `{unknown[0]}`, which isn't there"
                raise InvalidRequest(msg, param=f"nodes.{node.id}.after")
            into.append([(index[source], port) for source, port in paths])
        plan = cls([node.id for node in nodes], into)
        plan.any = frozenset(place for place, node in enumerate(nodes) if node.join == "any")
        if circle := set(range(len(nodes))) - set(plan.order()):
            msg = f"`{plan.ids[min(circle)]}` waits for itself: its paths form a circle"
            raise InvalidRequest(msg, param=f"nodes.{plan.ids[min(circle)]}.after")
        return plan

    def order(self) -> tuple[int, ...]:
        """Return nodes behind all that they come after; those in or behind a circle are left out.

        Of those that could come next the first in the definition comes (Kahn, 1962).
        """
        waits = [len({source for source, _ in paths}) for paths in self.into]
        free = [node for node, count in enumerate(waits) if not count]
        order = []
        while free:
            node = heappop(free)
            order.append(node)
            for target in {target for target, _ in self.out[node]}:
                waits[target] -= 1
                if not waits[target]:
                    heappush(free, target)
        return tuple(order)


class Progress:
    """How far one run of a graph has come."""

    def __init__(self, plan: Plan, outcomes: Iterable[tuple[str, str]] = ()) -> None:
        self._plan = plan
        self._state = [_PENDING] * len(plan.ids)
        self._open = [len(paths) for paths in plan.into]
        self._taken = [0] * len(plan.ids)
        self._ran_after = [0] * len(plan.ids)
        """Of each node, how many behind the port it ended at haven't been skipped."""
        self._ready = {node for node, paths in enumerate(plan.into) if not paths}
        self._failed: set[int] = set()
        self._left = len(plan.ids)
        for node, outcome in outcomes:
            self.record(node, outcome)

    @property
    def ready(self) -> tuple[str, ...]:
        """Nodes that may begin or have begun, in the definition's order; none once it has ended."""
        if self.ended is not None:
            return ()
        return tuple(self._plan.ids[node] for node in sorted(self._ready))

    @property
    def skipped(self) -> tuple[str, ...]:
        """Nodes that won't run, in the definition's order."""
        return tuple(
            self._plan.ids[node] for node, state in enumerate(self._state) if state == SKIPPED
        )

    @property
    def failed(self) -> str | None:
        """The node whose error nothing dealt with."""
        return self._plan.ids[min(self._failed)] if self._failed else None

    @property
    def ended(self) -> Ended | None:
        """How it ended; None: it goes on."""
        if self._failed:
            return Ended(failed=self.failed, ends=())
        if self._left:
            return None
        ends = (
            self._plan.ids[node]
            for node, state in enumerate(self._state)
            if state != SKIPPED and not self._ran_after[node]
        )
        return Ended(failed=None, ends=tuple(ends))

    def outcome(self, node: str) -> str | None:
        """Return the port that a node ended at, or SKIPPED; None: neither yet."""
        return self._state[self._plan.index[node]] or None

    def record(self, node: str, outcome: str = DONE) -> tuple[str, ...]:
        """Take in what became of a node; return those that are ready by it, in order.

        Raises:
            ValueError: another outcome is recorded already, or there is no such node.
        """
        place = self._plan.index.get(node)
        if place is None:
            msg = f"there is no node {node!r}"
            raise ValueError(msg)
        known = self._state[place]
        if known == outcome:
            return ()
        if known:
            msg = f"{node!r} ended at {known!r} already and can't end at {outcome!r}"
            raise ValueError(msg)
        fresh = self._decide(place, outcome)
        if self.ended is not None:
            return ()
        return tuple(self._plan.ids[ready] for ready in sorted(fresh & self._ready))

    def _decide(self, place: int, outcome: str) -> set[int]:
        fresh: set[int] = set()
        decided = deque([(place, outcome)])
        while decided:
            node, port = decided.popleft()
            if self._state[node]:
                continue
            self._close(node, port)
            for target, wanted in self._plan.out[node]:
                self._open[target] -= 1
                self._taken[target] += port == wanted
                if self._state[target]:
                    continue
                if self._may_begin(target):
                    if target not in self._ready:
                        self._ready.add(target)
                        fresh.add(target)
                elif not self._open[target]:
                    decided.append((target, SKIPPED))
        return fresh

    def _may_begin(self, node: int) -> bool:
        if not self._taken[node]:
            return False
        return not self._open[node] or node in self._plan.any

    def _close(self, node: int, port: str) -> None:
        """Write a node's outcome down, and what it says of those before it."""
        self._state[node] = port
        self._left -= 1
        self._ready.discard(node)
        if port == SKIPPED:
            for source, wanted in self._plan.into[node]:
                if self._state[source] == wanted:
                    self._ran_after[source] -= 1
                    self._judge(source)
            return
        self._ran_after[node] = sum(
            wanted == port and self._state[target] != SKIPPED
            for target, wanted in self._plan.out[node]
        )
        self._judge(node)

    def _judge(self, node: int) -> None:
        if self._state[node] == ERROR and not self._ran_after[node]:
            self._failed.add(node)


def path_of(after: str) -> tuple[str, str]:
    """Return the node and the port that a path begins at."""
    node, _, port = after.partition(":")
    return node, port or DONE
