"""Asks what texts are about: by their vectors, held against the topics that rules name.

A rule's topics are calibrated once, when a request first needs them: their examples and the
background that comes with Legato are embedded, and stay in memory.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from legato.core.config_guardrails import Topic
from legato.core.guarding import Finding, Place
from legato.guardrails.policy.labels import OFF_TOPIC, TOPIC
from legato.guardrails.topics.reading import Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from legato.core.tasks import InThread
    from legato.gateway.context import Call
    from legato.guardrails.policy.compiling import CompiledRule
    from legato.guardrails.topics.profile import Background, Profile

DETECTOR: Final = "topics"
"""What findings and failures name."""
_RULES_MAX: Final = 1_000
_FORBIDS_SHARE: Final = 0.03
_ALLOWS_SHARE: Final = 0.1
_TALKS: Final = frozenset({Place.INPUT, Place.OUTPUT})


class TopicEmbedding(Protocol):
    """Turns texts into vectors."""

    @property
    def remote(self) -> bool:
        """Whether texts leave this process for it."""
        ...

    async def __call__(self, call: "Call", texts: Sequence[str], /) -> "NDArray[np.float32]":
        """Return unit vectors, a row for each text. Raises LegatoError."""
        ...


class _Known(msgspec.Struct, frozen=True, eq=False):
    """The topics of one rule, calibrated."""

    forbidden: Mapping[str, "Profile"]
    allowed: Mapping[str, "Profile"]


class Topics:
    """Knows the topics of rules, and finds them; for one event loop."""

    def __init__(self, embedding: TopicEmbedding, in_thread: "InThread") -> None:
        self._embedding = embedding
        self._in_thread = in_thread
        self._background: Background | None = None
        self._known: dict[CompiledRule, _Known] = {}
        self._learning = asyncio.Lock()

    @property
    def remote(self) -> bool:
        """Whether texts leave this process to be read: then only as redacted as models see them."""
        return self._embedding.remote

    async def find(
        self, call: "Call", rules: "Sequence[CompiledRule]", reading: Reading
    ) -> "dict[tuple[CompiledRule, str], list[Finding]]":
        """Return what rules find, by the rule and the pointer of the text. Raises LegatoError."""
        texts = reading.texts
        found: dict[tuple[CompiledRule, str], list[Finding]] = {}
        if not texts:
            return found
        known = [(rule, await self._of(call, rule)) for rule in rules]
        background = await self._strangers(call)
        placed = background.placed(await self._embedding(call, texts))
        for rule, topics in known:
            for where, finding in _found(rule, topics, reading, placed):
                found.setdefault((rule, where), []).append(finding)
        return found

    async def nearness(self, call: "Call", said: Sequence[str], told: Sequence[str]) -> list[float]:
        """Return how near each text is to the nearest of others in meaning; see `profile`.

        Raises LegatoError.
        """
        from legato.guardrails.topics.profile import nearness  # noqa: PLC0415 - wants an extra

        background = await self._strangers(call)
        vectors = await self._embedding(call, [*said, *told])
        near = nearness(vectors[: len(said)], vectors[len(said) :], background)
        return [float(one) for one in near]

    async def _of(self, call: "Call", rule: "CompiledRule") -> _Known:
        known = self._known.get(rule)
        if known is not None:
            return known
        async with self._learning:  # once, however many requests wait for it
            if rule not in self._known:
                learnt = await self._learnt(call, rule)
                if len(self._known) >= _RULES_MAX:
                    self._known.clear()
                self._known[rule] = learnt
            return self._known[rule]

    async def _learnt(self, call: "Call", rule: "CompiledRule") -> _Known:
        background = await self._strangers(call)
        detect = rule.setting.detect
        named = [*detect.topics.values(), *detect.only_topics.values()]
        texts = [text for one in named for text in _texts_of(one)]
        vectors = await self._embedding(call, texts)
        known: _Known = await self._in_thread(
            lambda: _calibrated(detect.topics, detect.only_topics, vectors, background)
        )
        return known

    async def _strangers(self, call: "Call") -> "Background":
        if self._background is None:
            from legato.guardrails.topics.profile import (  # noqa: PLC0415 - wants an extra
                background_of,
            )

            self._background = background_of(await self._embedding(call, background_texts()))
        return self._background


@cache
def background_texts() -> tuple[str, ...]:
    """Return the everyday requests that topics are calibrated against."""
    file = files("legato.guardrails.topics").joinpath("background.txt")
    return tuple(filter(None, file.read_text(encoding="utf-8").split("\n")))


def _texts_of(topic: Topic) -> list[str]:
    return [topic.description, *topic.examples, *topic.counter_examples]


def _calibrated(
    forbidden: Mapping[str, Topic],
    allowed: Mapping[str, Topic],
    vectors: "NDArray[np.float32]",
    background: "Background",
) -> _Known:
    """Calibrate topics; `vectors` are those of their texts, one topic after the other."""
    from legato.guardrails.topics.profile import profile_of  # noqa: PLC0415 - wants an extra

    at = 0
    found: list[dict[str, Profile]] = []
    for topics, allowing in ((forbidden, False), (allowed, True)):
        profiles = {}
        for name, one in topics.items():
            examples = at + 1 + len(one.examples)
            end = examples + len(one.counter_examples)
            profiles[name] = profile_of(
                vectors[at:examples],
                vectors[examples:end],
                background,
                background_share=one.background_share
                or (_ALLOWS_SHARE if allowing else _FORBIDS_SHARE),
                allowing=allowing,
                threshold=one.threshold,
            )
            at = end
        found.append(profiles)
    return _Known(*found)


def _found(
    rule: "CompiledRule", known: _Known, reading: Reading, placed: "NDArray[np.float32]"
) -> Iterator[tuple[str, Finding]]:
    at_least = rule.setting.at_least
    for name, profile in known.forbidden.items():
        scores = profile.scores(placed[: len(reading.stretches)])
        for one, score in zip(reading.stretches, scores, strict=True):
            if score >= at_least and one.piece.place in rule.places:
                yield (
                    one.piece.where,
                    Finding(TOPIC + name, one.start, one.end, float(score), DETECTOR),
                )
    turn = reading.turn
    if known.allowed and turn is not None and turn.piece.place in rule.places & _TALKS:
        score = 1.0 - max(float(one.scores(placed[-1:])[0]) for one in known.allowed.values())
        if score >= at_least:
            yield turn.piece.where, Finding(OFF_TOPIC, turn.start, turn.end, score, DETECTOR)
