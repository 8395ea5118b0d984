"""Pins what scorers name: a judge's version and how it stands with people, a package's version."""

from collections.abc import Mapping
from typing import Any

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, checked_name, selector
from legato.evaluation.scorers.installed import with_package
from legato.evaluation.scorers.judge import Judge, Standing
from legato.judging.labels import Record
from legato.registry.judges import read_judge
from legato.registry.registry import Registry
from legato.storage.evaluation.judge_records import JudgeRecords


class JudgePins:
    """Of one organisation, in one environment."""

    def __init__(self, registry: Registry, environment: str, records: JudgeRecords) -> None:
        self._registry = registry
        self._environment = environment
        self._records = records

    def pinned(self, plain: Mapping[str, Any], place: str) -> dict[str, Any]:
        """Return a scorer's settings with its judge's version and standing, if it has a judge.

        Raises:
            NotFound: there is no such judge, or no such version of it.
            InvalidRequest: naming the place and the remedy.
        """
        if plain.get("use") != Judge.__struct_config__.tag:
            return with_package(plain)
        name, _, version = str(plain["judge"]).partition("@")
        try:
            wanted = ObjectName(Kind.JUDGE, checked_name(name)), selector(version or DEFAULT_LABEL)
        except InvalidRequest as error:
            told = f"{place}.judge: {error.message}"
            raise InvalidRequest(told, param=f"{place}.judge") from None
        record = self._registry.read.version(*wanted, self._environment)
        kept = self._records.latest(name, record.digest)
        standing = Standing(read_judge(self._registry.content(record)))
        if kept is not None:
            found = msgspec.json.decode(kept.record, type=Record)
            mapping = found.calibration.mapping
            standing = Standing(standing.spec, measured=True, mapping=mapping)
        return {
            **plain,
            "name": plain.get("name") or name,
            "judge": f"{name}@{record.digest}",
            "standing": msgspec.to_builtins(standing),
        }
