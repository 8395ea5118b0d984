"""The page on rollouts shows what its simulation finds, and that is within the promised bounds."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "explanation" / "rollouts-statistics.md").read_text()
FALSE_MAX, POWER_MIN = 5.0, 90.0
ROW = re.compile(r"^\| (.+) \| ([\d.]+)% \| [\d,]* \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def simulation() -> Iterator[ModuleType]:
    spec = spec_from_file_location("rollout_simulation", DOCS / "rollout_simulation.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def published(heading: str) -> dict[str, float]:
    """The rows of the table below a heading, in percent."""
    table = PAGE.partition(heading)[2].partition("<!-- end of it -->")[0]
    return {row: float(share) for row, share in ROW.findall(table)}


def test_no_harmless_candidate_goes_back_more_often_than_promised() -> None:
    rows = published("**Both arms are the same.**")
    plain = [row for row in rows if "plain z-test" in row]
    assert [rows.pop(row) > 4 * FALSE_MAX for row in plain] == [True]
    assert len(rows) >= 9
    assert {row: share for row, share in rows.items() if share > FALSE_MAX} == {}


def test_a_drop_of_five_points_is_found() -> None:
    rows = published("**The candidate is worse.**")
    shares = [share for row, share in rows.items() if row.startswith("10% → 15% fail")]
    assert len(shares) == 3
    assert min(shares) >= POWER_MIN


def test_a_harmful_candidate_is_not_promoted_more_often_than_promised() -> None:
    wrong, _, right, better = published("**Promotion with a margin of two points.**").values()
    assert wrong <= FALSE_MAX
    assert min(right, better) >= POWER_MIN


def test_no_family_of_harmless_candidates_is_judged_wrong_more_often_than_promised() -> None:
    rows = published("## Several candidates")
    undivided = [row for row in rows if "not divided" in row]
    assert [rows.pop(row) > FALSE_MAX for row in undivided] == [True]
    assert len(rows) == 6
    assert {row: share for row, share in rows.items() if share > FALSE_MAX} == {}


def test_users_who_come_back_are_counted_as_one() -> None:
    rows = published("## Users who come back")
    harmless = {row: share for row, share in rows.items() if row.startswith("no")}
    assert max(s for row, s in harmless.items() if row.endswith("| user")) <= FALSE_MAX
    assert min(s for row, s in harmless.items() if not row.endswith("| user")) > FALSE_MAX
    assert rows["10% | 3 | user"] >= POWER_MIN


def test_the_tables_have_the_rows_of_the_simulation(simulation: ModuleType) -> None:
    simulated = ROW.findall("\n".join(simulation.tables(1)))
    assert [row for row, _ in simulated] == [row for row, _ in ROW.findall(PAGE)], (
        "run: python docs/rollout_simulation.py --write"
    )


def test_a_short_simulation_holds_both_bounds(simulation: ModuleType) -> None:
    judged, traffic = simulation.rolled_back(), simulation.Traffic()
    same = simulation.simulated(simulation.failures(0.1, 0.1, traffic), judged, 200)
    worse = simulation.simulated(simulation.failures(0.1, 0.15, traffic), judged, 200)
    assert same.share <= FALSE_MAX / 100
    assert worse.share >= POWER_MIN / 100


@pytest.mark.slow
def test_the_published_figures_come_out_again(simulation: ModuleType) -> None:
    for rows, count in ((simulation.false_rollbacks, 1), (simulation.power, 3)):
        found = rows(simulation.ROLLOUTS)
        for _ in range(count):
            row, outcome = next(found)
            assert f"| {row} | {outcome.share:.1%} | {outcome.samples:,.0f} |" in PAGE
