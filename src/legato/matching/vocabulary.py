"""English words with a part in whether two questions mean the same.

Closed classes and everyday opposites, written down for this project. `NEGATIONS` also has those of
other languages, since a negation overlooked is a wrong answer.
"""

# ruff: noqa: E501 - lists of words are easiest to read and to change as texts

from typing import Final

FUNCTION_WORDS: Final = frozenset(
    [
        "a",
        "about",
        "again",
        "also",
        "am",
        "an",
        "and",
        "any",
        "anybody",
        "anyone",
        "anything",
        "are",
        "as",
        "at",
        "be",
        "became",
        "become",
        "been",
        "being",
        "but",
        "by",
        "can",
        "come",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "done",
        "else",
        "even",
        "ever",
        "every",
        "for",
        "from",
        "get",
        "gets",
        "getting",
        "go",
        "good",
        "got",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "kind",
        "know",
        "let",
        "like",
        "lot",
        "made",
        "make",
        "makes",
        "making",
        "many",
        "may",
        "me",
        "might",
        "mine",
        "much",
        "must",
        "my",
        "myself",
        "of",
        "off",
        "on",
        "one",
        "ones",
        "or",
        "our",
        "out",
        "own",
        "part",
        "people",
        "person",
        "please",
        "possible",
        "really",
        "same",
        "say",
        "see",
        "shall",
        "she",
        "should",
        "so",
        "some",
        "somebody",
        "someone",
        "something",
        "sort",
        "still",
        "such",
        "take",
        "tell",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "thing",
        "things",
        "this",
        "those",
        "thus",
        "to",
        "too",
        "try",
        "trying",
        "upon",
        "us",
        "use",
        "used",
        "using",
        "very",
        "want",
        "was",
        "way",
        "ways",
        "we",
        "well",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "yes",
        "yet",
        "you",
        "your",
        "yours",
    ]
)
NEGATIONS: Final = frozenset(
    [
        "no",
        "not",
        "never",
        "none",
        "nobody",
        "nothing",
        "nowhere",
        "neither",
        "nor",
        "without",
        "cannot",
        "cant",
        "dont",
        "doesnt",
        "didnt",
        "wont",
        "isnt",
        "arent",
        "wasnt",
        "werent",
        "couldnt",
        "shouldnt",
        "wouldnt",
        "hasnt",
        "havent",
        "hadnt",
        "except",
        "unless",
        "excluding",
        "nicht",
        "kein",
        "keine",
        "keinen",
        "keiner",
        "nie",
        "ohne",
        "ne",
        "pas",
        "jamais",
        "sans",
        "sin",
        "nunca",
        "ningún",
        "ninguna",
        "não",
        "sem",
        "nem",
        "mai",
        "senza",
        "niet",
        "geen",
        "nooit",
        "zonder",
        "inte",
        "ikke",
        "ingen",
        "nie",
        "bez",
        "не",
        "нет",
        "без",
        "никогда",
        "不",
        "没",
        "無",
        "ない",
        "안",
        "لا",
        "لم",
        "लेकिन",
        "नहीं",
        "değil",
        "yok",
    ]
)
NUMBER_WORDS: Final = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {
    word: value * 10
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
ORDINALS: Final = {
    word: value
    for value, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
        ],
        start=1,
    )
}
SCALES: Final = {
    "hundred": 100, "thousand": 1_000, "k": 1_000, "lakh": 100_000, "lakhs": 100_000, "lac": 100_000,
    "million": 1_000_000, "mn": 1_000_000, "crore": 10_000_000, "crores": 10_000_000,
    "billion": 1_000_000_000, "bn": 1_000_000_000, "trillion": 1_000_000_000_000,
    "dozen": 12,
}  # fmt: skip
_UNITS: Final = {
    "km": "km kms kilometer kilometers kilometre kilometres",
    "m": "m meter meters metre metres",
    "cm": "cm cms centimeter centimeters centimetre centimetres",
    "mm": "mm millimeter millimeters millimetre millimetres",
    "mile": "mi mile miles",
    "foot": "ft foot feet",
    "inch": "inch inches",
    "yard": "yd yard yards",
    "kg": "kg kgs kilo kilos kilogram kilograms",
    "g": "g gram grams gm gms",
    "mg": "mg milligram milligrams",
    "pound": "lb lbs pound pounds",
    "ounce": "oz ounce ounces",
    "litre": "l liter liters litre litres",
    "ml": "ml milliliter milliliters millilitre millilitres",
    "gallon": "gal gallon gallons",
    "second": "s sec secs second seconds",
    "minute": "min mins minute minutes",
    "hour": "h hr hrs hour hours",
    "day": "d day days",
    "week": "wk wks week weeks",
    "month": "mo month months",
    "year": "y yr yrs year years",
    "percent": "% percent percents pct percentage",
    "usd": "$ usd dollar dollars bucks",
    "eur": "€ eur euro euros",
    "gbp": "£ gbp quid",
    "inr": "₹ inr rs rupee rupees",
    "kb": "kb kilobyte kilobytes",
    "mb": "mb megabyte megabytes",
    "gb": "gb gigabyte gigabytes",
    "tb": "tb terabyte terabytes",
    "celsius": "°c celsius centigrade",
    "fahrenheit": "°f fahrenheit",
    "degree": "° degree degrees",
    "volt": "v volt volts",
    "watt": "w watt watts",
    "kw": "kw kilowatt kilowatts",
}
UNITS: Final = {form: unit for unit, forms in _UNITS.items() for form in forms.split()}
MONTHS: Final = {
    form: month
    for month, forms in enumerate(
        (
            "january jan", "february feb", "march", "april apr", "may", "june jun", "july jul",
            "august aug", "september sep sept", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for form in forms.split()
}  # fmt: skip
WEEKDAYS: Final = {
    day: number
    for number, day in enumerate(
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], start=1
    )
}
TIMES: Final = {
    "today": "today", "tonight": "today", "tomorrow": "tomorrow", "yesterday": "yesterday",
    "morning": "morning", "evening": "evening", "afternoon": "afternoon", "midnight": "midnight",
    "noon": "noon", "previous": "previous", "next": "next", "upcoming": "next",
}  # fmt: skip
DEGREES: Final = {
    word: degree
    for degree, words in {
        "most": "most best greatest highest largest biggest maximum max top longest fastest tallest"
        " strongest richest oldest hottest hardest latest newest",
        "least": "least worst lowest smallest minimum min bottom shortest slowest weakest poorest"
        " youngest coldest easiest cheapest earliest",
        "more": "more better greater higher larger bigger longer faster taller stronger richer older"
        " hotter harder later newer above over beyond exceeding",
        "less": "less fewer worse lower smaller shorter slower weaker poorer younger colder easier"
        " cheaper earlier below under beneath",
    }.items()
    for word in words.split()
}
_OPPOSITES: Final = """
buy:purchase/sell increase:raise:grow:boost/decrease:reduce:lower:lessen:shrink gain:put/lose:shed
open/close start:begin/stop:end:quit:finish enable:activate/disable:deactivate
install/uninstall:remove add/remove:delete:subtract create:make/delete:destroy
login:signin/logout:signout lock/unlock hot/cold male:man:men:boy:boys/female:woman:women:girl:girls
husband/wife boyfriend/girlfriend father:dad/mother:mom:mum son/daughter brother/sister
king/queen he:him:his/she:her:hers before/after love:like/hate:dislike good:great/bad:terrible
advantage:advantages:pros:benefit:benefits/disadvantage:disadvantages:cons:drawback:drawbacks
positive/negative legal/illegal true/false left/right up/down north/south east/west early/late
import/export encrypt/decrypt encode/decode upload/download push/pull send/receive lend/borrow
give/take ask/answer teach/learn win/lose pass/fail accept:approve/reject:refuse:decline:deny
agree/disagree allow:permit/forbid:ban:prohibit:block attach/detach connect/disconnect
join/leave arrive/depart enter/exit input/output rich/poor strong/weak fast/slow hard:difficult/easy
old/new young/old long/short tall/short big:large/small:little wide/narrow thick:fat/thin:skinny
heavy/light dark/light high/low deep/shallow public/private internal/external inside:indoor/outside:outdoor
domestic/international single/married alive/dead birth/death happy/sad cheap/expensive clean/dirty
full/empty wet/dry safe/dangerous simple/complex same:similar:similarity:similarities/different:difference:differences
include/exclude expand/collapse maximize/minimize major/minor upper/lower vertical/horizontal
introvert/extrovert optimistic/pessimistic democrat:democrats:liberal/republican:republicans:conservative
debit/credit asset/liability supply/demand profit/loss income/expense deposit/withdraw:withdrawal
incoming/outgoing sender/recipient employer/employee seller/buyer landlord/tenant
undergraduate/graduate:postgraduate bachelor/master theoretical/practical online/offline
front/back first/last minimum/maximum most/least more/less better/worse best/worst
cause:causes/effect:effects:cure:treatment:prevent symptom:symptoms/cure:treatment:treatments
upgrade/downgrade promote/demote mount/unmount follow/unfollow subscribe/unsubscribe
freeze/unfreeze hide/show:reveal compress/extract:decompress wake/sleep
"""


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _OPPOSITES.split():
        one, other = (side.split(":") for side in pair.split("/"))
        for word in one:
            found.setdefault(word, set()).update(other)
        for word in other:
            found.setdefault(word, set()).update(one)
    return {word: frozenset(words) for word, words in found.items()}


OPPOSITES: Final = _opposites()
"""A word → its opposites."""
ALIASES: Final = {
    "usa": "america", "us": "america", "u.s": "america", "u.s.a": "america", "american": "america",
    "states": "america", "uk": "britain", "british": "britain", "indian": "india",
    "chinese": "china", "pakistani": "pakistan", "russian": "russia", "canadian": "canada",
    "australian": "australia", "german": "germany", "japanese": "japan", "korean": "korea",
}  # fmt: skip
"""Names that come in several forms; nationalities stand for their country."""
