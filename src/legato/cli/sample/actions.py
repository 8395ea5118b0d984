"""What `legato sample` does."""

from collections.abc import Callable
from pathlib import Path

import click

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.app.sample.desk import SampleDesk
from legato.app.sample.place import Made
from legato.cli.options import print_json
from legato.cli.spans import time_text


def add(data: Path, config_file: Path | None, *, as_json: bool) -> None:
    """Make it, and say what was made."""
    made = _asked(data, config_file, SampleDesk.add)
    _say(made, "Made {requests} invented requests: look at them in the console.", as_json=as_json)


def remove(data: Path, config_file: Path | None, *, as_json: bool) -> None:
    """Delete it."""
    _asked(data, config_file, SampleDesk.remove)
    _say(None, "Removed the sample data.", as_json=as_json)


def show(data: Path, config_file: Path | None, *, as_json: bool) -> None:
    """Say what there is."""
    made = _asked(data, config_file, SampleDesk.made)
    text = "There is no sample data." if made is None else "Made {at}: {requests} requests."
    _say(made, text, as_json=as_json)


def _asked(
    data: Path, config_file: Path | None, wanted: Callable[[SampleDesk], Made | None]
) -> Made | None:
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        stored.check()
        return wanted(SampleDesk(instance.data.root.absolute(), stored.record))


def _say(made: Made | None, text: str, *, as_json: bool) -> None:
    if as_json:
        at = None if made is None else time_text(made.at_ns)
        print_json({"made_at": at, "requests": None if made is None else made.requests})
        return
    told = {} if made is None else {"at": time_text(made.at_ns), "requests": made.requests}
    click.echo(text.format(**told))
