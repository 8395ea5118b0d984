"""What `legato workflow patterns` and `legato workflow new` do."""

from pathlib import Path

import click
import msgspec

from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.config_parts import Name
from legato.core.errors import InvalidRequest
from legato.flow.patterns import pattern_text, patterns


def show_all(*, as_json: bool) -> None:
    """Print what patterns there are."""
    found = patterns()
    if as_json:
        print_json([one._asdict() for one in found])
        return
    print_table(("PATTERN", "WHAT IT IS"), [(one.name, one.description) for one in found])


def write(pattern: str, model: str, out: Path | None) -> None:
    """Write a pattern with its model named. Raises NotFound, InvalidRequest."""
    try:
        msgspec.convert(model, Name)
    except msgspec.ValidationError:
        raise InvalidRequest(f"{model[:80]!r} is no model's name", param="model") from None
    text = pattern_text(pattern, model)
    if out is None:
        click.echo(text, nl=False)
    elif out.exists():
        raise InvalidRequest(f"{out} is there already: take it away, or name another", param="out")
    else:
        out.write_text(text, "utf-8")
        click.echo(f"wrote {out}; try it: legato workflow run {out} --input ...", err=True)
