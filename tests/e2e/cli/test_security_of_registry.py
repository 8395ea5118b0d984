"""`legato security check` on policies of the registry, and on servers that do harm."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import yaml

from legato.cli.security_check import erasure_case, upload_case
from legato.cli.security_check.bench import Answer
from legato.cli.security_check.verdicts import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from conftest import Legato

CONFIG = """\
config_version: 1
providers:
  - {name: open, kind: openai_compatible, preset: openai, api_key: {env: NOT_SET_HERE}}
deployments:
  - {name: small, provider: open, model: gpt-4o-mini}
routes:
  - {alias: chat, deployments: [small]}
"""
POLICY = {
    "kind": "guardrail",
    "name": "kept-in-registry",
    "spec": {
        "mode": "shadow",
        "rules": [{"name": "m", "detect": {"labels": ["EMAIL_ADDRESS"]}, "action": "redact"}],
    },
}


def test_policies_of_the_registry_are_tried(legato: Legato, tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text(CONFIG)
    data = tmp_path / "data"
    folder = tmp_path / "objects"
    folder.mkdir()
    (folder / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    applied = legato("apply", "-f", folder, "--data", data, "--org", "default", "--yes")
    assert applied.returncode == 0, applied.stderr
    done = legato("security", "check", "--json", "--data", data)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert "policies of the registry, tried as the file's: kept-in-registry" in report["changed"]
    (six,) = [one for one in report["cases"] if one["case"] == 6]
    assert (done.returncode, six["verdict"]) == (1, "failed")
    assert "kept-in-registry: in mode shadow" in six["evidence"]


class Harmful:
    """A server in the place of Legato that does what the cases are about."""

    def __init__(self, folder: Path, *, writes: bool = False) -> None:
        self.folder = folder
        self.url = ""
        self.route = "chat"
        self.keys = SimpleNamespace(caller="c", admin="a")
        self.endpoints = [SimpleNamespace(path="/v1/files")]
        self._writes = writes

    def send(self, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        del body, headers
        if method == "POST":
            if self._writes:
                (self.folder / upload_case.MARKER).write_text("escaped")
            return Answer(200, {}, b'{"id": "file-1"}')
        wrong = path.endswith("file-1/content")
        return Answer(200 if wrong or "responses" in path else 404, {}, b"something else")

    def post(self, path: str, body: Any, key: str = "", headers: Any = None) -> Answer:
        del key, headers
        if path == "/api/v1/erasures":
            assert body["user"]
            return Answer(201, {}, b'{"erased": {"captures": 2}}')  # and does nothing
        return Answer(200, {}, b'{"id": "resp-1"}')


def test_an_upload_that_escapes_or_comes_back_otherwise_fails_case_33(tmp_path: Path) -> None:
    verdict, evidence = upload_case.uploads(Harmful(tmp_path, writes=True))  # type: ignore[arg-type]
    assert verdict is Verdict.FAILED
    assert "other content came back" in evidence
    (tmp_path / upload_case.MARKER).unlink()
    (tmp_path / "quiet").mkdir()
    unharmed = Harmful(tmp_path / "quiet")
    unharmed.send = lambda *_, **__: Answer(404, {}, b"")  # type: ignore[method-assign]
    assert upload_case.uploads(unharmed)[0] is Verdict.PASSED  # type: ignore[arg-type]
    (tmp_path / "quiet" / f"x{upload_case.MARKER}").touch()
    verdict, evidence = upload_case.uploads(unharmed)  # type: ignore[arg-type]
    assert verdict is Verdict.FAILED
    assert "a file was made" in evidence


def test_an_erasure_that_erases_nothing_fails_case_38(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure_case, "_ledger_problems", lambda _: ["sums differ"])
    verdict, evidence = erasure_case.erased(Harmful(tmp_path))  # type: ignore[arg-type]
    assert verdict is Verdict.FAILED
    for told in ("2 captures are left", "is answered 200", "sums differ"):
        assert told in evidence
