"""How fast a local model is on this machine: prompt and generation, one caller and all slots."""

import http.client
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from legato.providers.local.errors import LocalModelUnavailable
from legato.providers.local.options import LOOPBACK, ServerReady

ROUNDS_DEFAULT = 5
_PROMPT_ITEMS = 100
_SHORT_PROMPT_ITEMS = 1
_GENERATED_TOKENS = 64
_REQUEST_TIMEOUT_S = 300.0


class BenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """Medians over the rounds, tokens per second; `*_spread` is (least, most)."""

    rounds: int
    slots: int
    prompt_tokens: int
    generated_tokens: int
    prompt_per_s: float
    prompt_per_s_spread: tuple[float, float]
    generation_per_s: float
    generation_per_s_spread: tuple[float, float]
    all_slots_generation_per_s: float
    """Tokens of all slots together over the wall time of one full load with short prompts."""
    first_token_ms: float
    """The server's time for the prompt plus one token."""


def measure(
    ready: ServerReady,
    api_key: str,
    *,
    rounds: int = ROUNDS_DEFAULT,
    prompt_items: int = _PROMPT_ITEMS,
    progress: Callable[[int, int], None] | None = None,
) -> BenchResult:
    """Measure a running model; blocks for about a second per round on two cores.

    Each prompt is new and the prompt cache is off, so every prompt token is really computed.

    Args:
        ready: what the child said when it was up.
        api_key: its key of this start.
        rounds: repetitions with one caller, after one that warms up.
        prompt_items: length of the prompt; an item is about five tokens.
        progress: called with (rounds done, rounds in total).

    Raises:
        LocalModelUnavailable: it stopped answering.
    """
    _generate(ready, api_key, 0, items=prompt_items)
    timings = []
    for index in range(rounds):
        timings.append(_generate(ready, api_key, index + 1, items=prompt_items))
        if progress:
            progress(index + 1, rounds)
    prompt = [timing["prompt_per_second"] for timing in timings]
    generation = [timing["predicted_per_second"] for timing in timings]
    first = [timing["prompt_ms"] + timing["predicted_per_token_ms"] for timing in timings]
    return BenchResult(
        rounds=rounds,
        slots=ready.slots,
        prompt_tokens=int(timings[0]["prompt_n"]),
        generated_tokens=int(timings[0]["predicted_n"]),
        prompt_per_s=statistics.median(prompt),
        prompt_per_s_spread=(min(prompt), max(prompt)),
        generation_per_s=statistics.median(generation),
        generation_per_s_spread=(min(generation), max(generation)),
        all_slots_generation_per_s=_all_slots(ready, api_key),
        first_token_ms=statistics.median(first),
    )


def _all_slots(ready: ServerReady, api_key: str) -> float:
    started_ns = time.perf_counter_ns()
    with ThreadPoolExecutor(ready.slots) as pool:
        calls = [
            pool.submit(_generate, ready, api_key, index, items=_SHORT_PROMPT_ITEMS)
            for index in range(ready.slots)
        ]
        tokens = sum(call.result()["predicted_n"] for call in calls)
    return tokens / ((time.perf_counter_ns() - started_ns) / 1e9)


def _generate(ready: ServerReady, api_key: str, index: int, *, items: int) -> dict[str, float]:
    """One call of fixed length; returns the server's own timings."""
    words = " ".join(f"item {index * items + position}" for position in range(items))
    body = {
        "messages": [{"role": "user", "content": f"Sort these: {words}"}],
        "max_tokens": _GENERATED_TOKENS,
        "ignore_eos": True,
        "cache_prompt": False,
        "seed": index,
    }
    headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}
    connection = http.client.HTTPConnection(LOOPBACK, ready.port, timeout=_REQUEST_TIMEOUT_S)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        payload = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise LocalModelUnavailable(f"the local model stopped answering: {error}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise LocalModelUnavailable(f"the local model answered {answer.status} to the bench")
    timings: dict[str, float] = msgspec.json.decode(payload)["timings"]
    return timings
