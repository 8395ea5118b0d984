"""Finding the secrets a configuration refers to, and reading them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec

from legato.app.config.loaded import Secret
from legato.app.config.problems import Path, Problem
from legato.core.config import Config
from legato.core.config_parts import SecretRef

SECRET_BYTES_MAX = 64 * 1024


def references(value: Any, path: Path = ()) -> Iterator[tuple[Path, SecretRef]]:
    """Yield each secret reference below a configuration value, with its path."""
    if isinstance(value, SecretRef):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from references(getattr(value, name), (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, (*path, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from references(item, (*path, name))


def resolve(
    config: Config,
    environment: Mapping[str, str],
    place_of: Callable[[Path], str],
    wanted: Callable[[Path], bool],
) -> tuple[dict[SecretRef, Secret], list[Problem]]:
    """Read the wanted secrets; the form of every reference is checked, wanted or not.

    What the vault holds is not read here: it is behind the database.
    """
    found: dict[SecretRef, Secret] = {}
    problems: list[Problem] = []
    for path, reference in references(config):
        message, remedy = _malformed(reference, path)
        if message:
            problems.append(Problem(path, place_of(path), message, remedy))
            continue
        if reference.vault is not None or not wanted(path):
            continue
        text, message, remedy = _read(reference, environment)
        if message:
            problems.append(Problem(path, place_of(path), message, remedy))
        else:
            found[reference] = Secret(text)
    return found, problems


def _malformed(reference: SecretRef, path: Path) -> tuple[str, str]:
    """Return what is wrong with the form of a reference and its remedy, "" for nothing."""
    vault_too = _takes_vault(path)
    named = [one for one in (reference.env, reference.file, reference.vault) if one is not None]
    if len(named) == 1 and (reference.vault is None or vault_too):
        return "", ""
    if vault_too:
        message = "a provider's secret names exactly one of env, file and vault"
        return message, "Write {env: NAME}, {file: PATH} or {vault: NAME}."
    return "a secret names exactly one of env and file", "Write {env: NAME} or {file: PATH}."


def _takes_vault(path: Path) -> bool:
    return path[:1] == ("providers",) and path[2:] == ("api_key",)


def _read(reference: SecretRef, environment: Mapping[str, str]) -> tuple[str, str, str]:
    if reference.env is not None:
        text = environment.get(reference.env, "")
        name = reference.env
        if text:
            return text, "", ""
        state = "empty" if name in environment else "not set"
        return "", f"the environment variable {name} is {state}", f"Set it: export {name}=…"
    file = FilePath(reference.file or "")
    remedy = "Write the secret into that file, readable by Legato."
    try:
        with file.open("rb") as stream:
            raw = stream.read(SECRET_BYTES_MAX + 1)
        text = raw.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        return "", f"the secret's file {file} can't be read: {reason.lower()}", remedy
    if not text or len(raw) > SECRET_BYTES_MAX:
        state = "empty" if not text else f"over {SECRET_BYTES_MAX} bytes"
        return "", f"the secret's file {file} is {state}", remedy
    return text, "", ""
