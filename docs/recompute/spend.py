"""What was spent and saved, and the key figures, from entries alone."""

from collections.abc import Iterable, Sequence

from ledger import BOUNDS_MS, STEPS, Entry

CALLERS = {"usage", "retry", "hedge", "cache"}
ANSWERS = {"usage", "cache"}
Ratio = tuple[int, int]


def within(entries: Iterable[Entry], org: str, period: str) -> list[Entry]:
    """Return an organisation's entries of whole days, `2026-11-01..2026-11-30`."""
    first, _, last = period.partition("..")
    return [one for one in entries if one.org == org and first <= one.day <= last]


def bars(entries: Sequence[Entry]) -> dict[str, int]:
    """Return the waterfall: steps as they change the cost, and both its ends."""
    cost = sum(one.cost or 0 for one in entries)
    saved = {name: sum(one.steps[at] for one in entries) for at, name in enumerate(STEPS)}
    return {
        "baseline": cost + sum(saved.values()),
        **{name: -amount for name, amount in saved.items()},
        "cost": cost,
    }


def requests(entries: Iterable[Entry]) -> int:
    """Return requests of callers: each where its first entry stands."""
    return sum(one.is_first and not one.is_reversal and one.kind in CALLERS for one in entries)


def unpriced(entries: Iterable[Entry]) -> int:
    """Return attempts whose cost nobody knows."""
    return sum(one.counts for one in entries if one.cost is None)


def key_figures(
    entries: Sequence[Entry], days: int, setting: dict[str, list[str]], revenue: int | None
) -> dict[str, Ratio | None]:
    """Return each key figure that ledger and books tell as a fraction; None for no figure."""
    cost, asked = sum(one.cost or 0 for one in entries), requests(entries)
    saved = sum(sum(one.steps) for one in entries)
    answers = [one for one in entries if one.kind in ANSWERS and one.status == "ok"]
    served = [one for one in answers if one.kind != "cache"]
    answered, from_models = _count(answers), _count(served)
    wanted = sum(one.tokens + one.removed * one.counts for one in answers)
    paid = sum(
        one.tokens for one in entries if one.kind != "cache" and one.provider not in setting["own"]
    )
    cheaper = _count(one for one in served if one.steps[2] * one.counts > 0)
    routed = _count(one for one in answers if one.route in setting["choosing"])
    users = len({one.user for one in entries if one.user})
    features = len({(one.team, one.feature) for one in entries})
    attempts = sum(one.counts for one in entries)
    return {
        "token-optimisation": _share(wanted - paid, wanted),
        "routing-efficiency": _share(cheaper, from_models),
        "routing-coverage": _share(routed, answered),
        "cache-hit-rate": _share(answered - from_models, answered),
        "wrong-hit-rate": None,
        "cost-per-request": _share(cost, asked),
        "cost-per-success": _share(cost, answered),
        "cost-per-user": _share(cost, users),
        "cost-per-feature": _share(cost, features),
        "cost-per-team": _share(cost, len({one.team for one in entries})),
        "cost-per-run": None,
        "ai-cogs": _share(cost, revenue or 0),
        "contribution-margin": _share((revenue or 0) - cost, revenue or 0),
        "savings-rate": _share(saved, cost + saved),
        "unpriced": _share(unpriced(entries), attempts),
        "failure-rate": _share(max(0, asked - answered), asked),
        "throughput": (asked, days),
        "latency-p95": _latency_p95(served),
    }


def _count(entries: Iterable[Entry]) -> int:
    return sum(one.counts for one in entries)


def _share(part: int, whole: int) -> Ratio | None:
    return (part, whole) if whole else None


def _latency_p95(served: Sequence[Entry]) -> Ratio | None:
    """Interpolate in the first bucket under whose end 95 of 100 answers are."""
    total = _count(served)
    if total <= 0:
        return None
    lower = faster = 0
    for bound in BOUNDS_MS:
        under = _count(one for one in served if one.total_us < bound * 1000)
        if 100 * under >= 95 * total:
            inside = 100 * (under - faster)
            return (lower * inside + (95 * total - 100 * faster) * (bound - lower), inside)
        lower, faster = bound, under
    return None
