"""Files by the names that a browser keeps them under."""

import re
from typing import Final
from urllib.parse import quote

_PLAIN: Final = re.compile(r"[^A-Za-z0-9._-]")


def attachment(name: str) -> dict[str, str]:
    """Return the header of a file to be kept (RFC 6266), whatever its name is made of.

    Whoever doesn't know the name in UTF-8 (RFC 8187) gets it with `_` for what isn't plain.
    """
    plain = _PLAIN.sub("_", name)
    told = f'attachment; filename="{plain}"'
    if plain != name:
        told += f"; filename*=UTF-8''{quote(name, safe='')}"
    return {"content-disposition": told}
