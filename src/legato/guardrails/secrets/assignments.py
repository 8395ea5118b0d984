"""Secrets told by what they are given to: `password=...`, `Bearer ...`, `-u me:...`."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from legato.guardrails.expressions import Expression
from legato.guardrails.secrets.placeholders import is_placeholder
from legato.guardrails.secrets.vendors import bits
from legato.guardrails.spans import Span, Text

_LABEL: Final = "SECRET"
_NAMES: Final = (
    r"pass ?(?:word|code|phrase|wd)s?|passwd|pwd|pswd|passwort|kennwort|[_.-]pass\b|"
    r"[?&\"']pass\b|mot de passe|"
    r"contraseña|contrasena|wachtwoord|hasło|lösenord|losenord|adgangskode|salasana|jelszó|"
    r"пароль|密码|密碼|パスワード|비밀번호|كلمة المرور|पासवर्ड|mật khẩu|kata sandi"
)
# Parts of other words, too.
_WHOLE_NAMES: Final = r"clave|senha|haslo|passord|heslo|parola|şifre|sifre"
_KEY: Final = (
    r"(?:api|access|auth|secret|private|signing|encryption|master|account|shared|client|storage|"
    r"service|session|"
    r"admin|app|consumer|license|webhook|bot|refresh|bearer|id|csrf|deploy|personal|registry|"
    r"user)"
    r"[ _.-]?(?:access[ _.-]?)?(?:api[ _.-]?)?(?:keys?|tokens?|secrets?|"
    r"credentials?)(?:[ _.-]?(?:key|id|value|base))?|"
    r"apikey|secret|token|credentials?|sharedaccesssignature|sharedaccesskey|accountkey|"
    r"_authtoken|auth|sig|signature|"
    r"dsn|cookie|jwt"
)
# A name before and behind, as in DB_PASSWORD_PROD; then what joins it with its value.
_JOINED: Final = (
    r"[A-Za-z0-9_]{0,3}[\"'\]]{0,3}"
    r"(?: ?(?:=>|:=|=|:|>)=? ?"
    r"|(?: (?:is|was|has been|ha sido))? (?:changed|set|reset|updated) to:? "
    r"| (?:is|was|are|ist|est|es|è|é|war|to|as|used|jest|är|er|"
    r"on)(?: (?:now|hier))?:? "
    r"| attempt string revealed: | +)"
)
_VALUE: Final = (
    r"(?:\\?\"([^\"\\\n]{3,400})\\?\"|'([^'\n]{3,400})'|`([^`\n]{3,400})`"
    r"|([^\s\"'`,;<>(){}\[\]|][^\s\"'`,;<>|]{2,400}))"
)
_QUOTED: Final = (2, 3, 4)
_UNQUOTED: Final = 5
# In a header; in a tuple or a call that takes a user and a password; to curl; to clients of data
# bases; and "as user@host / Secret!".
_HEADER: Final = (
    r"(?i:\b(?:bearer|basic|apikey|token|digest|negotiate)[ ]+)([A-Za-z0-9+/=_.~-]{16,})"
)
_PAIR: Final = (
    r"(?i:auth\s*=\s*\(|basicauth\(|login\(|credentials\(|connect\()"
    r"\s*[\"'][^\"'\n]{0,80}[\"']\s*,\s*[\"']([^\"'\n]{3,200})[\"']"
)
_CURL: Final = r"(?:\s-u|--user|--proxy-user)[ =][\"']?[A-Za-z0-9_.@+-]+:([^\s\"']{4,})"
_CLIENT: Final = (
    r"(?:mysql|mysqldump|mariadb|sshpass|redis-cli|mongo|docker login|smbclient|ldapsearch)\b"
    r"[^\n;|]*?\s-[paw][ ]?[\"']?([^\s\"'-][^\s\"']{3,})"
)
_SLASH: Final = r"@[A-Za-z0-9.-]+ ?/ ?([^\s/,;]{5,64}[!#$%^&*])"
_LINES: Final = (_HEADER, _PAIR, _CURL, _CLIENT, _SLASH)
_MASK: Final = re.compile(r"[*•]{3,}|^x+$")
_SYMBOL: Final = re.compile(r"[!@#$%^&*+=?~]")
_ASSIGNED: Final = re.compile(r"(?:=|:|>)[\s\"'`\\]*$|--[\w-]*[ =]+[\"'`]?$")
_SAID: Final = re.compile(r" (?:is|was|are|ist|est|es|è|é|war|jest|är|er|to|now|as)[: ]*[\"'`]?$")
_ORDINARY: Final = re.compile(
    r"v?\d+(?:[._-]\d+)*[a-z]{0,8}|[a-z]+(?:[_-][a-z]+)*[_-]?\d{0,4}"
    r"|[A-Z]+(?:[_-][A-Z]+)*[_-]?\d{0,4}|\d{4}-\d\d-\d\d\S*|[a-z]+(?:-[a-z0-9]{1,12}){2,}"
    r"|(?:[A-Z][a-z]+)+\d{0,4}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_SAID_ORDINARY: Final = re.compile(r"v?\d\S*|(?:[A-Z]?[a-z']+-?)+|[a-z]+[.,;!?]")
_STOPS: Final = ".,;:\\"
_OPENING: Final = "([{"
_CLOSING: Final = ")]}"
# Of any value; of a password without digits; of one that is only spoken of; of keys.
_CHARS_MIN: Final = 4
_WORD_CHARS: Final = 8
_SAID_CHARS: Final = 6
_KEY_CHARS: Final = 12
_KEY_BITS: Final = 2.8
_SAID_KEY_CHARS: Final = 20
_SAID_KEY_BITS: Final = 3.2
_LETTERS_BITS: Final = 3.8


class _Given(NamedTuple):
    """How a value is given: to a name of passwords, in quotes, by a sign, by a verb."""

    password: bool
    quoted: bool
    assigned: bool
    said: bool


class Assignments:
    """Finds SECRET where a name says that a value is one."""

    labels = frozenset({_LABEL})
    gate = (
        rf"(?i)(?:{_NAMES}|{_WHOLE_NAMES}|key|secret|token|credential|signature|auth|dsn|cookie|jwt|"
        r"bearer |basic )|(?:\s-u|--user)[ =]|\s-[paw]|@[A-Za-z0-9.-]+ ?/"
    )

    def __init__(self) -> None:
        self._named = Expression(
            rf"(?:((?i:{_NAMES})|(?:^|[^\pL\pN])(?i:{_WHOLE_NAMES}))|(?:\b|_|[a-z])(?i:{_KEY}))"
            rf"{_JOINED}{_VALUE}"
        )
        self._lines = Expression("|".join(_LINES))

    def find(self, text: Text) -> Iterator[Span]:
        """Yield values that could be one: no placeholder, no expression, no word of a sentence."""
        data = text.data
        for match in self._named.matches(data):
            number = next((n for n in _QUOTED if match.span(n)[0] >= 0), _UNQUOTED)
            start, end = match.span(number)
            value = text.part(start, end)
            if number == _UNQUOTED:
                value = _unclosed(value)
                end = start + len(value.encode())
            given = _Given(
                password=match.span(1)[0] >= 0,
                quoted=number != _UNQUOTED,
                assigned=_ASSIGNED.search(text.part(max(0, match.start() - 12), start)) is not None,
                said=_SAID.search(text.part(match.start(), start)) is not None,
            )
            if _is_secret(value, given):
                name = "password" if given.password else "assignment"
                yield Span(start, end, _LABEL, name, 90)
        for match in self._lines.matches(data):
            for number in range(1, len(_LINES) + 1):
                start, end = match.span(number)
                if start < 0:
                    continue
                value = text.part(start, end)
                if not is_placeholder(value) and _mixed(value):
                    yield Span(start, end, _LABEL, "credentials", 88)


def _unclosed(value: str) -> str:
    """Return a value without the marks of the sentence or the code around it."""
    kept = value.rstrip(_STOPS)
    while kept and kept[-1] in _CLOSING:
        opening = _OPENING[_CLOSING.index(kept[-1])]
        if kept.count(kept[-1]) <= kept.count(opening):
            break
        kept = kept[:-1].rstrip(_STOPS)
    # key=value&next=...
    head, mark, rest = kept.partition("&")
    return head if mark and "=" in rest else kept


def _is_secret(value: str, given: _Given) -> bool:
    if len(value) < _CHARS_MIN or is_placeholder(value) or _MASK.search(value):
        return False
    if " " in value and not (given.password and given.quoted and given.assigned):
        return False
    return _is_password(value, given) if given.password else _is_key(value, given)


def _is_password(value: str, given: _Given) -> bool:
    """People choose them: any value in quotes is one, another needs more than letters."""
    odd = any(map(str.isdigit, value)) or _SYMBOL.search(value) is not None
    if given.quoted:
        return given.assigned or odd
    if given.assigned:
        return odd or (len(value) >= _WORD_CHARS and value not in {value.lower(), value.title()})
    if not any(map(str.isalpha, value)) or len(value) < _SAID_CHARS:
        return False
    if given.said and _SAID_ORDINARY.fullmatch(value) is None:
        return odd or value not in {value.lower(), value.upper(), value.title()}
    return odd and not _ordinary(value)


def _is_key(value: str, given: _Given) -> bool:
    """Machines make them: letters and digits, well mixed. Hex has 4 bits a character at most."""
    mixed = any(map(str.islower, value)) and any(map(str.isupper, value))
    if not any(map(str.isdigit, value)):
        return mixed and len(value) >= _SAID_KEY_CHARS and bits(value) >= _LETTERS_BITS
    if not any(map(str.isalpha, value)):
        return False
    if not (given.assigned or given.quoted):
        return len(value) >= _SAID_KEY_CHARS and bits(value) >= _SAID_KEY_BITS
    return len(value) >= _KEY_CHARS and bits(value) >= _KEY_BITS and not _ordinary(value)


def _ordinary(value: str) -> bool:
    """Whether it is a version, a date, a UUID or a name with a number."""
    return _ORDINARY.fullmatch(value) is not None


def _mixed(value: str) -> bool:
    """Whether it has letters, and not only small ones."""
    odd = any(map(str.isdigit, value)) or _SYMBOL.search(value) is not None
    return any(map(str.isalpha, value)) and (odd or value != value.lower())
