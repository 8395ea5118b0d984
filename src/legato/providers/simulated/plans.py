"""From a request to a plan: what will be sent, when, and what it is billed."""

from collections.abc import Iterator
from typing import NamedTuple

from legato.providers.simulated.answers import answer
from legato.providers.simulated.book import Book, CallRecord, Outcome
from legato.providers.simulated.dialects.base import Dialect, Reply
from legato.providers.simulated.dialects.openai import OpenAIDialect, embeddings_body
from legato.providers.simulated.dialects.openai_wire import embedding_request
from legato.providers.simulated.faults import NO_FAULTS, Dice, Faults, decide, latency_s
from legato.providers.simulated.refusal import Refusal
from legato.providers.simulated.responses import EVENT_STREAM, HTML, Headers, Response
from legato.providers.simulated.settings import Behaviour, Framing, SimulatedSettings
from legato.providers.simulated.sse import Event, framed
from legato.providers.simulated.steering import TOO_MANY_REQUESTS, steered
from legato.providers.simulated.usage import NOTHING, Usage, misreported
from legato.providers.simulated.windows import Window

OK = 200
NOT_FOUND = 404
GARBAGE_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>Simulated</body></html>"
GARBAGE_JSON = b'{"id":"simulated","choices":[{"index":0,"message":{"role":"assis'
GARBAGE_EVENT = b"data: " + GARBAGE_JSON + b"\n\n"


class Request(NamedTuple):
    """A request as read from the wire. Steering headers come without their prefix."""

    method: str
    path: str
    query: str
    body: bytes
    attempt_id: str | None = None
    steering: tuple[tuple[str, str], ...] = ()
    speaks_anthropic: bool = False


class Plan(NamedTuple):
    """Either a whole response or a stream of events behind a response without a body."""

    record: CallRecord
    response: Response
    usage: Usage  # billed if all of it is sent
    outcome: Outcome  # if all of it is sent
    events: Iterator[Event] | None = None
    wait_s: float = 0.0
    gap_s: float = 0.0
    faults: Faults = NO_FAULTS
    error_event: bytes = b""
    framing: Framing = "plain"


class _Conduct(NamedTuple):
    behaviour: Behaviour
    faults: Faults
    wait_s: float
    limits: Headers = ()


class Planner:
    """Makes plans by the settings of the moment and opens each call's line in the book."""

    def __init__(self, settings: SimulatedSettings, book: Book) -> None:
        self._book = book
        self._openai = OpenAIDialect()
        self.set(settings)

    def set(self, settings: SimulatedSettings) -> None:
        """Change the settings from the next call on; faults count calls anew."""
        self.settings = settings
        self._behaviours = settings.behaviours()
        self._calls = dict.fromkeys(self._behaviours, 0)
        self._windows = {name: Window() for name in self._behaviours}

    def chat(self, request: Request, dialect: Dialect) -> Plan:
        """Plan the answer to a chat call of either dialect."""
        try:
            question = dialect.question(request.body)
        except Refusal as refusal:
            return _refused(self._arrived(request), dialect, refusal)
        record = self._arrived(request, question.model, stream=question.stream)
        try:
            conduct = self._conduct(request, question.model)
            failure = _failure(record, conduct, dialect)
            if failure is not None:
                return failure
            composed = answer(question, conduct.behaviour)
        except Refusal as refusal:
            return _refused(record, dialect, refusal)
        reported = _reported(composed.usage, conduct.faults)
        shape = conduct.behaviour.usage_shape
        reply = Reply(question, composed, reported, shape, record.n)
        if question.stream:
            return _streamed(reply, record, conduct, dialect)
        shown = composed.usage.completion - composed.usage.reasoning
        return Plan(
            record,
            Response(OK, dialect.whole(reply), headers=_identity(record) + conduct.limits),
            composed.usage,
            "ok",
            wait_s=conduct.wait_s + shown * conduct.behaviour.gap_s,
            faults=conduct.faults,
        )

    def embeddings(self, request: Request) -> Plan:
        """Plan the answer to an embeddings call."""
        try:
            parsed, texts, tokens = embedding_request(request.body)
        except Refusal as refusal:
            return _refused(self._arrived(request), self._openai, refusal)
        record = self._arrived(request, parsed.model)
        try:
            conduct = self._conduct(request, parsed.model)
        except Refusal as refusal:
            return _refused(record, self._openai, refusal)
        failure = _failure(record, conduct, self._openai)
        if failure is not None:
            return failure
        usage = Usage(prompt=tokens)
        body = embeddings_body(
            texts,
            parsed.model,
            parsed.dimensions or conduct.behaviour.embedding_dimensions,
            _reported(usage, conduct.faults),
            as_base64=parsed.encoding_format == "base64",
        )
        response = Response(OK, body, headers=_identity(record) + conduct.limits)
        return Plan(record, response, usage, "ok", wait_s=conduct.wait_s, faults=conduct.faults)

    def refusal(self, request: Request, dialect: Dialect, refusal: Refusal) -> Plan:
        """Plan the refusal of a model call that can't even be parsed."""
        return _refused(self._arrived(request), dialect, refusal)

    def _arrived(self, request: Request, model: str = "", *, stream: bool = False) -> CallRecord:
        return self._book.arrived(request.attempt_id, request.path, model, stream=stream)

    def _conduct(self, request: Request, model: str) -> _Conduct:
        if self.settings.strict_models and model not in self.settings.model_names:
            raise Refusal(NOT_FOUND, "The model does not exist.", param="model")
        bucket = model if model in self._behaviours else ""
        behaviour = self._behaviours[bucket]
        call = self._calls[bucket]
        self._calls[bucket] = call + 1
        if request.steering:
            behaviour = steered(behaviour, list(request.steering))
        dice = Dice(self.settings.seed, bucket, call)
        faults = decide(behaviour, dice, call)
        wait_s = latency_s(behaviour, dice) + faults.stall_first_byte_s
        limit = behaviour.requests_per_minute
        if limit is None:
            return _Conduct(behaviour, faults, wait_s)
        window = self._windows[bucket]
        if not window.take(limit):
            faults = Faults(status=TOO_MANY_REQUESTS, retry_after_s=window.resets_in_s)
        limits = window.headers(limit, is_anthropic=request.speaks_anthropic)
        return _Conduct(behaviour, faults, wait_s, limits)


