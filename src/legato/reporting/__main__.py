"""Lays out one document from what comes in: see `legato.reporting.pages.render_pdf_apart`."""

import sys

import msgspec

from legato.core.errors import LegatoError
from legato.reporting.pages import Wanted, render_pdf


def main() -> int:
    """Read what is wanted, write the PDF; a fault goes to stderr in a line."""
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted)
    try:
        made = render_pdf(wanted.template, wanted.data, made_ns=wanted.made_ns)
    except LegatoError as error:
        sys.stderr.write(error.message)
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
