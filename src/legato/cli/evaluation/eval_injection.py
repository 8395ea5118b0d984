"""`legato eval injection`: what the injection detector flags of labelled texts."""

from pathlib import Path

import click

from legato.cli.options import json_option


@click.command("injection")
@json_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def injection(file: Path, *, as_json: bool) -> None:
    """Score the texts of FILE with the shipped detector at its shipped threshold.

    FILE is JSON lines with `text`, `label` (1: an attack) and `source`. `place` (`input`,
    `tool_result`, `document`) says whose text it is; without it a `kind` that begins with
    `indirect` means a document, everything else input. Attacks of sources named `*_noisy` are left
    out of `recall`.
    """
    from legato.cli.evaluation import eval_injection_actions  # noqa: PLC0415 - keeps `--help` fast

    eval_injection_actions.injection(file, as_json=as_json)
