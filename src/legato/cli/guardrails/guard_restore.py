"""What `legato guard restore` does."""

from pathlib import Path
from typing import TextIO

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table


def restore(
    data: Path,
    config_file: Path | None,
    *,
    org: str,
    request_id: str,
    reason: str,
    by: str | None,
    within: TextIO | None,
    as_json: bool,
) -> None:
    """Print what was redacted in a request, or a text with it put back."""
    text = None if within is None else within.read()
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        done = stored.restoring(instance, org).restore(
            request_id, reason, operator(by), key=None, text=text
        )
    if as_json:
        print_json(msgspec.to_builtins(done))
    elif done.text is not None:
        click.echo(done.text, nl=False)
    else:
        print_table(("stood for it", "value"), list(done.values.items()))


def readings(
    data: Path, config_file: Path | None, *, org: str, request_id: str, as_json: bool
) -> None:
    """Print who asked for what was redacted in a request."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        found = stored.restoring(instance, org).readings(request_id)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    rows = [(time_text(one.at_ns), one.actor, one.outcome, one.reason) for one in found]
    print_table(("time", "by", "outcome", "because"), rows)
