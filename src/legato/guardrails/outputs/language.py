"""Tells in which language a text is: by its script, and by the small words that fill every text.

Honest about not knowing: short texts, lists, code and mixtures have no language here. Words are
each language's own most frequent articles, pronouns, prepositions and auxiliaries.
"""

import re
from typing import Final

TEXT_MAX: Final = 4_000
WORDS_MIN: Final = 6
HITS_MIN: Final = 2
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")  # noqa: RUF001 - both apostrophes
_NOT_PROSE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|\w+://\S+|\S+@\S+", re.DOTALL)
_LETTERS_MIN: Final = 12
_SCRIPT_SHARE: Final = 0.3
"""Of the letters: Japanese is mostly written in signs that Chinese has, too."""
_STOP: Final = {
    "en": "a i do so my the of and to in is you that it for on are with as this be not have from "
    "or was by can will your an which has if they we but all their at been more were",
    "de": "der die das und ist nicht ein eine zu von mit für auf den im dem des sich es sie werden "
    "wird als auch an aus sind oder bei einen einer kann zum zur nach wie dass wenn diese",
    "fr": "le la les des et est un une que pour dans qui sur pas avec vous au aux ce cette du en "
    "il elle nous sont par plus ou ne se votre être sa son ses doit ont été",
    "es": "el la los las y es que en un una por con para no se del al su como más o este esta lo "
    "son sus pero ha si está ser entre cuando muy sin sobre debe puede",
    "it": "il lo gli di e è che un una per con non sono della delle del nel dei alla più anche "
    "come si questo questa ha essere da al nella ma le sul deve può suo dal",
    "pt": "o os as de e é que um uma para com não em por da do dos das no na ao se mais como foi "
    "ser são seu sua ou este esta pelo pela está deve você tem às",
    "nl": "de het een en van is dat niet in op te voor met zijn aan er als ook bij door om naar "
    "wordt deze dit maar worden heeft of kan uit nog moet geen je u",
    "sv": "och att det som en ett är på för med av den till inte har de om kan vi du var från "
    "eller ska men när måste vara också detta så jag",
    "da": "og at det som en et er på for med af den til ikke har de om kan vi du var fra eller "
    "skal men når være også dette ved jeg blev der hvor efter ud op mig dig "
    "nogle nogen kun uden kunne blive indtast venligst vælg skulle havde",
    "no": "og at det som en et er på for med av den til ikke har de om kan vi du var fra eller "
    "skal men når være også dette ved jeg ble etter må hvor ut opp meg deg "
    "noen bare uten kunne bli skriv vennligst velg skulle hadde inn",
    "fi": "ja on ei että se ovat oli mutta tai kuin joka myös niin hän sen voi ole tämä ovat kun "
    "mitä jos olla sekä tämän vain kanssa siitä pitää",
    "pl": "i w na z do nie się jest to że o jak po dla od przez ale lub są być za ten ta tego oraz "
    "może czy przy które który już tylko jako musi",
    "cs": "a v na se je že s z do o to k nebo by jako jsou pro ale při být který která které od po "
    "není může má také tak za jeho musí tento",
    "ro": "și de la în o un cu nu este pe că din pentru care mai să sunt fi a al ca sau dar prin "
    "această acest ale se au fost trebuie poate",
    "tr": "ve bir bu için ile de da ne olarak çok daha olan gibi var ya en ama değil kadar sonra "
    "her veya mı olduğu tarafından olmalıdır lütfen ki",  # noqa: RUF001
    "hu": "a az és hogy nem is egy van de meg csak vagy ha mint ez már még el kell azt volt ki nem "
    "lehet ezt minden között után",
    "id": "yang dan di ini itu dengan untuk tidak dari dalam pada adalah akan ke atau juga oleh "
    "sebagai telah dapat bisa ada karena harus anda lebih",
}
_SCRIPTS: Final = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("cyrillic", re.compile("[\u0400-\u04ff]")),
    ("arabic", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_JAPANESE_SHARE: Final = 0.1


def _by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for language, words in _STOP.items():
        for word in dict.fromkeys(words.split()):
            found[word] = (*found.get(word, ()), language)
    return found


_BY_WORD: Final = _by_word()
_BULGARIAN: Final = frozenset({"се", "са", "е", "този", "тази", "това", "може", "моля"})  # noqa: RUF001
LANGUAGES: Final = frozenset(
    {*_STOP, "ja", "ko", "zh", "ru", "uk", "bg", "ar", "fa", "he", "el", "hi", "th"}
)


def language_of(text: str) -> str:
    """Return a code of two letters, "" where none can be told.

    A word that several languages have counts for each of them in equal parts; the first must have
    clearly more than the second.
    """
    text = _NOT_PROSE.sub(" ", text[:TEXT_MAX])
    if not text.isascii():
        language = _by_script(text)
        if language:
            return language
    votes = dict.fromkeys(_STOP, 0.0)
    hits = dict.fromkeys(_STOP, 0)
    words = _WORD.findall(text.lower())
    for word in words:
        for language in _BY_WORD.get(word, ()):
            votes[language] += 1 / len(_BY_WORD[word])
            hits[language] += 1
    first, second = sorted(votes, key=votes.__getitem__, reverse=True)[:2]
    if len(words) < WORDS_MIN or hits[first] < HITS_MIN:
        return ""
    clearly = 1.0 if {first, second} == _NEIGHBOURS else _CLEARLY
    return first if votes[first] > clearly * votes[second] else ""


_CLEARLY: Final = 1.25
_NEIGHBOURS: Final = {"da", "no"}
"""They share most of their small words: the few others decide."""


def _by_script(text: str) -> str:
    letters = sum(map(str.isalpha, text))
    if letters < _LETTERS_MIN:
        return ""
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS}
    if counts["ja"] >= _JAPANESE_SHARE * letters:
        return "ja"
    name = max(counts, key=counts.__getitem__)
    if counts[name] < _SCRIPT_SHARE * letters:
        return ""
    if name == "cyrillic":
        return _cyrillic(text.lower())
    if name == "arabic":
        return "fa" if any(one in text for one in "پچژگکی") else "ar"
    return name


def _cyrillic(text: str) -> str:
    if any(one in text for one in "іїєґ"):
        return "uk"
    if any(one in text for one in "ыэё"):
        return "ru"
    words = set(_WORD.findall(text))
    return "bg" if "ъ" in text or words & _BULGARIAN else "ru"
