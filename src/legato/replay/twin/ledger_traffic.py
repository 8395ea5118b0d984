"""Traffic as the ledger and the traces have it, and what they tell of each deployment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from legato.core.errors import BudgetExceeded, InvalidRequest, RateLimited
from legato.core.ids import time_ns_of
from legato.core.price import UNPRICED, Price
from legato.core.records import EntryKind
from legato.core.usage import NO_USAGE, USAGE_CLASSES, Usage, UsageSource
from legato.replay.twin.dice import uniform
from legato.replay.twin.fates import ERRORS
from legato.replay.twin.service_times import Sample
from legato.replay.twin.traffic import Recorded, RecordedAttempt, Request
from legato.replay.twin.world import Failures
from legato.storage.ledger.entries import EntryFilter, EntryReader, Row
from legato.storage.ledger.prices import PriceStore

REQUESTS_MAX: Final = 2_000_000
_NS_PER_US: Final = 1_000
_NO_ATTEMPTS: Final = frozenset(
    {
        EntryKind.CACHE.value,
        EntryKind.CORRECTION.value,
        EntryKind.HEDGE.value,
        EntryKind.OVERHEAD.value,
    }
)
_OURS: Final = frozenset({RateLimited.code, BudgetExceeded.code})
_GUESSES: Final = 13  # a stream of random numbers of its own


class LedgerTraffic(msgspec.Struct, frozen=True):
    """Requests by arrival, and what was measured beside them.

    `cost` is nano-USD of every entry that was read. `left_out` counts requests that no world can be
    asked about, by reason; `untraced` those whose trace isn't kept, so that their time is unknown.
    """

    requests: list[Request]
    started_ns: int
    cost: int
    entries: int
    samples: Mapping[str, list[Sample]]
    failures: Mapping[str, Failures]
    stamped: Mapping[str, Mapping[str, Price]]
    left_out: Mapping[str, int]
    untraced: int


class _Gathered:
    """The entries of one request and its trace."""

    __slots__ = ("entries", "trace")

    def __init__(self) -> None:
        self.entries: list[Row] = []
        self.trace: Mapping[str, Any] | None = None


def read_ledger(
    reader: EntryReader, prices: PriceStore, wanted: EntryFilter, seed: int
) -> LedgerTraffic:
    """Read the requests of a period.

    An entry belongs to it by when it was settled, as in every sum of the ledger; a request that has
    no entry by when it came.

    Raises:
        InvalidRequest: there are none, or more than `REQUESTS_MAX`.
        StorageUnavailable: the database does not answer.
    """
    gathered = _gather(reader, wanted)
    if not gathered:
        raise InvalidRequest("the ledger has no requests of that period", param="traffic")
    entries = [entry for one in gathered.values() for entry in one.entries]
    stamped = _stamped(prices, entries)
    requests, left_out = _requests(gathered, stamped, seed)
    if not requests:
        raise InvalidRequest("the period has no call of a model", param="traffic")
    first_us = requests[0].at_us
    return LedgerTraffic(
        [replace(one, at_us=one.at_us - first_us) for one in requests],
        first_us * _NS_PER_US,
        sum(entry["cost"] or 0 for entry in entries),
        len(entries),
        _samples(gathered),
        _failures(entries),
        stamped,
        left_out,
        sum(one.trace is None for one in gathered.values()),
    )


def _gather(reader: EntryReader, wanted: EntryFilter) -> dict[str, _Gathered]:
    found: dict[str, _Gathered] = defaultdict(_Gathered)
    for entry in reader.export_rows(wanted):
        found[entry["request_id"]].entries.append(entry)
        if len(found) > REQUESTS_MAX:
            msg = f"the period has over {REQUESTS_MAX} requests: choose a shorter one"
            raise InvalidRequest(msg, param="traffic.since")
    since_ns, until_ns = wanted.since_ns or 0, wanted.until_ns or 2**63 - 1
    earliest = min((time_ns_of(one) or since_ns for one in found), default=since_ns)
    for trace in reader.traces(min(since_ns, earliest)):
        known = found.get(trace["request_id"])
        if known is not None:
            known.trace = trace
        elif since_ns <= trace["at_ns"] < until_ns and _fits(trace, wanted):
            found[trace["request_id"]].trace = trace
    return dict(found)


def _fits(trace: Mapping[str, Any], wanted: EntryFilter) -> bool:
    """Whether a request without an entry is one that was meant: a refused call of a model."""
    told = trace["model_requested"] or trace["error_code"] in _OURS
    return bool(
        told
        and trace["error_code"]
        and wanted.team in {None, trace["team"]}
        and wanted.feature in {None, trace["feature"]}
        and wanted.route in {None, trace["model_requested"]}
    )


def _requests(
    gathered: Mapping[str, _Gathered], stamped: Mapping[str, Mapping[str, Price]], seed: int
) -> tuple[list[Request], dict[str, int]]:
    plain = [
        one.trace["total_us"] - one.trace["upstream_us"]
        for one in gathered.values()
        if one.trace is not None and one.trace["attempts"] == 1 and not one.trace["error_code"]
    ]
    usual_us = max(0, round(median(plain))) if plain else 0
    found: list[Request] = []
    refused: list[Request] = []
    for request_id, one in gathered.items():
        request = _request(request_id, one, usual_us, stamped)
        (found if request.name else refused).append(request)
    guessed, left_out = _guessed(found, refused, seed)
    return sorted(found + guessed, key=lambda request: request.at_us), left_out


def _request(
    request_id: str,
    one: _Gathered,
    usual_us: int,
    stamped: Mapping[str, Mapping[str, Price]],
) -> Request:
    trace, entries = one.trace, one.entries
    undone = {entry["reverses_entry"] for entry in entries}
    kept = [
        entry
        for entry in entries
        if entry["id"] not in undone and entry["kind"] != EntryKind.CORRECTION.value
    ]
    attempts = tuple(_attempt(entry) for entry in kept if entry["kind"] not in _NO_ATTEMPTS)
    cached = next((entry for entry in kept if entry["kind"] == EntryKind.CACHE.value), None)
    told = entries[0] if entries else trace or {}
    answer = next((entry for entry in kept if _is_answer(entry)), cached)
    usage_of = answer or (kept[-1] if kept else None)
    error = "" if trace is None else trace["error_code"]
    if trace is None and answer is None:
        error = kept[-1]["status"] if kept else "unknown"
    plain = trace is not None and trace["attempts"] == 1 and not error
    at_ns = trace["at_ns"] if trace else time_ns_of(request_id) or told["at_ns"]
    overhead_us = usual_us
    if trace is not None and (plain or cached is not None or not attempts):
        overhead_us = max(0, trace["total_us"] - trace["upstream_us"])
    name = _name(told, attempts)
    refused = bool(error and not attempts and error not in _OURS and name)
    return Request(
        at_us=at_ns // _NS_PER_US,
        name=name if attempts or cached or refused else "",
        usage=NO_USAGE if usage_of is None else _usage(usage_of),
        org=told["org"],
        team=told["team"],
        feature=told["feature"],
        key_id=told["key_id"],
        user=told.get("end_user", ""),
        unit=_unit(usage_of, stamped),
        attempts=attempts,
        from_cache=cached is not None,
        refused_as=error if refused else "",
        overhead_us=overhead_us,
        recorded=Recorded(
            error,
            sum(entry["cost"] or 0 for entry in entries),
            sum(entry["cost"] is None for entry in kept),
            0 if trace is None else trace["total_us"],
            "" if answer is None else answer["deployment"],
            len({attempt.deployment for attempt in attempts}) > 1,
        ),
    )


def _name(told: Mapping[str, Any], attempts: Sequence[RecordedAttempt]) -> str:
    """Return what was asked for: a prompt's name has led to a route, or to a deployment."""
    if "route" not in told:
        return str(told["model_requested"])
    return str(told["route"] or (attempts[0].deployment if attempts else told["deployment"]))


