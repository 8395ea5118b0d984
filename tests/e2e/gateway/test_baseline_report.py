"""Usage of the world before through the running program: taken in beside it, told, forgotten."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from belongings import V1, made
from running import ADMIN

if TYPE_CHECKING:
    from running import RunningLegato

CONFIG = """\
config_version: 1
providers: [{name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}]
deployments: [{name: small, provider: up, model: m, price: {input_per_mtok: "1"}}]
"""


def test_a_report_by_the_api_is_of_what_was_imported(legato: RunningLegato) -> None:
    missing = legato.get(f"{V1}/baseline-report", ADMIN)
    assert missing.status == 404
    assert missing.error["field"] == "currency"
    log = legato.data / "logs.jsonl"
    calls = [
        {
            "request_id": f"r{number}",
            "call_type": "acompletion",
            "spend": 0.5,
            "prompt_tokens": 10,
            "completion_tokens": 1,
            "startTime": f"2026-09-0{number % 6 + 1}T00:00:00Z",
            "model": "gpt-4o",
            "custom_llm_provider": "openai",
            "messages": [{"role": "user", "content": f"Question {number % 12 // 6}?"}],
        }
        for number in range(24)
    ]
    log.write_text("\n".join(map(json.dumps, calls)))
    (taken,) = json.loads(legato.command("baseline", "import", str(log), "--no-near", "--json"))

    (listed,) = legato.get(f"{V1}/usage-imports", ADMIN).json["data"]
    assert (listed["id"], listed["lines"], listed["calls"]) == (taken["id"], 24, 24)
    shown = legato.get(f"{V1}/usage-imports/{taken['id']}", ADMIN).json
    assert shown["models"][0]["cost"] == "12.000000000"
    assert "Question" not in json.dumps(shown)

    told = legato.get(f"{V1}/baseline-report", ADMIN).json["report"]
    before = told["before"]
    assert Decimal(before["total"]) == sum(Decimal(one["amount"]) for one in before["lines"])
    assert Decimal(before["total"]) == round(Decimal(12) * Decimal("30.4375") / 6, 9)
    (step,) = told["would_change"]["steps"]
    assert step["tag"] == "measured"
    after = told["would_change"]["models_after"]["point"]
    assert Decimal(after) + Decimal(step["saving"]["point"]) == Decimal(before["total"])

    made(legato, f"/usage-imports/{taken['id']}/delete", None)
    assert legato.get(f"{V1}/usage-imports/{taken['id']}", ADMIN).status == 404
    assert legato.get(f"{V1}/baseline-report", ADMIN).status == 404
