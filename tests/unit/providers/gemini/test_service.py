"""Names of models in paths: nothing but a name gets through."""

import pytest

from legato.core.errors import InvalidRequest
from legato.providers.gemini.service import Service, vertex_url

STUDIO = Service("v1beta")
VERTEX = Service("v1", "p", "global")


@pytest.mark.parametrize(
    "model",
    ["", ".", "..", "a..b", "a/b", "a#b", "a@b", "a\\b", "a?b", "a%2fb", "a:b", "a b", "a\n", "é"],
)
@pytest.mark.parametrize("service", [STUDIO, VERTEX])
def test_names_that_would_make_another_url_are_refused(service: Service, model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        service.path(model, "generateContent")
    assert refused.value.param == "model"


@pytest.mark.parametrize(
    ("service", "model", "path"),
    [
        (STUDIO, "gemini-2.5-flash", b"/v1beta/models/gemini-2.5-flash:x"),
        (STUDIO, "tunedModels/mine", b"/v1beta/tunedModels/mine:x"),
        (VERTEX, "g-1.5", b"/v1/projects/p/locations/global/publishers/google/models/g-1.5:x"),
        (VERTEX, "endpoints/12", b"/v1/projects/p/locations/global/endpoints/12:x"),
    ],
)
def test_paths(service: Service, model: str, path: bytes) -> None:
    assert service.path(model, "x") == path


def test_addresses_of_locations() -> None:
    assert vertex_url("global") == "https://aiplatform.googleapis.com"
    assert vertex_url("eu") == "https://aiplatform.eu.rep.googleapis.com"
    assert vertex_url("us-east5") == "https://us-east5-aiplatform.googleapis.com"
