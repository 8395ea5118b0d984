"""A price that the price book has changed raises a proposal by itself, once."""

from __future__ import annotations

import json
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from grader import Grader
from running import ADMIN, RunningLegato, within

from legato.app.prices.price_book import FILE_NAME
from legato.core.money import price_per_token
from legato.core.price import Price
from legato.economics.configured import version_of
from legato.economics.price_book import PriceAnswer, PriceQuestion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers: [{name: up, kind: openai_compatible, base_url: "GRADER/v1"}]
deployments:
  - {name: same, provider: up, model: same}
  - {name: dearer, provider: up, model: dearer}
  - {name: later, provider: up, model: later}
routes: [{alias: chat, deployments: [dearer]}]
keys: [{name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}]
"""


@pytest.fixture
def grader() -> Iterator[Grader]:
    grader = Grader()
    yield grader
    grader.stop()


def remember(folder: Path, url: str, edition: int, **dollars: int) -> None:
    """Leave the answers of the price book as a start does, of an edition with these prices."""

    def price(usd: int) -> Price:
        token = price_per_token(usd)
        source = f"genai-prices {edition}"
        values: dict[str, object] = {"in_uncached": token, "out_text": token, "source": source}
        return msgspec.convert({"version": version_of(values), **values}, Price)

    answers = [
        (PriceQuestion(name, f"{url}/v1"), PriceAnswer(price(usd), f"vendor/{name}"))
        for name, usd in dollars.items()
    ]
    package = f"genai-prices {version('genai-prices')}"
    kept = {"form": 2, "package": package, "asked_ns": time.time_ns(), "answers": answers}
    cache = folder / "data" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / FILE_NAME).write_bytes(msgspec.json.encode(kept))


def listed(legato: RunningLegato) -> dict[str, dict[str, Any]]:
    rows = legato.get("/api/v1/proposals", ADMIN).json["data"]
    assert len({one["deployment"] for one in rows}) == len(rows)
    return {one["deployment"]: one for one in rows}


def test_a_changed_price_raises_one_proposal(tmp_path: Path, grader: Grader) -> None:
    remember(tmp_path, grader.url, 1, same=1, dearer=2, later=1)
    legato = RunningLegato(tmp_path, CONFIG.replace("GRADER", grader.url))
    for name in ("same", "dearer", "later", "dearer"):
        assert legato.chat(name).status == 200
    assert listed(legato) == {}
    assert legato.stop() == 0

    remember(tmp_path, grader.url, 2, same=1, dearer=3, later=1)
    legato.start()
    assert within(10, lambda: "dearer" in listed(legato))
    assert set(listed(legato)) == {"dearer"}
    raised = listed(legato)["dearer"]
    assert raised["fact"]["source"] == "genai-prices 2"
    assert raised["fact"]["price"]["input_per_mtok"] == "3"
    assert "charged at $2 in and $2 out" in raised["told"]
    assert "$3 in and $3 out" in raised["told"]
    assert legato.chat("dearer").status == 200
    assert legato.stop() == 0

    remember(tmp_path, grader.url, 3, same=1, dearer=3, later=5)
    legato.start()
    assert within(10, lambda: "later" in listed(legato))
    assert listed(legato)["dearer"] == raised

    shown = json.loads(legato.command("proposals", "show", raised["id"], "--json"))
    before = shown["figures"]["as_is"]["groups"]["total"]["cost"]
    after = shown["figures"]["candidates"][0]["groups"]["total"]["cost"]
    assert before == 2 * 120 * 2_000 + 2 * 120 * 1_000
    assert after == before + 2 * 120 * 1_000
    assert [one["action"] for one in shown["events"]] == ["proposed", "refreshed"]
    assert shown["events"][0]["actor"] == "legato"
    again = json.loads(legato.command("proposals", "show", raised["id"], "--json"))
    assert again == shown

    (scanned,) = json.loads(legato.command("proposals", "scan", "--json"))  # `same` isn't other
    assert scanned["id"] == listed(legato)["later"]["id"]
    assert (scanned["revision"], scanned["figures"] is None) == (2, False)
    assert legato.stop() == 0
