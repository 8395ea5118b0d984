"""`POST /v1/images/generations` and `/v1/images/edits`."""

from typing import Any

from msgspec.structs import replace

from legato.api import body as check
from legato.api.form import body_of, read_form
from legato.api.openai.untranslated import Untranslated
from legato.core.usage import Unit
from legato.core.wire import Operation, RequestView

_IMAGES_MAX = 10


class Images(Untranslated):
    """Images made from a text. Streamed ones come as events, with the usage in the last."""

    name = "images"
    operation = Operation.IMAGES

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        return image_view(body)


class ImageEdits(Untranslated):
    """Images made from a text and images, which come as parts of a form."""

    name = "image_edits"
    operation = Operation.IMAGE_EDITS

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        return image_view(body)

    def open(self, content_type: bytes | None, raw: bytes) -> tuple[dict[str, Any], RequestView]:
        """Read a form. Raises InvalidRequest naming the part."""
        form = read_form(content_type, raw)
        body = body_of(form)
        images = sum(1 for part in form if part.filename)
        return body, replace(self.read(body), form=form, image_count=images)


def image_view(body: dict[str, Any]) -> RequestView:
    """Read what both have in common."""
    if not check.text(body, "prompt"):
        raise check.refuse("prompt", "is required")
    count = check.positive(body, "n", _IMAGES_MAX) or 1
    return RequestView(
        model=check.model(body),
        stream=check.boolean(body, "stream"),
        choices=count,
        user=check.text(body, "user") or "",
        unit=Unit.IMAGE.value,
        units=count,
    )
