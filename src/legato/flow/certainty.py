"""Which nodes are sure to have run when another one begins: what it may read without asking.

A path is sure where its node runs and can't go on otherwise: it has one port besides `error`, and
no path leads on from an error (without one the whole graph has failed). From what must hold if a
node runs (one of its paths is taken) all that follows from it is worked out, over nodes that are
decided by then. What isn't sure by this may still be so by conditions of expressions, which aren't
looked into; there `has(...)` says it.

Sets are kept as bits of integers, a bit for each node or path, so 200 nodes take milliseconds.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from legato.flow.definition import ERROR, AnyNode
from legato.flow.kinds import ports_of
from legato.flow.progress import Plan


class Certainty:
    """Of one graph without circles."""

    def __init__(self, nodes: Sequence[AnyNode], plan: Plan) -> None:
        self._plan: Final = plan
        self._order: Final = plan.order()
        self._rank: Final = {node: rank for rank, node in enumerate(self._order)}
        self._free = [node.when is None for node in nodes]
        self._bits: dict[tuple[int, str], int] = {}
        self._in: Final = [self._mask(paths) for paths in plan.into]
        self._sure_port: Final = [self._only_port(index, nodes) for index in range(len(nodes))]
        self._decided = [0] * len(nodes)
        self._ran = [0] * len(nodes)
        self._taken = [0] * len(nodes)
        self.before: Final = self._ancestors()
        """Of each node, those it comes after, directly or not."""
        self._work_out()

    def ran_before(self, node: int) -> int:
        """Return nodes that are sure to have run when this one begins."""
        return self._ran[node]

    def at_end(self) -> int:
        """Return nodes that are sure to have run when the graph has ended well."""
        return self._closure(0, 0, (1 << len(self._order)) - 1)[0]

    def _mask(self, paths: Sequence[tuple[int, str]]) -> int:
        mask = 0
        for path in paths:
            mask |= self._bits.setdefault(path, 1 << len(self._bits))
        return mask

    def _only_port(self, node: int, nodes: Sequence[AnyNode]) -> int:
        """Return the bit of the port that a node that ran surely ended at; 0: it may vary."""
        caught = any(port == ERROR for _, port in self._plan.out[node])
        ports = [port for port in ports_of(nodes[node]) if port != ERROR or caught]
        return self._bits.get((node, ports[0]), 0) if len(ports) == 1 else 0

    def _ancestors(self) -> list[int]:
        found = [0] * len(self._order)
        for node in self._order:
            for source, _ in self._plan.into[node]:
                found[node] |= found[source] | 1 << source
        return found

    def _work_out(self) -> None:
        for node in self._order:
            paths = self._plan.into[node]
            decided = [self._decided[source] | 1 << source for source, _ in paths]
            self._decided[node] = _met(decided) if node in self._plan.any else _joined(decided)
            cases = [self._along(path, self._decided[node]) for path in paths]
            self._ran[node] = _met([ran for ran, _ in cases])
            self._taken[node] = _met([taken for _, taken in cases])

    def _along(self, path: tuple[int, str], decided: int) -> tuple[int, int]:
        """Return what has run, and which paths are taken, if this one is."""
        source = path[0]
        ran, taken = self._ran[source] | 1 << source, self._taken[source] | self._bits[path]
        return self._closure(ran, taken, decided | 1 << source)

    def _closure(self, ran: int, taken: int, decided: int) -> tuple[int, int]:
        """Return what follows, over decided nodes: each free node with a taken path ran, too."""
        for node in self._order_of(decided & ~ran):
            if self._free[node] and (not self._in[node] or self._in[node] & taken):
                ran |= 1 << node
                taken |= self._sure_port[node]
        return ran, taken

    def _order_of(self, nodes: int) -> Iterator[int]:
        if nodes.bit_count() * 4 > len(self._order):
            yield from (node for node in self._order if nodes >> node & 1)
            return
        found = []
        while nodes:
            lowest = nodes & -nodes
            found.append(lowest.bit_length() - 1)
            nodes ^= lowest
        yield from sorted(found, key=self._rank.__getitem__)


def _met(sets: Sequence[int]) -> int:
    if not sets:
        return 0
    met = sets[0]
    for each in sets[1:]:
        met &= each
    return met


def _joined(sets: Sequence[int]) -> int:
    joined = 0
    for each in sets:
        joined |= each
    return joined
