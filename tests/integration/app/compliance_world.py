"""An instance of which every live check passes or has nothing to look at, and what spoils it."""

import copy
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme
import yaml
from sqlalchemy import Engine, Table, insert

from legato.app.checks.configuration import load
from legato.app.compliance.scene import Scene
from legato.app.config.data_dir import DataDir
from legato.app.models.vaults import open_data_keys
from legato.audit.event import Act, Subject
from legato.core.clock import ManualClock, SystemClock
from legato.core.config_budgets import BudgetSaid, budget_of
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT
from legato.storage.audit.exports import AuditExports, ExportState
from legato.storage.audit.writing import recorded
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine, writing
from legato.storage.limits.budgets import BudgetStore
from legato.storage.migrate import upgrade
from legato.storage.tables.accounts import account
from legato.storage.tables.roles import role_binding
from legato.storage.tenants.key_records import KeySpec
from legato.storage.tenants.keys import KeyStore
from legato.vault.envelope import Envelopes

OUTSIDE = "0.0.0.0"  # noqa: S104 - nothing listens there
DAY_NS = 86_400_000_000_000
GOOD: dict[str, Any] = {
    "config_version": 1,
    "server": {"host": OUTSIDE, "port": 8443, "tls": {}},
    "providers": [
        {"name": "one", "kind": "openai_compatible", "base_url": "https://one.example/v1"},
        {"name": "two", "kind": "openai_compatible", "base_url": "https://two.example/v1"},
    ],
    "deployments": [
        {"name": "a", "provider": "one", "model": "m", "region": "eu",
         "data_use": {"training": False, "retention_days": 0}},
        {"name": "b", "provider": "two", "model": "m", "region": "eu",
         "data_use": {"training": False, "retention_days": 0}},
    ],
    "routes": [{"alias": "chat", "deployments": ["a", "b"], "require": {"regions": ["eu"]}}],
    "access": {"rules": [{"name": "eu-only", "require": {"regions": ["eu"]}}]},
    "vault": {"master_key": {"env": "MASTER"}},
    "registry": {"approvals": [{"approvals": 1}]},
    "accounts": {"passwords": False, "external_url": "https://legato.example", "oidc": [
        {"name": "idp", "issuer": "https://idp.example", "client_id": "legato",
         "role_mapping": [{"claim": "groups", "value": "ops", "role": "viewer"}]},
    ]},
    "capture": {"rules": [{"redact": True, "retention_days": 30}]},
    "evaluation": {"traffic_dataset_retention_days": 90},
    "compliance": {"frameworks": ["gdpr", "hipaa", "soc2"], "on_breach": "warn"},
    "audit": {"export": [{"name": "vault", "file": {"path": "/elsewhere"}}]},
    "guardrails": {"policies": [{
        "name": "all",
        "rules": [
            {"name": "pii", "detect": {"labels": ["personal", "secrets"]}, "action": "redact"},
            {"name": "out", "detect": {"labels": ["secrets"]}, "action": "block",
             "on": ["output", "tool_call"]},
        ],
    }]},
}  # fmt: skip
SECRETS = {"MASTER": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyLWI="}


class World:
    """A data directory, a database and a configuration, at a time that can be moved."""

    def __init__(self, folder: Path, like: "World | None" = None) -> None:
        """Make one, or take another's database: migrating costs a second."""
        self.data = DataDir(folder / "data")
        self.data.create()
        self.clock = ManualClock(SystemClock.now_ns())
        self.config = copy.deepcopy(GOOD)
        self.env = dict(SECRETS)
        self._folder = folder
        self.certificate(days=300)
        if like is not None:
            shutil.copyfile(like.data.database, self.data.database)
            self.data.database.chmod(0o600)
        self.engine: Engine = open_engine(self.data.database_url)
        if like is not None:
            self.key = like.key
            return
        upgrade(self.engine)
        self.key = self.add_key()
        self.add_budget("all")
        self.add(account, **person("ann", signed_in_at_ns=self.clock.now_ns()))
        self.copied(self.clock.now_ns())
        self.act("backup.drill")
        keys = open_data_keys(self.loaded(), self.data, DataKeyTable(self.engine))
        Envelopes(keys).seal("acme", b"x", b"y")
        self.engine.dispose()  # and so all of it is in the one file

    def loaded(self) -> Any:
        file = self._folder / "legato.yaml"
        file.write_text(yaml.safe_dump(self.config))
        return load(file, self.env, secrets=lambda _: True)

    def scene(self) -> Scene:
        return Scene(self.loaded(), self.data, self.clock)

    def add(self, table: Table, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(table), values)

    def act(self, action: str, subject: str = "") -> None:
        with writing(self.engine) as connection:
            recorded(connection, Act("", action, Subject("x", subject)))

    def add_key(self, **terms: Any) -> str:
        ids = IdSource(self.clock)
        store = KeyStore(self.engine, self.clock, ids, EVERY_TENANT)
        expires_ns = self.clock.now_ns() + 3000 * DAY_NS
        spec = {"name": ids.new(), "org": "acme", "team": "t", "feature": "f",
                "expires_at_ns": expires_ns} | terms  # fmt: skip
        return store.create(KeySpec(**spec), ids.new().encode())

    def add_budget(self, name: str, **where: str) -> None:
        ids = IdSource(self.clock)
        store = BudgetStore(self.engine, self.clock, ids, EVERY_TENANT)
        said = BudgetSaid(name=name, org="*", usd="100", where=where)
        store.create(budget_of(said, pseudonym=lambda _, user: user))

    def bind(self, subject: str, role: str) -> None:
        self.add(
            role_binding, id=f"{subject}-{role}", org="acme", team="", feature="",
            subject_kind="account", subject_id=subject, role=role,
            created_at_ns=self.clock.now_ns(), created_by="me",
        )  # fmt: skip

    def copied(self, at_ns: int, *, forked: bool = False) -> None:
        state = ExportState("vault", 0, b"", at_ns, forked=forked)
        AuditExports(self.engine).keep(state)

    def certificate(self, *, days: int) -> None:
        authority = trustme.CA()
        ends = datetime.fromtimestamp(SystemClock.now_ns() / 1e9, UTC) + timedelta(days=days)
        made = authority.issue_cert("legato.example", not_after=ends)
        chain, key = self._folder / "chain.pem", self._folder / "key.pem"
        chain.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        self.config["server"]["tls"] = {"cert_file": str(chain), "key_file": str(key)}

    def pass_days(self, days: int) -> None:
        self.clock.advance(days * 86_400.0)


Spoil = Callable[[World], object]


def person(name: str, **values: Any) -> dict[str, Any]:
    return {
        "id": name, "org": "acme", "kind": "person", "login": f"{name}@acme.example",
        "external": f"idp:{name}", "email": "", "name": "", "pseudonym": "", "password": "",
        "state": "active", "created_at_ns": 1, "signed_in_at_ns": None,
    } | values  # fmt: skip
