"""Which node comes next, held against a model that works everything out anew each time."""

from collections.abc import Iterable, Mapping
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from legato.core.errors import InvalidRequest
from legato.flow.definition import DONE, ERROR, SKIPPED, AnyNode, Set
from legato.flow.progress import Ended, Plan, Progress, path_of

PORTS = (DONE, ERROR, "other")


def node(name: str, *after: str, join: str = "all") -> Set:
    return Set(id=name, after=after, join="any" if join == "any" else "all", value=None)


def progress_of(*nodes: AnyNode) -> Progress:
    return Progress(Plan.of(nodes))


class Naive:
    """The rules as they are written down, from the outcomes alone."""

    def __init__(self, nodes: Iterable[AnyNode], outcomes: Mapping[str, str]) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.outcomes = dict(outcomes)
        while dead := [name for name in self.nodes if self._is_dead(name)]:
            self.outcomes |= dict.fromkeys(dead, SKIPPED)

    def _paths(self, name: str) -> list[bool | None]:
        """Of each path into a node: taken, skipped, or undecided yet."""
        sources = [path_of(path) for path in self.nodes[name].after]
        return [
            None if source not in self.outcomes else self.outcomes[source] == port
            for source, port in sources
        ]

    def _is_dead(self, name: str) -> bool:
        paths = self._paths(name)
        return name not in self.outcomes and bool(paths) and all(path is False for path in paths)

    def failed(self) -> list[str]:
        return [
            name
            for name in self.nodes
            if self.outcomes.get(name) == ERROR and not self._runs_after(name)
        ]

    def _runs_after(self, name: str) -> list[str]:
        port = self.outcomes[name]
        return [
            other
            for other, node in self.nodes.items()
            if (name, port) in map(path_of, node.after) and self.outcomes.get(other) != SKIPPED
        ]

    def ready(self) -> list[str]:
        if self.failed():
            return []
        found = []
        for name, node in self.nodes.items():
            paths = self._paths(name)
            waits = None in paths and node.join == "all"
            if name not in self.outcomes and not waits and (not paths or True in paths):
                found.append(name)
        return found

    def ended(self) -> Ended | None:
        if failed := self.failed():
            return Ended(failed=failed[0], ends=())
        if len(self.outcomes) < len(self.nodes):
            return None
        ran = [name for name in self.nodes if self.outcomes[name] != SKIPPED]
        return Ended(failed=None, ends=tuple(name for name in ran if not self._runs_after(name)))


@some.composite
def graphs(draw: some.DrawFn) -> tuple[AnyNode, ...]:
    """Return nodes of any shape, not in the order in which they come."""
    count = draw(some.integers(1, 9))
    nodes = []
    for index in range(count):
        before = some.tuples(some.integers(0, index - 1), some.sampled_from(PORTS))
        paths = draw(some.lists(before, max_size=4)) if index else []
        join = draw(some.sampled_from(("all", "any")))
        nodes.append(node(f"n{index}", *(f"n{place}:{port}" for place, port in paths), join=join))
    return tuple(draw(some.permutations(nodes)))


@given(graphs(), some.data())
def test_it_goes_on_as_the_rules_say(nodes: tuple[AnyNode, ...], data: some.DataObject) -> None:
    progress = progress_of(*nodes)
    outcomes: dict[str, str] = {}
    while True:
        model = Naive(nodes, outcomes)
        assert list(progress.ready) == model.ready()
        assert progress.ended == model.ended()
        assert set(progress.skipped) == {
            name for name, outcome in model.outcomes.items() if outcome == SKIPPED
        }
        if not progress.ready:
            break
        name = data.draw(some.sampled_from(progress.ready))
        outcomes[name] = data.draw(some.sampled_from((*PORTS, SKIPPED)))
        before = set(progress.ready)
        fresh = progress.record(name, outcomes[name])
        assert set(fresh) == set(progress.ready) - before
    assert progress.ended is not None


