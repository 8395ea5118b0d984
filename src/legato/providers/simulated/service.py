"""The server's doors: which path leads where, for model calls and for control.

Control (never booked): GET and POST /_simulated/settings, GET /_simulated/book?after=N&limit=M,
GET /_simulated/counts, POST /_simulated/reset. POSTed settings are laid over those in force; a
reset restores those of the start and forgets the calls in memory.
"""

from collections.abc import Callable
from urllib.parse import parse_qs

import msgspec

from legato.providers.simulated.book import Book
from legato.providers.simulated.dialects import anthropic, openai
from legato.providers.simulated.dialects.anthropic_wire import counted_tokens
from legato.providers.simulated.dialects.base import Dialect
from legato.providers.simulated.plans import Plan, Planner, Request
from legato.providers.simulated.refusal import Refusal
from legato.providers.simulated.responses import JSON_LINES, Response
from legato.providers.simulated.settings import SimulatedSettings

OK = 200
BAD_REQUEST = 400
NOT_FOUND = 404
METHOD_NOT_ALLOWED = 405
TOO_LARGE = 413
BOOK_LIMIT = 10_000

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
MESSAGES = "/v1/messages"
COUNT_TOKENS = "/v1/messages/count_tokens"
MODELS = "/v1/models"
CONTROL = "/_simulated/"

_Door = Callable[[Request], Plan | Response]


class Service:
    """Answers requests; knows nothing of sockets."""

    def __init__(self, settings: SimulatedSettings, book: Book) -> None:
        self._initial = settings
        self._book = book
        self._planner = Planner(settings, book)
        self._openai = openai.OpenAIDialect()
        self._anthropic = anthropic.AnthropicDialect()
        self._doors: dict[str, dict[str, _Door]] = {
            CHAT: {"POST": lambda request: self._planner.chat(request, self._openai)},
            MESSAGES: {"POST": lambda request: self._planner.chat(request, self._anthropic)},
            EMBEDDINGS: {"POST": self._planner.embeddings},
            COUNT_TOKENS: {"POST": self._count_tokens},
            MODELS: {"GET": self._models},
            CONTROL + "settings": {"GET": self._settings, "POST": self._change_settings},
            CONTROL + "book": {"GET": self._pages},
            CONTROL + "counts": {"GET": self._counts},
            CONTROL + "reset": {"POST": self._reset},
        }

    def answer(self, request: Request) -> Plan | Response:
        """A plan for a model call, which is in the book by then, or a response to send at once."""
        doors = self._doors.get(request.path)
        if doors is None:
            if request.path.startswith(MODELS + "/") and request.method == "GET":
                return self._model(request)
            return self._error(request, Refusal(NOT_FOUND, "There is nothing here."))
        door = doors.get(request.method)
        if door is None:
            refusal = Refusal(METHOD_NOT_ALLOWED, f"{request.method} is not allowed here.")
            allow = ", ".join(doors).encode()
            return self._error(request, refusal)._replace(headers=((b"allow", allow),))
        return door(request)

    def too_large(self, request: Request) -> Plan | Response:
        """The answer to a request whose body was over the limit and has not been kept."""
        refusal = Refusal(TOO_LARGE, "The request body is too large.")
        if request.path in {CHAT, EMBEDDINGS, MESSAGES}:
            return self._planner.refusal(request, self._dialect(request), refusal)
        return self._error(request, refusal)

    def _dialect(self, request: Request) -> Dialect:
        is_anthropic = request.path.startswith(MESSAGES) or request.speaks_anthropic
        return self._anthropic if is_anthropic else self._openai

    def _error(self, request: Request, refusal: Refusal) -> Response:
        dialect = self._dialect(request)
        return Response(
            refusal.status, dialect.error(refusal.status, refusal.message, refusal.param)
        )

    def _count_tokens(self, request: Request) -> Response:
        try:
            tokens = counted_tokens(request.body)
        except Refusal as refusal:
            return self._error(request, refusal)
        return Response(OK, msgspec.json.encode({"input_tokens": tokens}))

    def _models(self, request: Request) -> Response:
        names = self._planner.settings.model_names
        if request.speaks_anthropic:
            entries = [anthropic.model_entry(name) for name in names]
            page = {"has_more": False, "first_id": names[0], "last_id": names[-1]}
            return Response(OK, msgspec.json.encode({"data": entries, **page}))
        entries = [openai.model_entry(name) for name in names]
        return Response(OK, msgspec.json.encode({"object": "list", "data": entries}))

    def _model(self, request: Request) -> Response:
        name = request.path.removeprefix(MODELS + "/")
        if name not in self._planner.settings.model_names:
            return self._error(request, Refusal(NOT_FOUND, "The model does not exist."))
        dialect = anthropic if request.speaks_anthropic else openai
        return Response(OK, msgspec.json.encode(dialect.model_entry(name)))

    def _settings(self, _request: Request) -> Response:
        return Response(OK, msgspec.json.encode(self._planner.settings))

    def _change_settings(self, request: Request) -> Response:
        try:
            fields = msgspec.json.decode(request.body, type=dict)
            self._planner.set(self._planner.settings.merged(fields))
        except msgspec.MsgspecError as error:
            return self._error(request, Refusal(BAD_REQUEST, str(error)))
        return self._settings(request)

    def _pages(self, request: Request) -> Response:
        query = parse_qs(request.query)
        try:
            after = int(query.get("after", ["0"])[0])
            limit = min(int(query.get("limit", [str(BOOK_LIMIT)])[0]), BOOK_LIMIT)
        except ValueError:
            return self._error(request, Refusal(BAD_REQUEST, "after and limit are numbers."))
        records = self._book.after(after, max(limit, 0))
        return Response(OK, msgspec.json.Encoder().encode_lines(records), JSON_LINES)

    def _counts(self, _request: Request) -> Response:
        return Response(OK, msgspec.json.encode(self._book.counts()))

    def _reset(self, request: Request) -> Response:
        self._book.reset()
        self._planner.set(self._initial)
        return self._settings(request)
