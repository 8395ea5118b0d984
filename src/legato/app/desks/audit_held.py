"""What a copy of the audit log holds, for a log to be looked at against it."""

from itertools import zip_longest
from pathlib import Path

import msgspec

from legato.app.checks.configuration import storage_secret
from legato.app.config.loaded import LoadedConfig
from legato.app.config.problems import Path as ConfigPath
from legato.app.desks.audit_destinations import mirror_of
from legato.audit.checking import Finding
from legato.audit.merkle import leaf_hash
from legato.audit.note import Checkpoint, VerifyingKey
from legato.core.errors import OperatorError
from legato.offsite.destination import CopyFailed, Forked
from legato.offsite.files import FileObjects
from legato.offsite.mirror import Mirror
from legato.storage.audit.log import AuditFilter, AuditLog


def export_secrets(path: ConfigPath) -> bool:
    """Which secrets are needed to read a copy, beside the database's address."""
    return storage_secret(path) or path[:2] == ("audit", "export")


class Held(msgspec.Struct, frozen=True, eq=False):
    """A copy that can be read back, and its checkpoint, which our key signed."""

    mirror: Mirror
    checkpoint: Checkpoint

    @classmethod
    def of(cls, named: str, loaded: LoadedConfig, key: VerifyingKey) -> "Held":
        """Read a destination of the configuration by its name, else a folder.

        Raises:
            OperatorError: there is none, it can't be read, or our key didn't sign it.
        """
        found = next((one for one in loaded.config.audit.export if one.name == named), None)
        if found is not None:
            mirror = mirror_of(found, loaded)
        elif Path(named).is_dir():
            mirror = Mirror(FileObjects(Path(named)))
        else:
            raise OperatorError(f"--against: {named} is neither in audit.export nor a folder")
        try:
            checkpoint = mirror.held(key)
        except (CopyFailed, Forked) as problem:
            raise OperatorError(f"--against {named}: {problem}") from None
        if checkpoint is None:
            raise OperatorError(f"--against {named}: there is no checkpoint")
        return cls(mirror, checkpoint)

    def first_difference(self, log: AuditLog) -> Finding | None:
        """Return the first event that isn't the one that was copied, by the copy's own hashes.

        None where all of these are as copied, or the copy's hashes aren't there any more.
        """
        size = self.checkpoint.size
        ours = (leaf_hash(one.leaf) for one in log.all(AuditFilter(before=size)))
        try:
            pairs = enumerate(zip_longest(self.mirror.hashes(size), ours))
            at = next((at for at, (was, is_) in pairs if was != is_), None)
        except CopyFailed:
            return None
        if at is None:
            return None
        return Finding(at, at + 1, f"event {at} isn't the one that was copied")
