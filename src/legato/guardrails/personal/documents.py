"""Numbers that only the words before them explain: of passports, licences, accounts, ..."""

import re
from collections.abc import Iterator
from typing import Final

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import Span, Text

_LABEL: Final = "ID_NUMBER"
# Any letters; then those that are words of a language, too, in capitals only.
_NAMED: Final = (
    r"pass ?port|reisepass|passeport|pasaporte|passaporto|passaporte|paspoort|paszport\w*|"
    r"driv(?:er|ing)(?:'?s)?[ _-]?licen[cs]e|driving permit|licen[cs]e[ _-](?:number|no|id|"
    r"plates?)|"
    r"licen[cs]e plates?|f[üu]hrerschein(?:nummer)?|permis de conduire|(?:carnet|"
    r"permiso) de conducir|"
    r"patente(?: di guida)?|rijbewijs(?:nummer)?|carteira de motorista|cnh|prawo jazdy|"
    r"national (?:id|identity|identification|insurance)(?: card)?|identity card|"
    r"personal(?:ausweis)?(?:nummer)|personalausweis|id card|carte d'identit[ée]|"
    r"cédula|cedula|carta d'identit[àa]|identiteitskaart|tribal id|"
    r"social insurance|tax(?:payer)?[ _-]?(?:id|identification|file|reference)?|"
    r"steuer-?(?:id|"
    r"nummer|identifikationsnummer)|"
    r"numéro fiscal|codice fiscale|partita iva|umsatzsteuer-?id\w*|ust-?id\w*|vat|"
    r"sécurité sociale|sozialversicherungsnummer|sv-?nummer|"
    r"nino|ni (?:number|no)|nhs|medicare|medicaid|aadhaa?r|pan card|voter[ _-]?id|epic|"
    r"ration card|bsn|"
    r"burgerservicenummer|"
    r"personnummer|pesel|curp|nric|mykad|emirates id|my number|"
    r"(?:bank |account |checking |savings |my |your |their |the )+account|"
    r"(?:bank|member)[ _-]?accounts?(?: like)?|account (?:number|no|num|nr|details)|"
    r"acct|accnum|kontonummer|konto(?:nr)?|numéro de compte|número de cuenta|conto corrente|"
    r"rekeningnummer|"
    r"routing|aba|sort[ _-]code|ifsc(?: code)?|swift(?: code)?|"
    r"(?:insurance|policy|health|medical|medical record|medical file|patient|member|membership|"
    r"beneficiary|"
    r"subscriber|claim|employee|student|staff|payroll|badge|customer|client|citizen|resident|"
    r"military|military service|"
    r"prisoner|inmate|case file|visa|green card|alien registration|vehicle registration)"
    r"(?: (?:insurance|policy|plan|card|record|group|identification|account|registration))?"
    r"[ _-]?(?:id|ids|number|no|nr|num|code|file|mrn|#|identifier)|"
    r"number ?plate|plate(?: number)|registration (?:number|plate|mark)|kennzeichen|"
    r"immatriculation|matr[íi]cula|targa|"
    r"vehicle identification|chassis|imei|certificate number"
)
_CAPITALS: Final = (
    r"PAN|SIN|TIN|EIN|ATIN|MRN|VIN|NIN|NIE|DNI|NIF|CIF|CPF|CNPJ|RG|PID|DL|DLN|BSB|TFN|UAN|CNP|"
    r"EGN|BIC|"
    r"ACC|ACCNUM|A/C|FIN|HETU|CPR"
)
_FILLER_WORDS: Final = (
    r"number|numbers|numero|numéro|número|nummer|no|nr|num|card|code|id|ids|identifier|"
    r"identification|plates?|details|is|was|are|ist|est|es|è|like|of|currently|verification|"
    r"purposes|for|given|as|the|with|listed|DL|PID|MRN|ACC|ACCNUM|ATIN|[A-Z]{2,3}:"
)
_FILLER: Final = (
    rf"(?:[ _\t]?(?:(?:{_FILLER_WORDS})(?:\b|_)|n°|nº|№|:|#|=|\.|,|-|\(|\)|\"|'|\||/|\n)){{0,8}}"
)
_VALUE: Final = r"[A-Za-z*#./-]{0,14}\d[A-Za-z0-9*./-]{2,27}(?: [A-Z0-9-]{1,6}){0,5}"
_PLATES: Final = (
    r"(?i:\b(?:number ?plates?|licen[cs]e plates?|plates?|registration(?: plate| mark)?|"
    r"vehicle reg|"
    r"kennzeichen|plaque|immatriculation|immatricul[ée]e?|matr[íi]cula|placa|targa|kenteken|"
    r"tablica rejestracyjna|rendszám|nummerplade|registreringsnummer)\b"
    r"(?: (?:number|no\.?|nr\.?|is|was|reads|ist|est|es))?[ :#='\"(]{1,4})"
    r"([A-ZÄÖÜ0-9]{1,4}(?:[ -][A-ZÄÖÜ0-9]{1,5}){0,3}|[A-Z0-9]{4,8})\b"
)
_DATE: Final = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}$|\d{1,2}(?:st|nd|rd|th)\b|"
    r"(?:19|20)\d\d$|\d+[.,]\d+$|\d+(?:ms|s|gb|mb|kb|px|%|x)$",
    re.IGNORECASE,
)
_PLATE_MIN: Final = 4
_PLATE_MAX: Final = 9
_DIGITS_MIN: Final = 4
# Behind capitals that may mean anything ("PAN 3000", "PID 4242"), and nothing else.
_BARE: Final = re.compile(r"[A-Z/]{2,6} $")
_DIGITS_BARE: Final = 6
# A longer one needs fewer digits.
_DIGITS_SURE: Final = 3
_CHARS_SURE: Final = 9


