"""One provider of an instance, opened for a command as a worker would open it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from legato.app.checks.configuration import load, no_secret, storage_secret
from legato.app.checks.egress import egress_of
from legato.app.checks.instance import Instance, config_file_for
from legato.app.config.data_dir import DataDir
from legato.app.config.environment import environment
from legato.app.config.problems import Path as Place
from legato.app.credentials import read_credentials, require_credentials
from legato.app.desks.stored_data import stored_data
from legato.app.models.upstream import settings_of
from legato.app.models.vaults import open_data_keys
from legato.app.programs.managed import MANAGED_KINDS, ServerCommand, managed_commands, running
from legato.core.config import Provider
from legato.core.egress import PERMISSIVE, Egress
from legato.core.errors import ConfigInvalid
from legato.providers.base import ProviderSettings
from legato.vault.envelope import Envelopes


class OneProvider(msgspec.Struct, frozen=True, eq=False):
    """A provider with the instance it belongs to; only its own secrets were read."""

    instance: Instance
    config: Provider

    @property
    def egress(self) -> Egress:
        """Which addresses it may call: a server of our own, any."""
        if self.config.kind in MANAGED_KINDS and self.config.base_url is None:
            return PERMISSIVE
        return egress_of(self.instance.loaded.config)


def find_provider(data: Path, config_file: Path | None, name: str) -> OneProvider:
    """Find a provider of the configuration by its name.

    Raises:
        ConfigInvalid: the configuration has problems, no such provider, or a secret of its own
            can't be read.
    """
    place = DataDir(data)
    file = config_file_for(place, config_file)
    providers = load(file, environment(), secrets=no_secret).config.providers
    names = [provider.name for provider in providers]
    if name not in names:
        known = f"it has: {', '.join(names)}" if names else "it has none"
        where = "no file was found" if file is None else str(file)
        raise ConfigInvalid(f"no provider {name!r} in the configuration ({where}); {known}")
    index = names.index(name)
    key = providers[index].api_key
    in_vault = key is not None and key.vault is not None

    def wanted(path: Place) -> bool:
        return path[:2] == ("providers", index) or (in_vault and storage_secret(path))

    loaded = load(file, environment(), secrets=wanted)
    return OneProvider(Instance(place, file, loaded), loaded.config.providers[index])


@contextmanager
def provider_at_hand(one: OneProvider) -> Iterator[ProviderSettings]:
    """Return what the provider is built from; a model server of ours runs meanwhile.

    A simulated one keeps its book in a folder of its own, beside that of a running gateway.

    Raises:
        ConfigInvalid: the vault lacks its credential, or its settings are wrong.
        OperatorError: the vault can't be read, or the model server doesn't start.
    """
    provider = one.config
    with TemporaryDirectory(prefix="legato-") as folder:
        place = DataDir(Path(folder)) if provider.kind == "simulated" else one.instance.data
        commands = _commands(one, place)
        if not commands:
            yield settings_of(provider, one.instance.loaded, _credential(one))
            return
        place.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        (command,) = commands
        with running(command):
            yield ProviderSettings(provider, command.base_url, command.api_key)


def _commands(one: OneProvider, place: DataDir) -> list[ServerCommand]:
    alone = msgspec.structs.replace(one.instance.loaded.config, providers=[one.config])
    return managed_commands(alone, place)


def _credential(one: OneProvider) -> str | None:
    """Return the provider's credential of the vault, None where it has none there."""
    instance, key = one.instance, one.config.api_key
    if key is None or key.vault is None:
        return None
    alone = msgspec.structs.replace(instance.loaded.config, providers=[one.config])
    with stored_data(instance) as stored:
        data_keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
        found = read_credentials(alone, stored.credentials(), Envelopes(data_keys))
    require_credentials(alone, found)
    return found[key.vault]
