"""Telephone numbers of all regions.

One with its country's code, or of a shape that hardly anything else has, stands by itself; any
other needs a word nearby that speaks of telephones, since a row of digits may be anything.
"""

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import DIGITS, Span, Text

_LABEL: Final = "PHONE_NUMBER"
_SEP: Final = r"(?:[ ./\t_|-]|[ -]?\(|\)[ ./-]?|\) ?\(| - )"
_EXTENSION: Final = r"(?:[ ,]{0,2}(?:x|ext\.?:?|extension|poste|durchwahl|ramal) ?\d{1,6})?"
_NUMBER: Final = rf"\+?[ ]?[(]?\+?\d(?:{_SEP}?\d){{5,}}{_EXTENSION}"
_BYTES_MAX: Final = 48
_DIGITS_MIN: Final = 6
_DIGITS_MAX: Final = 15

_WORDS: Final = (
    r"(?:tele?)?(?:phones?|fono|foon|fone|fon|phone_number)|tel|t[ée]l[ée]phone|t[ée]l|"
    r"tel[ée]fon\pL*|"
    r"telefax|mob|mobile?s?|mobiele?|mobiel|m[oó]vil|m[oó]vel|telem[oó]vel|cell?|cellphone|cellular|"
    r"cellulare|celular|handy|handynummer|rufnummer|fax|pager|call(?:ing)?|dial(?:ed)?|ring|"
    r"whats ?app|sms|text (?:me|us|him|her)|msisdn|hotline|helpline|landline|voicemail|"
    r"(?:contact|reach)(?: (?:me|us|him|her|them))?(?: (?:at|on|by|via|no|number))|"
    r"(?:contact|callback|emergency) (?:number|no)|"
    r"ph|appel\pL*|joindre|bel(?:len)?|"
    r"ruft?e?n?(?: \pL+)? an|anrufen|erreich\pL*|ll[aá]m\pL*|marcar|chiam\pL*|lig(?:ue|ar)|"
    r"komórk\pL*|dzwoń|zadzwoń|puh|puhelin|telefonnummer|nummer|tlf|tfno|ring(?:a|er)?|"
    r"тел|телефон\pL*|моб|звоните|电话|手机|電話|携帯|전화|หมายเลขโทรศัพท์|هاتف|फ़ोन|फोन|मोबाइल|"
    r"τηλ|τηλέφωνο"
)
_SPOKEN_OF: Final = Expression(rf"(?:^|[^a-z])(?:{_WORDS})(?:[^a-z]\D*)?$", ignore_case=True)
_NUMBER_OF: Final = Expression(
    r"\b(?:my|his|her|their|our|your)(?: (?:new|old|own|personal|work|private|direct|home|office))?"
    r" (?:number|line|digits)(?: (?:is|was))?[ :=\"'(]*$",
    ignore_case=True,
)
# A short row of digits without a mark in it may be a count: "mobile, 1200000 users".
_GIVEN: Final = Expression(
    r"(?:[:=#]\s*[\"'(]?|\b(?:at|on|to|is|number|no\.?|nr\.?|me|us|al|unter|op|le|au|à)\s)$",
    ignore_case=True,
)
# How far back a word may stand: no counted gap is needed in the patterns, which keeps them small.
_SPOKEN_BYTES: Final = 56
_NEAR_BYTES: Final = 22
_COUNT_DIGITS_MAX: Final = 8
_SPOKEN_OF_BEHIND: Final = re.compile(
    r"^[)\]]?[ ,(\[:/-]{0,3}(?:is )?(?:my |his |her |our |the )?"
    r"(?:office|fax|mobile|mob|home|work|cell|phone|tel|telephone|direct|"
    r"landline|voicemail)\b"
)
# What else a row of digits in such a place is called.
_OTHERWISE: Final = Expression(
    r"\b(?:account|acct|card|ssn|passport|licen[cs]e|order|invoice|ticket|tracking|isbn|iban|imei|"
    r"serial|zip|postal|postcode|date|dob|born|version|build|port|pid|id|room|floor|row|line|page|"
    r"extension|pin|code|member|policy|routing|usd|eur|price|total|amount|case|ref\w*)\b"
    r"[^.;\n]*$",
    ignore_case=True,
)
_NANP: Final = re.compile(
    r"(?:\+?1[ .-]?|001[ .-]?)?(?:\([2-9]\d\d\)[ .-]{0,2}|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}"
)
_NANP_LOOSE: Final = re.compile(
    r"(?:(?:\+?1|001)[ .-]?)(?:\(\d{3}\)|\d{3})[ .-]?\d{3}[ .-]\d{4}|\(\d{3}\) ?\d{3}[.-]\d{4}"
    r"|\d{3}([.-])\d{3}\1\d{4}"
)
_AREA_IN_BRACKETS: Final = re.compile(r"\(0?\d{1,4}\)[ .-]?\d{3,5}[ .-]?\d{3,4}")
# National forms with the trunk's 0: their country is told by the grouping.
_TRUNK: Final = (
    (re.compile(r"0[1-9](?:([ .-])\d\d)(?:\1\d\d){3}"), "FR"),
    (
        re.compile(r"\(?0(?:20|1\d{2,4}|2\d{1,2}|3\d{2}|7\d{3}|8\d{2})\)?[ -]\d{3,4}[ -]?\d{3,6}"),
        "GB",
    ),
    (re.compile(r"0(?:1[567]\d|30|40|69|89|[2-9]\d{2,3})[ /-]{1,2}\d{3,4}[ -]?\d{3,5}"), "DE"),
    (re.compile(r"06[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}|06-\d{8}"), "NL"),
    (re.compile(r"3[2-9]\d[ .-]\d{3}[ .-]?\d{4}"), "IT"),
    (re.compile(r"04\d\d[ -]\d{3}[ -]\d{3}"), "AU"),
    (re.compile(r"0[789]0-\d{4}-\d{4}"), "JP"),
    (re.compile(r"1[3-9]\d[ -]\d{4}[ -]\d{4}"), "CN"),
    (re.compile(r"[6-9]\d{4} \d{5}"), "IN"),
    (re.compile(r"\(?\d{2}\)? ?9\d{4}-\d{4}"), "BR"),
    (re.compile(r"[67]\d\d(?: \d\d \d\d \d\d| \d{3} \d{3})"), "ES"),
)
_DATES: Final = re.compile(
    r"(?:19|20)\d\d[-./ ](?:0?\d|1[0-2])[-./ ]\d{1,2}\b|\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d\b"
)
# An address of the internet, a version: 127.0.0.1, 2026.10.11549.
_DOTTED: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|(?:19|20)\d\d(?:\.\d+)+|\d(?:\.\d+)+")
_EXTENSION_AT: Final = re.compile(
    r"[ ,]{0,2}(?:x|ext|extension|poste|durchwahl|ramal)", re.IGNORECASE
)
_MARKS: Final = re.compile(r"[ ./()-]")


