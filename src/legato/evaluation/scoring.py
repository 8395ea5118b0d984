"""The words of an evaluation: a case, an answer to it, a score of that, and who scores."""

from typing import Any, ClassVar, Final, Protocol

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.origin import NO_ORIGIN, Origin
from legato.flow.rehearsal import NOTHING_GIVEN, Given

REASON_MAX: Final = 1_000
"""Characters of a reason that are kept."""


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question of a data set, and what is known of its answer."""

    id: str
    messages: tuple[dict[str, Any], ...] = ()
    """In the form of chat completions."""
    variables: dict[str, Any] = {}
    """Of a prompt, or the input of a workflow; a case may have these, messages or both."""
    expected: Any = None
    """Plain data: a text, a number, an object."""
    context: str = ""
    """What the answer must rest on."""
    tags: tuple[str, ...] = ()
    weight: float = 1.0
    split: str = ""
    origin: Origin = NO_ORIGIN
    """The captured request it was made of."""
    given: Given = NOTHING_GIVEN
    """What a workflow's run meets."""
    erased: bool = False
    """It stands for one whose content was erased: it has nothing but its split and weight."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a subject said to a case, or why it said nothing."""

    text: str = ""
    request_id: str = ""
    cost: int | None = 0
    """Nano-USD, None where unpriced."""
    latency_us: int = 0
    error: str = ""
    """A code of `legato.core.errors`; "" where an answer came."""
    told: str = ""
    """What was said of the failure."""
    accepted: bool | None = None
    """Of a workflow: whether its outcome was accepted, None where it doesn't say what is."""


class Score(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """0 to 1, and why. What scoring itself cost is apart from the answer's cost."""

    value: float
    reason: str = ""
    cost: int | None = 0
    """Nano-USD of all calls that the scorer made, None where one was unpriced."""
    request_ids: tuple[str, ...] = ()
    """Of those calls."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one call of the gateway. Of one that failed: `error` has the code."""

    body: Any
    request_id: str
    cost: int | None
    latency_us: int
    error: str = ""
    told: str = ""
    """The failure in words, such as the provider's."""


class Caller(Protocol):
    """Calls the gateway for the key that an evaluation acts for; its entries name the run."""

    async def call(self, endpoint: str, body: dict[str, Any]) -> Reply:
        """Send a body to a path such as `/v1/chat/completions`.

        What may pass is tried again; every answer of the gateway comes back as a Reply.
        """
        ...


class Unscored(Exception):
    """A scorer can't judge this case: it lacks what the scorer needs, or a judge didn't answer."""

    def __init__(self, reason: str, cost: int | None = 0) -> None:
        """`cost` is what trying cost, in nano-USD."""
        super().__init__(reason)
        self.cost = cost


class Scorer(Protocol):
    """Judges one answer. Its settings are its fields; it keeps nothing between cases."""

    @property
    def label(self) -> str:
        """What its scores are called in a suite."""
        ...

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:
        """Judge an answer that came. Raises Unscored."""
        ...


class ScorerSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="use"
):
    """What every scorer's settings begin with; a scorer derives from it, with its tag."""

    pure: ClassVar[bool] = True
    """Whether it makes no call."""
    name: str = ""
    """Told apart by this where a suite uses a scorer twice."""
    fail_under: float | None = None
    """The least mean score that a gate lets pass; see `legato.evaluation.gate`."""

    @property
    def label(self) -> str:
        """What its scores are called in a suite."""
        return self.name or str(self.__struct_config__.tag)

    def require_settings(self) -> None:
        """Return where these settings can work together. Raises InvalidRequest."""
        if self.fail_under is not None and not 0 <= self.fail_under <= 1:
            msg = "fail_under: must be between 0 and 1"
            raise InvalidRequest(msg, param="fail_under")


def expected_text(case: Case) -> str:
    """Return the text that a case expects. Raises Unscored."""
    if isinstance(case.expected, str):
        return case.expected
    if isinstance(case.expected, bool | int | float):
        return msgspec.json.encode(case.expected).decode()
    raise Unscored("the case has no expected text")


def yes_or_no(*, good: bool, otherwise: str) -> Score:
    """Return 1, or 0 with a reason."""
    return Score(value=1.0) if good else Score(value=0.0, reason=otherwise[:REASON_MAX])


def shown_text(text: str) -> str:
    """Return a text as a reason quotes it."""
    limit = 120
    return repr(text if len(text) <= limit else f"{text[:limit]}…")
