"""What `legato privacy tombstones` does."""

from pathlib import Path
from typing import Any

import click

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table


def show(data: Path, config_file: Path | None, *, as_json: bool) -> None:
    """Print how many there are, and how each copy stands."""
    instance = find_instance(data, config_file)
    shown: list[dict[str, Any]] = []
    with stored_data(instance) as stored:
        store = stored.tombstones()
        total = store.count()
        for said in instance.loaded.config.tombstones.copies:
            state = store.state(said.name)
            shown.append(
                {
                    "name": said.name,
                    "batches": state.batches,
                    "waiting": store.count(state.last_id),
                    "at": time_text(state.at_ns) if state.at_ns else None,
                    "problem": state.told or None,
                }
            )
    if as_json:
        print_json({"tombstones": total, "copies": shown})
        return
    click.echo(f"{total} tombstones")
    if not shown:
        click.echo(
            "No copy is configured (tombstones.copies): a restored backup brings back what was "
            "revoked and erased since."
        )
        return
    columns = ("name", "batches", "waiting", "at", "problem")
    lines = [["" if one[name] is None else str(one[name]) for name in columns] for one in shown]
    print_table(columns, lines, numbers=("batches", "waiting"))
