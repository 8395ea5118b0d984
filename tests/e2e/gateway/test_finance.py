"""Books and plans of a running server: who may, what counts once, what the ledger gives."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from belongings import V1, made
from running import ADMIN, CALLER, within

if TYPE_CHECKING:
    from running import Answer, RunningLegato

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: big, provider: open, model: m, price: {input_per_mtok: "100", output_per_mtok: "200"}}
  - {name: small, provider: open, model: m, price: {input_per_mtok: "10", output_per_mtok: "20"}}
routes:
  - {alias: chat, deployments: [small], baseline: big}
finance:
  margin_gates:
    - {objects: ["prompt/sold-*"], team: shop, feature: bot}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""


def finance(legato: RunningLegato, path: str, key: str = ADMIN) -> Any:
    answer = legato.get(f"{V1}/finance/{path}", key)
    assert answer.status == 200, answer.body
    return answer.json


def test_a_plan_goes_from_calls_to_a_break_even(legato: RunningLegato) -> None:
    for _ in range(3):
        assert legato.chat("chat", key=CALLER).status == 200
    assert within(10, lambda: legato.get(f"{V1}/ledger/sums", ADMIN).json["data"] != [])
    said = {"name": "initial.usd", "value": "100", "low": "50", "high": "200", "source": "offer"}
    (kept,) = made(legato, "/finance/assumptions", {"assumptions": [said]})["data"]
    assert (kept["version"], kept["author"]) == (1, "key:admin")
    hours = {"role": "agent", "usd_per_hour": "50", "team": "platform", "feature": "tests"}
    labour = [
        {**hours, "period": "2026-08", "hours": "10", "phase": "before"},
        {**hours, "period": "2026-09", "hours": "4", "phase": "after"},
    ]
    counted = made(legato, "/finance/labour", {"entries": labour})
    again = made(legato, "/finance/labour", {"entries": labour})
    assert (counted["added"], again["added"], again["unchanged"]) == (2, 0, 2)
    found = finance(legato, "plan?draws=20&assume=ramp.months=0")
    by_name = {one["name"]: one for one in found["inputs"]}
    assert by_name["initial.usd"]["version"] == 1
    spent = Decimal(by_name["after.ai_usd_month"]["value"])
    assert 0 < spent < Decimal(by_name["before.ai_usd_month"]["value"])
    low, base, high = found["cases"]
    # 300 saved a month, cut by a tenth, against 110
    assert base["break_even_month"] == 1
    assert Decimal(low["npv_usd"]) < Decimal(base["npv_usd"]) < Decimal(high["npv_usd"])
    table = legato.command("plan", "break-even", "--assume", "ramp.months=0")
    assert "base: month 1" in table


def test_profit_and_loss_holds_revenue_against_the_ledger(legato: RunningLegato) -> None:
    place = {"team": "platform", "feature": "tests"}
    legato.chat("chat", key=CALLER)
    assert within(10, lambda: legato.get(f"{V1}/ledger/sums", ADMIN).json["data"] != [])
    (row, *_) = legato.get(f"{V1}/ledger/sums?by=feature,period", ADMIN).json["data"]
    month = row["group"]["period"]
    revenue = {**place, "period": month, "amount": "100", "external_id": "inv-1"}
    made(legato, "/finance/revenue", {"entries": [revenue]})
    refused = legato.post(f"{V1}/finance/revenue", {"entries": [{**revenue, "amount": "7"}]}, ADMIN)
    assert (refused.status, refused.error["field"]) == (409, "external_id")
    pnl = finance(legato, f"pnl?since={month}&until={month}")
    (one,) = [one for one in pnl["features"] if one["feature"] == "tests"]
    assert Decimal(one["contribution_usd"]) == 100 - Decimal(one["ai_usd"])
    assert one["ai_band"] == "elite"
    asked = {"factors": [10], "assume": ["revenue.usd_per_request=0.000001"]}
    volume = made(legato, "/finance/projection", asked)
    assert volume["stops_at"] == 1
    assert "margin.floor" in volume["stops_because"][0]


def test_only_finance_sees_wages_and_revenue(legato: RunningLegato) -> None:
    secrets = {}
    for role in ("finance", "developer"):
        key = legato.create_key("--feature", "wages")
        wish = {"subject_kind": "key", "subject_id": key["id"], "role": role, "org": "default"}
        made(legato, "/role-bindings", wish)
        secrets[role] = key["secret"]
    assert within(5, lambda: legato.get(f"{V1}/finance/pnl", secrets["finance"]).status == 200)
    assert within(5, lambda: legato.get(f"{V1}/ledger/sums", secrets["developer"]).status == 200)
    for path in ("assumptions", "entries?kind=labour", "sums?kind=revenue", "pnl", "plan"):
        assert legato.get(f"{V1}/finance/{path}", secrets["developer"]).status == 403


def version(legato: RunningLegato, name: str, content: str) -> Answer:
    spec = {"route": "chat", "messages": [{"role": "user", "content": content}]}
    body = {"spec": spec, "labels": ["production"]}
    return legato.post(f"{V1}/registry/objects/prompt/{name}/versions", body, ADMIN)


def test_what_does_not_pay_is_not_taken_live(legato: RunningLegato) -> None:
    assert version(legato, "inner", "one").status == 201, "no gate means it"
    refused = version(legato, "sold-bot", "one")
    assert refused.status == 409
    told = refused.error["message"]
    assert "shop/bot has a contribution margin over 50%" in told
    assert "no revenue of it from" in told
    assert "pnl.planned_revenue_usd_month@shop/bot" in told
    said = [
        {"name": f"pnl.planned_{what}_usd_month@shop/bot", "value": value, "source": "board"}
        for what, value in (("revenue", "1000"), ("ai", "600"))
    ]
    made(legato, "/finance/assumptions", {"assumptions": said})
    assert "the margin planned is 40.0%" in version(legato, "sold-bot", "one").error["message"]
    said[1]["value"] = "100"
    made(legato, "/finance/assumptions", {"assumptions": said})
    assert version(legato, "sold-bot", "one").status == 201
    assert version(legato, "sold-bot", "two").status == 201
    legato.command("assumptions", "withdraw", said[0]["name"])
    assert version(legato, "sold-bot", "three").status == 409
    assert "sold-bot" in legato.command("rollback", "prompt:sold-bot"), "back is always allowed"
    plan = {"steps": [{"share_bp": 1000, "for_s": 3600}]}
    wish = {"name": "sold-bot", "candidate": "2", "label": "production", "plan": plan}
    rollout = legato.post(f"{V1}/registry/rollouts", wish, ADMIN)
    assert rollout.status == 409, rollout.body
    assert "finance.margin_gates" in rollout.error["message"]
