"""The reviews that a command's options mean, beside the judges they are by."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.app.models.vaults import open_data_keys
from legato.core.config_records import Reviews as Terms
from legato.core.tenant import Tenant
from legato.evaluation.runs import Rooms
from legato.insights.captures import Captures
from legato.insights.reviews import Reviews
from legato.judging.judge import Rubric
from legato.registry.registry import Registry
from legato.registry.rubrics import rubric_of
from legato.storage.evaluation.judge_records import JudgeRecords
from legato.vault.envelope import Envelopes


class ReviewDesk(msgspec.Struct, frozen=True, eq=False):
    """An organisation's reviews and judges, and the environment that is meant."""

    registry: Registry
    reviews: Reviews
    judge_records: JudgeRecords
    evaluations: Rooms
    captures: Captures
    environment: str
    terms: Terms

    def rubric(self, judge: str) -> Rubric:
        """Return a judge's rubric; see `rubric_of`."""
        return rubric_of(self.registry, judge, self.environment)


@contextmanager
def opened(
    config_file: Path | None, data: Path, *, org: str, environment: str | None, **_: Any
) -> Iterator[ReviewDesk]:
    """Open what the options mean."""
    instance = find_instance(data, config_file)
    config = instance.loaded.config
    with stored_data(instance, create=True) as stored:
        keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
        where = environment or config.registry.environment
        yield ReviewDesk(
            stored.registry(instance, org, where),
            stored.reviews(instance, org),
            stored.judge_records(org),
            stored.evaluations(instance, org),
            Captures(stored.captures(Tenant(org)), Envelopes(keys)),
            where,
            config.reviews,
        )
