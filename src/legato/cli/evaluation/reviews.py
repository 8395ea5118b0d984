"""`legato reviews`: answers that people review."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import json_option
from legato.cli.registry_options import registry_options
from legato.cli.spans import moment

_ID = click.argument("item_id", metavar="ID")
_JUDGE = click.option("--judge", required=True, help="By which judge's rubric.")
_BY = click.option("--by", help="Who says it.  [default: this user]")


@click.group()
def reviews() -> None:
    """Let people label answers by a judge's rubric.

    Their labels are what `legato judges calibrate` measures a judge against.
    """


@reviews.command("list")
@registry_options
@json_option
@click.option("--judge", help="Only of this judge's queue.")
@click.option("--open", "only_open", is_flag=True, help="Only those that want labels.")
@click.option("-n", "--count", type=click.IntRange(1, 10_000), default=20, show_default=True)
def list_reviews(**options: Any) -> None:
    """List items, oldest first."""
    from legato.cli.evaluation import review_actions  # noqa: PLC0415 - keeps `--help` fast

    review_actions.list_reviews(**options)


@reviews.command("import")
@registry_options
@json_option
@_JUDGE
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
def import_items(**options: Any) -> None:
    """Add answers from a JSONL or CSV file, with labels where it has some.

    A line of JSONL has `answer` and, where there are, `input`, `context`, `reference`, and
    `labels`: a list of {"by": NAME, "levels": {CRITERION: LEVEL}, "comment", "correction"}. A row
    of CSV has the same texts as columns, `by`, and a column for each criterion; rows of the same
    input and answer are one item.
    """
    from legato.cli.evaluation import review_actions  # noqa: PLC0415 - keeps `--help` fast

    review_actions.import_items(**options)


@reviews.command("add")
@registry_options
@json_option
@_JUDGE
@click.option("--evaluation", metavar="ID", help="Answers of this evaluation.")
@click.option("--failed", is_flag=True, help="Only those to which a scorer gave too little.")
@click.option("--disagreeing", is_flag=True, help="Only those on which scorers disagree.")
@click.option("--captures", is_flag=True, help="Answers of captured traffic.")
@click.option("--route", help="Only captured on this route.")
@click.option("--since", type=moment, help="Captured from this time (2026-08-06) or span ago.")
@click.option("--sample", type=click.IntRange(min=1), help="So many, by the hash of their ids.")
def add_items(**options: Any) -> None:
    """Add answers of an evaluation, or a sample of captured traffic.

    Too little is less than a scorer's `fail_under`, or than a half; scorers disagree where one
    gives a half or more and another less. What is in the queue already isn't added again.
    """
    from legato.cli.evaluation import review_actions  # noqa: PLC0415 - keeps `--help` fast

    review_actions.add_items(**options)


@reviews.command("next")
@registry_options
@json_option
@_JUDGE
@_BY
def next_item(**options: Any) -> None:
    """Take the next item: nobody else gets it for a while. Prints it with the rubric."""
    from legato.cli.evaluation import review_actions  # noqa: PLC0415 - keeps `--help` fast

    review_actions.next_item(**options)


@reviews.command()
@registry_options
@_ID
@click.option("--level", "levels", multiple=True, metavar="CRITERION=LEVEL", help="Each criterion.")
@click.option("--skip", is_flag=True, help="Say nothing of it; you won't be asked again.")
@click.option("--comment", default="", help="In words.")
@click.option("--correction", default="", help="What the answer should have been.")
@_BY
def label(**options: Any) -> None:
    """Say a level for each criterion of an item; said again, it takes the place of the first."""
    from legato.cli.evaluation import review_actions  # noqa: PLC0415 - keeps `--help` fast

    review_actions.label(**options)


@reviews.command()
@registry_options
@_JUDGE
@click.option(
    "--as-cases", is_flag=True, help="As cases of a data set, where people wrote a correction."
)
def export(**options: Any) -> None:
    """Print what was labelled as JSON lines, in the form that `import` reads."""
    from legato.cli.evaluation import review_actions  # noqa: PLC0415 - keeps `--help` fast

    review_actions.export(**options)
