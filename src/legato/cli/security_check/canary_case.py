"""Case 32: keys and prompts planted in every kind of call are nowhere afterwards."""

from pathlib import Path
from typing import Final

from legato.cli.security_check.bench import CHAT, OK, PATHS, Answer, Bench, bearer
from legato.cli.security_check.masking_cases import Judged
from legato.cli.security_check.probes import Probed
from legato.cli.security_check.verdicts import failed, passed

CANARY: Final = "canary-of-the-security-check-5f1c9a"
"""Stands in prompts, in addresses and in names of models."""


def plant(bench: Bench) -> list[str]:
    """Make calls that go wrong in many ways; return answers that give the vendor's key away."""
    answers: list[Answer] = []
    for surface in PATHS:
        for stream in (False, True):
            answers.append(bench.ask(surface, f"Say {CANARY}.", stream=stream))
            with bench.models.doing("error"):
                answers.append(bench.ask(surface, f"Say {CANARY}.", stream=stream))
    key = bench.keys.caller
    answers += [
        bench.send("GET", f"/v1/models?key={key}", None, bearer(key)),
        bench.send("GET", f"/v1/nothing/{key}", None, {}),
        bench.send("POST", CHAT, f'{{"model": "{CANARY}"'.encode(), bearer(key)),
        bench.send("POST", CHAT, b"{}", {"authorization": key, "x-api-key": key}),
    ]
    secret = bench.keys.vendor.encode()
    return [
        answer.code
        for answer in answers
        if secret in answer.body or secret in repr(answer.headers).encode()
    ]


def search(bench: Bench, probed: Probed, given_away: list[str]) -> Judged:
    """Search all files of the run, once the program has ended."""
    needles = [key.encode() for key in bench.keys.every()] + [CANARY.encode()]
    needles += [one.value.encode() for one in probed.masked]
    files = [path for path in (bench.folder / "data").rglob("*") if path.is_file()]
    files.append(bench.folder / "log")
    wrong = [_short(bench.folder, path) for path in files if _holds(path, needles)]
    metrics = (bench.folder / "metrics").read_bytes()
    if any(needle in metrics for needle in needles):
        wrong.append("/metrics")
    wrong += [f"an answer ({code}) has the vendor's key" for code in given_away]
    searched = f"{len(needles)} canaries in {len(files)} files, /metrics and answers"
    return failed(f"{searched}: {'; '.join(wrong[:5])}") if wrong else passed(f"0 hits: {searched}")


def keep_metrics(bench: Bench) -> None:
    """Write the metrics beside the data, before the program ends."""
    answer = bench.send("GET", "/metrics", None, bearer(bench.keys.admin))
    (bench.folder / "metrics").write_bytes(answer.body if answer.status == OK else b"")


def _holds(path: Path, needles: list[bytes]) -> bool:
    content = path.read_bytes()
    return any(needle in content for needle in needles)


def _short(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder))
