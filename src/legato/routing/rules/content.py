"""Guesses what kind of work a text asks for, and in which language: by words, not by a model.

A few microseconds a guess, of the first characters alone: enough to send code one way and small
talk another. Where a wrong guess would cost, callers say it themselves (`x-legato-task`).
"""

import re
from typing import Final

TEXT_MAX: Final = 2_000
CODE, MATHS, EXTRACTION, CHAT = "code", "maths", "extraction", "chat"
UNDETERMINED: Final = "und"


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_CODE: Final = _words(
    "python javascript typescript java rust golang c++ sql regex bash dockerfile kotlin "
    "traceback segfault refactor compile compiler debug debugging unittest stacktrace html "
    "css"
)
_CODE_MARKS: Final = ("```", "=>", "};", "#include", "console.log(", "def ", "stack trace", "():")
_QUERY: Final = frozenset({"select", "from", "where"})
_MATHS: Final = _words(
    "solve prove integral derivative equation probability theorem polynomial modulo percent "
    "average remainder triangle divisible arithmetic"
)
_MATHS_MARKS: Final = ("\\frac", "\\sum", "\\int", "how many", "how much")
_SUM: Final = re.compile(r"[0-9] ?[+*/^=] ?[0-9]")
_EXTRACTION: Final = _words(
    "extract classify classification categorize categorise label labels annotate parse "
    "sentiment json csv entities"
)
_SCRIPTS: Final = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ru", re.compile("[\u0400-\u04ff]{2}")),
    ("ar", re.compile("[\u0600-\u06ff]{2}")),
    ("he", re.compile("[\u0590-\u05ff]{2}")),
    ("el", re.compile("[\u0370-\u03ff]{2}")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_COMMON: Final = {
    "en": "the of and to in is you that it for on are with as this be what how can please",
    "de": "der die das und ist nicht ein eine zu von mit für auf den wie was ich sie bitte dem",
    "fr": "le la les de des et est une un que pour dans qui sur pas avec vous je comment du",
    "es": "el la los las de y es que en un una por con para no se como qué cómo del",
    "it": "il lo la gli di e è che un una per con non sono come del della mi cosa nel",
    "pt": "o a os as de e é que um uma para com não em por como do da você no",
    "nl": "de het een en van is dat niet in op te voor met zijn hoe wat ik je aan er",
}
_LANGUAGES: Final = {
    word: frozenset(one for one, words in _COMMON.items() if word in words.split())
    for words in _COMMON.values()
    for word in words.split()
}
_WORD: Final = re.compile(r"[^\W\d_]+")
_PLAIN_WORD: Final = re.compile(r"[a-z+]+")


def content_of(text: str, *, wants_json: bool = False) -> str:
    """Return code, maths, extraction or chat: the first of them that a word speaks for."""
    text = text[:TEXT_MAX].lower()
    words = frozenset(_PLAIN_WORD.findall(text))
    if words & _CODE or words >= _QUERY or any(mark in text for mark in _CODE_MARKS):
        return CODE
    if wants_json or words & _EXTRACTION:
        return EXTRACTION
    if words & _MATHS or any(mark in text for mark in _MATHS_MARKS) or _SUM.search(text):
        return MATHS
    return CHAT


def language_of(text: str) -> str:
    """Return a language's code of two letters, `und` where neither script nor words tell."""
    text = text[:TEXT_MAX]
    if not text.isascii():
        for language, letters in _SCRIPTS:
            if letters.search(text):
                return language
    votes = dict.fromkeys(_COMMON, 0)
    for word in _WORD.findall(text.lower()):
        for language in _LANGUAGES.get(word, ()):
            votes[language] += 1
    first, second = sorted(votes, key=votes.__getitem__, reverse=True)[:2]
    return first if votes[first] > votes[second] else UNDETERMINED
