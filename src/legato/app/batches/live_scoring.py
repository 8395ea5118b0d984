"""Runs the policies of live scoring, in the batch process."""

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from legato.app.asked import asked
from legato.app.config.data_dir import DataDir
from legato.app.context import BatchContext
from legato.app.models.vaults import open_data_keys
from legato.core.clock import SystemClock
from legato.core.config_records import LivePolicy
from legato.core.errors import InvalidRequest, LegatoError
from legato.core.ids import IdSource
from legato.core.money import amount
from legato.core.principal import Principal
from legato.core.records import EntryKind
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.evaluation.gateway_calls import PURPOSE_HEADER, Target
from legato.evaluation.judge_pins import JudgePins
from legato.evaluation.live import TAG, LiveScoring, Policy, Rooms
from legato.evaluation.scorers.table import read_scorers
from legato.evaluation.scoring import Scorer
from legato.insights.captures import Capture, Captures
from legato.insights.drift import Terms, Watch
from legato.registry.registry import Registry
from legato.storage.data_keys import DataKeyTable
from legato.storage.evaluation.feedback import FeedbackIntake, SealedWord
from legato.storage.evaluation.judge_records import JudgeRecords
from legato.storage.evaluation.live_scores import LiveScores, score_context
from legato.storage.kept.captures import CaptureFilter, CaptureReader
from legato.storage.registry.changes import RegistryChanges
from legato.storage.registry.reader import RegistryReader
from legato.storage.tenants.keys import KeyStore
from legato.telemetry.metrics import Meters
from legato.vault.envelope import Envelopes

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_FAILED: Final = "failed"


def run_policies(context: BatchContext, executor: str, stop: threading.Event) -> None:
    """Score until told to stop. A policy that can't be worked on is told of and tried again."""
    work = LiveWork(context, executor)
    meters = Meters(snapshot_file(context.data))
    told: dict[str, str] = {}
    while not stop.wait(_LOOK_S):
        _show_alarms(work, meters)
        for policy in context.loaded.config.live_scoring:
            try:
                while not stop.is_set() and work.pass_once(policy, stop):
                    pass
                told.pop(policy.name, None)
            except LegatoError as error:
                if told.get(policy.name) != error.message:
                    log.warning(
                        "live scoring waits",
                        extra={"policy": policy.name, "reason": error.message},
                    )
                told[policy.name] = error.message
            except Exception:  # a defect in one policy must not end the others'
                if told.get(policy.name) != _FAILED:
                    log.exception("live scoring failed", extra={"policy": policy.name})
                told[policy.name] = _FAILED


def snapshot_file(data: DataDir) -> Path:
    """Return where the alarms are left for `/metrics`."""
    return data.run / "metrics-live.bin"


def _show_alarms(work: "LiveWork", meters: Meters) -> None:
    try:
        meters.drift(work.alarmed())
        meters.save()
    except LegatoError as error:
        log.warning("alarms can't be shown in the metrics", extra={"reason": error.message})
    except OSError as error:
        log.warning("no metrics snapshot", extra={"reason": error.strerror})


class LiveWork:
    """What all policies of an instance work with."""

    def __init__(self, context: BatchContext, executor: str) -> None:
        self._context = context
        self._executor = executor
        self._clock = SystemClock()
        self._ids = IdSource(self._clock)
        self._engine = context.engine
        keys = DataKeyTable(self._engine)
        self._envelopes = Envelopes(open_data_keys(context.loaded, context.data, keys))
        self._keys = KeyStore(self._engine, self._clock, self._ids, EVERY_TENANT)

    def pass_once(self, configured: LivePolicy, stop: threading.Event) -> int:
        """Let a policy score what was captured; return how many answers.

        Raises:
            LegatoError: the key or a judge isn't there, or the database is away.
        """
        principal = self._principal(configured)
        policy = Policy(
            org=principal.org,
            name=configured.name,
            wanted=CaptureFilter(route=configured.route, share=configured.share),
            prompt=configured.prompt or "",
            usd_per_day=int(amount(configured.usd_per_day)),
            feedback=configured.feedback or "",
            terms=Terms(**msgspec.structs.asdict(configured.drift)),
        )
        scoring = LiveScoring(
            policy, self._rooms(configured, principal), self._clock, new_id=self._ids.new
        )
        return scoring.pass_once(self._executor, lambda: not stop.is_set())

    def alarmed(self) -> dict[tuple[str, ...], bool]:
        """Return of every watched score (policy, scorer, versions) whether its alarm is open.

        Raises:
            LegatoError: the database is away.
        """
        found: dict[tuple[str, ...], bool] = {}
        for configured in self._context.loaded.config.live_scoring:
            with suppress(InvalidRequest):  # its key isn't there: the policy tells of it
                tenant = Tenant(self._principal(configured).org)
                for scorer, versions, watch in LiveScores(self._engine, tenant).streams(
                    configured.name
                ):
                    alarmed = msgspec.json.decode(watch, type=Watch).alarmed
                    found[configured.name, scorer, versions] = alarmed
        return found

    def _rooms(self, configured: LivePolicy, principal: Principal) -> Rooms:
        tenant = Tenant(principal.org)
        reader = CaptureReader(self._engine, tenant)
        credential = self._context.acting.credential(principal.key_id, {TAG: configured.name})
        headers = {PURPOSE_HEADER: EntryKind.JUDGE.value, "cache-control": "no-store"}

        def seal(score_id: str, data: bytes) -> bytes:
            return self._envelopes.seal(tenant.org, data, score_context(score_id))

        def tell(capture: Capture, scorer: str, value: float) -> None:
            word = SealedWord(
                id=self._ids.new(),
                request_id=capture.head.request_id,
                end_user="",
                key_id=f"live:{configured.name}:{scorer}",
                at_ns=self._clock.now_ns(),
                signals={"score": value},
            )
            FeedbackIntake(self._engine, tenant).put(word)

        return Rooms(
            captures=Captures(reader, self._envelopes),
            last_cursor=reader.last_cursor,
            scores=LiveScores(self._engine, tenant),
            scorers=lambda: self._scorers(configured, tenant),
            asked=asked,
            target=lambda: Target(self._context.base_url, credential, headers),
            seal=seal,
            tell=tell,
        )

    def _scorers(self, configured: LivePolicy, tenant: Tenant) -> Sequence[Scorer]:
        changes = RegistryChanges(self._engine, self._clock, self._ids, tenant)
        registry = Registry(
            tenant.org,
            (RegistryReader(self._engine, tenant), changes),
            self._envelopes,
            checks={},
            approvals=(),
        )
        environment = self._context.loaded.config.registry.environment
        pins = JudgePins(registry, environment, JudgeRecords(self._engine, tenant))
        pinned: list[Any] = [
            pins.pinned(one, f"live_scoring.scorers[{index}]")
            for index, one in enumerate(configured.scorers)
        ]
        return read_scorers(pinned, "live_scoring.scorers")

    def _principal(self, configured: LivePolicy) -> Principal:
        in_force = self._keys.snapshot().by_digest.values()
        found = {one.key_id: one for one in in_force if one.name == configured.key}
        if len(found) != 1:
            there = "several keys are" if found else "no key is"
            told = f"live_scoring.key: {there} called {configured.key!r}; name one key in force"
            raise InvalidRequest(told, param="key")
        return next(iter(found.values()))
