"""Finding the secrets a configuration refers to, and reading them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec

from legato.app.config.loaded import Secret
from legato.app.config.problems import Path, Problem
from legato.app.config.stored_secrets import STORES, read_stored
from legato.core.config import Config
from legato.core.config_parts import SecretRef

SECRET_BYTES_MAX = 64 * 1024
_FORMS = {
    "env": "{env: NAME}",
    "file": "{file: PATH}",
    "hashicorp": "{hashicorp: {path: PATH, key: KEY}}",
    "aws_secret": "{aws_secret: {id: ID}}",
    "vault": "{vault: NAME}",
}


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

    What signs in to a store is read where something in it is wanted. What Legato's own vault holds
    is not read here: it is behind the database.
    """
    found: dict[SecretRef, Secret] = {}
    problems: list[Problem] = []
    stored: list[tuple[Path, SecretRef]] = []
    signing_in: list[tuple[Path, SecretRef]] = []

    def read(path: Path, reference: SecretRef) -> None:
        text, message, remedy = _read(reference, environment)
        if message:
            problems.append(Problem(path, place_of(path), message, remedy))
        else:
            found[reference] = Secret(text)

    for path, reference in references(config):
        message, remedy = _malformed(reference, path, config)
        if message:
            problems.append(Problem(path, place_of(path), message, remedy))
        elif path[:1] == (STORES,):
            signing_in.append((path, reference))
        elif reference.in_store and wanted(path):
            stored.append((path, reference))
        elif reference.vault is None and wanted(path):
            read(path, reference)
    for path, reference in signing_in:
        if wanted(path) or any(_kept_by(one) == path[1] for _, one in stored):
            read(path, reference)
    if stored and not problems:
        asked = list(dict.fromkeys(reference for _, reference in stored))
        answers = read_stored(config, asked, lambda one: found[one].reveal(), environment)
        told = dict(zip(asked, answers, strict=True))
        found |= {one: Secret(said.text) for one, said in told.items() if said.text is not None}
        problems += [
            Problem(path, place_of(path), told[one].told, told[one].remedy)
            for path, one in stored
            if told[one].text is None
        ]
    return found, problems


def _malformed(reference: SecretRef, path: Path, config: Config) -> tuple[str, str]:
    """Return what is wrong with the form of a reference and its remedy, "" for nothing."""
    forms = ["env", "file"]
    if path[:1] != (STORES,):  # what signs in to a store can't be in it
        forms += ["hashicorp", "aws_secret"]
    if path[:1] == ("providers",) and path[2:] == ("api_key",):
        forms.append("vault")
    named = [one for one in reference.__struct_fields__ if getattr(reference, one) is not None]
    if len(named) != 1 or named[0] not in forms:
        whose = "a provider's secret" if "vault" in forms else "a secret"
        listed = f"{', '.join(forms[:-1])} and {forms[-1]}"
        shown = [_FORMS[one] for one in forms]
        remedy = f"Write {', '.join(shown[:-1])} or {shown[-1]}."
        return f"{whose} names exactly one of {listed}", remedy
    store = _kept_by(reference)
    if store and getattr(config.secret_stores, store) is None:
        remedy = f"Say there how it is reached: `{STORES}: {{{store}: {{…}}}}`."
        return f"it names a secret of {STORES}.{store}, which isn't configured", remedy
    return "", ""


def _kept_by(reference: SecretRef) -> str:
    """Return which of `secret_stores` keeps it, "" for none."""
    if reference.hashicorp is not None:
        return "hashicorp"
    return "aws" if reference.aws_secret is not None else ""


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
