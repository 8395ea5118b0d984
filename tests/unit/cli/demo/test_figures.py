from __future__ import annotations

from legato.cli.demo.figures import Spread, spread


def test_a_spread_names_latencies_that_were_measured() -> None:
    assert spread([]) == Spread(None, None)
    assert spread([2_500]) == Spread(2.5, 2.5)
    assert spread(1_000 * ms for ms in range(100, 0, -1)) == Spread(50.0, 95.0)
