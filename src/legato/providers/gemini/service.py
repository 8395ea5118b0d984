"""Where Google serves the dialect: AI Studio and Vertex AI differ in paths and a few bodies."""

import re

import msgspec

from legato.core.errors import InvalidRequest

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,127}"
_STUDIO_MODEL = re.compile(rf"(?:models/|tunedModels/)?{_NAME}")
_VERTEX_MODEL = re.compile(rf"(?:publishers/{_NAME}/models/|models/|endpoints/)?{_NAME}")


class Service(msgspec.Struct, frozen=True):
    """One of the two places."""

    version: str
    project: str = ""
    location: str = ""

    @property
    def is_vertex(self) -> bool:
        """Whether it is Vertex AI."""
        return bool(self.project)

    @property
    def place(self) -> str:
        """Return where the models of Vertex AI are, as paths have it."""
        return f"projects/{self.project}/locations/{self.location}"

    @property
    def needs_media_type(self) -> bool:
        """Whether files by URL must name their media type."""
        return self.is_vertex

    def resource(self, model: str) -> str:
        """Return a model's resource name.

        Raises:
            InvalidRequest: the name holds what would make another path or host of the URL.
        """
        pattern = _VERTEX_MODEL if self.is_vertex else _STUDIO_MODEL
        if not pattern.fullmatch(model):
            raise InvalidRequest(
                "model: the deployment's model is no name of a model at Google", param="model"
            )
        if not self.is_vertex:
            return model if "/" in model else f"models/{model}"
        if model.startswith(("publishers/", "endpoints/")):
            return f"{self.place}/{model}"
        return f"{self.place}/publishers/google/models/{model.removeprefix('models/')}"

    def path(self, model: str, verb: str) -> bytes:
        """Return the path of a method on a model, such as `generateContent`."""
        return f"/{self.version}/{self.resource(model)}:{verb}".encode()


def vertex_url(location: str) -> str:
    """Return the base URL that serves a location."""
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in {"us", "eu"}:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"
