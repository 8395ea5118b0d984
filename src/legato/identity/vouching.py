"""Whether an account is known to be in the hands of the person whose name it bears.

Whoever invites a person gets the token by which a password is chosen, and could use it. That is no
harm while the account may do nothing that they may not give. So a role goes to an account that has
a password only where whoever answered for that password may give this role, too. An account that
signs in by a provider is vouched for by the provider.
"""

from collections.abc import Callable
from typing import Final

from legato.core.authority import held_over
from legato.core.errors import Conflict
from legato.core.permission import EVERYBODYS, Permission
from legato.core.principal import Principal
from legato.core.tenant import Area
from legato.storage.identity.records import Account

OPERATOR: Final = "operator"
"""Somebody at the terminal, who may do everything."""
WhoIs = Callable[[str], Principal | None]
"""Returns who somebody is now, by `key:ID` or `account:ID`; None where they are none any more."""


def voucher_of(principal: Principal) -> str:
    """Return how somebody is written down who answers for a password."""
    return f"{principal.kind}:{principal.key_id}"


def require_vouched(
    account: Account, permissions: frozenset[Permission], area: Area | None, who_is: WhoIs
) -> None:
    """Refuse a role to an account that may be in the wrong hands.

    Raises:
        Conflict: whoever answered for its password isn't known, or couldn't give these permissions.
    """
    if account.kind != "person" or account.external or not account.password:
        return
    if account.vouched_by == OPERATOR:
        return
    voucher = who_is(account.vouched_by) if account.vouched_by else None
    held = frozenset[Permission]() if voucher is None else held_over(voucher, area)
    if permissions - held - EVERYBODYS:
        by = account.vouched_by or "somebody who isn't known"
        msg = (
            f"its password was chosen by an invitation of {by}, who couldn't give this role: "
            "invite its person again (`legato accounts password --invite`, or POST "
            f"/api/v1/accounts/{account.id}/invite), and give the role once they have chosen anew"
        )
        raise Conflict(msg, param="subject_id")
