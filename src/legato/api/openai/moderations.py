"""`POST /v1/moderations`."""

from typing import Any

from legato.api import body as check
from legato.api.openai.untranslated import Untranslated
from legato.core.wire import Operation, RequestView


class Moderations(Untranslated):
    """The surface of moderations: `input` is text, texts, or parts of text and images."""

    name = "moderations"
    operation = Operation.MODERATIONS

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field.

        The model is required here, where a vendor has a default: a route has none.
        """
        given = body.get("input")
        if not isinstance(given, str | list) or not given:
            raise check.refuse("input", "must be a non-empty string or list")
        if isinstance(given, list) and not isinstance(given[0], str | dict):
            raise check.refuse("input.0", "must be a string or an object with a type")
        return RequestView(model=check.model(body), user=check.text(body, "user") or "")
