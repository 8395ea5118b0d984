"""What policies ask of answers, compiled; and what that comes to for one request."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from legato.core.guard_output import (
    AFTER_SENDING,
    BEFORE_SENDING,
    NOT_SCANNED,
    PARTLY,
    OnOutput,
    OutputChecks,
    OutputFacts,
    OutputStream,
)
from legato.core.guarding import Place, TextFilter
from legato.guardrails.outputs.decoding import DecodingFinder
from legato.guardrails.outputs.findings import Found
from legato.guardrails.outputs.grounded import Grounded
from legato.guardrails.outputs.grounding import Context
from legato.guardrails.outputs.holding import HoldBack, Watch
from legato.guardrails.outputs.leaks import CANARY, REDACTED_VALUE, PromptFinder, TextFinder
from legato.guardrails.outputs.links import LinkFinder
from legato.guardrails.outputs.looking import Looked, LookedFinder, SlowRule
from legato.guardrails.outputs.rules import OutputRule, rules_of
from legato.guardrails.outputs.schemas import Schema, Schemas, UnusableSchema
from legato.guardrails.outputs.whole import JsonTest, WholeChecks, WholeText


class Asked(NamedTuple):
    """What of a request its answer's checks depend on."""

    system: str = ""
    schema: dict[str, Any] | None = None
    """What the request itself wants the answer held to."""
    sources: Callable[[Sequence[str]], Sequence[str]] = lambda _places: ()
    """Returns the texts that an answer may stand on, by where they come from."""
    redacted: Sequence[str] = ()
    """Values that the model was not shown."""
    canaries: Sequence[str] = ()
    """Planted in this request alone."""


class OutputPlan:
    """One policy's checks, compiled once."""

    def __init__(
        self,
        name: str,
        checks: OutputChecks,
        *,
        enforced: bool = True,
        rules: Sequence[Watch] = (),
        policy: object = None,
        reviewed: Sequence[str] = (),
        slow: Sequence[SlowRule] = (),
    ) -> None:
        """`name` is the policy's, with its version; `rules` are those about answers.

        `reviewed` are rules of the compiled `policy` that ask elsewhere about whole answers; `slow`
        those that ask detectors there.

        Raises ConfigInvalid naming what is wrong.
        """
        self.name = name
        self.checks = checks
        self.enforced = enforced
        self.policy = policy
        self.reviewed = tuple(reviewed)
        self.slow = tuple(slow)
        self._rules: tuple[OutputRule, ...] = rules_of(checks.json.rules) if checks.json else ()
        self._watches = (*self._fixed(), *rules)

    @property
    def names(self) -> tuple[str, ...]:
        """The checks it asks for."""
        checks = self.checks
        given = ("json", "leaks", "links", "length", "language", "grounding")
        named = [one for one in given if getattr(checks, one) is not None]
        named += [one.check for one in self._watches]
        named += [one.watch.check for one in self.slow]
        return tuple(dict.fromkeys([*named, *self.reviewed]))

    def watches(self, asked: Asked) -> list[Watch]:
        """Return what is looked for in each text of the answer to a request."""
        watches = list(self._watches)
        leaks = self.checks.leaks
        if leaks is None:
            return watches
        finders: list[TextFinder | PromptFinder] = []
        if asked.canaries:
            finders.append(TextFinder(asked.canaries, CANARY))
        if leaks.redacted_values and asked.redacted:
            finders.append(TextFinder(asked.redacted, REDACTED_VALUE, whole=True))
        if leaks.system_prompt_words and asked.system:
            finders.append(PromptFinder(asked.system, leaks.system_prompt_words))
        action = OnOutput(leaks.action)
        return watches + [Watch("leaks", one, action, self.enforced) for one in finders if one]

    def whole(self, asked: Asked, schemas: Schemas, found: Found) -> WholeChecks | None:
        """Return what needs all of an answer's text; None where nothing does."""
        checks = self.checks
        json = self._json(asked, schemas, found)
        grounding = checks.grounding
        alone = grounding is not None and not grounding.asks_elsewhere
        grounded = self.grounded(asked, found) if alone else None
        if json is None and not (checks.length or checks.language or grounded):
            return None
        return WholeChecks(self.enforced, json, checks.length, checks.language, grounded)

    def grounded(self, asked: Asked, found: Found) -> Grounded | None:
        """Return the check whether answers stand on the request's sources; None without any."""
        grounding = self.checks.grounding
        if grounding is None:
            return None
        context = Context(asked.sources(grounding.sources))
        if not context:
            found.add("grounding.no_sources", "flag", "request")
            return None
        return Grounded(grounding, context, self.enforced)

    def _json(self, asked: Asked, schemas: Schemas, found: Found) -> JsonTest | None:
        setting = self.checks.json
        if setting is None:
            return None
        wanted = asked.schema if setting.schema is None else setting.schema
        if wanted is None:
            return JsonTest(setting, None, self._rules) if self._rules else None
        schema: Schema | None = None
        try:
            schema = schemas.compiled(wanted)
        except UnusableSchema:  # the caller's own: the answer is at least JSON, and this is told
            found.add("json.schema_unusable", "flag", "request")
        return JsonTest(setting, schema, self._rules)

    def _fixed(self) -> list[Watch]:
        """Return what is looked for whatever the request."""
        leaks, links = self.checks.leaks, self.checks.links
        watches: list[Watch] = []
        if leaks is not None and leaks.canaries:
            finder = TextFinder(leaks.canaries, CANARY)
            watches.append(Watch("leaks", finder, OnOutput(leaks.action), self.enforced))
        if links is not None:
            found = LinkFinder(links.hosts, images_only=links.images_only)
            watches.append(Watch("links", found, OnOutput(links.action), self.enforced))
        return watches


