"""What the `legato local` commands do; imported only when one of them runs."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from legato.core.clock import SystemClock
from legato.core.errors import LegatoError
from legato.embedding import minilm_files
from legato.embedding.base import EmbedderUnavailable
from legato.providers.local.bench import BenchResult, measure
from legato.providers.local.catalogue import CATALOGUE, known
from legato.providers.local.launch import RunningModel, launch_command
from legato.providers.local.measured import keep, measured
from legato.providers.local.options import LocalModelSettings
from legato.providers.local.weights import Phase, is_stored, models_directory
from legato.providers.local.weights import Progress as Report
from legato.providers.local.weights import pull as pull_weights

_HUB_CACHE_DEFAULT = Path(".cache", "huggingface", "hub")
_LOG_FILE = Path("logs", "local-model.log")


def pull(name: str, data: Path, source: Path | None, hub_cache: Path | None) -> None:
    """Pull with a progress bar on stderr; prints the path on stdout."""
    cache = hub_cache or Path.home() / _HUB_CACHE_DEFAULT
    with _said_plainly(), _bar() as bar:
        tasks: dict[Phase, TaskID] = {}

        def report(phase: Phase, done: int, total: int | None) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(phase.value, total=total)
            bar.update(tasks[phase], completed=done, total=total)

        if name == minilm_files.NAME:
            _pull_minilm(data, source, cache, report)
            return
        stored = pull_weights(known(name), data, source=source, hub_cache=cache, progress=report)
    click.echo(f"{stored.path}\nsha256 {stored.sha256}, from: {stored.origin}")


def _pull_minilm(data: Path, source: Path | None, cache: Path, report: Report) -> None:
    try:
        from legato.app.minilm_pull import pull_minilm  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EmbedderUnavailable(
            f"converting minilm needs {error.name}: pip install 'legato[minilm]'"
        ) from error
    about, origin = pull_minilm(data, source=source, hub_cache=cache, progress=report)
    click.echo(
        f"{minilm_files.folder(models_directory(data))}\n"
        f"sha256 {about.model_sha256}, from: {origin}, cosine to its source: {about.cosine}"
    )


def list_weights(data: Path, *, as_json: bool) -> None:
    """Print the catalogue; `stored` looks at the file's size, `pull` at its hash."""
    entries = sorted(CATALOGUE.values(), key=lambda entry: entry.name)
    if as_json:
        rows: list[dict[str, Any]] = [
            {**msgspec.to_builtins(entry), "stored": is_stored(entry, data)} for entry in entries
        ]
        rows.append(_minilm_row(data))
        click.echo(msgspec.json.encode(rows))
        return
    table = Table("name", "model", "licence", "MiB", "context", "here")
    for entry in entries:
        here = "yes" if is_stored(entry, data) else "no"
        size_mib = f"{entry.size_bytes / 2**20:.0f}"
        title = f"{entry.title} {entry.quantisation}"
        context = str(entry.context_tokens_max)
        table.add_row(entry.name, title, entry.licence, size_mib, context, here)
    row = _minilm_row(data)
    size_mib = f"{row['size_bytes'] / 2**20:.0f}"
    here = "yes" if row["stored"] else "no"
    table.add_row(row["name"], f"{row['title']} int8", row["licence"], size_mib, "256", here)
    Console().print(table)
    for entry in entries:
        click.echo(f"{entry.name}: {entry.good_for}")
    click.echo(f"{row['name']}: {row['good_for']}")


def _minilm_row(data: Path) -> dict[str, Any]:
    return {
        "name": minilm_files.NAME,
        "title": minilm_files.TITLE,
        "licence": minilm_files.LICENCE,
        "size_bytes": minilm_files.WEIGHTS_BYTES,
        "good_for": minilm_files.GOOD_FOR,
        "stored": minilm_files.about(models_directory(data)) is not None,
    }


def settings_for(model: str, **options: Any) -> LocalModelSettings:
    """Settings for a catalogue name or, when a file of that name is there, a GGUF."""
    if model not in CATALOGUE and Path(model).is_file():
        return LocalModelSettings(path=model, **options)
    return LocalModelSettings(model=model, **options)


def bench(settings: LocalModelSettings, data: Path, *, rounds: int, as_json: bool) -> None:
    """Start the model, measure it, stop it, keep and print the result."""
    with _said_plainly():
        result = asyncio.run(_bench(settings, data, rounds))
    keep(data, measured(settings, result, SystemClock()))
    if as_json:
        click.echo(msgspec.json.encode(result))
        return
    table = Table("measured", "median", "least to most")
    for label, value, spread in (
        ("prompt tokens/s", result.prompt_per_s, result.prompt_per_s_spread),
        ("generated tokens/s", result.generation_per_s, result.generation_per_s_spread),
    ):
        table.add_row(label, f"{value:.1f}", f"{spread[0]:.1f} to {spread[1]:.1f}")
    together = f"generated tokens/s, {result.slots} at once"
    table.add_row(together, f"{result.all_slots_generation_per_s:.1f}", "")
    first = f"first token after ms ({result.prompt_tokens} prompt tokens)"
    table.add_row(first, f"{result.first_token_ms:.0f}", "")
    Console().print(table)


async def _bench(settings: LocalModelSettings, data: Path, rounds: int) -> BenchResult:
    command = launch_command(settings, data)
    async with await RunningModel.start(command) as model:
        return await asyncio.to_thread(measure, model.ready, model.api_key, rounds=rounds)


def serve(settings: LocalModelSettings, data: Path, port: int) -> None:
    """Serve in the foreground until SIGINT, SIGTERM or the child's end."""
    with _said_plainly():
        status = asyncio.run(_serve(settings, data, port))
    if status != 0:
        raise click.ClickException(f"the model server ended with {status}; see its log")


async def _serve(settings: LocalModelSettings, data: Path, port: int) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    command = launch_command(settings, data, port=port, log_file=data / _LOG_FILE)
    async with await RunningModel.start(command) as model:
        facts = {"base_url": model.base_url, "api_key": model.api_key, "model": model.ready.model}
        click.echo(msgspec.json.encode(facts))
        async with asyncio.TaskGroup() as tasks:
            ended = tasks.create_task(model.process.wait())
            told = tasks.create_task(stop.wait())
            await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            if not ended.done():
                await model.stop()
        return ended.result()


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    return Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True))


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Turn our own errors into one line for a person."""
    try:
        yield
    except LegatoError as error:
        raise click.ClickException(error.message) from error
