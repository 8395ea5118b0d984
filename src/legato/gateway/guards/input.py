"""The stage before the caches and the models: looks into what is sent, and acts by the policies.

It fails closed where leaking is the risk: a detector that redacts, blocks or routes and can't look
ends the request. Where rules only flag, the failure is counted and the request passes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from legato.core.errors import DetectorFailed, InputBlocked, LegatoError
from legato.core.guard_facts import Fired, Guarded, shown_pointer
from legato.core.guarding import Action, Finding, Mode, Piece, Place
from legato.detectors.running import Detectors, Outcome, takes_long
from legato.gateway.guards.keeping import Keepers, keep_map
from legato.gateway.guards.policies import SENT, Applied, Policies
from legato.gateway.guards.reach import Reaching
from legato.guardrails.pieces import looked_into, together, token_ids
from legato.guardrails.policy.deciding import NOTHING, Evidence, Masked, Verdict, verdict_of

if TYPE_CHECKING:
    from legato.core.tasks import InThread
    from legato.gateway.context import Call
    from legato.gateway.guards.inquiries import Inquiries
    from legato.gateway.guards.terms import Broken
    from legato.telemetry.metrics import Meters

_NS_PER_US: Final = 1_000
_ON_THE_SPOT_FINDINGS: Final = 200
"""More than these are decided about, and replaced, in a thread: it takes some 20 µs for each."""
_KEPT_HEADERS: Final = (b"x-legato-cache-tags", b"x-legato-documents")
"""What they say is stored beside an answer, and shown."""
_encode: Final = msgspec.json.Encoder().encode
Mask = Callable[["Call", Sequence[Masked], Sequence[Piece]], dict[str, Any]]
"""Returns a call's body with what is to be masked replaced; `pieces` are all its texts."""


class _Looked(NamedTuple):
    """What was found in some texts, and decided about it."""

    outcome: Outcome
    verdict: Verdict
    is_long: bool
    took_ns: int