class Documents:
    """Finds ID_NUMBER by what is said before it."""

    gate = (
        rf"(?i)(?:{_NAMED}|plate|plaque|placa|registr|rejestr|kenteken|rendsz)"
        rf"|(?-i)\b(?:{_CAPITALS})\b"
    )
    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        self._plates = Expression(_PLATES)
        self._said = Expression(
            rf"(?:\b(?i:{_NAMED})|\b(?:{_CAPITALS})\b|_(?i:mrn|ssn|tin|"
            rf"dln))(?i:{_FILLER})[ _\t:#=]{{0,3}}[\"'(]?({_VALUE})"
        )

    def find(self, text: Text) -> Iterator[Span]:
        """Yield what follows such words and has enough digits to be a number of one."""
        for match in self._plates.matches(text.data):
            start, end = match.span(1)
            plate = text.part(start, end)
            if _is_plate(plate) and text.apart(start, end):
                yield Span(start, end, _LABEL, "licence_plate", 36)
        for match in self._said.matches(text.data):
            start, end = match.span(1)
            found = match.group(1).decode()
            kept = _kept(found)
            end = start + len(kept)
            bare = _BARE.match(text.part(match.start(), start)) is not None
            if _is_number(kept, bare=bare) and text.apart(start, end):
                yield Span(start, end, _LABEL, "document", 35)


def _is_plate(found: str) -> bool:
    compact = re.sub(r"[ -]", "", found)
    mixed = any(map(str.isdigit, compact)) and any(map(str.isalpha, compact))
    return mixed and _PLATE_MIN <= len(compact) <= _PLATE_MAX


def _kept(found: str) -> str:
    """Return the value without the words of the sentence that follows it."""
    parts = found.split(" ")
    while len(parts) > 1 and not any(map(str.isdigit, parts[-1])):
        parts.pop()
    kept = parts[:1]
    for part in parts[1:]:
        # A word between two numbers parts them: "AB123 AND CD456".
        if not any(map(str.isdigit, part)) and len(part) > 2:  # noqa: PLR2004
            break
        kept.append(part)
    return " ".join(kept).rstrip("./-*")


def _is_number(kept: str, *, bare: bool) -> bool:
    digits = sum(map(str.isdigit, kept))
    letters = sum(map(str.isalpha, kept))
    if bare and digits < _DIGITS_BARE:
        return False
    if digits < (_DIGITS_MIN if len(kept) < _CHARS_SURE else _DIGITS_SURE) or _DATE.match(kept):
        return False
    # A word with a number at its end is a name: "version2024x" has more letters than digits.
    return letters <= digits + 8 and not (letters and kept[:4].islower() and kept[:4].isalpha())
