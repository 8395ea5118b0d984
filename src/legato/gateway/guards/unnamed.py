"""What an answer holds beside the texts that its dialect's reader names.

Every text that reaches the caller was looked at, or stands in a field that holds no text, or is
withheld: a field that a vendor adds tomorrow is no way past the checks. What is told at once is
passed on as a text of its own. Pieces of an unknown text, which come frame by frame, are one text
where the reader can put back what is held of it; elsewhere checks that are enforced withhold them.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from legato.core.errors import OutputBlocked
from legato.core.guarding import CALLED, NAME, QUOTE, REPEATED, Channel
from legato.gateway.guards.channels import Texts, quoted

HERE: Final = object()
"""Stands for a text in what tells it."""
CLOSED: Final = frozenset(
    {
        "call_id",
        "container_id",
        "encrypted_content",
        "encrypted_index",
        "event_id",
        "file_id",
        "finish_reason",
        "format",
        "id",
        "item_id",
        "media_type",
        "model",
        "native_finish_reason",
        "obfuscation",
        "object",
        "phase",
        "previous_response_id",
        "provider",
        "response_id",
        "role",
        "service_tier",
        "signature",
        "source_type",
        "status",
        "stop_reason",
        "system_fingerprint",
        "tool_use_id",
        "type",
        "usage",
    }
)
"""Fields that hold no text: ids, kinds, states, what only its vendor can read."""
MEDIA: Final = frozenset({"b64_json", "partial_image_b64", "audio_data"})
_UNSEEN: Final = "The answer holds sound or pictures, which can't be looked into: it was withheld."


class Loose(NamedTuple):
    """A text within something, and a copy of that in which HERE stands in its place."""

    path: tuple[str | int, ...]
    inside: Any
    key: str | int
    made: Any


class Unnamed:
    """Passes on what a reader doesn't name."""

    def __init__(self, texts: Texts, asked: Mapping[str, Any]) -> None:
        """`asked` is the request as the model saw it: its own words may be repeated."""
        self._texts = texts
        self._asked = asked
        self._own: frozenset[str] | None = None
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._names: dict[tuple[Any, ...], str] = {}

    def rest(self, told: dict[str, Any], named: Collection[str]) -> bool:
        """Pass on what is told at once; tell whether there is any."""
        found = False
        for field in [one for one in told if one not in named]:
            value = told[field]
            if is_closed(field, value):
                continue
            if value is None or isinstance(value, (bool, int, float)):
                continue
            self._require_seen(field, value)
            found = True
            told[field] = self._passed(value)
        return found

    def withheld(self, told: dict[str, Any], named: Collection[str]) -> bool:
        """Pass on what may be pieces of a text: withhold them under checks."""
        found = False
        for field in [one for one in told if one not in named and one not in CLOSED]:
            if isinstance(told[field], str) and told[field]:
                found = True
                if self._texts.withholds:
                    del told[field]
        return self.rest(told, named) or found

    def repeated(self, told: dict[str, Any], fields: Collection[str]) -> None:
        """Pass on fields that repeat the request: its own words aren't checked."""
        for field in fields:
            if told.get(field):
                told[field] = self._repeated(told[field])

    def name(self, told: Any, key: tuple[Any, ...], field: str = "name") -> None:
        """Look at the name of a tool, and put back what in it stands for values.

        Raises:
            OutputBlocked: it holds what may not go out.
        """
        if self.look_at_name(told, key, field):
            told[field] = self._texts.whole(Channel(CALLED), told[field])

    def look_at_name(self, told: Any, key: tuple[Any, ...], field: str = "name") -> bool:
        """Look at a name that may come in pieces; tell whether it isn't one of the request's.

        Raises:
            OutputBlocked: it holds what may not go out.
        """
        given = told.get(field) if isinstance(told, dict) else None
        if not isinstance(given, str) or not given:
            return False
        name = self._names[key] = self._names.get(key, "") + given
        if name in self._of_request:
            return False
        self._texts.whole(Channel(NAME), name)
        return True

    def number(self, *key: Any) -> int:
        """Return the number of a channel for a text known by a key."""
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def loose(self, told: dict[str, Any], named: Collection[str]) -> Iterator[Loose]:
        """Yield the texts in what tells more of something, each with what can tell more of it."""
        for field in list(told):
            if field not in named and not is_closed(field, told[field]):
                self._require_seen(field, told[field])
                yield from self._loose(told, field, (field,), lambda one, field=field: {field: one})

    def require_seen(self, media: Any) -> None:
        """Refuse what nobody looked into. Raises OutputBlocked."""
        if media and self._texts.withholds:
            raise OutputBlocked(_UNSEEN)

    def _require_seen(self, field: str, value: Any) -> None:
        if field in MEDIA:
            self.require_seen(value)

    def _loose(
        self, inside: Any, key: Any, path: tuple[str | int, ...], made: Any
    ) -> Iterator[Loose]:
        value = inside[key]
        if isinstance(value, str):
            yield Loose(path, inside, key, made(HERE))
        elif isinstance(value, dict):
            for field in list(value):
                if is_closed(field, value[field]):
                    continue
                kept = {
                    name: one
                    for name, one in value.items()
                    if name == "index" or is_closed(name, one)
                }
                yield from self._loose(
                    value,
                    field,
                    (*path, field),
                    lambda one, kept=kept, field=field: made({**kept, field: one}),
                )
        elif isinstance(value, list):
            for at, one in enumerate(value):
                number = one.get("index", at) if isinstance(one, dict) else at
                yield from self._loose(value, at, (*path, number), lambda one: made([one]))

    def _passed(self, value: Any) -> Any:
        if isinstance(value, dict):
            found = {
                name if name in CLOSED else quoted(self._texts, name): one
                for name, one in value.items()
            }
            self.rest(found, ())
            return found
        if isinstance(value, list):
            return [self._passed(one) for one in value]
        return quoted(self._texts, value)

    def _repeated(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._repeated(name): self._repeated(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._repeated(one) for one in value]
        if not isinstance(value, str):
            return value
        channel = Channel(REPEATED if value in self._of_request else QUOTE)
        return self._texts.whole(channel, value)

    @property
    def _of_request(self) -> frozenset[str]:
        """All texts of the request, and its names of fields."""
        if self._own is None:
            self._own = frozenset(_strings(self._asked))
        return self._own


def is_closed(field: str, value: Any) -> bool:
    """Whether a field holds no text."""
    return field in CLOSED and (isinstance(value, str) or field == "usage")


def filled(made: Any, text: str) -> Any:
    """Return a copy in which the text stands where its place is."""
    if made is HERE:
        return text
    if isinstance(made, Mapping):
        return {name: filled(value, text) for name, value in made.items()}
    if isinstance(made, list):
        return [filled(value, text) for value in made]
    return made


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
