"""Secrets of the configuration that other programs keep: asked for by a process of its own."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Final, TypeVar

import msgspec

from legato.app.config.loaded import LoadedConfig, Secret
from legato.app.config.problems import Path
from legato.core.config import Config
from legato.core.config_parts import SecretRef
from legato.core.config_secret_stores import (
    AwsAccess,
    AwsStore,
    HashicorpAccess,
    HashicorpStore,
)
from legato.core.errors import ConfigInvalid
from legato.vault.services import aws_session, hashicorp_session
from legato.vault.stores.order import AwsOrder, Found, HashicorpOrder, Order

Access = TypeVar("Access", HashicorpAccess, AwsAccess)
STORES: Final = "secret_stores"
TIMEOUT_S: Final = 60.0
_PROGRAM: Final = "legato.vault.stores.reading_process"


def problems_of_stores(config: Config) -> Iterator[tuple[Path, str, str]]:
    """Yield what is wrong with the stores themselves: path, message, remedy."""
    stores = config.secret_stores
    if (vault := stores.hashicorp) is not None:
        path, place = (STORES, "hashicorp"), f"{STORES}.hashicorp"
        yield from _wrong(path, lambda: _known(vault.secrets, hashicorp_session.SECRETS))
        yield from _wrong(
            path, lambda: hashicorp_session.require_sign_in(vault, vault.secrets, place)
        )
        yield from _wrong(path, lambda: _extra("hvac", "hashicorp"))
        if vault.auth == "kubernetes" and vault.role is None:
            yield (*path, "role"), "auth kubernetes needs one", "Name a role of that auth method."
    if (aws := stores.aws) is not None:
        path, place = (STORES, "aws"), f"{STORES}.aws"
        yield from _wrong(path, lambda: _known(aws.secrets, aws_session.SECRETS))
        yield from _wrong(path, lambda: aws_session.require_credentials(aws, aws.secrets, place))
        yield from _wrong(path, lambda: _extra("botocore", "aws"))


def _wrong(path: Path, check: Callable[[], None]) -> Iterator[tuple[Path, str, str]]:
    try:
        check()
    except ConfigInvalid as error:
        message = error.message.removeprefix(".".join(map(str, path))).lstrip(".: ")
        yield path, message, "Look at `secret_stores` in the reference of the configuration."


def _known(secrets: Mapping[str, object], known: frozenset[str]) -> None:
    if unknown := secrets.keys() - known:
        names = ", ".join(sorted(known))
        raise ConfigInvalid(f"secrets: {min(unknown)!r} is not known; known: {names}")


def _extra(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise ConfigInvalid(f"needs the extra legato[{extra}]: pip install 'legato[{extra}]'")


def _access(store: Access, form: type[Access]) -> Access:
    """Return the part of a store's settings that says how it is reached."""
    return form(**{name: getattr(store, name) for name in form.__struct_fields__})


def read_stored(
    config: Config,
    wanted: Sequence[SecretRef],
    secret_of: Callable[[SecretRef], str],
    environment: Mapping[str, str],
) -> list[Found]:
    """Ask the stores for secrets; return what was found of each, in their order. Blocking.

    `secret_of` gives what signs in. The environment goes along, for AWS' chain of credentials.
    """
    if not wanted:
        return []
    order = Order(
        wanted=list(wanted),
        hashicorp=_hashicorp(config.secret_stores.hashicorp, secret_of),
        aws=_aws(config.secret_stores.aws, secret_of),
    )
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", _PROGRAM],
            input=msgspec.json.encode(order),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**environment, "PYTHONSAFEPATH": "1"},
        )
    except subprocess.TimeoutExpired:
        told = f"the stores of secrets didn't answer in {TIMEOUT_S:.0f} s"
    except OSError as error:
        told = f"no process can be started to read secrets: {error.strerror}"
    else:
        try:
            return msgspec.json.decode(done.stdout, type=list[Found])
        except msgspec.DecodeError:
            told = f"the process that reads secrets ended with {done.returncode}"
    return [Found(None, told, "Try again, and look at `secret_stores`.")] * len(wanted)


def _hashicorp(
    store: HashicorpStore | None, secret_of: Callable[[SecretRef], str]
) -> HashicorpOrder | None:
    if store is None:
        return None
    secrets = {name: secret_of(one) for name, one in store.secrets.items()}
    access = _access(store, HashicorpAccess)
    return HashicorpOrder(access=access, mount=store.mount, secrets=secrets)


def _aws(store: AwsStore | None, secret_of: Callable[[SecretRef], str]) -> AwsOrder | None:
    if store is None:
        return None
    secrets = {name: secret_of(one) for name, one in store.secrets.items()}
    return AwsOrder(access=_access(store, AwsAccess), secrets=secrets)


def reread(
    loaded: LoadedConfig, references: Sequence[SecretRef], environment: Mapping[str, str]
) -> tuple[dict[SecretRef, str], str]:
    """Take in what has changed in the stores; return it, and why others couldn't be read, or "".

    Whoever asks `loaded.secret` from then on has the new values. Blocking.
    """
    found = read_stored(
        loaded.config, references, lambda one: loaded.secret(one) or "", environment
    )
    changed = {
        reference: one.text
        for reference, one in zip(references, found, strict=True)
        if one.text is not None and one.text != loaded.secret(reference)
    }
    loaded.renew({reference: Secret(text) for reference, text in changed.items()})
    return changed, next((one.told for one in found if one.text is None), "")
