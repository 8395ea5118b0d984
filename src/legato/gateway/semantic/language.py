"""A cheap guess of the language of a question, so that answers don't cross languages.

By script first, by the most frequent small words where the script is Latin. It need not be right:
it must be the same for the same text, and seldom join two languages.
"""

from collections.abc import Mapping
from typing import Final

UNKNOWN: Final = ""
_LOOKED_AT_CHARS: Final = 2_000
_LATIN_END: Final = 0x0250
_SCRIPTS: Final = (
    (0x0370, 0x0400, "greek"),
    (0x0400, 0x0530, "cyrillic"),
    (0x0590, 0x0600, "hebrew"),
    (0x0600, 0x0780, "arabic"),
    (0x0900, 0x0980, "devanagari"),
    (0x0E00, 0x0E80, "thai"),
    (0x3040, 0x3100, "kana"),
    (0x4E00, 0xA000, "han"),
    (0xAC00, 0xD7B0, "hangul"),
)
_SMALL_WORDS: Final[Mapping[str, str]] = {
    "en": (
        "the of and to is are what how why who when where which does do can should would my "
        "your for with from it this that"
    ),
    "de": (
        "der die das und ist sind wie was warum wer wann wo welche welcher kann ich mein dein "
        "nicht ein eine mit für von auf zu den dem"
    ),
    "fr": (
        "le la les et est sont que quoi quel quelle comment pourquoi qui quand où je mon "
        "votre pas un une avec pour du des au aux"
    ),
    "es": (
        "el los las y es son qué cómo cuál quién cuándo dónde puedo mi tu no un una con para "
        "del al por"
    ),
    "it": (
        "il lo gli e è sono che cosa come perché chi quando dove posso mio tuo non un una con "
        "per di della nel"
    ),
    "pt": (
        "o os as e é são que como por quem quando onde posso meu seu não um uma com para do "
        "da no na"
    ),
    "nl": (
        "de het en is zijn wat hoe waarom wie wanneer waar welke kan ik mijn jouw niet een "
        "met voor van op"
    ),
}
_WORDS_OF: Final = {code: frozenset(words.split()) for code, words in _SMALL_WORDS.items()}


def language_of(text: str) -> str:
    """Return the name of a script or a language's code; "" where nothing tells."""
    looked_at = text[:_LOOKED_AT_CHARS]
    if not looked_at.isascii():
        script = _script(looked_at)
        if script:
            return script
    words = set(looked_at.lower().replace("?", " ").replace(",", " ").replace("'", " ").split())
    best, most = UNKNOWN, 0
    for code, small in _WORDS_OF.items():
        found = len(words & small)
        if found > most:
            best, most = code, found
    return best


def _script(text: str) -> str:
    """Return the script of most letters beyond Latin, "" where most letters are Latin."""
    found: dict[str, int] = {}
    latin = 0
    for letter in text:
        point = ord(letter)
        if point < _LATIN_END:
            latin += letter.isalpha()
            continue
        for start, end, name in _SCRIPTS:
            if start <= point < end:
                found[name] = found.get(name, 0) + 1
                break
    if not found or max(found.values()) * 2 < latin:
        return ""
    if "kana" in found:  # Japanese is written in Han and kana
        return "kana"
    return max(found, key=found.__getitem__)
