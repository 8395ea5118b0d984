"""Checks of `limits.store`, that are made without asking it."""

from collections.abc import Iterator
from importlib.util import find_spec

from legato.app.config.problems import Path
from legato.core.config import Config


def problems_of_limits(config: Config) -> Iterator[tuple[Path, str, str]]:
    """Yield path, message and remedy."""
    if config.limits.store is None:
        return
    path: Path = ("limits", "store")
    if config.storage.url is None:
        message = "a store of leases is for instances that share a database"
        yield path, message, "Name a Postgres database (storage.url), or leave out limits.store."
    if find_spec("redis") is None:
        yield path, "an extra is not installed", "pip install 'legato[redis]'"
