"""Reads the policies of the registry, compiled, for workers to follow."""

import logging

import msgspec

from legato.core.config import Config
from legato.core.errors import LegatoError
from legato.core.registry import DEFAULT_LABEL, Kind, shown
from legato.gateway.guards.policies import Snapshot
from legato.guardrails.policy.compiling import CompiledPolicy, compiled_policy
from legato.registry.registry import Sealing, sealing_context
from legato.storage.registry.records import LabelledVersion
from legato.storage.registry.snapshot import RegistrySnapshots

log = logging.getLogger(__name__)


class PolicyReader:
    """Reads what is live; blocking. Every method may raise StorageUnavailable."""

    def __init__(self, source: RegistrySnapshots, sealing: Sealing) -> None:
        self._source = source
        self._sealing = sealing
        self._version = -1
        self._known: dict[tuple[str, str], CompiledPolicy] = {}

    def read(self) -> Snapshot | None:
        """Return the policies where they changed since they were read; None where not."""
        if self._source.version() == self._version:
            return None
        version, labelled = self._source.read(Kind.GUARDRAIL)
        live = [one for one in labelled if one.label == DEFAULT_LABEL]
        known: dict[tuple[str, str], CompiledPolicy] = {}
        broken: dict[str, tuple[str, ...]] = {}
        for one in sorted(live, key=lambda each: (each.org, each.version.name.name)):
            name = shown(one.version.name, one.version.digest)
            compiled = self._known.get((one.org, name)) or self._compiled(one, name)
            if compiled is None:
                broken[one.org] = (*broken.get(one.org, ()), name)
            else:
                known[one.org, name] = compiled
        self._known, self._version = known, version
        return Snapshot(tuple(known.values()), broken)

    def _compiled(self, one: LabelledVersion, name: str) -> CompiledPolicy | None:
        # where there is a policy only: they take 5 MiB
        from legato.gateway.guards.terms import terms_of  # noqa: PLC0415
        from legato.registry.guardrails import read_guardrail  # noqa: PLC0415

        kept = one.version
        try:
            context = sealing_context(kept.name, kept.digest)
            content = msgspec.json.decode(self._sealing.open(one.org, kept.sealed, context))
            found = compiled_policy(read_guardrail(kept.name.name, content), name, one.org)
            terms_of(found)  # what can't be compiled must not be found out by a request
        except (ValueError, LegatoError) as error:  # those of types are ValueErrors, too
            log.error(  # noqa: TRY400 - its message may hold a part of the policy
                "a policy can't be read: its organisation's requests are refused",
                extra={"version": name, "reason": type(error).__name__},
            )
            return None
        return found


def file_policies(config: Config) -> tuple[CompiledPolicy, ...]:
    """Return the policies of the file. Raises ConfigInvalid."""
    said = config.guardrails.policies
    if not said:
        return ()
    from legato.registry.guardrails import version_of  # noqa: PLC0415 - where there is a policy only

    return tuple(compiled_policy(one, version_of(one)) for one in said)
