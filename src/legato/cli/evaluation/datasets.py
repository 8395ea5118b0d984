"""`legato datasets`: cases that versions and models are judged by."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import json_option
from legato.cli.registry_options import author_options, registry_options
from legato.cli.spans import moment

_NARROWING = ("since", "until", "feature", "route", "deployment", "versions", "tags", "share")
_VERSION = click.argument("version", metavar="NAME[@VERSION]")


@click.group()
def datasets() -> None:
    """Keep data sets: versions like those of prompts, their cases sealed.

    A case is a line of JSON, or a row of a CSV file, with an `input`; and, where they are known,
    `expected`, `context`, `tags`, `weight`, `split` and `id`.
    """


@datasets.command("import")
@registry_options
@author_options
@json_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    help="What the file is.  [default: by its name]",
)
@click.option(
    "--split",
    "shares",
    multiple=True,
    metavar="NAME=SHARE",
    help="Put a share of the cases that name no split into one, by the hash of their content.",
)
@click.option("--label", default="production", show_default=True, help="What points to it then.")
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
def import_(**options: Any) -> None:
    """Keep the cases of a file as a version; what stands in it twice is kept once."""
    from legato.cli.evaluation import dataset_actions  # noqa: PLC0415 - keeps `--help` fast

    dataset_actions.import_cases(**options)


@datasets.command("list")
@registry_options
@json_option
def list_datasets(**options: Any) -> None:
    """List data sets with their labels."""
    from legato.cli.evaluation import dataset_actions  # noqa: PLC0415 - keeps `--help` fast

    dataset_actions.list_datasets(**options)


@datasets.command()
@registry_options
@json_option
@_VERSION
def show(**options: Any) -> None:
    """Print how many cases a version has, and in which splits."""
    from legato.cli.evaluation import dataset_actions  # noqa: PLC0415 - keeps `--help` fast

    dataset_actions.show(**options)


@datasets.command()
@registry_options
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="A new file.",
)
@_VERSION
def export(**options: Any) -> None:
    """Write a version's cases as lines of JSON that `import` takes."""
    from legato.cli.evaluation import dataset_actions  # noqa: PLC0415 - keeps `--help` fast

    dataset_actions.export(**options)


@datasets.command()
@registry_options
@json_option
@click.argument("name")
def delete(**options: Any) -> None:
    """Delete the cases of all versions of a data set; refused while a live suite names it."""
    from legato.cli.evaluation import dataset_forgetting  # noqa: PLC0415 - keeps `--help` fast

    dataset_forgetting.delete(**options)


@datasets.command()
@registry_options
@json_option
@click.option(
    "--older-than",
    type=moment,
    required=True,
    help="What was kept before this span ago (90d), or time.",
)
@click.option("--all", "everything", is_flag=True, help="Not only those from captured traffic.")
def prune(**options: Any) -> None:
    """Delete the cases of versions from captured traffic that are old; live suites' stay."""
    from legato.cli.evaluation import dataset_forgetting  # noqa: PLC0415

    dataset_forgetting.prune(**options)


@datasets.command()
@registry_options
@author_options
@json_option
@click.option("--since", type=moment, help="From this time (2026-08-06) or span ago (24h).")
@click.option("--until", type=moment, help="Before this time, or a span ago.")
@click.option("--feature", help="Only this feature's.")
@click.option("--route", help="Only of this route.")
@click.option("--deployment", help="Only what this one answered: the teacher's.")
@click.option("--versions", help="Only what these versions of the registry made.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Only of keys with it.")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Of the requests, the same ones each time.",
)
@click.option("--accepted", is_flag=True, help="Take answers that somebody accepted.")
@click.option("--thumbs-up", is_flag=True, help="Take answers with a thumb up.")
@click.option(
    "--score-min",
    type=click.FloatRange(0, 1),
    help="Take answers with a score from this on.",
)
@click.option("--corrections", is_flag=True, help="Take what somebody made of it instead.")
@click.option(
    "--split",
    "shares",
    multiple=True,
    metavar="NAME=SHARE",
    help="Put a share of the cases into a split, by the hash of their content.",
)
@click.option("--label", default="production", show_default=True, help="What points to it then.")
@click.argument("name")
def collect(
    *,
    accepted: bool,
    thumbs_up: bool,
    score_min: float | None,
    corrections: bool,
    **options: Any,
) -> None:
    """Keep captured requests with their answers as a version.

    Of --accepted, --thumbs-up and --score-min one is enough where several are given; an answer
    that somebody rejected, or gave a thumb down, isn't taken then. Nothing is redacted: what
    callers sent stands in the cases.
    """
    from legato.cli.evaluation import dataset_traffic  # noqa: PLC0415 - keeps `--help` fast
    from legato.evaluation.collecting import Liked  # noqa: PLC0415

    liked = Liked(
        accepted=accepted, thumbs_up=thumbs_up, score_min=score_min, corrections=corrections
    )
    narrowed = {name: options.pop(name) for name in _NARROWING}
    dataset_traffic.collect(liked=liked, narrowed=narrowed, **options)


@datasets.command()
@registry_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["openai", "gemini", "bedrock", "cohere"]),
    required=True,
    help="Whose form.",
)
@click.option("--split", help="Only the cases of this split.")
@click.option("--prompt", metavar="NAME[@VERSION]", help="Put the cases' variables into it.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="A new file.",
)
@_VERSION
def tune(**options: Any) -> None:
    """Write a version's cases as a file that vendors train a model by.

    A case without `expected`, or with more than text, is left out, and counted.
    """
    from legato.cli.evaluation import dataset_traffic  # noqa: PLC0415 - keeps `--help` fast

    dataset_traffic.tune(**options)
