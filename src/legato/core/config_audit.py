"""Configuration of the audit log."""

import msgspec

from legato.core.config_parts import Positive


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Audit(_Strict, frozen=True):
    """The audit log."""

    seal_every_s: Positive = 60.0
    """How often entries of the ledger and decisions are sealed into it."""
