from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Legato

CONFIG = """\
config_version: 1
providers:
  - {name: openai, kind: openai_compatible, preset: openai}
  - {name: house, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: known, provider: openai, model: gpt-4o-2024-08-06, region: us}
  - name: mine
    provider: house
    model: mine
    capabilities: {tools: false}
    data_use: {training: true}
"""


def test_what_is_known_of_each_model(legato: Legato, tmp_path: Path) -> None:
    file = tmp_path / "legato.yaml"
    file.write_text(CONFIG)
    done = legato("models", "--json", "--config", file)
    assert done.returncode == 0, done.stderr
    known, mine = json.loads(done.stdout)["deployments"]
    assert known["capabilities"]["context_tokens"] == 128_000
    assert (known["region"], known["data_use"]["training"]) == ("us", False)
    assert (mine["capabilities"]["tools"], mine["capabilities"]["vision"]) == (False, None)
    assert mine["data_use"] == {"training": True, "retention_days": None, "certifications": None}
    shown = legato("models", "--config", file)
    assert shown.returncode == 0, shown.stderr
    assert "catalogue of 20" in shown.stdout
