"""A running server makes reports at their times and delivers them, by every channel for files."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within
from tests.receivers import BucketServer, MailServer, WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from legato.providers.simulated.child import SimulatedChild

pytestmark = pytest.mark.slow

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: big, provider: open, model: m, max_output_tokens: 50, price: {input_per_mtok: "10", output_per_mtok: "20"}}
routes:
  - {alias: chat, deployments: [big]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
notifications:
  look_s: 0.2
  channels:
    - {name: hook, webhook: {url: "http://127.0.0.1:WEB/hook", secret: {env: HOOK_SECRET}}}
    - {name: mail, email: {host: 127.0.0.1, port: MAIL, tls: none, sender: l@example.org, to: [t@example.org]}}
    - {name: files, folder: {path: "FOLDER"}}
    - {name: store, s3: {endpoint: "STORE", bucket: BUCKET, region: eu-central-1, prefix: legato, access_key_id: {env: STORE_KEY_ID}, secret_access_key: {env: STORE_SECRET}}}
"""  # noqa: E501 - lines of a configuration
V1 = "/api/v1"


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def store() -> Iterator[BucketServer]:
    server = BucketServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def legato(  # noqa: PLR0917 - one for each receiver
    upstream_of_module: SimulatedChild,
    web: WebServer,
    mail: MailServer,
    store: BucketServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("UPSTREAM", upstream_of_module.url).replace("WEB", str(web.port))
    place = tmp_path_factory.mktemp("legato")
    config = config.replace("MAIL", str(mail.port)).replace("FOLDER", str(place / "delivered"))
    config = config.replace("STORE", store.url, 1).replace("BUCKET", store.bucket)
    variables = {
        "HOOK_SECRET": "a-secret-of-the-hook",
        "STORE_KEY_ID": store.key_id,
        "STORE_SECRET": store.secret,
    }
    running = RunningLegato(place, config, variables=variables)
    yield running
    assert running.stop() == 0


def delivered_to(legato: RunningLegato) -> Path:
    return legato.data.parent / "delivered"


def asked(legato: RunningLegato, path: str) -> Any:
    answer = legato.get(V1 + path, key=ADMIN)
    assert answer.status == 200, answer.body
    return answer.json


def test_a_report_is_made_at_its_time_and_reaches_every_channel(
    legato: RunningLegato, web: WebServer, mail: MailServer, store: BucketServer
) -> None:
    folder = delivered_to(legato)
    assert legato.chat("chat").status == 200
    wish = {"name": "minutely", "report": "savings", "form": "json", "cron": "* * * * *",
            "span": "1d", "channels": ["hook", "mail", "files", "store"]}  # fmt: skip
    made = legato.post(f"{V1}/report-schedules", wish, ADMIN)
    assert made.status == 201, made.body
    path = f"/report-schedules/{made.json['id']}"

    def run() -> Any:
        return next(iter(asked(legato, path)["runs"]), None)

    found = within(120, run)
    removed = legato.post(f"{V1}{path}/remove", None, ADMIN)
    assert removed.status == 200, removed.body
    assert found["told"] == ""
    name = f"minutely-{found['period'].replace('..', '_')}.json"

    def delivered() -> bytes | None:
        files = [one for one in folder.rglob(f"*{name}") if one.is_file()]
        return files[0].read_bytes() if files else None

    document = within(30, delivered)
    assert sha256(document).hexdigest() == found["sha256"]
    assert json.loads(document)["kind"] == "savings"
    message = within(30, lambda: next(iter(mail.messages), None))
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == name
    assert attachment.get_payload(decode=True) == document
    [post] = within(30, lambda: web.posts)[:1]
    assert json.loads(post[2])["data"]["facts"]["sha256"] == found["sha256"]
    kept = within(
        30, lambda: {one: it for one, it in store.objects().items() if one.endswith(name)}
    )
    assert [*kept.values()] == [document]
    assert next(iter(kept)).startswith("legato/default/")
    events = asked(legato, "/audit/events?action=report.schedule")["data"]
    assert found["sha256"] in json.dumps(events)


def test_one_is_made_when_somebody_asks_and_what_is_wrong_is_said(
    legato: RunningLegato,
) -> None:
    folder = delivered_to(legato)
    place = ("report", "schedule")
    said = ("--report", "review", "--form", "md", "--cron", "0 8 1 * *", "--channel", "files")
    assert "comes next" in legato.command(*place, "add", "review", *said)
    assert "sha256" in legato.command(*place, "run", "review")
    assert within(30, lambda: [*folder.rglob("*review-*.md")])
    assert "review" in legato.command(*place, "list")
    assert "no more" in legato.command(*place, "remove", "review")
    wrong = {"name": "x", "report": "roi", "cron": "soon", "channels": ["files"]}
    assert legato.post(f"{V1}/report-schedules", wrong, ADMIN).error["code"] == "invalid_request"


def test_the_digest_of_all_teams_comes_as_a_report(legato: RunningLegato) -> None:
    legato.entries(legato.chat("chat").request_id)
    place = ("report", "schedule")
    said = ("--report", "digest", "--form", "md", "--cron", "0 7 * * mon", "--span", "7d")
    assert "comes next" in legato.command(*place, "add", "weeks", *said, "--channel", "files")
    assert "sha256" in legato.command(*place, "run", "weeks")
    (page,) = within(30, lambda: [*delivered_to(legato).rglob("*weeks-*.md")])
    assert "## platform" in page.read_text()
    wrong = {"name": "x", "report": "digest", "cron": "0 7 * * mon", "channels": ["files"]}
    refused = legato.post(f"{V1}/report-schedules", wrong, ADMIN)
    assert (refused.status, refused.error["field"]) == (400, "span")
    assert "write last-week or 7d, not last-month" in refused.error["message"]