def _attempt(entry: Row) -> RecordedAttempt:
    partial = entry["usage_source"] == UsageSource.PARTIAL.value
    answered = _is_answer(entry)
    return RecordedAttempt(
        entry["deployment"],
        "ok" if answered else entry["status"],
        _usage(entry),
        "" if entry["price_version"] == UNPRICED else entry["price_version"],
        entry["total_us"],
        is_last=partial and not answered,
    )


def _is_answer(entry: Row) -> bool:
    """Whether an entry is of an attempt that gave the answer, whatever it was for."""
    return (
        entry["status"] == "ok"
        and entry["kind"] not in _NO_ATTEMPTS
        and entry["kind"] != EntryKind.RETRY.value
    )


def _usage(entry: Row) -> Usage:
    return Usage(*(entry[name] for name in USAGE_CLASSES))


def _unit(entry: Row | None, stamped: Mapping[str, Mapping[str, Price]]) -> str:
    if entry is None or not entry["units"]:
        return ""
    price = stamped.get(entry["deployment"], {}).get(entry["price_version"])
    return "" if price is None else price.unit


def _guessed(
    found: Sequence[Request], refused: Sequence[Request], seed: int
) -> tuple[list[Request], dict[str, int]]:
    """Give requests our own limits refused the usage of another of their key's.

    What they would have asked for was never recorded.
    """
    by_key: dict[str, list[Request]] = defaultdict(list)
    for request in found:
        if request.usage != NO_USAGE:
            by_key[request.key_id].append(request)
    guessed = []
    left_out: dict[str, int] = defaultdict(int)
    for number, request in enumerate(sorted(refused, key=lambda one: one.at_us)):
        alike = by_key.get(request.key_id)
        code = request.recorded.error_code if request.recorded else ""
        if code not in _OURS:
            left_out["neither an attempt nor a refusal is recorded"] += 1
        elif not alike:
            left_out["refused by a limit, and its key has no answered call to draw from"] += 1
        else:
            model = alike[int(uniform(seed, _GUESSES, number) * len(alike))]
            guessed.append(
                replace(
                    request, name=model.name, usage=model.usage, unit=model.unit, is_guessed=True
                )
            )
    return guessed, dict(left_out)


