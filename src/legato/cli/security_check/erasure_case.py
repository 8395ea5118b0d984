"""Case 38: what is erased of a user can't be read any more, and the books still verify."""

import threading
from typing import Any, Final

from legato.app.config.data_dir import DataDir
from legato.app.desks.stored_data import StoredData
from legato.cli.security_check.bench import OK, PATHS, Bench, asking, bearer
from legato.cli.security_check.masking_cases import Judged
from legato.cli.security_check.verdicts import counted, failed, not_applicable

_USER: Final = "user-of-the-security-check"
_ERASURES: Final = "/api/v1/erasures"
_TRIES: Final = 40
_PAUSE_S: Final = 0.25
_GONE: Final = 404


def erased(bench: Bench) -> Judged:
    """38: a response that was kept is gone, nothing is left to erase, the ledger verifies."""
    responses = _asked(bench)
    pause = threading.Event()
    found = 0
    for _ in range(_TRIES):  # what waits on the disk comes in within a second
        before, found = found, sum(_counts(bench).values())
        if found and found == before:
            break
        pause.wait(_PAUSE_S)
    if not found:
        return not_applicable("nothing of these requests is kept, so nothing is to be erased")
    done = bench.post(_ERASURES, {"user": _USER}, bench.keys.admin)
    if done.status >= 300:  # noqa: PLR2004 - not a success
        return failed(f"erasing was answered {done.code}")
    wrong = [f"{count} {kind} are left" for kind, count in _counts(bench).items() if count]
    headers = bearer(bench.keys.caller)
    for one in responses:
        answer = bench.send("GET", f"/v1/responses/{one}", None, headers)
        if answer.status != _GONE:
            wrong.append(f"a kept response is answered {answer.status}")
    report = _ledger_problems(bench)
    wrong += [f"the ledger: {one}" for one in report]
    verdict, evidence = counted(wrong, found, "things kept of a user, erased")
    return verdict, f"{evidence}; the ledger was verified"


def _asked(bench: Bench) -> list[str]:
    """Ask as the user; return the ids of responses that are kept."""
    kept = []
    for surface in PATHS:
        if surface == "messages":
            body: dict[str, Any] = asking(surface, bench.route, "Remember me.", stream=False)
            body["metadata"] = {"user_id": _USER}
        else:
            body = asking(surface, bench.route, "Remember me.", stream=False) | {"user": _USER}
        if surface == "responses":
            body["store"] = True
        answer = bench.post(PATHS[surface], body)
        if answer.status == OK and surface == "responses":
            kept.append(str(answer.json["id"]))
    headers = bearer(bench.keys.caller)
    return [
        one for one in kept if bench.send("GET", f"/v1/responses/{one}", None, headers).status == OK
    ]


def _counts(bench: Bench) -> dict[str, int]:
    """Return what would be erased of the user, by kind."""
    answer = bench.post(_ERASURES, {"user": _USER, "dry_run": True}, bench.keys.admin)
    counts: dict[str, int] = answer.json["erased"]
    return counts


def _ledger_problems(bench: Bench) -> list[str]:
    stored = StoredData(DataDir(bench.folder / "data").database_url)
    try:
        return [str(one) for one in stored.verify().problems[:3]]
    finally:
        stored.close()
