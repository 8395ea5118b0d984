"""Pictures of every page with data, empty, and while the server fails, for somebody to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browsing import failures, playwright
from running import RunningLegato
from seeding import CONFIG, VARIABLES, furnish, invite

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_every_page_has_its_picture(legato: RunningLegato, tmp_path: Path) -> None:
    furnish(legato)
    fresh = RunningLegato(tmp_path, CONFIG, variables=VARIABLES)
    try:
        invite(fresh)
        report = playwright(legato, LEGATO_PICTURES="1", LEGATO_EMPTY_URL=fresh.url)
    finally:
        fresh.stop()
    assert len(report["suites"]) == 1
    told = [one for suite in report["suites"] for one in failures(suite)]
    assert not told, "\n\n".join(told)
