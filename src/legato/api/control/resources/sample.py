"""Sample data: whether it is there, brought in, taken away.

It is looked at below `/api/sample/`.
"""

from litestar.di import NamedDependency as Given
from litestar.response import Response

from legato.api.control.access import make, read
from legato.api.control.forms import Shown, moment
from legato.api.control.once import Made, Once
from legato.api.control.services import MadeSample, Services
from legato.core.permission import Permission


class ShownSample(Shown, frozen=True, kw_only=True):
    """When it was made, and how many requests were invented; null where there is none."""

    made_at: str | None
    requests: int | None


@read("/sample", Permission.SAMPLE_DATA_READ, tags=["sample"])
def show_sample(services: Given[Services]) -> ShownSample:
    """Show whether there is sample data."""
    return _shown(services.sample.made())


@make("/sample", Permission.SAMPLE_DATA_UPDATE, tags=["sample"])
def add_sample(services: Given[Services], once: Given[Once]) -> Response[ShownSample]:
    """Make sample data, in a database of its own; takes seconds."""
    return once(None, lambda: Made(_shown(services.sample.add())))


@make("/sample/delete", Permission.SAMPLE_DATA_UPDATE, tags=["sample"])
def remove_sample(services: Given[Services], once: Given[Once]) -> Response[ShownSample]:
    """Delete all sample data; nothing of it stays."""

    def work() -> Made:
        services.sample.remove()
        return Made(_shown(None), status=200)

    return once(None, work)


HANDLERS = (show_sample, add_sample, remove_sample)


def _shown(made: MadeSample | None) -> ShownSample:
    if made is None:
        return ShownSample(made_at=None, requests=None)
    return ShownSample(made_at=moment(made.at_ns), requests=made.requests)
