"""National numbers whose form and check digits say by themselves what they are."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any, Final, NamedTuple

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import Span, Text

_LABEL: Final = "ID_NUMBER"


class _Form(NamedTuple):
    """`module` is python-stdnum's, which checks the digits; `near` what must stand before."""

    name: str
    shape: str
    module: str
    near: str = ""


# Digits alone need a word before them: of ten rows of digits one has the right check digit.
_FORMS: Final = (
    _Form(
        "it_codice_fiscale",
        r"[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z]",
        "it.codicefiscale",
    ),
    _Form("es_dni", r"\d{8}[ -]?[A-Za-z]", "es.dni"),
    _Form("es_nie", r"[XYZxyz][ -]?\d{7}[ -]?[A-Za-z]", "es.nie"),
    _Form("br_cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf"),
    _Form("br_cnpj", r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}", "br.cnpj"),
    _Form("in_pan", r"[A-Z]{3}[PCHFATBLJG][A-Z]\d{4}[A-Z]", "in_.pan"),
    _Form("in_aadhaar", r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}", "in_.aadhaar"),
    _Form("se_personnummer", r"(?:19|20)?\d{6}[-+]\d{4}", "se.personnummer"),
    _Form("fi_hetu", r"\d{6}[-+A]\d{3}[0-9A-Z]", "fi.hetu"),
    _Form("dk_cpr", r"\d{6}-\d{4}", "dk.cpr", "cpr|personnummer"),
    _Form(
        "fr_nir",
        r"[1-478] ?\d{2} ?(?:0[1-9]|[1-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}",
        "fr.nir",
    ),
    _Form("be_nn", r"\d{2}\.\d{2}\.\d{2}[-.]\d{3}[-.]\d{2}", "be.nn"),
    _Form("ch_ssn", r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn"),
    _Form("cz_rc", r"\d{6}/\d{3,4}", "cz.rc"),
    _Form("cn_ric", r"\d{17}[0-9Xx]", "cn.ric"),
    _Form("kr_rrn", r"\d{6}-[1-8]\d{6}", "kr.rrn"),
    _Form("my_nric", r"\d{6}-\d{2}-\d{4}", "my.nric"),
    _Form("mx_curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", "mx.curp"),
    _Form("mx_rfc", r"[A-Z&Ñ]{4}\d{6}[A-Z0-9]{3}", "mx.rfc"),
    _Form("ar_cuit", r"\d{2}-\d{8}-\d", "ar.cuit"),
    _Form("cl_rut", r"\d{1,2}\.\d{3}\.\d{3}-[0-9Kk]", "cl.rut"),
    _Form(
        "ca_sin", r"\d{3}[ -]\d{3}[ -]\d{3}", "ca.sin", "sin|social insurance|assurance sociale|nas"
    ),
    _Form("pl_pesel", r"\d{11}", "pl.pesel", "pesel"),
    _Form("hr_oib", r"\d{11}", "hr.oib", "oib"),
    _Form("nl_bsn", r"\d{4}\.?\d{2}\.?\d{3}", "nl.bsn", "bsn|burgerservicenummer|sofi"),
    _Form("ro_cnp", r"[1-8]\d{12}", "ro.cnp", "cnp|cod numeric"),
    _Form("gb_nhs", r"\d{3}[ -]\d{3}[ -]\d{4}", "gb.nhs", "nhs"),
)
# HM Revenue & Customs: letters that no prefix or suffix has.
_NINO: Final = r"(?i)\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"
# More groups of digits beside it: a longer number of another kind.
_GOES_ON: Final = re.compile(r"\d[ -]$")
_GOES_ON_BEHIND: Final = re.compile(r"[ -]\d")
_NINO_UNUSED: Final = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})
_NRIC: Final = r"\b[STFGM]\d{7}[A-Z]\b"
_NRIC_WEIGHTS: Final = (2, 7, 6, 5, 4, 3, 2)
_NRIC_LETTERS: Final = {"S": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "M": "KLJNPQRTUWX"}


class IdentityNumbers:
    """Finds ID_NUMBER by form and check digits."""

    gate = r"\d{2}"
    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        shapes = [rf"\b(?:{form.shape})\b" for form in _FORMS]
        self._any = Expression("|".join([*dict.fromkeys(shapes), _NINO, _NRIC]))
        self._forms = [
            (form, re.compile(form.shape), re.compile(rf"(?:\b|_)(?:{form.near})\b[^.;]{{0,24}}$"))
            for form in _FORMS
        ]

    def find(self, text: Text) -> Iterator[Span]:
        """Yield numbers whose check digits are right."""
        for match in self._any.matches(text.data):
            start, end = match.span()
            if not text.apart(start, end, b"-._/"):
                continue
            if _GOES_ON_BEHIND.match(text.after(end, 2)) or _GOES_ON.search(text.before(start, 2)):
                continue
            name = self._name(text, start, match.group().decode())
            if name:
                yield Span(start, end, _LABEL, name, 70)

    def _name(self, text: Text, start: int, found: str) -> str:
        if _is_nino(found):
            return "uk_nino"
        if _is_nric(found):
            return "sg_nric"
        for form, shape, near in self._forms:
            if shape.fullmatch(found) is None:
                continue
            if form.near and near.search(text.before(start, 48)) is None:
                continue
            if _checker(form.module)(found):
                return form.name
        return ""


@cache
def _checker(module: str) -> Callable[[str], bool]:
    """Return stdnum's check of a number; its modules are loaded as they are needed."""
    found: Any = import_module(f"stdnum.{module}")
    valid: Callable[[str], bool] = found.is_valid
    return valid


def _is_nino(found: str) -> bool:
    compact = found.replace(" ", "").upper()
    return (
        len(compact) == 9  # noqa: PLR2004 - two letters, six digits, a letter
        and compact[:2].isalpha()
        and compact[2:8].isdigit()
        and compact[8] in "ABCD"
        and compact[:2] not in _NINO_UNUSED
        and compact[0] not in "DFIQUV"
        and compact[1] not in "DFIQUVO"
    )


def _is_nric(found: str) -> bool:
    """Singapore's Immigration & Checkpoints Authority: a weighted sum modulo 11."""
    if len(found) != 9 or found[0] not in "STFGM" or not found[1:8].isdigit():  # noqa: PLR2004
        return False
    total = sum(
        weight * int(digit) for weight, digit in zip(_NRIC_WEIGHTS, found[1:8], strict=True)
    )
    total += {"S": 0, "F": 0, "T": 4, "G": 4, "M": 3}[found[0]]
    letters = _NRIC_LETTERS[{"T": "S", "G": "F"}.get(found[0], found[0])]
    if found[0] == "M":
        return letters[10 - total % 11] == found[8]
    return letters[total % 11] == found[8]