def _reported(usage: Usage, faults: Faults) -> Usage:
    return usage if faults.wrong_usage is None else misreported(usage, faults.wrong_usage)


def _identity(record: CallRecord) -> Headers:
    identity = b"req_simulated_%d" % record.n
    return ((b"x-request-id", identity), (b"request-id", identity))


def _refused(record: CallRecord, dialect: Dialect, refusal: Refusal) -> Plan:
    body = dialect.error(refusal.status, refusal.message, refusal.param)
    response = Response(refusal.status, body, headers=_identity(record))
    return Plan(record, response, NOTHING, "error")


def _failure(record: CallRecord, conduct: _Conduct, dialect: Dialect) -> Plan | None:
    """The plan of a call that fails as a whole, or None if it is answered."""
    faults = conduct.faults
    headers = _identity(record) + conduct.limits
    if faults.status is not None:
        body = dialect.error(faults.status, f"Simulated error {faults.status}.", None)
        response = Response(faults.status, body, headers=headers + _retry_after(faults))
    elif faults.garbage == "html":
        response = Response(OK, GARBAGE_HTML, HTML, headers)
    elif faults.garbage is not None and record.stream:
        response = Response(OK, GARBAGE_EVENT, EVENT_STREAM, headers)
    elif faults.garbage is not None:
        response = Response(OK, GARBAGE_JSON, headers=headers)
    else:
        return None
    return Plan(record, response, NOTHING, "error", wait_s=conduct.wait_s)


def _retry_after(faults: Faults) -> Headers:
    headers: Headers = ()
    if faults.retry_after_s is not None:
        # The header takes whole seconds only: rounded up.
        headers += ((b"retry-after", b"%d" % -(-faults.retry_after_s // 1)),)
    if faults.retry_after_ms is not None:
        headers += ((b"retry-after-ms", b"%d" % faults.retry_after_ms),)
    return headers


def _streamed(reply: Reply, record: CallRecord, conduct: _Conduct, dialect: Dialect) -> Plan:
    events = dialect.events(reply)
    framing = conduct.behaviour.framing
    headers = _identity(record) + conduct.limits
    return Plan(
        record,
        Response(
            OK,
            b"",
            EVENT_STREAM,
            (*headers, (b"cache-control", b"no-cache")),
        ),
        reply.answer.usage,
        "ok",
        events=events if framing in {"plain", "split"} else framed(events, framing),
        wait_s=conduct.wait_s,
        gap_s=conduct.behaviour.gap_s,
        faults=conduct.faults,
        error_event=dialect.error_event("Simulated failure in the middle of a stream."),
        framing=framing,
    )
