"""One running instance for all journeys, with traffic that was really called."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.append(str(Path(__file__).parent))  # --import-mode=importlib adds no folder by itself
sys.path.append(str(Path(__file__).parents[1] / "e2e" / "gateway"))
import openid
from browsing import SINGLE_SIGN_ON, failures, playwright, why_not
from running import ADMIN, RunningLegato
from seeding import CONFIG, ISSUED, VARIABLES, seed


@pytest.fixture(scope="session")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    """The instance that all journeys share; none takes away what another needs."""
    if reason := why_not():
        pytest.skip(reason)
    running = RunningLegato(tmp_path_factory.mktemp("console"), CONFIG, variables=VARIABLES)
    try:
        seed(running)
        yield running
    finally:
        status = running.stop()
    assert status == 0
    assert "Traceback" not in running.log.read_text()


def asked_in(session: pytest.Session) -> list[str]:
    """The files of journeys that this session runs."""
    return [item.callspec.params["journey"] for item in session.items
            if "journey" in getattr(getattr(item, "callspec", None), "params", {})]  # fmt: skip


@pytest.fixture(scope="session")
def single_sign_on(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Where an instance is whose people sign in by a real provider, for the journey that asks."""
    if SINGLE_SIGN_ON not in asked_in(request.session) or openid.why_not() or why_not():
        yield {}
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # the provider must know it before either runs
    provider = openid.Provider(f"http://127.0.0.1:{port}")
    config = ISSUED.replace("ISSUER", provider.issuer).replace("OUTSIDE", provider.outside)
    variables = {"ADMIN_KEY": ADMIN, "CLIENT_SECRET": openid.SECRET}
    folder = tmp_path_factory.mktemp("single-sign-on")
    try:
        running = RunningLegato(folder, config, port=port, variables=variables)
        yield {"LEGATO_SSO_URL": running.url, "OPENID_URL": provider.issuer}
        assert running.stop() == 0
    finally:
        provider.stop()


@pytest.fixture(scope="session")
def journeys(
    request: pytest.FixtureRequest, legato: RunningLegato, single_sign_on: dict[str, str]
) -> dict[str, list[str]]:
    """What went wrong in each file of journeys that was asked for, run by one Playwright."""
    report = playwright(legato, *asked_in(request.session), **single_sign_on)
    return {suite["file"]: list(failures(suite)) for suite in report["suites"]}
