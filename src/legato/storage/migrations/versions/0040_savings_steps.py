"""The steps between what an entry would have cost and what it did.

Of entries that are there it is told what follows from them: an answer from the cache is the
cache's, an attempt that nothing came of is overhead, and what the baseline itself answered was
saved by what was left out or kept by the vendor. All else stands under routing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"

_STEPS = ("cache", "shortening", "routing", "prompt_cache", "tier", "overhead")
_PRICED = "cost IS NOT NULL AND baseline_cost IS NOT NULL AND cost <> baseline_cost"
_OVERHEAD = "kind IN ('retry', 'hedge', 'judge', 'shadow', 'overhead')"
_OWN = "deployment = baseline_model AND measures"


def upgrade() -> None:
    for name in _STEPS:
        step = sa.Column(f"step_{name}", sa.BigInteger, nullable=False, server_default="0")
        op.add_column("ledger_entry", step)
    for name, which in (
        ("cache", "kind = 'cache'"),
        ("overhead", _OVERHEAD),
        ("prompt_cache", f"kind = 'usage' AND {_OWN} = 'prompt_cache'"),
        ("shortening", f"kind = 'usage' AND {_OWN} LIKE 'removed:%'"),
        (
            "routing",
            f"kind = 'usage' AND NOT ({_OWN} = 'prompt_cache' OR {_OWN} LIKE 'removed:%')",
        ),
    ):
        op.execute(
            f"UPDATE ledger_entry SET step_{name} = baseline_cost - cost "  # noqa: S608 - ours
            f"WHERE {_PRICED} AND {which}"
        )
    opposite = ", ".join(
        f"step_{name} = -(SELECT undone.step_{name} FROM ledger_entry AS undone "  # noqa: S608 - ours
        "WHERE undone.id = ledger_entry.reverses_entry)"
        for name in _STEPS
    )
    op.execute(
        f"UPDATE ledger_entry SET {opposite} WHERE reverses_entry IN "  # noqa: S608 - ours
        "(SELECT id FROM ledger_entry)"
    )
