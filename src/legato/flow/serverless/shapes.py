"""A graph as the DSL has it: tasks in a list, some of them forks whose branches are lists again.

What is laid out here is only a proposal: `writing.py` reads back what it wrote, and refuses a graph
whose paths come out otherwise.
"""

from collections.abc import Sequence
from typing import NamedTuple

from legato.flow.progress import Plan


class Fork(NamedTuple):
    """Branches that begin at the same time."""

    name: str
    entries: frozenset[int]
    branches: tuple["Steps", ...]


Steps = tuple["int | Fork", ...]


def steps_of(plan: Plan) -> Steps:
    """Return a graph's nodes as lists and forks."""
    reach: dict[int, frozenset[int]] = {}
    order = plan.order()
    for node in reversed(order):
        below = {target for target, _ in plan.out[node]}
        reach[node] = frozenset(below).union(*(reach[target] for target in below))
    rank = {node: at for at, node in enumerate(order)}
    roots = [node for node, paths in enumerate(plan.into) if not paths]
    return _Layout(plan, reach, rank).steps(roots, frozenset(order), "start")


class _Layout:
    def __init__(self, plan: Plan, reach: dict[int, frozenset[int]], rank: dict[int, int]) -> None:
        self._plan = plan
        self._reach = reach
        self._rank = rank

    def steps(self, entries: Sequence[int], region: frozenset[int], name: str) -> Steps:
        """Lay a region out whose first nodes are these."""
        found: list[int | Fork] = []
        left = region
        if len(entries) > 1:
            fork, taken = self._fork(entries, left, f"{name}_fork")
            found.append(fork)
            left -= taken
        while left:
            node = min(left, key=self._rank.__getitem__)
            found.append(node)
            left -= {node}
            for port, targets in self._parallel(node, left).items():
                fork, taken = self._fork(targets, left, f"{self._plan.ids[node]}_{port}_fork")
                found.append(fork)
                left -= taken
        return tuple(found)

    def _parallel(self, node: int, left: frozenset[int]) -> dict[str, list[int]]:
        """Return the ports behind which several nodes begin at the same time."""
        ports: dict[str, list[int]] = {}
        for target, port in self._plan.out[node]:
            if target in left:
                ports.setdefault(port, []).append(target)
        return {port: targets for port, targets in ports.items() if len(targets) > 1}

    def _fork(
        self, entries: Sequence[int], left: frozenset[int], name: str
    ) -> tuple[Fork, frozenset[int]]:
        reach = [(self._reach[entry] | {entry}) & left for entry in entries]
        shared = frozenset.intersection(*reach)
        for one in range(len(reach)):  # what two share comes after them both
            for other in range(one):
                shared |= reach[one] & reach[other]
        behind = shared.union(*(self._reach[node] for node in shared)) if shared else shared
        branches = [(entry, found - behind) for entry, found in zip(entries, reach, strict=True)]
        laid = tuple(
            self.steps([entry], branch, self._plan.ids[entry])
            for entry, branch in branches
            if branch
        )
        taken = frozenset[int]().union(*(branch for _, branch in branches))
        return Fork(name, frozenset(entries), laid), taken
