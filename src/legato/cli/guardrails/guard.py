"""`legato guard`: what guardrails find, and what policies make of it."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import span
from legato.core.guarding import Place

_org = click.option("--org", default="default", show_default=True, help="Whose.")
_by = click.option("--by", help="Who says so.  [default: this user]")


@click.group()
def guard() -> None:
    """Look for personal data and secrets, and tell what policies did."""


@guard.command()
@json_option
@click.option("--json-lines", is_flag=True, help="Print a line of JSON for each find.")
@click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0, as code hosts and editors show it.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="LABEL",
    help="Only these, or groups: `personal`, `secrets`, `names`, `injection`. Repeatable.  "
    "[default: all]",
)
@click.option(
    "--detector",
    "detectors",
    multiple=True,
    metavar="NAMES",
    help="Look with these: structured, names, injection, toxicity, one of a package or of "
    "--config, or `policy` for patterns and words of --config's policies. Repeatable, or with "
    "commas.  [default: structured,names; with --config policy, too]",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take patterns, words and detectors of this configuration's policies, too.",
)
@click.option(
    "--place",
    type=click.Choice([one.value for one in Place]),
    default=Place.DOCUMENT.value,
    show_default=True,
    help="Whose text it is: `injection` judges what nobody may instruct by other measures.",
)
@click.option("--show", is_flag=True, help="Print what was found, too; it is shown in clear.")
@click.option("--fail", is_flag=True, help="End with 1 if anything was found.")
@click.option(
    "--fail-on",
    multiple=True,
    metavar="LABEL",
    help="End with 1 if such a label, or one of such a group, was found. Repeatable.",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True))
def scan(
    files: tuple[str, ...],
    detectors: tuple[str, ...],
    labels: tuple[str, ...],
    **options: Any,
) -> None:
    """Find personal data, secrets, names and instructions in FILES and folders.

    `-` is standard input. Of a file of JSON lines (.jsonl, .ndjson) every string is looked at, keys
    too, and named by its line and its JSON pointer. In folders hidden files and links are left out,
    and files that are no text or larger than 16 MiB are passed over and named. Nothing leaves this
    machine, and no server is needed.
    """
    from legato.cli.guardrails import guard_scan, scan_finders  # noqa: PLC0415 - keeps `--help` fast

    chosen = [
        form
        for form, given in (
            (guard_scan.Form.JSON, options["as_json"]),
            (guard_scan.Form.JSON_LINES, options["json_lines"]),
            (guard_scan.Form.SARIF, options["sarif"]),
        )
        if given
    ]
    if len(chosen) > 1:
        raise click.UsageError("give one of --json, --json-lines and --sarif")
    names = [name.strip() for one in detectors for name in one.split(",") if name.strip()]
    guard_scan.scan(
        files,
        scan_finders.Asked(
            names, labels, options["fail_on"], Place(options["place"]), options["config_file"]
        ),
        chosen[0] if chosen else guard_scan.Form.LINES,
        show=options["show"],
        fail=options["fail"],
    )


@guard.command()
@instance_options
@json_option
@click.argument("request_id")
def explain(request_id: str, config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Tell what guardrails did with a request: what fired, where, how long it took.

    Never the text. Ends with 1 where no trace of the request is kept.
    """
    from legato.cli.guardrails import guard_actions  # noqa: PLC0415 - keeps `--help` fast
    from legato.cli.spend import ledger_actions  # noqa: PLC0415 - keeps `--help` fast

    with ledger_actions.opened(data, config_file) as stored:
        if not guard_actions.explain(stored, request_id, as_json=as_json):
            raise click.exceptions.Exit(1)


@guard.command()
@instance_options
@json_option
@click.option("--since", type=span, default="24h", show_default=True, help="Of the last 24h, 7d.")
@click.option("--policy", metavar="NAME", help="Only this policy's rules.")
@_org
def report(config_file: Path | None, data: Path, **options: Any) -> None:
    """Sum up what policies did, those in shadow too, with ids of the newest requests.

    Where samples were judged, also how often each rule was right, with its 95 % interval.
    """
    from legato.cli.guardrails import guard_actions  # noqa: PLC0415

    guard_actions.report(data, config_file, **options)


@guard.command()
@instance_options
@json_option
@_org
@click.option("--policy", metavar="NAME", help="Only of this policy.")
@click.option("--rule", metavar="NAME", help="Only of this rule.")
@click.option("--label", metavar="LABEL", help="Only of this label.")
@click.option("--open", "only_open", is_flag=True, help="Only those that nobody has judged.")
@click.option("-n", "--count", type=click.IntRange(1, 500), default=50, show_default=True)
def samples(config_file: Path | None, data: Path, **options: Any) -> None:
    """List samples of what rules found that only watch or flag, newest first.

    The text is shown where the request was captured, as it was captured: else only its place.
    """
    from legato.cli.guardrails import guard_sample_actions  # noqa: PLC0415

    guard_sample_actions.samples(data, config_file, **options)


@guard.command()
@instance_options
@json_option
@_org
@_by
@click.option("--reason", default="", help="Kept with it, sealed.")
@click.argument("sample_id", metavar="ID")
def confirm(config_file: Path | None, data: Path, **options: Any) -> None:
    """Say that a sample is what its label says."""
    from legato.cli.guardrails import guard_sample_actions  # noqa: PLC0415

    guard_sample_actions.judge(data, config_file, right=True, **options)


@guard.command()
@instance_options
@json_option
@_org
@_by
@click.option("--reason", required=True, help="Kept with it, sealed.")
@click.argument("sample_id", metavar="ID")
def reject(config_file: Path | None, data: Path, **options: Any) -> None:
    """Say that a sample is a false alarm, and why."""
    from legato.cli.guardrails import guard_sample_actions  # noqa: PLC0415

    guard_sample_actions.judge(data, config_file, right=False, **options)


@guard.command()
@instance_options
@json_option
@_org
@_by
@click.option("--rule", required=True, metavar="NAME", help="Which rule of the policy.")
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    required=True,
    help="The share of its finds that is to be right at least, as 0.95.",
)
@click.argument("policy", metavar="POLICY")
def tune(config_file: Path | None, data: Path, **options: Any) -> None:
    """Propose the lowest `at_least` of a rule whose precision is high enough.

    By the samples that were judged. It changes nothing: `legato proposals accept` does. Ends with 1
    where they say too little.
    """
    from legato.cli.guardrails import guard_sample_actions  # noqa: PLC0415

    guard_sample_actions.tune(data, config_file, **options)


@guard.command()
@instance_options
@json_option
@_org
@_by
@click.option("--reason", help="Why; kept with the reading, sealed.")
@click.option(
    "--in",
    "within",
    type=click.File(encoding="utf-8"),
    help="Put the values back into this text instead (`-`: standard input).",
)
@click.option("--list", "only_list", is_flag=True, help="Say who asked for it before, and why.")
@click.argument("request_id", metavar="REQUEST")
def restore(config_file: Path | None, data: Path, **options: Any) -> None:
    """Read what was redacted in a request, where its policy keeps it.

    Each reading is written down with who, when and why before anything is shown.
    """
    from legato.cli.guardrails import guard_restore  # noqa: PLC0415

    if options.pop("only_list"):
        options = {name: options[name] for name in ("org", "request_id", "as_json")}
        guard_restore.readings(data, config_file, **options)
    elif not options["reason"]:
        raise click.UsageError("say why by --reason: it is kept with the reading")
    else:
        guard_restore.restore(data, config_file, **options)
