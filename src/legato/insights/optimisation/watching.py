"""What retries, guardrails and people cost, and what nobody uses, as lines of a review."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from legato.core.config import Config
from legato.core.guard_samples import Judgement
from legato.core.records import EntryKind
from legato.economics.optimisation.lines import Basis, Line, Topic
from legato.storage.optimisation.evidence import Evidence, Lost, Ruled
from legato.storage.rollups.reading import DAY_NS, Span, SpendQuery, SpendReader
from legato.storage.rollups.telling import days_text, query_text

_JUDGED_MIN: Final = 10
_PRECISION_LOW: Final = 0.5
_LISTED_MAX: Final = 20
_CHECKS: Final = frozenset({"output_invalid", "output_blocked", "check_failed"})
_OWN: Final = {
    EntryKind.JUDGE.value: "judgements of other answers",
    EntryKind.SHADOW.value: "copies of calls for experiments",
    EntryKind.OVERHEAD.value: "checks and summaries of our own",
    EntryKind.HEDGE.value: "hedges that lost",
}


class Worked(Protocol):
    """What people's books say of reviewing in a month."""

    @property
    def cost(self) -> int:
        """Nano-USD."""
        ...

    @property
    def hours_milli(self) -> int:
        """Hours times 1000."""
        ...

    @property
    def query(self) -> str:
        """What made it."""
        ...


def told(table: str, span: Span) -> str:
    """Say what is read of a table, as a line of JSON."""
    return msgspec.json.encode({"of": table, "days": days_text(span)}).decode()


def retried(evidence: Evidence, span: Span) -> Iterator[Line]:
    """Say what was paid for attempts that gave no answer, by route and why; the dearest first."""
    listed = sorted(evidence.lost(), key=lambda one: (-one.cost, -one.attempts, one.route))
    for one in listed[:_LISTED_MAX]:
        yield Line(
            topic=Topic.ESCALATION,
            what=f"{one.route or 'no route'}: {one.attempts:,} {_lost_by(one)}",
            advice=_advice(one),
            basis=Basis.MEASURED,
            evidence=told("ledger_entry by route, kind and status", span),
            effect=-one.cost,
        )


def guarded(evidence: Evidence, span: Span) -> Iterator[Line]:
    """Say what each rule did, and how often people found it right."""
    by_rule: dict[tuple[str, str], list[Ruled]] = defaultdict(list)
    for one in evidence.ruled():
        by_rule[one.policy, one.rule].append(one)
    judged: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for found in evidence.judged():
        judged[found.policy, found.rule][found.judgement] = found.samples
    for place, did in sorted(by_rule.items()):
        right = judged[place].get(Judgement.CONFIRMED.value, 0)
        wrong = judged[place].get(Judgement.REJECTED.value, 0)
        acts = ", ".join(f"{one.requests:,} {one.action} ({one.mode})" for one in did)
        advice, needs = _of_precision(right, wrong)
        yield Line(
            topic=Topic.GUARDRAIL,
            what=f"{place[1]} of {place[0]}: {sum(one.finds for one in did):,} finds in requests: "
            f"{acts}; judged {right:,} right, {wrong:,} wrong",
            advice=advice,
            basis=Basis.MEASURED,
            evidence=f"{told('guard_day by policy, rule, action and mode', span)}; "
            f"{told('guard_sample by policy, rule and judgement', span)}",
            needs=needs,
        )


def reviewed(evidence: Evidence, span: Span, worked: Worked) -> Iterator[Line]:
    """Say how much people reviewed, and what their books say it cost."""
    labelled, skipped, waiting = evidence.reviewed()
    samples = evidence.judged_samples()
    if not (labelled or skipped or waiting or samples or worked.cost):
        return
    hours = f", {worked.hours_milli / 1000:,.1f} hours" if worked.hours_milli else ""
    yield Line(
        topic=Topic.BURDEN,
        what=f"{labelled:,} answers labelled, {skipped:,} skipped, {waiting:,} wait; "
        f"{samples:,} finds of guardrails judged{hours}",
        advice="what a calibrated judge decides as people do needn't be reviewed: `legato judges`",
        basis=Basis.ASSUMED,
        evidence=f"{told('review_label, review_item and guard_sample', span)}; {worked.query}",
        effect=-worked.cost if worked.cost else None,
        needs="" if worked.cost else "hours of reviewing: legato labour add, activity review",
    )


def unused(
    spend: SpendReader, evidence: Evidence, span: Span, now: tuple[Config, int]
) -> Iterator[Line]:
    """Say which routes, keys and prompts nobody used."""
    config, now_ns = now
    by_route = SpendQuery(span, ("entries",), ("route",))
    used = {row.group[0] for row in spend.read(by_route)}
    yield from _unused(
        "routes", [one.alias for one in config.routes if one.alias not in used],
        "remove them, or find out who should use them", query_text(by_route),
    )  # fmt: skip
    by_key = SpendQuery(span, ("entries",), ("key",))
    keys = {row.group[0] for row in spend.read(by_key)}
    idle = [
        f"{one.name} ({one.team}/{one.feature})"
        for one in evidence.keys(now_ns)
        if one.id not in keys and one.created_at_ns < span.first * DAY_NS
    ]
    yield from _unused(
        "keys in force", idle, "revoke them: `legato keys revoke`", query_text(by_key)
    )
    named = {one.partition("/")[2].partition("@")[0] for one in evidence.versions_used()
             if one.startswith("prompt/")}  # fmt: skip
    yield from _unused(
        "prompts with a label", sorted(evidence.live_prompts() - named),
        "retire them: `legato registry`", told("ledger_entry by versions", span),
    )  # fmt: skip


def _unused(what: str, names: list[str], advice: str, evidence: str) -> Iterator[Line]:
    if not names:
        return
    listed = ", ".join(names[:_LISTED_MAX])
    more = f" and {len(names) - _LISTED_MAX:,} more" if len(names) > _LISTED_MAX else ""
    yield Line(
        topic=Topic.UNUSED,
        what=f"{len(names):,} {what}: {listed}{more}",
        advice=advice,
        basis=Basis.MEASURED,
        evidence=evidence,
        effect=0,
    )


def _lost_by(one: Lost) -> str:
    if one.kind in _OWN:
        return _OWN[one.kind]
    return f"attempts that gave no answer: {one.status}"


def _advice(one: Lost) -> str:
    if one.kind in _OWN:
        return "overhead: lower its share where it has told enough"
    if one.status in _CHECKS:
        return "the first choice fails its checks: ask a better one first, or mend the prompt"
    if one.status == "ok":
        return "answers that were escalated: raise what is asked of the first choice"
    return "look at the provider: `legato incidents`, the order of the route, its timeouts"


def _of_precision(right: int, wrong: int) -> tuple[str, str]:
    if right + wrong < _JUDGED_MIN:
        lacks = f"{_JUDGED_MIN} judged finds: there are {right + wrong}"
        return "judge samples of its finds: `legato guard samples`", lacks
    precision = right / (right + wrong)
    if precision < _PRECISION_LOW:
        return f"precision {precision:.0%}: raise its threshold (`legato guard tune`)", ""
    return f"precision {precision:.0%}: keep it", ""
