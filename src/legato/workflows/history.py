"""What nodes of a workflow took in its last runs, as the ledger has it."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from legato.flow.expected_cost import Observed, Range
from legato.storage.ledger.entries import EntryFilter
from legato.storage.ledger.sums import NodeSpend, SpendSums
from legato.storage.workflows.rows import DONE
from legato.storage.workflows.runs import RunFilter, WorkflowRuns

RUNS_MAX: Final = 20
"""Of so many runs, the newest."""


def observed(runs: WorkflowRuns, sums: SpendSums, workflow: str) -> Mapping[str, Observed]:
    """Return what each node took in the last runs that were done, by the node's id.

    Low, likely and high are the least, the mean and the most of the runs in which it called a
    model. Trials and children count for nothing of their own. Blocking; may raise
    StorageUnavailable.
    """
    spent: dict[str, list[NodeSpend]] = defaultdict(list)
    for row in runs.page(RUNS_MAX, None, RunFilter(workflow=workflow, status=DONE)):
        if not row.test:
            entries = EntryFilter(since_ns=row.created_at_ns, run=row.root)
            for node, one in sums.by_node(entries).items():
                spent[node].append(one)
    return {
        node: Observed(
            runs=len(found),
            calls=_range([one.requests for one in found]),
            input_tokens=_range([one.tokens_in for one in found]),
            output_tokens=_range([one.tokens - one.tokens_in for one in found]),
        )
        for node, found in spent.items()
        if node
    }


def _range(figures: list[int]) -> Range:
    return Range(min(figures), sum(figures) / len(figures), max(figures))
