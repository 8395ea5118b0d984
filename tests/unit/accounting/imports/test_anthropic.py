from __future__ import annotations

import json
from typing import TYPE_CHECKING

from accounting_files import read, read_one, written
from legato.core.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path


def report(**result: object) -> str:
    one = {
        "starting_at": "2025-08-01T00:00:00Z",
        "ending_at": "2025-08-02T00:00:00Z",
        "results": [result],
    }
    return json.dumps({"data": [one], "has_more": False, "next_page": None})


def test_the_usage_report_has_five_classes(tmp_path: Path) -> None:
    found = read_one(
        written(
            tmp_path,
            "usage.json",
            report(
                uncached_input_tokens=1500,
                cache_creation={"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 5},
                cache_read_input_tokens=200,
                output_tokens=50,
                server_tool_use={"web_search_requests": 10},
                workspace_id="wrkspc_1",
                model="claude-opus-4-20250514",
                service_tier="batch",
            ),
        )
    )
    assert found.usage == Usage(
        in_uncached=1500, cache_read=200, cache_write_5m=5, cache_write_1h=1000, out_text=50
    )
    assert (found.quantity, found.unit, found.tier) == ("10", "web searches", "batch")


def test_the_cost_report_counts_cents(tmp_path: Path) -> None:
    found = read_one(written(tmp_path, "cost.json", report(amount="123.78912", currency="USD")))
    assert found.cost == 1_237_891_200


def test_the_console_names_its_columns(tmp_path: Path) -> None:
    usage = (
        "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,"
        "usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
        "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,"
        "web_search_count,inference_geo,speed\n"
        '2026-08-05,claude-opus-5,"Closer, App",Default,standard,200k,46981,15969,0,7,16932,0,,\n'
    )
    cost = (
        "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,"
        "list_price_usd,cost_type\n"
        "2026-08-04,Claude Haiku 4.5,Default,k,message,≤ 200k,input_no_cache,0.05,0.06,token\n"
    )
    one = read_one(written(tmp_path, "usage.csv", usage))
    assert one.key == "Closer, App"
    assert one.usage == Usage(in_uncached=46981, cache_write_5m=15969, cache_read=7, out_text=16932)
    assert one.end_ms - one.start_ms == 86_400_000
    other = read(written(tmp_path, "cost.csv", cost)).rows[0]
    assert (other.cost, other.list_cost, other.tier) == (50_000_000, 60_000_000, "")
