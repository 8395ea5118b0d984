"""Loading the configuration: defaults, then legato.yaml, then LEGATO_*, then flags.

Every problem that can be told is told at once: first all of form, then all between parts.
"""

from collections.abc import Callable, Collection, Mapping
from hashlib import blake2b
from pathlib import Path as FilePath
from typing import Any

import msgspec

from legato.app.checks.cross_checks import check_names
from legato.app.config.environment import DATABASE, NESTING, PREFIX
from legato.app.config.loaded import LoadedConfig
from legato.app.config.problems import ConfigProblems, Path, Problem, render, suggestion
from legato.app.config.provider_kinds import provider_kinds
from legato.app.config.secret_values import resolve
from legato.app.config.tree import Node, put
from legato.app.config.typing_check import check_types, convert
from legato.app.config.versions import VERSION_KEY, check_version
from legato.app.config.yaml_file import parse_scalar, read_yaml
from legato.core.config import CONFIG_VERSION, Config

_HASH_BYTES = 8
_SECTIONS = tuple(Config.__struct_fields__)


def every_secret(_: Path) -> bool:
    """Read all secrets: what a server needs."""
    return True


def storage_secret(path: Path) -> bool:
    """Read the database's address and the master key: what commands on stored data need."""
    return path[:1] in {("storage",), ("vault",)}


def no_secret(_: Path) -> bool:
    """Read none: what showing a configuration needs."""
    return False


def load(
    file: FilePath | None,
    environment: Mapping[str, str],
    flags: Mapping[str, tuple[Any, str]] | None = None,
    *,
    secrets: Callable[[Path], bool] = every_secret,
    kinds: Collection[str] | None = None,
) -> LoadedConfig:
    """Load and check the configuration; without a file, from the other layers alone.

    `flags` holds (value, the flag's name) by path: `{"server.port": (9000, "--port")}`.

    Raises:
        ConfigProblems: with every problem found.
    """
    tree, problems = _layers(file, environment, flags or {})
    problems += check_types(tree, Config)
    if problems:
        raise ConfigProblems(problems)
    config: Config = convert(tree, Config)
    problems += _unnamed_database(config, environment)
    problems += check_names(config, tree.place_of, provider_kinds() if kinds is None else kinds)
    found, unresolved = resolve(config, environment, tree.place_of, secrets)
    problems += unresolved
    if problems:
        raise ConfigProblems(problems)
    sources = {render(path): node.place for path, node in tree.leaves() if path}
    return LoadedConfig(config, found, sources, content_hash(config))


def content_hash(config: Config) -> str:
    """Return 16 hex digits over everything but secret values: equal for equal settings."""
    canonical = msgspec.json.encode(config, order="sorted")
    return blake2b(canonical, digest_size=_HASH_BYTES).hexdigest()


def _layers(
    file: FilePath | None,
    environment: Mapping[str, str],
    flags: Mapping[str, tuple[Any, str]],
) -> tuple[Node, list[Problem]]:
    tree = Node({}, "configuration") if file is None else read_yaml(file)
    problems: list[Problem] = []
    if not isinstance(tree.value, dict):
        remedy = f"Start the file with `{VERSION_KEY}: {CONFIG_VERSION}`."
        raise ConfigProblems([Problem((), tree.place, "not a mapping", remedy)])
    if tree.value:
        wrong = check_version(tree, str(file))
        problems += [wrong] if wrong else []
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX):
            problem = _from_environment(tree, name, text)
            problems += [problem] if problem else []
    for dotted, (value, flag) in flags.items():
        put(tree, tuple(dotted.split(".")), Node(value, flag, str(value)))
    return tree, problems


def _unnamed_database(config: Config, environment: Mapping[str, str]) -> list[Problem]:
    """Return a problem where the variable our pages name is set and nothing reads it."""
    if DATABASE not in environment or config.storage.url is not None:
        return []
    remedy = f"Write `storage: {{url: {{env: {DATABASE}}}}}`, or unset the variable."
    told = "is set, but no storage.url names it: SQLite would be taken instead"
    return [Problem((), f"environment {DATABASE}", told, remedy)]


def _from_environment(tree: Node, name: str, text: str) -> Problem | None:
    """Lay one variable over the tree. Names that could only be secrets are left alone."""
    steps = name.removeprefix(PREFIX).lower().split(NESTING)
    if len(steps) == 1:
        return None  # LEGATO_ADMIN_KEY, LEGATO_DATA, or a secret of the operator's naming
    place = f"environment {name}"
    path: Path = tuple(int(step) if step.isdecimal() else step for step in steps)
    if path[0] not in _SECTIONS:
        return Problem((), place, "no such setting", suggestion(str(path[0]), _SECTIONS))
    if not put(tree, path, parse_scalar(text, place)):
        remedy = "Count list entries from 0; the next free one may be added."
        return Problem(path, place, "no such place in the configuration", remedy)
    return None