class Phones:
    """Finds PHONE_NUMBER."""

    gate = DIGITS
    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        self._number = Expression(_NUMBER)

    def find(self, text: Text) -> Iterator[Span]:
        """Yield numbers that stand by themselves or are spoken of as telephone numbers."""
        for match in self._number.matches(text.data):
            start, end = match.span()
            if end - start > _BYTES_MAX:
                continue
            found = match.group().decode()
            stripped = found.lstrip(" ")
            start += len(found) - len(stripped)
            if stripped.startswith("(") and ")" not in stripped:
                stripped, start = stripped[1:], start + 1
            if _is_phone(text, start, stripped):
                yield Span(start, end, _LABEL, "phone", 40)


def _is_phone(text: Text, start: int, found: str) -> bool:
    end = start + len(found)
    if not text.apart(start, end, b"-._#"):
        return False
    extension = _EXTENSION_AT.search(found)
    number = (found[: extension.start()] if extension else found).replace("_", "-")
    digits = re.sub(r"\D", "", number)
    if not _DIGITS_MIN <= len(digits) <= _DIGITS_MAX or _DATES.match(number):
        return False
    if _DOTTED.fullmatch(number):
        return False
    if number.startswith("+"):
        return _with_country(text, start, end, number)
    if number.startswith("00") and _MARKS.search(number) and _valid("+" + number[2:], None):
        return True
    if _by_itself(number, found) and not _OTHERWISE.within(text.leading(start, _NEAR_BYTES)):
        return True
    return _spoken_of(text, start, end)


def _with_country(text: Text, start: int, end: int, number: str) -> bool:
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return _spoken_of(text, start, end)
    if phonenumbers.is_valid_number(parsed):
        return True
    if _spoken_of(text, start, end):
        return True
    # A code that exists and a length it allows, written as telephone numbers are.
    return _MARKS.search(number) is not None and phonenumbers.is_possible_number(parsed)


def _by_itself(number: str, found: str) -> bool:
    if _NANP.fullmatch(number):
        return True
    if (len(number) != len(found) or number.startswith(("001", "("))) and _NANP_LOOSE.fullmatch(
        number
    ):
        return True
    if _AREA_IN_BRACKETS.fullmatch(number):
        return True
    return any(
        shape.fullmatch(number) and _MARKS.search(number) and _valid(number, region)
        for shape, region in _TRUNK
    )


def _valid(number: str, region: str | None) -> bool:
    """Whether it is in use, by the numbering plan of a region or of the code it begins with."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except NumberParseException:
        return False


def _spoken_of(text: Text, start: int, end: int) -> bool:
    before = text.leading(start, _SPOKEN_BYTES)
    digits = text.data[start:end]
    if digits.isdigit() and len(digits) <= _COUNT_DIGITS_MAX and not _GIVEN.within(before):
        return False
    if _SPOKEN_OF_BEHIND.match(text.after(end, 28)) is not None or _NUMBER_OF.within(before):
        return True
    return _SPOKEN_OF.within(before) and not _OTHERWISE.within(before[-_NEAR_BYTES:])
