"""`legato eval pii`: how well personal data is found, in texts whose personal data is known."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import json_option


@click.command("pii")
@json_option
@click.option("--labels", metavar="A,B,...", help="Score these.  [default: the ten core labels]")
@click.option(
    "--detector",
    "detectors",
    multiple=True,
    metavar="NAMES",
    help="Look with these, as `legato guard scan` does. Repeatable, or with commas.  "
    "[default: structured,names]",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The configuration that names detectors with settings.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def pii(**options: Any) -> None:
    """Look for personal data in FILE by the gateway's own detectors, or others, and score them.

    FILE has lines of JSON with `text` and `spans`, each of them start, end (in characters) and
    label. The core labels: PERSON, LOCATION, PHONE_NUMBER, EMAIL_ADDRESS, CREDIT_CARD, IBAN_CODE,
    US_SSN, IP_ADDRESS, ID_NUMBER, SECRET.
    """
    from legato.cli.evaluation import eval_pii_actions  # noqa: PLC0415 - keeps `--help` fast

    eval_pii_actions.pii(**options)
