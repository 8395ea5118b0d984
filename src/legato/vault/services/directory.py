"""Master keys in a folder of files, as secret stores mount them."""

from pathlib import Path

import msgspec

from legato.vault.key_service import LocalKeys, VaultUnusable, read_master
from legato.vault.services.settings import KeyServiceSettings


class DirectorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the folder is."""

    path: str


def factory(given: KeyServiceSettings) -> "DirectoryKeys":
    """Build the key service of kind `directory`. Raises ConfigInvalid."""
    return DirectoryKeys(Path(given.read(DirectorySettings).path))


class DirectoryKeys:
    """A folder of master keys, one to a file named `ID.key`, as a secret store mounts them.

    The last name in order is current, so `2026-11.key` follows `2026-08.key`. The folder is read
    anew each time: a key put there is used from then on, without a restart.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def current_id(self) -> str:
        """The last name in order. Raises VaultUnusable."""
        return self._names()[-1]

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt under the current key; its name stays in front, as another may come."""
        return self._local(self.current_id).wrap(key, context)

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt. Raises VaultUnusable."""
        local = self._local(master_id)
        return local.unwrap(local.current_id, wrapped, context)

    def _names(self) -> list[str]:
        try:
            names = sorted(path.stem for path in self._folder.glob("*.key"))
        except OSError as error:
            raise VaultUnusable(f"{self._folder} can't be read: {error.strerror}") from None
        if not names:
            raise VaultUnusable(f"{self._folder} holds no master key: put one there as ID.key")
        return names

    def _local(self, name: str) -> LocalKeys:
        path = self._folder / f"{name}.key"
        if name not in self._names():
            raise VaultUnusable(f"A data key is wrapped under {name}, but there is no {path}")
        try:
            text = path.read_text("ascii")
        except (OSError, UnicodeDecodeError):
            raise VaultUnusable(f"{path} can't be read as text") from None
        return LocalKeys([read_master(text, str(path))])
