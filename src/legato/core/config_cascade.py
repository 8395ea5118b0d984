"""What a route may say of trying a cheap deployment first, and when its answer won't do."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from legato.core.config_parts import Name, Share


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When an answer will do: all of what is given must hold."""

    format: bool = False
    """Where a request asks for JSON or a schema, the answer is that."""
    schema: dict[str, Any] | None = None
    """The answer is JSON of this JSON Schema."""
    matches: str = ""
    """A regular expression that is found in the answer."""
    lacks: str = ""
    """A regular expression that isn't."""
    when: str = ""
    """A condition in the Common Expression Language over the answer."""
    confidence: Share | None = None
    """How sure the deployment says it is, at least, where it says so."""
    judge: Name | None = None
    """The deployment or alias that is asked whether the answer does what was asked."""


class Cascade(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Deployments in turn, until one's answer passes the check; the last one's isn't checked."""

    steps: Annotated[list[Name], Meta(min_length=2, max_length=8)]
    check: Check