@given(graphs(), some.data())
def test_the_order_of_what_is_recorded_makes_no_difference(
    nodes: tuple[AnyNode, ...], data: some.DataObject
) -> None:
    progress = progress_of(*nodes)
    outcomes = []
    for _ in range(data.draw(some.integers(0, len(nodes)))):
        if progress.ready:
            name = data.draw(some.sampled_from(progress.ready))
            outcomes.append((name, data.draw(some.sampled_from((*PORTS, SKIPPED)))))
            progress.record(*outcomes[-1])
    again = Progress(Plan.of(nodes), data.draw(some.permutations(outcomes)))
    assert again.ready == progress.ready
    assert again.ended == progress.ended
    assert again.skipped == progress.skipped


def test_nodes_without_paths_run_first_and_at_the_same_time() -> None:
    assert progress_of(node("a"), node("c", "a", "b"), node("b")).ready == ("a", "b")


def test_a_node_waits_for_all_paths_into_it() -> None:
    progress = progress_of(node("a"), node("b"), node("c", "a", "b"))
    assert progress.record("a") == ()
    assert progress.record("b") == ("c",)


def test_a_node_that_joins_any_begins_with_the_first_and_only_once() -> None:
    progress = progress_of(node("a"), node("b"), node("c", "a", "b", join="any"))
    assert progress.record("a") == ("c",)
    assert progress.record("b") == ()
    progress.record("c")
    assert progress.ended == Ended(failed=None, ends=("c",))


def test_what_no_taken_path_leads_to_is_skipped_to_its_end() -> None:
    progress = progress_of(node("a"), node("b", "a:other"), node("c", "b"), node("d", "a", "c"))
    assert progress.record("a") == ("d",)
    assert progress.skipped == ("b", "c")


def test_an_error_that_no_path_leads_on_from_fails_the_graph() -> None:
    progress = progress_of(node("a"), node("b"), node("c", "a"))
    progress.record("a", ERROR)
    assert progress.ended == Ended(failed="a", ends=())
    assert progress.ready == ()


def test_an_error_with_a_path_goes_on() -> None:
    progress = progress_of(node("a"), node("mend", "a:error"))
    assert progress.record("a", ERROR) == ("mend",)
    progress.record("mend")
    assert progress.ended == Ended(failed=None, ends=("mend",))


def test_an_error_whose_path_doesnt_want_it_fails_the_graph() -> None:
    progress = progress_of(node("a"), node("mend", "a:error"))
    progress.record("a", ERROR)
    progress.record("mend", SKIPPED)
    assert progress.ended == Ended(failed="a", ends=())


def test_what_ran_last_is_what_it_comes_to() -> None:
    progress = progress_of(node("a"), node("b", "a"), node("c", "a"))
    for name in ("a", "b"):
        progress.record(name)
    progress.record("c", SKIPPED)
    assert progress.ended is not None
    assert progress.ended.output({"a": 1, "b": 2}) == 2
    two = Ended(failed=None, ends=("b", "c"))
    assert two.output({"a": 1, "b": 2, "c": 3}) == {"b": 2, "c": 3}


def test_one_outcome_is_recorded_again_and_another_refused() -> None:
    progress = progress_of(node("a"), node("b", "a"))
    progress.record("a")
    assert progress.record("a") == ()
    assert progress.outcome("a") == DONE
    with pytest.raises(ValueError, match="already"):
        progress.record("a", "other")
    with pytest.raises(ValueError, match="no node"):
        progress.record("z")


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ((node("a"), node("a")), "same id"),
        ((node("a", "b"),), "isn't there"),
        ((node("a", "c"), node("b", "a"), node("c", "b")), "circle"),
    ],
)
def test_a_graph_that_can_never_end_is_refused(nodes: tuple[AnyNode, ...], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        Plan.of(nodes)


def test_a_thousand_wide_costs_time_for_its_paths_alone() -> None:
    wide = tuple(node(f"w{index}", "a") for index in range(1_000))
    nodes = (node("a"), *wide, node("z", *(each.id for each in wide)))
    began = perf_counter()
    progress = progress_of(*nodes)
    for each in (nodes[0], *wide):
        progress.record(each.id)
    assert progress.ready == ("z",)
    assert perf_counter() - began < 0.5
