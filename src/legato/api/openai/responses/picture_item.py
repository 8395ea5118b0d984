"""A picture of the model's own, as responses have them: a call that has made it already."""

from legato.api.openai.responses.frames import Frames
from legato.api.openai.responses.stream_items import Item
from legato.core.chat import Image


class PictureItem(Item):
    """A picture: it comes whole."""

    kind = "image_generation_call"

    def __init__(self, frames: Frames, identity: str, index: int, *, image: Image) -> None:
        super().__init__(frames, identity, index)
        self._image = image
        self.object = {
            "id": self.id,
            "type": self.kind,
            "status": "in_progress",
            "result": None,
        }

    def ended(self, status: str) -> bytes:
        """Tell the picture; a kind of file is told besides, since bytes alone don't."""
        del status  # whole, whatever cut the answer
        kind = (self._image.media_type or "").removeprefix("image/")
        self.object = {
            **self.object,
            "status": "completed",
            "output_format": kind,
            "result": self._image.data,
        }
        return self.frames.event("response.image_generation_call.completed", **self.place())
