"""Steps of a flow in the writing, typed by what they return, and the paths that go on from them."""

from typing import Any, Generic, TypeVar, cast

import msgspec

from legato.flow.definition import DONE, ERROR
from legato.flow.typed_values import Value

Out_co = TypeVar("Out_co", covariant=True)
Made = TypeVar("Made")
Label = TypeVar("Label", bound=str)


class Step(Generic[Out_co]):
    """A node that is there, and what it will have come to."""

    def __init__(self, node_id: str, port: str = DONE) -> None:
        self.id = node_id
        self.default_port = port

    @property
    def output(self) -> Out_co:
        """What it comes to."""
        return cast("Out_co", Value(f"steps.{self.id}.output", (self.id,)))

    @property
    def error(self) -> "StepError":
        """Why it failed, behind its port `error`."""
        return cast("StepError", Value(f"steps.{self.id}.error", (self.id,)))

    @property
    def port(self) -> str:
        """The port that it ends at."""
        return cast("str", Value(f"steps.{self.id}.port", (self.id,)))

    @property
    def ran(self) -> bool:
        """Whether it has run."""
        return cast("bool", Value(f"has(steps.{self.id})", ()))

    def at(self, port: str) -> "Path":
        """Return the path that goes on from one of its ports."""
        return Path(f"{self.id}:{port}")

    @property
    def failed(self) -> "Path":
        """The path that goes on where it failed."""
        return self.at(ERROR)


class Sorted(Step[Out_co], Generic[Out_co, Label]):
    """A node that chooses among ports, which are known by type."""

    def at(self, port: Label) -> "Path":  # type: ignore[override]  # narrower on purpose
        """Return the path that goes on from one of its ports."""
        return Path(f"{self.id}:{port}")


class Path(msgspec.Struct, frozen=True):
    """Where a path into a node comes from: `NODE:PORT`."""

    source: str


class StepError(msgspec.Struct, frozen=True):
    """Why a step failed."""

    code: str
    message: str


class Classified(msgspec.Struct, frozen=True):
    """What a classifier comes to."""

    label: str
    confidence: float
    reason: str


class Decided(msgspec.Struct, Generic[Made], frozen=True):
    """What a person decided."""

    decision: str
    data: Made
    by: Any
    comment: Any


class Answered(msgspec.Struct, Generic[Made], frozen=True):
    """What an agent comes to."""

    answer: Made
    turns: int
    tool_calls: Any
    stopped: Any


class Checked(msgspec.Struct, Generic[Made], frozen=True):
    """What holding data against a type comes to."""

    value: Made
    problems: list[Any]
