"""The texts of an answer, each on its way through filters of its own."""

from collections.abc import Iterator, Sequence
from typing import Any

from legato.core.guarding import BREAK, QUOTE, Channel, FilterFactory, TextFilter


class Text:
    """A text as it comes, and what of it has gone on."""

    __slots__ = ("_came", "_filters", "_is_over", "_parts")

    def __init__(self, filters: Sequence[TextFilter]) -> None:
        self._filters = filters
        self._parts: list[str] = []
        self._is_over = False
        self._came: list[str] = []

    @property
    def told(self) -> str:
        """All that has gone on."""
        return "".join(self._parts)

    @property
    def changed(self) -> bool:
        """Whether what has gone on isn't what came."""
        return not "".join(self._came).startswith(self.told)

    def feed(self, text: str) -> str:
        """Return what may go on. Raises OutputBlocked."""
        self._came.append(text)
        for one in self._filters:
            text = one.feed(text)
        self._parts.append(text)
        return text

    def end(self) -> str:
        """Return what was held back. Raises OutputBlocked."""
        if self._is_over:
            return ""
        self._is_over = True
        rest = ""
        for one in self._filters:
            rest = (one.feed(rest) if rest else "") + one.end()
        self._parts.append(rest)
        return rest


class Texts:
    """All texts of one answer."""

    __slots__ = ("_factories", "_texts", "begun", "withholds")

    def __init__(self, factories: Sequence[FilterFactory], *, withholds: bool = False) -> None:
        """Pass each text through the filters that the factories have for it, in their order.

        With `withholds` nothing may go out that wasn't looked at.
        """
        self.withholds = withholds
        self._factories = factories
        self._texts: dict[Channel, Text] = {}
        self.begun = False
        """Something of a text has gone on."""

    def at(self, channel: Channel) -> Text:
        """Return the text of a channel, begun if need be."""
        text = self._texts.get(channel)
        if text is None:
            text = self._texts[channel] = self.new(channel)
        return text

    def known(self, channel: Channel) -> Text | None:
        """Return the text of a channel if it has begun."""
        return self._texts.get(channel)

    def feed(self, channel: Channel, text: str) -> str:
        """Pass on a part of a text."""
        told = self.at(channel).feed(text)
        self.begun = self.begun or bool(told.strip(BREAK))
        return told

    def end(self, channel: Channel) -> str:
        """End a text, if it has begun."""
        text = self._texts.get(channel)
        told = "" if text is None else text.end()
        self.begun = self.begun or bool(told)
        return told

    def of_choice(self, choice: int) -> Iterator[Channel]:
        """Yield the channels that have begun in a choice."""
        return (channel for channel in list(self._texts) if channel.choice == choice)

    @property
    def choices(self) -> list[int]:
        """The choices that have begun."""
        return sorted({channel.choice for channel in self._texts})

    def whole(self, channel: Channel, text: str) -> str:
        """Pass on a text that is there as a whole."""
        one = self.new(channel)
        return one.feed(text) + one.end()

    def new(self, channel: Channel) -> Text:
        """Return a text that is nobody's yet."""
        made = (factory(channel) for factory in self._factories)
        return Text([one for one in made if one is not None])


def quoted(texts: Texts, value: Any) -> Any:
    """Pass on all texts of what an answer repeats of its request, names of fields, too."""
    if isinstance(value, str):
        return texts.whole(Channel(QUOTE), value)
    if isinstance(value, dict):
        return {quoted(texts, name): quoted(texts, one) for name, one in value.items()}
    if isinstance(value, list):
        return [quoted(texts, one) for one in value]
    return value
