"""`legato conformance`: checks any OpenAI-compatible server's wire as a client sees it."""

from collections import Counter

import click

from legato.cli.options import json_option, print_json


@click.command()
@click.option("--url", required=True, help="The server, with or without /v1.")
@click.option(
    "--key", required=True, envvar="LEGATO_KEY", help="A key it takes.  [env: LEGATO_KEY]"
)
@click.option("--model", required=True, help="A chat model.")
@click.option("--embedding-model", help="Without it, embeddings are skipped.")
@click.option(
    "--only", multiple=True, help="Run only checks whose names start so. May be repeated."
)
@click.option(
    "--timeout-s",
    type=click.FloatRange(1, 3_600),
    default=60.0,
    show_default=True,
    help="The longest silence to wait through.",
)
@json_option
def conformance(
    url: str,
    key: str,
    model: str,
    *,
    embedding_model: str | None,
    only: tuple[str, ...],
    timeout_s: float,
    as_json: bool,
) -> None:
    """Check the wire of any OpenAI-compatible server; exit with 1 when a check fails.

    Makes about a hundred short calls of the model, which a real provider bills.
    """
    from legato.cli.conformance.catalogue import chosen  # noqa: PLC0415 - keeps `--help` fast
    from legato.cli.conformance.check import Outcome, carry_out  # noqa: PLC0415
    from legato.cli.conformance.subject import Subject  # noqa: PLC0415

    checks = chosen(only)
    if not checks:
        raise click.BadParameter(f"no check's name starts with {', '.join(only)}")
    subject = Subject(url, key, model, embedding_model=embedding_model, timeout_s=timeout_s)
    subject.adapt()
    results = []
    for check in checks:
        result = carry_out(check, subject)
        results.append(result)
        if not as_json:
            click.echo(f"{result.outcome:<5} {result.name:<26} {result.about}")
            if result.reason:
                click.echo(f"{'':<32} {result.reason}")
    counted = Counter(result.outcome for result in results)
    if as_json:
        print_json(results)
    else:
        said = [
            f"{counted[o]} {w}"
            for o, w in zip(Outcome, ("passed", "failed", "skipped"), strict=True)
        ]
        click.echo(", ".join(said))
    if counted[Outcome.FAILED]:
        raise click.exceptions.Exit(1)
