"""The sample package as its user meets it: installed, configured, called through Legato."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from legato.providers.simulated.child import SimulatedChild

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.append(str(Path(__file__).parent))  # --import-mode=importlib adds no folder by itself
from vendor import Vendor

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "examples" / "provider-package"
KEY, CALLER = "a-shared-key-of-these-tests", "lg-the-declared-key-of-these-tests"
START_S = 30.0
CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
MESSAGE = CHAT | {"max_tokens": 50}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build and install the package as pip does, offline and without its dependencies."""
    target = tmp_path_factory.mktemp("site")
    options = ("--quiet", "--offline", "--no-deps", "--no-build-isolation")
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", *options, "--target", target, PACKAGE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def variables(installed: Path) -> dict[str, str]:
    path = os.pathsep.join([str(installed), str(ROOT / "src"), *sys.path])
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LEGATO_")}
    return kept | {"PYTHONPATH": path, "VENDOR_KEY": KEY, "CI_KEY": CALLER}


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Iterator[Vendor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", variables["PYTHONPATH"])
        model = SimulatedChild(tmp_path_factory.mktemp("model"))
    with model:
        vendor = Vendor(model.port, {"team-7": KEY})
        yield vendor
        vendor.stop()


@pytest.fixture(scope="session")
def url(
    vendor: Vendor, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Start Legato on the sample's own configuration, its two ports replaced."""
    folder = tmp_path_factory.mktemp("legato")
    written = (PACKAGE / "legato.yaml").read_text()
    config = folder / "legato.yaml"
    config.write_text(written.replace("9001", str(vendor.port)).replace("8790", "0"))
    command = ["up", "--config", config, "--data", folder / "data"]
    log = folder / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "legato", *map(str, command)],
            env=variables | {"LEGATO_ADMIN_KEY": "lg-the-admin-key-of-these-tests"},
            stderr=stderr,
        )
    until_s = time.monotonic() + START_S
    while "ready at" not in log.read_text():
        if process.poll() is not None or time.monotonic() > until_s:
            process.kill()
            pytest.fail(log.read_text())
        time.sleep(0.02)
    yield json.loads((folder / "data" / "run" / "server.json").read_bytes())["url"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def post(url: str, path: str, body: object) -> str:
    headers = {"authorization": f"Bearer {CALLER}", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}{path}", json.dumps(body).encode(), headers)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - same
        return answer.read().decode()


def test_the_packages_own_tests_pass(variables: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", PACKAGE],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_installed_kind_serves_both_dialects(url: str, vendor: Vendor) -> None:
    answer = json.loads(post(url, "/v1/chat/completions", CHAT))
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["total_tokens"] > 0
    message = json.loads(post(url, "/v1/messages", MESSAGE))
    assert message["type"] == "message"
    assert message["usage"]["output_tokens"] > 0
    assert vendor.refused == []
    assert all("authorization" not in headers for headers in vendor.served)
    assert KEY not in json.dumps(vendor.served)


def test_an_installed_kind_streams(url: str) -> None:
    assert post(url, "/v1/chat/completions", CHAT | {"stream": True}).endswith("data: [DONE]\n\n")
    events = post(url, "/v1/messages", MESSAGE | {"stream": True})
    assert "event: message_stop" in events


def test_what_the_kind_does_not_support_is_refused(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(url, "/v1/embeddings", {"model": "chat", "input": "hi"})
    with refused.value as answer:
        assert answer.code == 400
        assert KEY not in answer.read().decode()
