"""Writes numbered records and says each one that was taken, until it is killed."""

import itertools
import os
import sys
from pathlib import Path

from legato.journal.options import WriterOptions
from legato.journal.writer import JournalWriter

OPTIONS = WriterOptions(segment_bytes=32768, settle_bytes_max=400)


def main(directory: str, writer_id: str) -> None:
    writer = JournalWriter(Path(directory), writer_id, OPTIONS)
    for number in itertools.count():
        body = b"." * (number * 37 % 300)
        if number % 3 == 2:
            writer.append_settled(b"%d %s" % (number, body))
        elif number % 3 == 1:
            writer.append(b"%d %s" % (number, body))
        else:
            writer.append_intent(b"%d %s" % (number, body))
        os.write(1, b"%d\n" % number)


if __name__ == "__main__":
    main(*sys.argv[1:])
