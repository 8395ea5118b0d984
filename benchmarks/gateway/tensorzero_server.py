"""TensorZero's gateway out of its wheel: CONFIG URL_FILE. Runs in an environment of its own."""

import signal
import sys
from pathlib import Path

from tensorzero import _start_http_gateway

gateway = _start_http_gateway(
    config_file=sys.argv[1],
    clickhouse_url=None,
    postgres_url=None,
    valkey_url=None,
    async_setup=False,
)
Path(sys.argv[2]).write_text(gateway.base_url)
signal.pause()
