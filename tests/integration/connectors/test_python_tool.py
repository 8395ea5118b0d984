import os
from pathlib import Path
from typing import Any

import pytest
from tests.integration.connectors.served import CONTEXT, toolbox

from legato.core.errors import ConfigInvalid, InvalidRequest, NotFound, ToolFailed

ROOT = str(Path(__file__).parents[3])
HERE = "tests.integration.connectors.served"
ENVIRONMENT = {"PYTHONPATH": ROOT, "PATH": os.environ["PATH"]}


def entry(function: str, run_in: str = "process", **more: Any) -> dict[str, Any]:
    python = {"function": f"{HERE}:{function}", "run_in": run_in, **more.pop("python", {})}
    return {"name": function, "python": python, **more}


@pytest.mark.parametrize("run_in", ["process", "thread"])
async def test_a_function_is_described_and_called(run_in: str) -> None:
    async with toolbox(entry("look_up", run_in), environment=ENVIRONMENT) as tools:
        spec = await tools.find("look_up", "acme")
        found = await tools.call("look_up", {"number": 7}, CONTEXT)
    assert spec.description == "Find an order by its number."
    assert spec.parameters["properties"] == {"number": {"type": "integer"}}
    assert spec.parameters["required"] == ["number"]
    assert spec.returns is not None
    assert found == {"id": 7, "state": "open"}


@pytest.mark.parametrize("run_in", ["process", "thread"])
async def test_what_it_raises_is_its_failure_and_it_knows_its_key(run_in: str) -> None:
    async with toolbox(entry("look_up", run_in), environment=ENVIRONMENT) as tools:
        with pytest.raises(ToolFailed, match="no order -1 run-1/n/call"):
            await tools.call("look_up", {"number": -1}, CONTEXT)


@pytest.mark.parametrize("arguments", [{}, {"number": "7"}, {"number": 7, "x": 1}])
async def test_arguments_are_held_against_the_schema(arguments: dict[str, Any]) -> None:
    async with toolbox(entry("look_up"), environment=ENVIRONMENT) as tools:
        with pytest.raises(InvalidRequest, match="arguments of look_up"):
            await tools.call("look_up", arguments, CONTEXT)


async def test_a_coroutine_is_awaited() -> None:
    async with toolbox(entry("greet"), environment=ENVIRONMENT) as tools:
        assert await tools.call("greet", {"name": "Ann", "times": 2}, CONTEXT) == (
            "hello Ann hello Ann"
        )


@pytest.mark.parametrize("run_in", ["process", "thread"])
async def test_a_call_that_takes_too_long_is_given_up(run_in: str) -> None:
    async with toolbox(entry("sleep", run_in, timeout_s=1.5), environment=ENVIRONMENT) as tools:
        with pytest.raises(ToolFailed, match=r"longer than 1\.5 s") as raised:
            await tools.call("sleep", {"seconds": 3.0}, CONTEXT)
    assert raised.value.retryable


async def test_memory_of_a_process_is_bounded() -> None:
    bounded = entry("fill", python={"memory_mib_max": 400})
    async with toolbox(bounded, environment=ENVIRONMENT) as tools:
        assert await tools.call("fill", {"mib": 1}, CONTEXT) == 1024 * 1024
        with pytest.raises(ToolFailed, match="MemoryError"):
            await tools.call("fill", {"mib": 600}, CONTEXT)


async def test_a_transactional_function_writes_on_the_connection_it_is_given() -> None:
    async with toolbox(entry("reserve", python={"transactional": True})) as tools:
        work = await tools.function("reserve", {"item": "pump"}, "acme")
        connection: list[Any] = []
        assert work(connection, "k") == {"reserved": "pump"}
        with pytest.raises(InvalidRequest, match="can't be called alone"):
            await tools.call("reserve", {"item": "pump"}, CONTEXT)
    assert connection == [("pump", "k")]


async def test_whose_it_is_not_never_learns_of_it() -> None:
    async with toolbox(entry("greet", orgs=["acme"])) as tools:
        with pytest.raises(NotFound):
            await tools.call("greet", {"name": "x"}, CONTEXT._replace(org="other"))
        assert await tools.offered("other") == []


async def test_a_function_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(ConfigInvalid, match="no_such"):
        async with toolbox(entry("no_such")):
            pass
