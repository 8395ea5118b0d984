from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from accounting_files import read, read_one, written
from legato.accounting.imports.row import Charge
from legato.core.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path


def bucket(**result: object) -> dict[str, object]:
    return {
        "object": "bucket",
        "start_time": 1730419200,
        "end_time": 1730505600,
        "results": [result],
    }


def page(*buckets: dict[str, object]) -> str:
    return json.dumps({"object": "page", "data": list(buckets), "has_more": False})


def test_a_usage_page_gives_disjoint_classes(tmp_path: Path) -> None:
    found = read_one(
        written(
            tmp_path,
            "usage.json",
            page(
                bucket(
                    object="organization.usage.completions.result",
                    input_tokens=1000,
                    output_tokens=500,
                    input_cached_tokens=800,
                    num_model_requests=5,
                    project_id="proj_a",
                    api_key_id="key_a",
                    model="gpt-4o-mini-2024-07-18",
                    batch=True,
                )
            ),
        )
    )
    assert found.usage == Usage(in_uncached=200, cache_read=800, out_text=500)
    assert (found.requests, found.project, found.key, found.tier) == (5, "proj_a", "key_a", "batch")
    assert (found.start_ms, found.end_ms) == (1730419200000, 1730505600000)
    assert found.cost is None
    assert found.service == "usage.completions"


def test_the_newer_form_splits_its_total(tmp_path: Path) -> None:
    found = read_one(
        written(
            tmp_path,
            "usage.json",
            page(
                bucket(
                    input_tokens=1000,
                    input_text_tokens=700,
                    input_audio_tokens=300,
                    input_cached_tokens=250,
                    input_cached_audio_tokens=50,
                    output_tokens=90,
                    output_audio_tokens=40,
                    num_model_requests=2,
                )
            ),
        )
    )
    assert found.usage == Usage(
        in_uncached=500, cache_read=250, audio_in=250, out_text=50, audio_out=40
    )
    assert found.usage.input_tokens == 1000


def test_costs_are_exact_to_the_nano_dollar(tmp_path: Path) -> None:
    text = (
        '{"data":[{"start_time":1730419200,"end_time":1730505600,"results":[{"object":'
        '"organization.costs.result","amount":{"value":0.060000001,"currency":"usd"},'
        '"line_item":"gpt-4o, cached input","quantity":1200,"project_id":"p"}]}]}'
    )
    found = read_one(written(tmp_path, "costs.json", text))
    assert found.cost == 60_000_001
    assert found.currency == "USD"
    assert found.model == "gpt-4o"
    assert found.usage == Usage(cache_read=1200)


def test_the_csv_of_costs(tmp_path: Path) -> None:
    text = (
        "start_time,end_time,amount_value,amount_currency,line_item,project_id\n"
        '1730419200,1730505600,1.25,usd,"gpt-4o, input",proj\n'
        "1730419200,1730505600,-0.25,usd,credit grant,\n"
    )
    rows = read(written(tmp_path, "costs.csv", text)).rows
    assert [row.cost for row in rows] == [1_250_000_000, -250_000_000]
    assert [row.charge for row in rows] == [Charge.USAGE, Charge.CREDIT]
    assert [row.line for row in rows] == [2, 3]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"input_tokens": 5, "input_cached_tokens": 9}, "input_tokens: 5 is less"),
        ({"input_tokens": -1}, "input_tokens: -1 is not a count"),
        ({"amount": {"value": "many", "currency": "usd"}}, "'many' is not a number"),
        ({"amount": {"value": 1, "currency": "dollars"}}, "'DOLLARS' is not a currency"),
        ({"amount": {"value": 10**12, "currency": "usd"}}, "more than an amount can hold"),
    ],
)
def test_what_cannot_be_meant_is_a_bad_line(
    tmp_path: Path, result: dict[str, object], said: str
) -> None:
    found = read(written(tmp_path, "usage.json", page(bucket(**result))))
    assert not found.rows
    assert said in found.problems.shown[0].message


def test_decimal_amounts_never_pass_a_float(tmp_path: Path) -> None:
    text = page(bucket(amount={"value": "0.1", "currency": "usd"}))
    assert read_one(written(tmp_path, "a.json", text)).cost == Decimal("0.1") * 10**9
