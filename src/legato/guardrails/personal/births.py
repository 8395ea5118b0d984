"""Dates of birth: a date where birth is spoken of."""

import re
from collections.abc import Iterator
from typing import Final

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import Span, Text

_LABEL: Final = "DATE_OF_BIRTH"
_SPOKEN: Final = (
    r"(?:date|day|year) of birth|birth[ _-]?(?:date|day)|\bd\.?o\.?b\b|\bborn\b|geburtsdatum|"
    r"geboren|geb\.|date de naissance|\bn[ée]e?(?:\(e\))? le\b|fecha de nacimiento|naci[óo]|"
    r"nacid[oa]|data di nascita|\bnat[oa] (?:il|a)\b|geboortedatum|data de nascimento|nascid[oa]|"
    r"data urodzenia|urodzon\w*|födelsedatum|född|fødselsdato|født|syntymäaika|дата рождения|"
    r"род(?:ился|илась)|出生日期|生年月日|생년월일|doğum tarihi|születési"
)
_MONTH: Final = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr|avr|juin|juil|"
    r"août|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|maj|fev|out)\pL*\.?"
)
_DATE: Final = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]{1,2}\d{1,2}[-/. ]{1,2}(?:\d{4}|\d{2}\b)"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.|er|º)?(?: de| of)? {_MONTH}(?: de|,)? \d{{4}}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{4}}年\d{{1,2}}月\d{{1,2}}日"
)
_YEARS: Final = re.compile(r"(?:18|19|20)\d\d")
_SHORT: Final = re.compile(r"\d{1,2}\D{1,2}\d{1,2}\D{1,2}\d{2}")


class Births:
    """Finds DATE_OF_BIRTH."""

    gate = rf"(?i){_SPOKEN}"
    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        self._said = Expression(
            rf"(?:{_SPOKEN})[^\n.;\d]{{0,40}}?[\s:=\"'(]({_DATE})", ignore_case=True
        )

    def find(self, text: Text) -> Iterator[Span]:
        """Yield dates of people who may have lived to see this text."""
        for match in self._said.matches(text.data):
            start, end = match.span(1)
            found = text.part(start, end)
            if _YEARS.search(found) or _SHORT.fullmatch(found):
                yield Span(start, end, _LABEL, "date_of_birth", 45)
