"""What `legato privacy residency` does."""

from pathlib import Path
from typing import Final

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.calling import shut_out
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table

_COLUMNS: Final = ("org", "team", "regions", "by", "changed")


def residency(
    data: Path,
    config_file: Path | None,
    *,
    org: str,
    team: str,
    regions: tuple[str, ...],
    anywhere: bool,
    by: str | None,
    as_json: bool,
) -> None:
    """Set it, take it away, or show it."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        store = stored.residency(org)
        if anywhere:
            store.remove(org, team)
        elif regions:
            kept = store.set(org, team, list(regions), operator(by))
            outside = shut_out(stored.served(instance).config, kept.regions)
            if outside:
                told = "warning: no deployment within these regions serves"
                click.echo(f"{told} {', '.join(outside)}", err=True)
        found = store.all()
    if as_json:
        print_json([msgspec.structs.asdict(one) for one in found])
        return
    lines = [
        [one.org, one.team, ", ".join(one.regions), one.changed_by, time_text(one.changed_at_ns)]
        for one in found
    ]
    print_table(_COLUMNS, lines)
