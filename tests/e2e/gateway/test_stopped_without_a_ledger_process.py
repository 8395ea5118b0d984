"""A stop that comes while the ledger process, ended again and again, waits to be restarted."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from running import within

if TYPE_CHECKING:
    from running import RunningLegato

    from legato.providers.simulated.child import SimulatedChild

KILLS = 5  # the last one is followed by a pause of two seconds
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""


def test_what_is_in_the_journal_reaches_the_ledger(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    ledger, *running = legato.children()
    for kill in range(KILLS):
        os.kill(ledger, signal.SIGKILL)
        if kill < KILLS - 1:
            others = {ledger, *running}
            (ledger,) = within(5, lambda o=others: set(legato.children()) - o)  # type: ignore[misc]
    answer = legato.chat("small")
    assert answer.status == 200
    assert legato.stop() == 0
    rows = legato.query("SELECT kind FROM ledger_entry WHERE request_id = ?", answer.request_id)
    assert [row["kind"] for row in rows] == ["usage"]
    assert not list((legato.data / "journal").glob("*/*.seg*"))
