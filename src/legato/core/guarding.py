"""What guardrails say of a text: the words they share with detectors, policies and the gateway."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import msgspec


class Place(StrEnum):
    """Whose text it is, as far as trust goes."""

    INPUT = "input"
    """What the caller sends in a turn of a person's, of the system's or of an earlier answer."""
    TOOL_RESULT = "tool_result"
    """What a tool gave back."""
    DOCUMENT = "document"
    """What was retrieved for the answer to stand on."""
    OUTPUT = "output"
    """What the model answers."""
    TOOL_CALL = "tool_call"
    """The arguments the model gives to a tool."""


class Action(StrEnum):
    """What is done where something was found, mildest first."""

    ALLOW = "allow"
    FLAG = "flag"
    ROUTE = "route"
    """Only the deployment that the rule names may answer."""
    REDACT = "redact"
    BLOCK = "block"


class Mode(StrEnum):
    """Whether a policy acts, or only says what it would have done."""

    ENFORCE = "enforce"
    SHADOW = "shadow"


class Finding(msgspec.Struct, frozen=True):
    """Something a detector found in a text. It never holds the text itself."""

    label: str
    """What it is: `EMAIL_ADDRESS`, `PERSON`, `INJECTION`, ..."""
    start: int
    """Where it begins, in characters (code points) of the text as given."""
    end: int
    """Where it ends: the first character behind it."""
    score: float = 1.0
    """How sure the detector is, of 0 to 1."""
    detector: str = ""


class Piece(msgspec.Struct, frozen=True):
    """A text somewhere in a request or an answer."""

    text: str
    where: str
    """A JSON pointer into the body; one ending in `#` is the key itself."""
    place: Place = Place.INPUT
    lead: int = 0
    """How many characters at its beginning are no part of it, but say what it is: `phone: 0123`."""
    fixed: bool = False
    """Nothing else can stand there: a name, an id, a file."""
    token: bool = False
    """It is of names and ids alone: detectors that read sentences have nothing to say of it."""


class Reach(msgspec.Struct, frozen=True):
    """How far a call may get: what policies may be attached to."""

    names: frozenset[str] = frozenset()
    deployments: frozenset[str] = frozenset()

    def __or__(self, other: "Reach") -> "Reach":
        return Reach(self.names | other.names, self.deployments | other.deployments)


class Detector(Protocol):
    """What finds something in texts. Quick ones only: they run on the event loop."""

    @property
    def name(self) -> str:
        """How findings and reports name it."""
        ...

    @property
    def labels(self) -> frozenset[str]:
        """What it may find."""
        ...

    def find(self, text: str, place: Place) -> Sequence[Finding]:
        """Return what is in a text, in its order, nothing overlapping."""
        ...


class SlowDetector(Protocol):
    """A detector that runs elsewhere: in a worker process, behind HTTP, in a model."""

    @property
    def name(self) -> str:
        """How findings and reports name it."""
        ...

    @property
    def labels(self) -> frozenset[str]:
        """What it may find."""
        ...

    async def find_all(self, pieces: Sequence[Piece]) -> Sequence[Sequence[Finding]]:
        """Return what is in each piece. Raises DetectorFailed; the caller bounds its time."""
        ...


class TextFilter(Protocol):
    """Passes on one text of an answer as it comes, checked or changed; holds back what it must."""

    def feed(self, text: str) -> str:
        """Return what may go on now. Raises OutputBlocked: nothing of it may."""
        ...

    def end(self) -> str:
        """Return what was held back, now that nothing follows. Raises OutputBlocked."""
        ...


TEXT: Final = "text"
"""Names of channels; this is what the answer says."""
REFUSAL: Final = "refusal"
REASONING: Final = "reasoning"
SEALED: Final = "sealed_reasoning"
"""Reasoning that its vendor signed, and wants to see again unchanged."""
ARGUMENTS: Final = "arguments"
NAME: Final = "tool_name"
"""What the model calls, to be looked at: it can't be changed."""
CALLED: Final = "called"
"""The same on its way out: values are put back into it."""
QUOTE: Final = "quote"
"""What an answer repeats of the request: documents, words of sources, where it stopped."""
REPEATED: Final = "repeated"
"""What an answer repeats of the request word for word: there is nothing to check in it."""
BREAK: Final = "\uffff"
"""Where a block of a text ends and its next one begins: filters pass it on where it stands.

A noncharacter, which no text has: what a model sends is replaced. What is looked for may begin
in one block and end in another.
"""


class Channel(NamedTuple):
    """One text of an answer."""

    name: str
    choice: int = 0
    number: int = 0
    """Of the call of a tool, or of the block: with its name and choice it is this text's alone."""
    is_json: bool = False
    """The text is JSON: what is put into it stands within one of its strings."""

    @property
    def place(self) -> Place:
        """Whose text it is."""
        return Place.TOOL_CALL if self.name in {ARGUMENTS, NAME} else Place.OUTPUT


FilterFactory = Callable[[Channel], TextFilter | None]
"""Returns a new filter for a text, or None where it has none for it."""
