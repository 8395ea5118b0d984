"""Configuration versions: refusing foreign ones, rewriting older ones."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from legato.app.config.problems import Problem
from legato.app.config.tree import Node
from legato.core.config import CONFIG_VERSION
from legato.core.errors import ConfigInvalid

VERSION_KEY = "config_version"
Migration = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: Mapping[int, Migration] = MappingProxyType({})
"""By the version it starts from; each yields the next one. Version 1 is the first there is."""


def check_version(tree: Node, place: str) -> Problem | None:
    """Return what is wrong with a file's version, None when it is today's."""
    node = tree.child(VERSION_KEY)
    path = (VERSION_KEY,)
    if node is None:
        remedy = f"Add `{VERSION_KEY}: {CONFIG_VERSION}` at the top."
        return Problem(path, place, "missing", remedy)
    version = node.value
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        return Problem(path, node.place, "not a version", f"Write {CONFIG_VERSION}.")
    if version > CONFIG_VERSION:
        message = f"version {version} is newer than this Legato, which reads {CONFIG_VERSION}"
        return Problem(path, node.place, message, "Install a newer Legato.")
    if version < CONFIG_VERSION:
        message = f"version {version} is older than {CONFIG_VERSION}"
        return Problem(path, node.place, message, "Run `legato config migrate FILE`.")
    return None


def migrate(
    document: dict[str, Any],
    *,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    target: int = CONFIG_VERSION,
) -> dict[str, Any]:
    """Bring a document to the target version, one version at a time; the input is left alone.

    Raises:
        ConfigInvalid: no version, a newer one, or a version nothing leads on from.
    """
    version = document.get(VERSION_KEY)
    if not isinstance(version, int) or isinstance(version, bool):
        raise ConfigInvalid(f"the file has no {VERSION_KEY}: add `{VERSION_KEY}: {target}`")
    if version > target:
        raise ConfigInvalid(f"version {version} is newer than {target}: install a newer Legato")
    while version < target:
        step = migrations.get(version)
        if step is None:
            raise ConfigInvalid(f"nothing is known about version {version}: the first is 1")
        version += 1
        document = {**step(document), VERSION_KEY: version}
    return document
