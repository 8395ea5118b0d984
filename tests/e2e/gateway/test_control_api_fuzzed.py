"""Ten thousand requests made up from the control API's document: none fails within."""

from __future__ import annotations

import logging
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

import pytest
from asking import operations
from belongings import V1
from hypothesis import HealthCheck, Phase, given, seed, settings
from running import ADMIN, CALLER, RunningLegato, within
from test_control_api import CONFIG, UP_KEY, tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

log = logging.getLogger(__name__)
CASES: Final = 10_000
FOLLOWED_S: Final = 2.0
LIMIT_S: Final = 1_500
"""A request takes a few milliseconds: so long only where something hangs."""
pytestmark = [pytest.mark.soak, pytest.mark.timeout(LIMIT_S + 120)]


@pytest.fixture(scope="module")
def legato(
    upstream_of_module: SimulatedChild, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("URL", upstream_of_module.url)
    running = RunningLegato(
        tmp_path_factory.mktemp("fuzzed"), config, workers=2, variables={"UP_KEY": UP_KEY}
    )
    yield running
    log = running.log.read_text()
    assert running.stop() == 0
    assert "a control request failed" not in log


class Asking:
    """Sends cases in turn: as who administers everything, or one tenant; to made-up ids, or own."""

    def __init__(self, legato: RunningLegato) -> None:
        self.legato = legato
        self.began = monotonic()
        self.statuses: dict[int, int] = {}
        self.failed: list[str] = []
        self._tenants = 0
        self._own: dict[str, Any] = {}

    def send(self, case: Any) -> None:
        assert monotonic() - self.began < LIMIT_S
        number = sum(self.statuses.values())
        if number % 400 == 0:  # what was revoked, disabled and erased meanwhile is there again
            self._lift()
            self._tenants += 1
            self._own = tenant(self.legato, f"acme-{self._tenants}")
        if number % 3:
            names = case.path_parameters or {}
            case.path_parameters = {name: self._own.get(name, names[name]) for name in names}
        key = ADMIN if number % 2 else self._own["secret"]
        headers = {"authorization": f"Bearer {key}"}
        answer = case.call(base_url=self.legato.url, headers=headers, timeout=30)
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        if answer.status_code >= 500:
            self.failed.append(f"{case.as_curl_command()} -> {answer.status_code} {answer.text}")

    def _lift(self) -> None:
        """Take back what holds everybody: a rule that admits no model, a budget of nothing."""
        for rule in self._all("access-rules"):  # at the terminal: it may mean the administrator
            self.legato.command("access", "remove", rule["id"])
        for budget in self._all("budgets", "?limit=200"):
            gone = self.legato.post(f"{V1}/budgets/{budget['id']}/delete", b"", ADMIN)
            assert gone.status in {200, 403}, gone.body  # its own, which is the administrator's
        assert within(10, lambda: self.legato.chat("chat", key=CALLER).status == 200)
        sleep(FOLLOWED_S)  # the other worker, too

    def _all(self, listed: str, most: str = "") -> list[dict[str, Any]]:
        answer = self.legato.get(f"{V1}/{listed}{most}", ADMIN)
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json["data"]
        return found


def test_no_request_fails_within(legato: RunningLegato) -> None:
    import schemathesis  # takes seconds of whoever only collects tests

    document = legato.get("/api/openapi.json", ADMIN).json
    schema = schemathesis.openapi.from_dict(document)
    each = CASES * 105 // (100 * len(operations(document)))  # some have fewer cases to make up
    asking = Asking(legato)
    for result in schema.get_all_operations():
        send_all(result.ok(), asking, each)
    took_s = monotonic() - asking.began
    log.warning("%s in %.0f s", asking.statuses, took_s)
    assert asking.failed == []
    assert sum(asking.statuses.values()) >= CASES


def send_all(operation: Any, asking: Asking, count: int) -> None:
    @seed(7)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        asking.send(case)

    call()
