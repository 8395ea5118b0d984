"""Follows secrets that other programs keep, in a thread: what changes there is used here soon.

What a process reads lazily, by `loaded.secret`, needs no more; what was built from a secret is
built anew by `changed`. While a store is away the last values stay, and the log says so once.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from legato.app.config.environment import environment
from legato.app.config.loaded import LoadedConfig
from legato.app.config.problems import Path
from legato.app.config.secret_values import references
from legato.app.config.stored_secrets import reread
from legato.core.config_parts import SecretRef

log = logging.getLogger(__name__)
Changed = Callable[[Mapping[SecretRef, str]], object]


def stored_references(loaded: LoadedConfig, wanted: Callable[[Path], bool]) -> list[SecretRef]:
    """Return the secrets of stores below the wanted paths of the configuration."""
    found = (one for path, one in references(loaded.config) if wanted(path) and one.in_store)
    return list(dict.fromkeys(found))


def of_providers(path: Path) -> bool:
    """Whether a path of the configuration is a provider's."""
    return path[:1] == ("providers",)


def follow_stored_secrets(
    loaded: LoadedConfig,
    wanted: Callable[[Path], bool],
    changed: Changed = lambda _: None,
    stop: threading.Event | None = None,
) -> threading.Thread | None:
    """Begin to follow; None where no store has anything that is wanted. `changed` runs there."""
    followed = stored_references(loaded, wanted)
    if not followed:
        return None
    thread = threading.Thread(
        target=_follow,
        args=(loaded, followed, changed, stop or threading.Event()),
        name="stored secrets",
        daemon=True,
    )
    thread.start()
    return thread


def _follow(
    loaded: LoadedConfig, followed: Sequence[SecretRef], changed: Changed, stop: threading.Event
) -> None:
    """Read at once, since a process may begin long after its configuration was read; then often."""
    failing = ""
    while True:
        try:
            found, told = reread(loaded, followed, environment())
            if found:
                changed(found)
                log.info("secrets were changed in their store", extra={"count": len(found)})
        except Exception:  # a defect must not end it: nothing would ever change again
            log.exception("secrets of stores can't be read again")
            found, told = {}, failing
        if told and told != failing:
            log.warning(
                "secrets of stores can't be read again, the last ones stay", extra={"reason": told}
            )
        failing = told
        if stop.wait(loaded.config.secret_stores.refresh_s):
            return
