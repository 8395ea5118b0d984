"""`legato audit-code`: where a source tree calls models, and what stands there twice."""

from pathlib import Path

import click


@click.command("audit-code")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "sarif"]),
    default="table",
    show_default=True,
    help="SARIF is what code hosts show beside the lines.",
)
@click.option("--kind", multiple=True, help="Only findings of this kind, in the table.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead."
)
@click.option(
    "--files-max", type=click.IntRange(min=1), default=200_000, show_default=True,
    help="A larger tree is read so far, and says so.",
)  # fmt: skip
def audit_code(
    path: Path, *, form: str, kind: tuple[str, ...], out: Path | None, files_max: int
) -> None:
    """Find calls of models, prompts, clients and keys in Python, JavaScript and TypeScript.

    Nothing of the code is run, and no secret is shown. What .gitignore leaves out, and folders of
    others' code, are passed over.
    """
    from legato.cli.baseline import audit_code_actions  # noqa: PLC0415 - keeps `--help` fast

    audit_code_actions.run(path, form, kind, out=out, files_max=files_max)
