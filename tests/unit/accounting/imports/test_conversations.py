"""Logs of calls: LiteLLM, Langfuse, Helicone, and tables of one's own."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from accounting_files import written
from legato.accounting.imports.mapped import mapped_reader
from legato.accounting.imports.reading import Reading
from legato.core.errors import InvalidRequest
from legato.core.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "How do I return a parcel?"}]},
]
LITELLM: dict[str, Any] = {
    "request_id": "chatcmpl-1",
    "call_type": "acompletion",
    "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
    "spend": 0.00123,
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "startTime": "2026-05-01T10:00:00.5Z",
    "endTime": "2026-05-01T10:00:02Z",
    "model": "gpt-4o-mini",
    "model_group": "small",
    "custom_llm_provider": "openai",
    "team_id": "t-1",
    "metadata": {
        "user_api_key_team_alias": "support",
        "usage_object": {
            "prompt_tokens_details": {"cached_tokens": 60},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
    },
    "cache_hit": "False",
    "request_tags": ["app:bot"],
    "messages": MESSAGES,
    "status": "success",
}
LANGFUSE: dict[str, Any] = {
    "id": "obs-1",
    "traceId": "t",
    "type": "GENERATION",
    "name": "answer",
    "startTime": "2026-05-01T10:00:00Z",
    "endTime": "2026-05-01T10:00:02Z",
    "model": "claude-sonnet-4-5",
    "modelParameters": {"temperature": 0},
    "input": MESSAGES,
    "usageDetails": {
        "input": 40, "cache_read_input_tokens": 60, "output": 30, "output_reasoning": 20,
        "total": 150,
    },
    "costDetails": {"input": 0.0002, "output": 0.0005, "total": 0.0007},
    "environment": "production",
}  # fmt: skip
HELICONE: dict[str, Any] = {
    "request_id": "h-1",
    "request_created_at": "2026-05-01T10:00:00+00:00",
    "response_created_at": "2026-05-01T10:00:02+00:00",
    "response_status": 200,
    "provider": "OPENAI",
    "request_model": "gpt-4o",
    "prompt_tokens": 100,
    "prompt_cache_read_tokens": 60,
    "completion_tokens": 50,
    "costUSD": 0.001,
    "request_body": {"model": "gpt-4o", "messages": MESSAGES},
    "request_properties": {"App": "bot"},
}


def as_csv(row: dict[str, Any]) -> str:
    told = io.StringIO()
    writer = csv.DictWriter(told, fieldnames=list(row))
    writer.writeheader()
    writer.writerow(
        {
            name: json.dumps(one) if isinstance(one, dict | list) else one
            for name, one in row.items()
        }
    )
    return told.getvalue()


@pytest.mark.parametrize(
    ("row", "usage", "cost"),
    [
        (LITELLM, Usage(in_uncached=40, cache_read=60, out_text=30, reasoning=20), 1_230_000),
        (LANGFUSE, Usage(in_uncached=40, cache_read=60, out_text=30, reasoning=20), 700_000),
        (HELICONE, Usage(in_uncached=40, cache_read=60, out_text=50), 1_000_000),
    ],
)
def test_a_call_is_read_alike_from_json_and_csv(
    tmp_path: Path, row: dict[str, Any], usage: Usage, cost: int
) -> None:
    for name, text in (
        ("a.json", json.dumps([row])),
        ("b.jsonl", json.dumps(row)),
        ("c.json", json.dumps({"data": [row], "meta": {"page": 1}})),
        ("d.csv", as_csv(row)),
    ):
        reading = Reading(written(tmp_path, name, text))
        ((found, asked),) = reading.calls()
        assert not reading.problems.shown
        assert (found.usage, found.cost, found.requests) == (usage, cost, 1), name
        assert asked is not None
        assert asked.question == "How do I return a parcel?"
        assert "Be brief." in asked.context
        assert found.start_ms < found.end_ms


def test_what_bought_no_answer_is_not_a_question(tmp_path: Path) -> None:
    rows = [LITELLM | {"status": "failure"}, LITELLM | {"messages": {}}]
    ((_, one), (_, other)) = Reading(written(tmp_path, "a.json", json.dumps(rows))).calls()
    assert one is None
    assert other is None
    span = LANGFUSE | {"type": "SPAN"}
    reading = Reading(written(tmp_path, "b.json", json.dumps([LANGFUSE, span])))
    assert len(list(reading.rows())) == 1
    assert reading.skipped == 1


def test_bodies_of_other_dialects(tmp_path: Path) -> None:
    bodies = [
        {"system": "Be brief.", "messages": [{"role": "user", "content": "Where is it?"}]},
        {"instructions": "Be brief.", "input": "Where is it?"},
        {"contents": [{"role": "user", "parts": [{"text": "Where is it?"}]}]},
        {"prompt": "Where is it?"},
        "Where is it?",
    ]
    rows = [HELICONE | {"request_body": body} for body in bodies]
    asked = [one for _, one in Reading(written(tmp_path, "a.json", json.dumps(rows))).calls()]
    assert [one.question if one else None for one in asked] == ["Where is it?"] * 5


TABLE = "Tag,Anbieter,Betrag,Ein,Aus,Frage\n2026-05-01,acme,0.5,10,5,Hallo?\n"
MAPPING = """
columns:
  start: Tag
  vendor: Anbieter
  cost: Betrag
  in_uncached: Ein
  out_text: Aus
  question: Frage
constants:
  currency: EUR
  model: acme-1
"""


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    reader = mapped_reader(written(tmp_path, "map.yaml", MAPPING))
    ((row, asked),) = Reading(written(tmp_path, "a.csv", TABLE), reader=reader).calls()
    assert (row.vendor, row.model, row.cost, row.currency) == ("acme", "acme-1", 500_000_000, "EUR")
    assert row.usage == Usage(in_uncached=10, out_text=5)
    assert asked is not None
    assert asked.question == "Hallo?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns: {start: Tag, vendr: X}", "'vendr' is no field of a row"),
        ("columns: {start: Tag}", "vendor is missing"),
        ("spalten: {}", "can't be read"),
    ],
)
def test_a_mapping_that_is_wrong_names_the_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        mapped_reader(written(tmp_path, "map.yaml", text))


def test_a_mapping_of_another_table_names_the_column(tmp_path: Path) -> None:
    reader = mapped_reader(written(tmp_path, "map.yaml", MAPPING))
    with pytest.raises(InvalidRequest, match="no column 'Anbieter'"):
        list(Reading(written(tmp_path, "a.csv", "Tag,x\n1,2\n"), reader=reader).rows())
