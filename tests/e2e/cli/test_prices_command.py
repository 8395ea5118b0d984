from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Legato

CONFIG = """\
config_version: 1
providers:
  - {name: openai, kind: openai_compatible, base_url: "https://api.openai.com/v1"}
  - {name: elsewhere, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: known, provider: openai, model: gpt-4o}
  - {name: contract, provider: openai, model: gpt-4o, price: {input_per_mtok: "2", output_per_mtok: "8.000001"}}
  - {name: mine, provider: elsewhere, model: mine, price: {machine_hour_usd: "0.5"}}
  - {name: unknown, provider: elsewhere, model: gpt-4o}
"""  # noqa: E501 - one deployment a line


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "legato.yaml"
    file.write_text(CONFIG)
    return file


def test_every_deployment_has_a_price_or_a_reason(legato: Legato, config: Path) -> None:
    done = legato("prices", "list", "--json", "--config", config)
    assert done.returncode == 0, done.stderr
    rows = {row["deployment"]: row for row in json.loads(done.stdout)["deployments"]}
    assert rows["known"]["usd_per_mtok"]["in_uncached"] == "2.5"
    assert rows["known"]["catalogue_model"] == "openai/gpt-4o"
    assert rows["known"]["source"].startswith("genai-prices ")
    assert rows["contract"]["usd_per_mtok"]["out_text"] == "8.000001"
    assert rows["contract"]["source"] == "config"
    assert rows["mine"]["machine_hour_usd"] == "0.500000000"
    assert rows["unknown"]["priced"] is False
    assert rows["unknown"]["usd_per_mtok"] is None
    assert "no vendor at this address" in rows["unknown"]["reason"]
    assert len({row["version"] for row in rows.values()}) == 4


def test_the_table_says_loudly_what_is_unpriced(legato: Legato, config: Path) -> None:
    done = legato("prices", "list", "--config", config)
    assert done.returncode == 0, done.stderr
    assert "UNPRICED unknown (gpt-4o): The catalogue knows no vendor" in done.stdout
    assert "8.000001" in done.stdout
    assert "machine hour 0.5" in done.stdout
    assert "known: web searches by the vendor are not included" in done.stdout
