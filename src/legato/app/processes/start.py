"""From a command line to a running supervisor."""

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from legato.app.checks.configuration import load
from legato.app.checks.embedders import require_embedder
from legato.app.checks.instance import config_file_for, database_url, remember_config_file
from legato.app.config.data_dir import DataDir
from legato.app.config.environment import environment
from legato.app.config.weak_secrets import REMEDY, weak_secrets
from legato.app.processes.supervisor import Supervisor
from legato.core.errors import OperatorError
from legato.telemetry.logs import set_up_logging

log = logging.getLogger(__name__)


def start(
    data_directory: Path,
    config_file: Path | None,
    flags: Mapping[str, tuple[Any, str]],
    *,
    workers: int,
    on_ready: Callable[[str, str | None, int], None],
    without_tombstones: bool = False,
) -> int:
    """Serve until a stop signal; return the exit status.

    `on_ready` gets the URL, a new admin secret when one was made, and the number of workers.

    Raises:
        ConfigInvalid: the configuration has problems.
        EmbedderUnavailable: the semantic cache's weights have to be pulled.
        OperatorError: something else the operator can mend.
    """
    data = DataDir(data_directory.absolute())
    file = config_file_for(data, config_file)
    loaded = load(file, environment(), flags)
    set_up_logging(loaded.config.telemetry.log_level, sys.stderr)
    try:
        data.create()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"{data.root} can't be used: {reason}. Name another place with --data."
        raise OperatorError(message) from error
    require_embedder(loaded.config, data.models)
    if not loaded.config.deployments:
        log.warning("no deployment is configured: nothing can be called yet")
    for weak in weak_secrets(loaded, environment()):
        log.warning(
            "the secret of a key can be guessed",
            extra={"key": weak.key, "reason": weak.reason, "remedy": REMEDY},
        )
    supervisor = Supervisor(
        loaded,
        data,
        database_url=database_url(loaded, data),
        workers=workers,
        without_tombstones=without_tombstones,
    )

    def ready(url: str, admin_secret: str | None) -> None:
        remember_config_file(data, file)
        on_ready(url, admin_secret, workers)

    return supervisor.run(ready)
