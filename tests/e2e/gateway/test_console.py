"""The console's address, as `legato up` serves it; its files: tests/integration/api."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from legato.api.console.serving import BUILT

if TYPE_CHECKING:
    from running import RunningLegato

CONFIG = """\
config_version: 1
providers:
  - {name: vendor, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: vendor, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_is_sent_to_the_console_and_a_program_is_not(legato: RunningLegato) -> None:
    sent = legato.send("GET", "/", None, BROWSER)
    assert (sent.status, sent.headers["location"]) == (307, "ui/")
    for headers in ({}, {"accept": "*/*"}, {"accept": "application/json"}):
        told = legato.send("GET", "/", None, headers)
        assert told.status == 404
        assert "/ui/" in told.error["message"]


@pytest.mark.parametrize("path", ["/ui/", "/ui/requests/0123"])
def test_its_page_is_there_or_says_how_to_build_it(legato: RunningLegato, path: str) -> None:
    page = legato.send("GET", path, None, BROWSER)
    is_built = (BUILT / "stamp").exists()
    assert page.status == (200 if is_built else 503)
    assert (b"make console" in page.body) == (not is_built)
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
