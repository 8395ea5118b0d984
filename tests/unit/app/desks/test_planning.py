from pathlib import Path

import pytest

from legato.app.desks.planning import deployed_now, judged_table
from legato.core.config import Config, Deployment, Provider, RateLimits
from legato.core.errors import InvalidRequest

pytest.importorskip("numpy")
HEAD = "prompt,small|correct,small|cost,large|correct,large|cost\n"


def test_a_table_says_what_a_point_costs(tmp_path: Path) -> None:
    file = tmp_path / "judged.csv"
    rows = [f"q{n},{int(n < 6)},0.001,{int(n < 8)},0.005\n" for n in range(10)]
    file.write_text(HEAD + "".join(rows) + "unjudged,,0.001,1,\n")
    small, large = judged_table(file, ()).points
    assert (small.name, small.answers, small.score) == ("small", 10, "60.00")
    assert (large.score, large.cost_per_1000_nano) == ("80.00", 5 * 10**9)
    assert large.point_costs_nano == 2 * 10**8  # four dollars for twenty points


def test_a_table_of_one_model_has_no_step(tmp_path: Path) -> None:
    file = tmp_path / "judged.csv"
    file.write_text(HEAD + "q,1,0.001,,\n")
    with pytest.raises(InvalidRequest, match=r"judged\.csv: 1 with a score and a price"):
        judged_table(file, ())


def test_deployments_bring_their_limits_and_whether_they_are_local() -> None:
    config = Config(
        providers=[Provider(name="here", kind="local"), Provider(name="there", kind="simulated")],
        deployments=[
            Deployment(name="own", provider="here", model="m"),
            Deployment(
                name="api",
                provider="there",
                model="n",
                limits=RateLimits(requests_per_minute=60),
            ),
        ],
    )
    found = deployed_now(config, {})
    assert (found["own"].local, found["own"].price) == (True, None)
    assert (found["api"].local, found["api"].requests_per_minute) == (False, 60)
