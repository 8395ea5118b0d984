"""Writes the table of docs/how-to/roles.md from the code: `python docs/roles_reference.py`."""

from __future__ import annotations

import re
from pathlib import Path

from legato.core.permission import INSTANCE_ONLY, Permission
from legato.core.roles import BUILT_IN, TITLES, Role

PAGE = Path(__file__).parent / "how-to" / "roles.md"
_BEGIN, _END = "<!-- roles: written by docs/roles_reference.py -->\n", "<!-- end of roles -->\n"


def page() -> str:
    """Return the whole page with the tables as the code has them."""
    text = PAGE.read_text(encoding="utf-8")
    return re.sub(
        f"{re.escape(_BEGIN)}.*?{re.escape(_END)}",
        lambda _: _BEGIN + _roles() + "\n" + _permissions() + _END,
        text,
        flags=re.DOTALL,
    )


def _roles() -> str:
    rows = "".join(f"| `{role}` | {TITLES[role]}. |\n" for role in Role)
    return f"| role | is for |\n|---|---|\n{rows}"


def _permissions() -> str:
    head = "| permission | " + " | ".join(Role) + " |\n"
    rows = "".join(
        f"| `{one.value}`{' *' if one in INSTANCE_ONLY else ''} | "
        + " | ".join("✓" if one in BUILT_IN[role] else "" for role in Role)
        + " |\n"
        for one in sorted(Permission)
    )
    return head + "|---|" + ":-:|" * len(Role) + "\n" + rows


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