class InputGuard:
    """Looks into requests."""

    def __init__(
        self,
        policies: Policies,
        detectors: Detectors,
        *,
        reach: Reaching,
        mask: Mask,
        meters: "Meters",
        inquiries: "Inquiries",
        in_thread: "InThread",
        keepers: Keepers | None = None,
    ) -> None:
        self.policies = policies
        self._detectors = detectors
        self.reach = reach
        """Tells what a call's policies may be attached to."""
        self._mask = mask
        self._meters = meters
        self._inquiries = inquiries
        self._in_thread = in_thread
        self._keepers = keepers or Keepers()

    def passes(self, _call: "Call") -> bool:
        """Whether there is no policy at all."""
        return self.policies.idle

    async def __call__(self, call: "Call") -> None:
        """Let a call pass, change it, or refuse it.

        Raises:
            InputBlocked: a rule or the policy's terms refuse it.
            DetectorFailed: it can't be looked into.
            InvalidRequest: it is too deep.
        """
        try:
            await self._look_into(call)
        except LegatoError:  # nothing of it was masked
            call.captured_for_ns = call.captured_bytes_max = 0
            raise

    async def _look_into(self, call: "Call") -> None:
        applied = self._applied(call)
        if not applied.policies:
            return
        call.guarded = Guarded(applied.versions)
        call.in_thread = self._in_thread
        if applied.terms:
            await self._require_terms(call, applied)
        if not applied.reads:
            return
        _require_words(call, applied)
        looked = looked_into(call.body)
        names = [one for one in (*looked.names, *_told_beside(call)) if one.place in SENT]
        texts = [one for one in (*looked.texts, *together(names)) if one.place in SENT]
        found = await self._found(call, applied, texts)
        if found.verdict.of_names:  # which of them it is, each tells alone
            texts = [*(one for one in texts if not one.token), *names]
            found = await self._found(call, applied, texts)
        self._note(call, found)
        verdict = found.verdict
        if verdict.noticed and self._keepers.sampler is not None:
            self._keepers.sampler.take(call, verdict)
        self._act(call, verdict)
        if verdict.masked and found.is_long:
            await self._in_thread(lambda: self._replace(call, verdict, texts))
        elif verdict.masked:
            self._replace(call, verdict, texts)
        take_map = self._keepers.take_map
        if not verdict.kept or take_map is None:
            return
        if found.is_long:
            await self._in_thread(lambda: keep_map(call, verdict, take_map))
        else:
            keep_map(call, verdict, take_map)

    async def _found(self, call: "Call", applied: Applied, texts: Sequence[Piece]) -> "_Looked":
        outcome = await self._look(call, applied, texts)
        is_long = takes_long(texts) or sum(map(len, outcome.findings)) > _ON_THE_SPOT_FINDINGS
        began_ns = perf_counter_ns()
        verdict = await self._decided(applied, texts, outcome, is_long=is_long)
        again = verdict.of_names and any(one.token and not one.where for one in texts)
        if applied.inquires and verdict.blocking is None and not again:
            both = zip(texts, outcome.findings, strict=True)
            words = [(piece, some) for piece, some in both if not piece.token]
            gathered = await self._inquiries(call, applied, words, verdict.masked)
            protecting = (*applied.protecting, *gathered.closed)
            self._count(gathered.failed, protecting)
            outcome = gathered.beside(outcome)
            self._require_looked(call, outcome, protecting)
            if gathered.evidence:
                verdict = await self._decided(
                    applied, texts, outcome, evidence=gathered.evidence, is_long=is_long
                )
        return _Looked(outcome, verdict, is_long, perf_counter_ns() - began_ns)

    def refuse_unread(self, call: "Call") -> None:
        """Refuse what can't be looked into, where a policy would have to act on it.

        Raises:
            InputBlocked: naming the policy.
        """
        applied = self._applied(call)
        if not applied.policies:
            return
        call.guarded = Guarded(applied.versions)
        for policy in applied.policies:
            if policy.enforces_reading:
                call.guarded = msgspec.structs.replace(call.guarded, done=Action.BLOCK.value)
                msg = (
                    f"{call.surface.name} can't be looked into, and {policy.version} must be: "
                    "use another key or route, or ask for the policy"
                )
                raise InputBlocked(msg, param="model")

    def _applied(self, call: "Call") -> Applied:
        if not self.policies.loaded:
            msg = "Policies could not be loaded yet: the database is away. Try again shortly."
            raise DetectorFailed(msg, retry_after_s=1)
        applied = self.policies.applying(call.caller, self.reach(call))
        if applied.broken:
            msg = f"{applied.broken[0]} can't be read, so nothing may pass it; save it again."
            raise DetectorFailed(msg)
        return applied

    async def _require_terms(self, call: "Call", applied: Applied) -> None:
        broken: list[Broken] = []
        for terms in applied.terms:
            broken += await terms.broken_by(call, self._inquiries.lookups)
        if not broken or call.guarded is None:
            return
        enforced = next((one for one in broken if one.enforced), None)
        call.guarded = msgspec.structs.replace(
            call.guarded,
            fired=tuple(one.fired for one in broken),
            done="" if enforced is None else Action.BLOCK.value,
        )
        if enforced is not None:
            _forget_copies(call)
            msg = f"{enforced.told} ({_shown(enforced.fired)})"
            raise InputBlocked(msg, param=enforced.param)

    async def _look(self, call: "Call", applied: Applied, texts: Sequence[Piece]) -> Outcome:
        asked = [(one.name, one.places) for one in applied.detectors]
        outcome = await self._detectors.find(asked, texts, applied.time_s, tenant=call.caller.org)
        self._count(outcome.failed, applied.protecting)
        self._require_looked(call, outcome, applied.protecting)
        return outcome

    def _require_looked(self, call: "Call", outcome: Outcome, protecting: Sequence[str]) -> None:
        """Refuse a call where what protects it couldn't look. Raises DetectorFailed."""
        closed = [name for name in protecting if name in outcome.failed]
        if closed and call.guarded is not None:
            _forget_copies(call)
            call.guarded = msgspec.structs.replace(
                call.guarded, took_us=outcome.took_us, done=Action.BLOCK.value
            )
            msg = f"The detector {closed[0]} couldn't look ({outcome.failed[closed[0]]})."
            raise DetectorFailed(msg)

    def _count(self, failed: Iterable[str], protecting: Sequence[str]) -> None:
        for name in failed:
            self._meters.detector(name, "closed" if name in protecting else "open")

    async def _decided(
        self,
        applied: Applied,
        texts: Sequence[Piece],
        outcome: Outcome,
        *,
        is_long: bool,
        evidence: Evidence = NOTHING,
    ) -> Verdict:
        found: list[tuple[Piece, tuple[Finding, ...]]] = list(
            zip(texts, outcome.findings, strict=True)
        )
        if not is_long:
            return verdict_of(applied.policies, found, evidence)
        verdict: Verdict = await self._in_thread(
            lambda: verdict_of(applied.policies, found, evidence)
        )
        return verdict

    def _note(self, call: "Call", found: "_Looked") -> None:
        outcome, verdict = found.outcome, found.verdict
        if call.guarded is not None:
            call.guarded = msgspec.structs.replace(
                call.guarded,
                fired=(*call.guarded.fired, *verdict.fired),
                took_us=(*outcome.took_us, ("policies", found.took_ns // _NS_PER_US)),
                passed_over=tuple(outcome.failed),
                done="" if verdict.action is None else verdict.action.value,
            )

    def _act(self, call: "Call", verdict: Verdict) -> None:
        hit = verdict.blocking
        if hit is not None:
            _forget_copies(call)
            at = shown_pointer(hit.piece.where)
            rule = f"{hit.policy.version}, rule {hit.rule.setting.name}"
            if hit.rule.setting.action is Action.REDACT:
                msg = (
                    f"{hit.finding.label} at {at} must be redacted ({rule}), and nothing else can "
                    "stand there; take it out"
                )
                raise InputBlocked(msg)
            msg = f"{hit.finding.label} at {at} is not allowed here ({rule}); take it out"
            raise InputBlocked(msg)
        if verdict.deployments:
            self._send_to(call, verdict.deployments)

    def _replace(self, call: "Call", verdict: Verdict, texts: Sequence[Piece]) -> None:
        call.body = self._mask(call, verdict.masked, texts)
        call.masked = True
        if call.raw:
            call.raw = _encode(call.body)

    def _send_to(self, call: "Call", names: Sequence[str]) -> None:
        """Let one deployment alone answer. Raises InputBlocked where rules name several."""
        _forget_copies(call)
        route = self.reach.directory.named(names[0])
        if len(names) > 1 or route is None:
            msg = f"Rules send this to {', '.join(names)}: no one deployment may answer it."
            raise InputBlocked(msg)
        call.route, call.arm, call.slices = route, "", ()


def _require_words(call: "Call", applied: Applied) -> None:
    """Refuse a text told as ids of tokens where a rule would have to act on it."""
    field = token_ids(call.body)
    if not field or call.guarded is None:
        return
    for policy in applied.policies:
        enforced = policy.setting.mode is Mode.ENFORCE
        if enforced and any(one.protects for one in policy.rules_on([Place.INPUT])):
            _forget_copies(call)
            call.guarded = msgspec.structs.replace(call.guarded, done=Action.BLOCK.value)
            msg = (
                f"{field}: ids of tokens can't be looked into, and {policy.version} must be: "
                "send the text itself"
            )
            raise InputBlocked(msg, param=field)


def _told_beside(call: "Call") -> Iterator[Piece]:
    for name in _KEPT_HEADERS:
        told = call.source.header(name)
        if told:
            where = f"/headers/{name.decode()}"
            yield Piece(told.decode("latin-1"), where, fixed=True, token=True)


def _forget_copies(call: "Call") -> None:
    """Let nothing else be made of a call that may not go where it was to go."""
    call.copy, call.compare = None, ""


def _shown(fired: Fired) -> str:
    return f"{fired.policy}, {fired.rule}"
