"""`legato baseline` before any server was started."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Legato


def calls(count: int) -> list[dict[str, Any]]:
    return [
        {
            "request_id": f"r{number}",
            "call_type": "acompletion",
            "spend": 0.25,
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "startTime": f"2026-09-01T{number % 24:02d}:00:00Z",
            "model": "gpt-4o",
            "custom_llm_provider": "openai",
            "messages": [{"role": "user", "content": f"Question {number % 3}?"}],
        }
        for number in range(count)
    ]


def test_a_log_is_taken_in_once_shown_and_forgotten(legato: Legato, tmp_path: Path) -> None:
    lines = [json.dumps(call) for call in calls(12)]
    lines.insert(5, '{"request_id": "torn')
    packed = tmp_path / "logs.jsonl.gz"
    packed.write_bytes(gzip.compress("\n".join(lines).encode()))
    done = legato("baseline", "import", packed, "--json")
    assert done.returncode == 0, done.stderr
    (taken,) = json.loads(done.stdout)
    assert (taken["source"], taken["lines"], taken["bad"], taken["calls"]) == ("litellm", 12, 1, 12)
    assert taken["problems"][0]["line"] == 6
    assert taken["repeats"]["repeated"] == 9
    assert "Question" not in done.stdout
    assert b"Question" not in (tmp_path / "legato-data" / "legato.db").read_bytes()

    plain = tmp_path / "again.jsonl"
    plain.write_text("\n".join(lines))
    assert "was imported already" in legato("baseline", "import", plain).stdout

    shown = json.loads(legato("baseline", "show", taken["id"][:12], "--json").stdout)
    assert shown["models"] == [
        {
            "vendor": "openai", "model": "gpt-4o", "currency": "USD", "requests": 12,
            "input_tokens": 1200, "output_tokens": 120, "cost": "3.000000000",
            "lines_without_cost": 0, "lines": 12,
        }
    ]  # fmt: skip
    assert "9 of 12 calls" in legato("baseline", "show", taken["id"]).stdout

    plain.write_text("\n".join(json.dumps(call) for call in calls(3)))
    refused = legato("baseline", "import", plain)
    assert refused.returncode == 1
    assert "are there already" in refused.stderr
    assert legato("baseline", "forget", taken["id"]).returncode == 0
    assert json.loads(legato("baseline", "list", "--json").stdout) == []
    assert legato("baseline", "import", plain).returncode == 0


def test_bills_in_euro_are_told_in_dollars_and_plans_begin_with_them(
    legato: Legato, tmp_path: Path
) -> None:
    bill, mapping = tmp_path / "bill.csv", tmp_path / "bill.yaml"
    days = [f"2026-09-{day:02d}" for day in range(1, 4)]
    bill.write_text("\n".join(["Date,Amount,Model", *(f"{day},10,m" for day in days)]))
    mapping.write_text(
        "columns: {start: Date, cost: Amount, model: Model}\n"
        "constants: {vendor: acme, currency: EUR}\n"
    )
    assert legato("baseline", "import", bill, "--mapping", mapping).returncode == 0
    for day, rate in ((days[0], "1.25"), ("2026-09-30", "1.5")):
        said = ("--day", day, "--source", "a bank", "EUR", "USD", rate)
        assert legato("rates", "set", *said).returncode == 0
    shown = json.loads(legato("baseline", "report", "--json").stdout)
    month = (Decimal("37.5") * Decimal("30.4375") / 3).quantize(Decimal("1e-9"))
    assert Decimal(shown["before"]["total"]) == month
    assumed = [f"--assume={name}=1" for name in ("initial.usd", "after.ai_usd_month")]
    plan = json.loads(legato("plan", "roi", "--json", "--draws", "0", *assumed).stdout)
    (before,) = [one for one in plan["inputs"] if one["name"] == "before.ai_usd_month"]
    assert (Decimal(before["value"]), before["tag"]) == (month, "measured")
    assert before["source"].startswith("imported usage of 2026-09-01..2026-09-03, 1 imports")
    assert "by a bank" in before["source"]
    place = ("--period", "2026-09", "--amount", "100", "--currency", "EUR")
    assert legato("revenue", "add", *place).returncode == 0
    (earned,) = json.loads(legato("revenue", "list", "--json").stdout)
    assert (earned["usd"], "a bank" in json.dumps(earned)) == ("150.000000000", True)


def test_what_cannot_be_taken_in_says_what_to_do(legato: Legato, tmp_path: Path) -> None:
    odd = tmp_path / "odd.csv"
    odd.write_text("a,b\n1,2\n")
    refused = legato("baseline", "import", odd)
    assert refused.returncode == 1
    assert "--mapping" in refused.stderr
    assert "litellm" in legato("baseline", "sources").stdout


def test_a_report_and_an_assessment_from_a_log_and_code(legato: Legato, tmp_path: Path) -> None:
    log = tmp_path / "logs.jsonl"
    log.write_text("\n".join(json.dumps(call) for call in calls(12)))
    assert legato("baseline", "import", log, "--no-near").returncode == 0
    asked = ("--hours", "incidents=2", "--rate", "50", "--route", "gpt-4o=gpt-4o-mini",
             "--routable", "0.2:0.4:0.6")  # fmt: skip
    done = legato("baseline", "report", "--json", *asked)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    lines = told["before"]["lines"]
    assert Decimal(told["before"]["total"]) == sum(Decimal(one["amount"]) for one in lines)
    assert [one["tag"] for one in lines] == ["measured", "measured", "assumed"]
    assert [one["tag"] for one in told["would_change"]["steps"]] == ["measured", "assumed"]
    assert "a month before" in legato("baseline", "report", *asked).stdout

    for month, hours, more in (("2026-07", "10", "run"), ("2026-08", "20", "run"),
                               ("2026-08", "9", "build")):  # fmt: skip
        work = ("--period", month, "--hours", hours, "--usd-per-hour", "80", "--role", "care")
        kept = legato("labour", "add", *work, "--phase", "before", "--activity", more)
        assert kept.returncode == 0, kept.stderr
    booked = json.loads(legato("baseline", "report", "--json").stdout)["before"]["lines"][-1]
    assert (booked["amount"], booked["tag"]) == ("1200.000000000", "measured")
    assert booked["source"] == "books of 2 months: 15 h"

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "bot.py").write_text(
        "from openai import OpenAI\nclient = OpenAI()\n"
        'client.chat.completions.create(model="gpt-4o", messages=[])\n'
    )
    found = tmp_path / "code.json"
    scanned = legato("audit-code", tmp_path / "code", "--format", "json", "--out", found)
    assert scanned.returncode == 0, scanned.stderr
    assert "chat.completions.create" in legato("audit-code", tmp_path / "code").stdout
    sarif = json.loads(legato("audit-code", tmp_path / "code", "--format", "sarif").stdout)
    assert sarif["version"] == "2.1.0"

    verdicts = {}
    for own in ("0.01", "100000"):
        answer = legato("assess", "--json", "--own-usd", own, "--code", found, *asked)
        assert answer.returncode == 0, answer.stderr
        verdicts[own] = json.loads(answer.stdout)
    assert verdicts["100000"]["verdict"] == "not yet"
    assert verdicts["0.01"]["verdict"] in {"worth it", "likely worth it"}
    states = {one["asked"]: one["state"] for one in verdicts["0.01"]["questions"]}
    assert states["Do all calls bound their answers?"] == "open"
    refused = legato("baseline", "report", "--routable", "2", "--route", "a=b")
    assert "routable: '2': write three rising shares" in refused.stderr
