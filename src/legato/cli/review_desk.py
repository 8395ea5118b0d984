"""The reviews that a command's options mean, beside the judges they are by."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from legato.app.instance import find_instance
from legato.app.stored_data import stored_data
from legato.core.config import Reviews as Terms
from legato.insights.reviews import Reviews
from legato.judging.judge import Rubric
from legato.registry.registry import Registry
from legato.registry.rubrics import rubric_of
from legato.storage.judge_records import JudgeRecords


class ReviewDesk(msgspec.Struct, frozen=True, eq=False):
    """An organisation's reviews and judges, and the environment that is meant."""

    registry: Registry
    reviews: Reviews
    judge_records: JudgeRecords
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
        where = environment or config.registry.environment
        yield ReviewDesk(
            stored.registry(instance, org, where),
            stored.reviews(instance, org),
            stored.judge_records(org),
            where,
            config.reviews,
        )
