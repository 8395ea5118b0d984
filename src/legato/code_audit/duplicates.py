"""The same prompt, or the same helper, in several places: found in linear time.

Near prompts by shingles of words with MinHash and banding (Broder 1997; Leskovec, Rajaraman &
Ullman, "Mining of Massive Datasets", ch. 3), then checked by the exact Jaccard index.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from legato.code_audit.finding import Finding, Helper

_SHINGLE: Final = 3
_HASHES: Final = 48
_BAND: Final = 4
_ALIKE: Final = 0.6
_WORDS_MIN: Final = 6
_BUCKET_MAX: Final = 50
_SHINGLES_MAX: Final = 2_000
_PLACEHOLDER: Final = re.compile(
    r"\{\{?[^{}]{0,80}\}?\}|\$\{[^{}]{0,80}\}|%\(?\w{0,40}\)?s|<[\w ]{1,40}>"
)
_WORD: Final = re.compile(r"[^\W_]+|\{\}", re.UNICODE)
_MASK: Final = (1 << 61) - 1
_MULTIPLIERS: Final = tuple(
    int.from_bytes(hashlib.sha256(b"legato %d" % number).digest()[:7], "big") | 1
    for number in range(_HASHES)
)


class Place(msgspec.Struct, frozen=True):
    """Where one of a group stands."""

    path: str
    line: int
    service: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Places that hold the same: `alike` is the least Jaccard index within, 1 for identical."""

    what: str
    """`prompt` or `helper`."""
    text: str
    alike: float
    places: list[Place]
    services: list[str]


def plain_prompt(text: str) -> str:
    """Return a prompt as it is compared: what is put in as `{}`, one blank between words."""
    return " ".join(_WORD.findall(_PLACEHOLDER.sub(" {} ", text).casefold()))


def prompt_groups(found: Iterable[tuple[Finding, str]]) -> list[Group]:
    """Return groups of identical prompts, then of nearly identical ones; each with its service."""
    by_text: dict[str, list[tuple[Finding, str]]] = defaultdict(list)
    for finding, service in found:
        by_text[plain_prompt(finding.text)].append((finding, service))
    groups = [
        _group("prompt", whole, 1.0)
        for text, places in by_text.items()
        if text and len(whole := _whole(places)) > 1
    ]
    texts = [text for text in by_text if len(text.split()) >= _WORDS_MIN]
    for members, alike in _near(texts):
        places = _whole([one for member in members for one in by_text[member]])
        if len(places) > 1:
            groups.append(_group("prompt", places, alike))
    return sorted(groups, key=lambda one: (-len(one.services), -len(one.places), one.text))


def helper_groups(found: Iterable[tuple[Helper, str]]) -> list[Group]:
    """Return functions that do the same, whatever they and their texts are called."""
    by_digest: dict[str, list[tuple[Helper, str]]] = defaultdict(list)
    for helper, service in found:
        by_digest[helper.digest].append((helper, service))
    groups = [
        Group(
            what="helper",
            text=places[0][0].name,
            alike=1.0,
            places=[Place(one.path, one.line, service) for one, service in places],
            services=sorted({service for _, service in places}),
        )
        for places in by_digest.values()
        if len({one.path for one, _ in places}) > 1
    ]
    return sorted(groups, key=lambda one: (-len(one.services), -len(one.places), one.text))


def _whole(places: Sequence[tuple[Finding, str]]) -> list[tuple[Finding, str]]:
    """Leave out constants that others of them are put together of: written once."""
    parts = {part for finding, _ in places for part in finding.made_of}
    return [one for one in places if (one[0].path, one[0].line) not in parts]


def _group(what: str, places: Sequence[tuple[Finding, str]], alike: float) -> Group:
    return Group(
        what=what,
        text=places[0][0].text[:200],
        alike=round(alike, 3),
        places=[Place(one.path, one.line, service) for one, service in places],
        services=sorted({service for _, service in places}),
    )


def _near(texts: Sequence[str]) -> list[tuple[list[str], float]]:
    shingles = [_shingles(text) for text in texts]
    parent = list(range(len(texts)))
    least: dict[int, float] = {}

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for one, other in _candidates(shingles):
        mine, yours = root(one), root(other)
        if mine == yours:
            continue
        alike = len(shingles[one] & shingles[other]) / len(shingles[one] | shingles[other])
        if alike >= _ALIKE:
            parent[yours] = mine
            least[mine] = min(alike, least.get(mine, 1.0), least.get(yours, 1.0))
    members: dict[int, list[str]] = defaultdict(list)
    for place, text in enumerate(texts):
        members[root(place)].append(text)
    return [(group, least.get(place, 1.0)) for place, group in members.items() if len(group) > 1]


def _candidates(shingles: Sequence[frozenset[int]]) -> list[tuple[int, int]]:
    """Return pairs that share a band of their signature; crowded buckets give their first."""
    buckets: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, own in enumerate(shingles):
        signature = [min(one * by & _MASK for one in own) for by in _MULTIPLIERS]
        for band in range(0, _HASHES, _BAND):
            buckets[(band, *signature[band : band + _BAND])].append(place)
    pairs: dict[tuple[int, int], None] = {}
    for bucket in buckets.values():
        for place in bucket[1:_BUCKET_MAX]:
            pairs[bucket[0], place] = None
        for one, other in pairwise(bucket):
            pairs[one, other] = None
    return list(pairs)


def _shingles(text: str) -> frozenset[int]:
    words = text.split()[:_SHINGLES_MAX]
    return frozenset(
        int.from_bytes(
            hashlib.blake2b(" ".join(words[at : at + _SHINGLE]).encode(), digest_size=7).digest(),
            "big",
        )
        for at in range(max(1, len(words) - _SHINGLE + 1))
    )
