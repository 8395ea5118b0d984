"""People's ways through the console: each file of `console/e2e` in a real browser.

The files are TypeScript, for the browser's sake; each opens its page, does what the page is for,
and fails by an error in the browser's console or by what axe finds.
"""

from __future__ import annotations

from pathlib import Path

import openid
import pytest
from browsing import SINGLE_SIGN_ON

FILES = sorted((Path(__file__).parents[2] / "console" / "e2e").glob("*.spec.ts"))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("journey", [path.name for path in FILES])
def test_a_journey_through_the_console(journey: str, journeys: dict[str, list[str]]) -> None:
    if journey == SINGLE_SIGN_ON and (reason := openid.why_not()):
        pytest.skip(reason)
    assert journey in journeys
    assert not journeys[journey], "\n\n".join(journeys[journey])
