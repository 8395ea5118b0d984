"""Versions as ETags: a change names the version it is made to."""

import re
from typing import Annotated

from litestar.params import HeaderParameter

from legato.core.errors import PreconditionFailed, PreconditionRequired

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="The ETag of the answer you read.",
        required=False,
        max_length=64,
    ),
]
_STRONG = re.compile(r'^"([1-9][0-9]{0,17})"$')


def etag(version: int) -> str:
    """Return the ETag of a version."""
    return f'"{version}"'


def matched_version(if_match: str | None) -> int:
    """Return the version that `If-Match` names.

    Raises:
        PreconditionRequired: it is missing; `*` would overwrite what nobody read.
        PreconditionFailed: no version of ours has this ETag.
    """
    if if_match is None or if_match.strip() == "*":
        raise PreconditionRequired("Name the version you change in If-Match.", param="If-Match")
    found = _STRONG.match(if_match.strip())
    if found is None:
        raise PreconditionFailed("No version has this ETag.", param="If-Match")
    return int(found.group(1))
