"""Where content that was copied comes from: what an erasure finds it again by."""

import msgspec


class Origin(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A request and its user, as the ledger names them; "" for what isn't known."""

    request_id: str = ""
    user: str = ""
    """Keyed pseudonym."""


NO_ORIGIN = Origin()