class OutputRun:
    """The checks of the answer to one request, over all attempts to get one."""

    def __init__(
        self,
        plans: Sequence[OutputPlan],
        asked: Asked,
        schemas: Schemas,
        now_ms: Callable[[], float],
    ) -> None:
        """Nothing is looked at yet."""
        self.found = Found()
        self.plans = plans
        self.asked = asked
        self._now_ms = now_ms
        self._watches = [_decoding(watch) for plan in plans for watch in plan.watches(asked)]
        whole = [plan.whole(asked, schemas, self.found) for plan in plans]
        self._whole = tuple(one for one in whole if one is not None)
        self.grounded = tuple(one for plan in plans if (one := self._asks_elsewhere(plan)))
        """What an embedder or a judge is asked about whole answers."""
        self._slow = [rule for plan in plans for rule in plan.slow]
        self.looked = Looked()
        self._window = max((one.checks.hold_back_chars for one in plans), default=0)
        self.reasks = 0
        self.reasks_max = min((one.checks.reasks_max for one in plans), default=0)
        self.reask_at = next(filter(None, (one.checks.reask_at for one in plans)), None)
        self.complete = False

    @property
    def passes_on(self) -> bool:
        """Whether streams go out as they come: only where every policy says so.

        Not where a detector elsewhere is asked: it is asked about all of an answer.
        """
        return not self._slow and all(
            one.checks.stream is OutputStream.AS_IT_COMES for one in self.plans
        )

    @property
    def holds_whole(self) -> bool:
        """Whether nothing of a stream may go out before all of it is checked."""
        if self.passes_on:
            return False
        asked = any(one.checks.stream is OutputStream.HOLD_WHOLE for one in self.plans)
        return asked or bool(self._whole or self._slow) or self.is_reviewed

    @property
    def is_reviewed(self) -> bool:
        """Whether something has to be asked elsewhere about the whole answer."""
        return bool(self.grounded) or any(one.reviewed for one in self.plans)

    @property
    def wants_json(self) -> bool:
        """Whether a policy in force lets nothing but JSON pass."""
        return any(one.enforced and one.json is not None for one in self._whole)

    @property
    def withholds(self) -> bool:
        """Whether something may not go out at all."""
        watches = [*self._watches, *(one.watch for one in self._slow)]
        return any(one.enforced and one.action is not OnOutput.FLAG for one in watches)

    @property
    def elsewhere(self) -> dict[str, frozenset[Place]]:
        """The detectors that have to be asked elsewhere, and about what."""
        asked: dict[str, frozenset[Place]] = {}
        for rule in self._slow:
            for name, places in rule.detectors.items():
                asked[name] = asked.get(name, frozenset()) | places
        return asked

    @property
    def time_s(self) -> float:
        """How long they may take."""
        return min(rule.time_s for rule in self._slow)

    def protects_by(self, detector: str) -> bool:
        """Whether something would come through if a detector wasn't asked."""
        return any(rule.protects and detector in rule.detectors for rule in self._slow)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Gather the texts of an answer that detectors have to be asked about."""
        found, self.found = self.found, Found()
        try:
            with self.looked.gathering():
                yield
        finally:
            self.found = found

    def _asks_elsewhere(self, plan: OutputPlan) -> Grounded | None:
        grounding = plan.checks.grounding
        elsewhere = grounding is not None and grounding.asks_elsewhere
        return plan.grounded(self.asked, self.found) if elsewhere else None

    def filters(
        self, where: str, place: Place, *, answer: bool, stream: bool, sealed: bool = False
    ) -> list[TextFilter]:
        """Return what one text of an answer passes through.

        `answer` tells that it is what the model answers: neither thoughts nor a tool's arguments.
        A `sealed` one may not be changed: what would be redacted blocks.
        """
        watches = _acting([one for one in self._watches if place in one.places], sealed=sealed)
        pass_on = stream and self.passes_on
        filters: list[TextFilter] = self._of_slow(where, place, sealed=sealed)
        if self.looked.gathers:
            return filters
        if answer and self._whole:
            filters.append(
                WholeText(
                    self._whole, self.found, where=where, pass_on=pass_on, now_ms=self._now_ms
                )
            )
        if watches:
            filters.append(
                HoldBack(
                    watches,
                    self.found,
                    where=where,
                    window=self._window,
                    now_ms=self._now_ms,
                    pass_on=pass_on,
                )
            )
        return filters

    def _of_slow(self, where: str, place: Place, *, sealed: bool) -> list[TextFilter]:
        watches = [
            _decoding(rule.watch._replace(finder=LookedFinder(self.looked, rule, place)))
            for rule in self._slow
            if place in rule.watch.places
        ]
        if not watches:
            return []
        acting = _acting(watches, sealed=sealed)
        held = HoldBack(acting, self.found, where=where, window=0, now_ms=self._now_ms, at_end=True)
        return [held]

    def begin(self) -> None:
        """Begin with another answer: what was found in the last one stays written down."""
        self.found.begin()
        self.complete = False

    def facts(self, *, stream: bool) -> OutputFacts:
        """Return what is recorded."""
        scanned = NOT_SCANNED
        if self.complete and not self.found.open:
            scanned = AFTER_SENDING if stream and self.passes_on else BEFORE_SENDING
        elif self.found.ended or self.found.open:
            scanned = PARTLY
        return OutputFacts(
            tuple(one.name for one in self.plans),
            tuple(dict.fromkeys(name for one in self.plans for name in one.names)),
            scanned,
            self.found.fired,
            self.reasks,
            round(self.found.check_ms * 1_000),
            round(self.found.held_ms),
        )


def _decoding(watch: Watch) -> Watch:
    return watch._replace(finder=DecodingFinder(watch.finder))


def _acting(watches: list[Watch], *, sealed: bool) -> list[Watch]:
    """Return what is done about a text: one that may not be changed is blocked instead."""
    if not sealed:
        return watches
    return [
        one._replace(action=OnOutput.BLOCK) if one.action is OnOutput.REDACT else one
        for one in watches
    ]
