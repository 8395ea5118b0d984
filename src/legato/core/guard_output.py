"""What a policy may ask of answers: the `output` section of a guardrail policy."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from legato.core.config_parts import Count, Name, Positive, Share

REASKS_MAX: Final = 2
BEFORE_SENDING: Final = "before_sending"
AFTER_SENDING: Final = "after_sending"
PARTLY: Final = "partly"
NOT_SCANNED: Final = "no"
Pattern = Annotated[str, Meta(min_length=1, max_length=1_000)]
Host = Annotated[str, Meta(pattern=r"^(\*\.)?[A-Za-z0-9.-]{1,253}$")]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2}$")]


class OnOutput(StrEnum):
    """What is done about an answer that fails a check, mildest first."""

    FLAG = "flag"
    """It goes out, and the header and the record say what was found."""
    REDACT = "redact"
    """What was found is replaced. Only for checks that find a place in the text."""
    REASK = "reask"
    """The model is asked again, told what was wrong. Not on streams that go out as they come."""
    BLOCK = "block"
    """The caller gets `output_blocked`."""


class OutputStream(StrEnum):
    """How streamed answers are checked."""

    HOLD_BACK = "hold_back"
    """A window of the text is held back, so that nothing that fails ever goes out.

    Checks that need all of the answer hold all of it back.
    """
    HOLD_WHOLE = "hold_whole"
    """Nothing goes out until all of it is checked."""
    AS_IT_COMES = "as_it_comes"
    """It goes out unchecked; what is found is recorded afterwards, as found too late."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class JsonRule(_Strict, frozen=True):
    """A condition that the parsed answer must fulfil."""

    name: Name
    must: Pattern
    """In the Common Expression Language over `output`, the parsed answer."""


class JsonCheck(_Strict, frozen=True):
    """The answer must be JSON. Holds whole answers."""

    schema: dict[str, Any] | None = None
    """A JSON Schema; without it the one that the request, or its prompt, asks for.

    A request that asks for none and has none here isn't checked.
    """
    constrain: bool = False
    """Whether `schema` is also put to the model, where the request asks for no form of its own."""
    fences: bool = False
    """Whether a code fence around the JSON is taken off. The answer is flagged then."""
    repair: Literal["off", "syntax", "truncated"] = "off"
    """Whether commas too many, single quotes and fences are mended; cut answers completed, too.

    An answer that was repaired is always flagged.
    """
    rules: list[JsonRule] = []
    action: Literal["flag", "reask", "block"] = "reask"


class LeakCheck(_Strict, frozen=True):
    """Answers must not hold what they were given in confidence."""

    canaries: tuple[Annotated[str, Meta(min_length=8, max_length=200)], ...] = ()
    """Texts planted where no answer has reason to say them."""
    system_prompt_words: Annotated[int, Meta(ge=0, le=50)] = 0
    """So many successive words of the system prompt are a leak; 0: not looked for."""
    redacted_values: bool = True
    """Whether a value that was masked for the model may come back unmasked."""
    action: Literal["flag", "redact", "block"] = "block"


class LinkCheck(_Strict, frozen=True):
    """Which hosts answers may link to: an image's address can carry data away."""

    hosts: tuple[Host, ...] = ()
    """Allowed ones; `*.example.com` is every host below it."""
    images_only: bool = False
    """Whether only images are looked at: they load without a click."""
    action: Literal["flag", "redact", "block"] = "redact"


class LengthCheck(_Strict, frozen=True):
    """How long an answer may be, in characters."""

    characters_min: Annotated[int, Meta(ge=0)] = 0
    characters_max: Count | None = None
    action: Literal["flag", "reask", "block"] = "flag"


class LanguageCheck(_Strict, frozen=True):
    """In which languages answers may be. Only prose that is long enough to tell is judged."""

    allowed: Annotated[tuple[Language, ...], Meta(min_length=1)]
    """By their codes of two letters."""
    action: Literal["flag", "reask", "block"] = "flag"


class GroundingJudge(_Strict, frozen=True):
    """A model that is asked whether the sources say what the answer does."""

    deployment: Name
    """A deployment, or an alias."""
    always: bool = False
    """Whether it is asked about every statement, not only those that seem unsupported."""
    time_ms: Positive = 10_000.0
    characters_max: Annotated[int, Meta(ge=500, le=200_000)] = 24_000
    """Of sources and statements together; more is a failure."""
    max_tokens: Annotated[int, Meta(ge=16, le=4_096)] = 600
    on_failure: Literal["refuse", "score"] = "refuse"
    """Whether what it can't tell withholds the answer, or what was found without it decides. Where
    the check only flags, and in shadow, that decides."""


class GroundingCheck(_Strict, frozen=True):
    """Whether what the answer says stands in the context that the request gives."""

    support_min: Share = 0.5
    """A sentence with less support counts as unsupported."""
    unsupported_share_max: Share = 0.0
    """How many of its sentences may be unsupported."""
    sources: tuple[Literal["tool_result", "document", "system"], ...] = ("tool_result", "document")
    meaning: bool = False
    """Whether nearness in meaning supports, too, by the embedder of `guardrails.topics`."""
    judge: GroundingJudge | None = None
    action: Literal["flag", "reask", "block"] = "flag"

    @property
    def asks_elsewhere(self) -> bool:
        """Whether an embedder or a judge is asked."""
        return self.meaning or self.judge is not None


class OutputChecks(_Strict, frozen=True):
    """What is asked of answers, and what happens to those that fail."""

    json: JsonCheck | None = None
    leaks: LeakCheck | None = None
    links: LinkCheck | None = None
    length: LengthCheck | None = None
    language: LanguageCheck | None = None
    grounding: GroundingCheck | None = None
    reasks_max: Annotated[int, Meta(ge=0, le=REASKS_MAX)] = 1
    """How often the model is asked again for one request. Each is an attempt, and paid."""
    reask_at: Name | None = None
    """The deployment that is asked again, of the route; without it the one that answered."""
    stream: OutputStream = OutputStream.HOLD_BACK
    hold_back_chars: Annotated[int, Meta(ge=32, le=4_096)] = 256
    """The window of `hold_back`: what rules look for in a stream is found up to this length."""


class CheckFired(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one check found in one text of an answer. Never the text itself."""

    check: str
    """`leaks.canary`, `json.schema`, `rules.NAME.email_address`"""
    action: str
    """As in OnOutput; `:not_enforced` behind it where nothing was done."""
    count: int
    where: str
    """Which text of the answer: `content/0`."""
    spans: tuple[tuple[int, int], ...] = ()
    """In characters of that text as the model wrote it."""


class OutputFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was done about one answer. Never the text itself."""

    policies: tuple[str, ...]
    """Those that ask for checks, with their versions."""
    checked: tuple[str, ...]
    """The checks that were made, by name, whatever they found."""
    scanned: str
    """before_sending, after_sending, partly, no"""
    fired: tuple[CheckFired, ...] = ()
    reasks: int = 0
    check_us: int = 0
    held_ms: int = 0
    """The longest that text of a stream waited to be checked."""


def plain_output(facts: OutputFacts) -> dict[str, Any]:
    """Return facts as people and programs read them, by the names of their fields."""
    fired = [{**asdict(one), "spans": [list(span) for span in one.spans]} for one in facts.fired]
    return {**asdict(facts), "fired": fired}
