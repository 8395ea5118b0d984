"""Opens the vault of an instance: its master keys, as configured, and its data keys."""

from importlib.metadata import entry_points

from legato.app.config.data_dir import DataDir
from legato.app.config.loaded import LoadedConfig
from legato.core.clock import SystemClock
from legato.core.config import Vault as VaultConfig
from legato.core.errors import ConfigInvalid
from legato.core.ids import IdSource
from legato.vault.data_keys import DataKeys, DataKeyStore
from legato.vault.key_service import KeyService, LocalKeys, read_master
from legato.vault.master_file import begin_rotation, finish_rotation, open_master_file
from legato.vault.services.settings import KeyServiceSettings

KEY_SERVICE_GROUP = "legato.key_services"


def open_data_keys(loaded: LoadedConfig, data: DataDir, store: DataKeyStore) -> DataKeys:
    """Return the data keys of an instance; nothing is read before one is needed."""
    clock = SystemClock()
    return DataKeys(store, lambda: key_service(loaded, data), clock, IdSource(clock))


def key_service(loaded: LoadedConfig, data: DataDir) -> KeyService:
    """Open the master keys.

    Raises:
        ConfigInvalid: they are configured in more than one way, or by no known kind.
        VaultUnusable: they can't be read.
    """
    config = loaded.config.vault
    check_master_settings(config)
    if config.key_service is not None:
        service = config.key_service
        secrets = {name: loaded.secret(one) or "" for name, one in service.secrets.items()}
        return _service(service.kind, KeyServiceSettings(service.settings, secrets))
    if config.master_key is None:
        return open_master_file(data.master_key)
    keys = [read_master(loaded.secret(config.master_key) or "", "vault.master_key")]
    if config.master_key_previous is not None:
        text = loaded.secret(config.master_key_previous) or ""
        keys.append(read_master(text, "vault.master_key_previous"))
    return LocalKeys(keys)


def check_master_settings(config: VaultConfig) -> None:
    """Raise ConfigInvalid where the settings of the master key contradict each other."""
    if config.key_service is not None and config.master_key is not None:
        raise ConfigInvalid("vault: name a master_key or a key_service, not both")
    if config.master_key_previous is not None and config.master_key is None:
        raise ConfigInvalid("vault.master_key_previous: needs a vault.master_key to follow it")


def rotate_master(loaded: LoadedConfig, data: DataDir, data_keys: DataKeys) -> int:
    """Re-wrap every data key under the newest master key; return how many were re-wrapped.

    Where Legato keeps the master key itself, it makes a new one first.
    """
    config = loaded.config.vault
    if config.key_service is not None or config.master_key is not None:
        return data_keys.rewrap(key_service(loaded, data))
    rewrapped = data_keys.rewrap(begin_rotation(data.master_key))
    finish_rotation(data.master_key)
    return rewrapped


def _service(kind: str, given: KeyServiceSettings) -> KeyService:
    found = {entry.name: entry for entry in entry_points(group=KEY_SERVICE_GROUP)}
    if kind not in found:
        known = ", ".join(sorted(found))
        raise ConfigInvalid(f"vault.key_service.kind: {kind!r} is not installed; known: {known}")
    service: KeyService = found[kind].load()(given)
    return service
