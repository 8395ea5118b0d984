"""A trained router goes from one installation to another with its predictor."""

import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("numpy")
pytest.importorskip("wordllama")

from legato.cli.main import main

CONFIG = """
config_version: 1
providers: [{name: sim, kind: simulated}]
deployments:
  - {name: small, provider: sim, model: s, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: sim, model: l, price: {input_per_mtok: "9", output_per_mtok: "9"}}
routes:
  - alias: chat
    deployments: [large, small]
    baseline: large
    strategy: cheapest_good_enough
    quality: {floor: 0.6, router: router/chat}
"""


def _judged() -> str:
    chance = random.Random(1)
    rows = ["prompt,large|correct,small|correct"]
    for number in range(240):
        hard = chance.random() < 0.5
        asked = f"What is {number} + 7?" if hard else f"Which river runs by town {number}?"
        rows.append(f"{asked},1,{int(chance.random() < (0.2 if hard else 0.95))}")
    return "\n".join(rows)


def test_a_router_is_applied_elsewhere_with_its_predictor_or_refused(tmp_path: Path) -> None:
    config, table = tmp_path / "legato.yaml", tmp_path / "judged.csv"
    config.write_text(CONFIG)
    table.write_text(_judged())

    def run(*command: str, data: str) -> Result:
        place = ["--data", str(tmp_path / data), "--config", str(config)]
        return CliRunner().invoke(main, [*command, *place])

    trained = run("route", "train", str(table), "--route", "chat", "--save", "chat", data="one")
    assert trained.exit_code == 0, trained.output
    folder = tmp_path / "environment"
    assert "2 files" in run("export", "-o", str(folder), data="one").output
    (predictor,) = (folder / "routers").glob("*.router")
    assert predictor.stat().st_mode & 0o077 == 0

    applied = run("apply", "-f", str(folder), "--yes", data="two")
    assert applied.exit_code == 0, applied.output
    explain = ("route", "explain", "--route", "chat", "--prompt")
    assert "1 small: chosen" in run(*explain, "Which river runs by town 9?", data="two").output
    assert "1 large: chosen" in run(*explain, "What is 9 + 7?", data="two").output
    assert "as the directory says" in run("apply", "-f", str(folder), "--yes", data="two").output

    predictor.write_bytes(predictor.read_bytes() + b"x")
    changed = run("apply", "-f", str(folder), "--yes", data="three")
    assert changed.exit_code == 1
    assert "it was changed since it was exported" in changed.output
    predictor.unlink()
    refused = run("diff", "-f", str(folder), data="three")
    assert refused.exit_code == 1
    assert f"{predictor.name} in the directory: `legato export` writes it" in refused.output
