"""Lists in pages: `limit` and an opaque `cursor`; `next_cursor` is null on the last one."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from litestar.params import Parameter

from legato.api.control.cursors import CURSOR_CHARS_MAX, Cursors

Limit = Annotated[int, Parameter(ge=1, le=500, description="The most elements of one page.")]
Cursor = Annotated[
    str | None,
    Parameter(
        max_length=CURSOR_CHARS_MAX,
        description="`next_cursor` of the page before.",
        required=False,
    ),
]
LIMIT = 50
Row = TypeVar("Row")


def paged(
    cursors: Cursors,
    of: str,
    asked: tuple[str | None, int],
    read: Callable[[int, str | None], Sequence[Row]],
    *,
    name: Callable[[Row], str],
) -> tuple[list[Row], str | None]:
    """Return one page and the cursor of the next; `asked` has the cursor and the limit.

    `read` gets how many rows and after which; one more than the page tells whether it goes on.

    Raises:
        InvalidRequest: the cursor isn't one of this list.
    """
    cursor, limit = asked
    after = None if cursor is None else cursors.read(of, cursor)
    rows = list(read(limit + 1, after))
    shown = rows[:limit]
    more = len(rows) > limit
    return shown, cursors.make(of, name(shown[-1])) if more else None
