"""Finds the names of people, places and organizations with weights of our own.

The weights come with the package, made by tools/train_names. Nothing but Python is needed.
"""

import json
import sys
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from msgspec.structs import replace

from legato.core.errors import ConfigInvalid
from legato.core.guarding import Finding, Place
from legato.guardrails import scan as scan_structured
from legato.guardrails.escapes import together, views
from legato.guardrails.names.features import Lexicon
from legato.guardrails.names.spans import findings_of, settled_with
from legato.guardrails.names.tagger import Model, Tagger, pack
from legato.guardrails.names.tokens import stretches, tokens_of

NAME: Final = "names"
LABELS: Final = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})
LEANING: Final[Mapping[str, float]] = MappingProxyType({"PERSON": 1.0, "LOCATION": 0.2})
"""What each label's log-odds are raised by: found more often, and more often wrongly."""


def load_model(packed: bytes) -> Model:
    """Return the model that tools/train_names wrote."""
    head, _, body = zlib.decompress(packed).partition(b"\n")
    header = json.loads(head)
    tags = tuple(header["tags"])
    size = int.from_bytes(body[:4], "little")
    names = body[4 : 4 + size].decode("utf-8", "surrogatepass").split("\0")
    at = 4 + size
    rows = (
        body[begin : begin + len(tags)]
        for begin in range(at, at + len(tags) * len(names), len(tags))
    )
    weights = dict(zip(names, map(pack, rows), strict=True))
    at += len(tags) * len(names)
    words = header["words"]
    hashes = array("I")
    hashes.frombytes(body[at : at + 4 * words])
    if sys.byteorder == "big":
        hashes.byteswap()
    at += 4 * words
    lexicon = Lexicon(hashes, body[at : at + words], body[at + words : at + 2 * words])
    flat = header["transitions"]
    transitions = tuple(
        tuple(flat[row * len(tags) : (row + 1) * len(tags)]) for row in range(len(tags))
    )
    return Model(tags, transitions, weights, lexicon, header["step"])


class NamesDetector:
    """A detector of PERSON, LOCATION and ORGANIZATION. It holds no names between two calls."""

    name = NAME
    labels = LABELS

    def __init__(self, model: Model, leaning: Mapping[str, float] = LEANING) -> None:
        """Detect by a model; a label that isn't in `leaning` leans nowhere."""
        self._model = model
        self._tagger = Tagger(model)
        self._leaning = [round(leaning.get(tag[2:], 0.0) * model.step) for tag in model.tags]

    @classmethod
    def load(cls, leaning: Mapping[str, float] = LEANING) -> "NamesDetector":
        """Return the detector with the package's weights: a tenth of a second, so load it once."""
        return cls(
            load_model(files("legato.detectors").joinpath("names.bin").read_bytes()), leaning
        )

    def find(self, text: str, place: Place) -> Sequence[Finding]:
        """Return the names in a text, in its order, nothing overlapping."""
        del place  # names are names wherever they stand
        found = self._found_in(text)
        for view in views(text)[1:]:
            found = together(
                found,
                [
                    replace(one, start=start, end=end)
                    for one in self._found_in(view.text)
                    for start, end in (view.original(one.start, one.end),)
                ],
            )
        return found

    def _found_in(self, text: str) -> list[Finding]:
        found: list[Finding] = []
        for tokens in stretches(tokens_of(text)):
            tagged = self._tagger.tag(tokens, self._leaning)
            found += findings_of(
                tokens, tagged, self._model.tags, step=self._model.step, detector=NAME
            )
        return found


class Names:
    """The kind of detector that `legato.detectors` names `names`."""

    labels = LABELS
    quick = False

    def __call__(self, settings: Mapping[str, Any]) -> NamesDetector:
        """Load the detector. Raises ConfigInvalid, as there is nothing to set."""
        if settings:
            raise ConfigInvalid(f"unknown setting `{min(settings)}`; it has none")
        return packaged()


KIND: Final = Names()


@cache
def packaged() -> NamesDetector:
    """Return the detector with the package's weights, loaded once a process."""
    return NamesDetector.load()


def scan(text: str, labels: Iterable[str] | None = None) -> list[Finding]:
    """Return personal data, secrets and names of a text, in its order, nothing overlapping.

    As `legato.guardrails.scan`, with names beside it: where both find something, the structured
    finding stays. `labels` may also be PERSON, LOCATION, ORGANIZATION or the group `names`.

    Raises:
        InvalidRequest: a label is unknown.
    """
    wanted = None if labels is None else frozenset(labels)
    names = LABELS if wanted is None or "names" in wanted else LABELS & wanted
    structured = scan_structured(text, None if wanted is None else wanted - LABELS - {"names"})
    found = packaged().find(text, Place.INPUT) if names else ()
    return settled_with(text, structured, [one for one in found if one.label in names])