def _samples(gathered: Mapping[str, _Gathered]) -> dict[str, list[Sample]]:
    samples: dict[str, list[Sample]] = defaultdict(list)
    for one in gathered.values():
        streamed = bool(one.trace is not None and one.trace["stream"])
        for entry in one.entries:
            if _is_answer(entry):
                usage = _usage(entry)
                first_us = entry["first_token_us"]
                samples[entry["deployment"]].append(
                    Sample(
                        usage.input_tokens,
                        usage.output_tokens,
                        first_us,
                        entry["total_us"],
                        streamed and first_us > 0,
                    )
                )
    return samples


def _failures(entries: Iterable[Row]) -> dict[str, Failures]:
    made: dict[str, int] = defaultdict(int)
    seen: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for entry in entries:
        if entry["kind"] not in _NO_ATTEMPTS:
            made[entry["deployment"]] += 1
            error = ERRORS.get(entry["status"])
            if error is not None and error.fails_over:
                seen[entry["deployment"]].append((entry["status"], entry["total_us"]))
    return {
        name: Failures(len(failed) / made[name], tuple(failed)) for name, failed in seen.items()
    }


def _stamped(prices: PriceStore, entries: Iterable[Row]) -> dict[str, dict[str, Price]]:
    """Return the prices that the entries were stamped with, by deployment and version."""
    versions = {(entry["deployment"], entry["price_version"]) for entry in entries}
    found: dict[str, dict[str, Price]] = defaultdict(dict)
    for deployment, version in sorted(versions):
        price = prices.get(deployment, version)
        if price is not None:
            found[deployment][version] = price
    return found
