"""Writes docs/reference/endpoints.md from what a running gateway serves:

`legato endpoints --json | python docs/endpoints_reference.py`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "reference" / "endpoints.md"
_HEAD = """\
<!-- Written by docs/endpoints_reference.py; a test compares. Change the gateway, not this page. -->

# Endpoints and their stages

Every method and path of the data plane, with the stages a request to it runs through, in order, as
`legato endpoints` lists them for a configuration of defaults. Workers assemble the stages when they
start and run them as listed; a test calls each endpoint of a running gateway and compares with the
timings of its trace (`legato ledger trace`).

- *reserve* runs within *call*, once for each attempt. Where an attempt fails, its *call* is timed
  before the next *reserve*.
- *guard_input* and *plan_output* are passed over while there is no
  [policy](../how-to/guardrails.md) at all. Answers are
  [checked](../how-to/output-checks.md) within *call*.
- *rule_tools* is passed over for keys that no
  [rule on tools](../how-to/roles.md#which-models-regions-and-tools-a-key-may-use) means.
- An answer from the cache leaves out *route*, *reserve*, *call* and *store_cache*.
- A stream is kept and sent within *call*; *keep* and *send* are left out.
- *record* runs however a request ends; a trace does not time it.
- Without a cache (`cache.enabled: false`, and no route that turns it on) *lookup_cache* and
  *store_cache* are gone. With `cache.semantic`, *lookup_semantic* runs behind the first, and
  *store_semantic* before *record*.
- Counting tokens costs nothing, so nothing is reserved for it.

What the stages do is in `ARCHITECTURE.md`; what each path takes is under
[HTTP](http-api.md). The [control API](control-api.md) below `/api/` has stages of its own.
"""


def page(endpoints: list[dict[str, Any]]) -> str:
    """Return the whole page."""
    calls = [one for one in endpoints if one["surface"]]
    keyed = [one for one in endpoints if not one["surface"] and "authenticate" in one["stages"]]
    is_open = [one for one in endpoints if "authenticate" not in one["stages"]]
    return (
        _HEAD
        + _section("Calls of models", calls)
        + _section("Behind a key, calling no model", keyed)
        + _section("Behind a signature", [one for one in is_open if "verify" in one["stages"]])
        + _section("Open to anyone", [one for one in is_open if "verify" not in one["stages"]])
        + "\n`/metrics` asks for an admin key where the listener is not on loopback. `/` sends"
        " browsers to the\nconsole, which stands below `/ui/`.\n"
    )


def _section(title: str, endpoints: list[dict[str, Any]]) -> str:
    rows = [
        f"| `{one['method']} {one['path']}` | {one['surface'] and '`' + one['surface'] + '`'} "
        f"| {' → '.join(one['stages'])} |\n"
        for one in endpoints
    ]
    head = "| method and path | surface | stages |\n|---|---|---|\n"
    return f"\n## {title}\n\n{head}{''.join(rows)}"


if __name__ == "__main__":
    PAGE.write_text(page(json.load(sys.stdin)), encoding="utf-8")
