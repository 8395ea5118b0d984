"""What stands where a secret would: examples, variables, masks, and words of the documentation."""

from typing import Final

from legato.guardrails.expressions import Expression

_WORDS: Final = (
    "none|null|nil|true|false|undefined|string|str|text|secret|password|passwd|token|bearer|basic|"
    "required|optional|redacted|hidden|masked|removed|example|placeholder|tbd|n/a|empty|unknown|"
    "bool|int|bytes|object|any|self|this|input|prompt|reset|protected|incorrect|invalid|expired|"
    "changed?|missing|wrong|policy|manager|field|here|below|above|and|or|for|is|was|the|that|must"
)
_ASKING: Final = "your|my|the|an?|some|any|insert|enter|replace|put|change"
_ASKED: Final = "key|token|secret|password|pass|passwd|pwd|credential|value|here|me|it|this"
_PLACEHOLDER: Final = Expression(
    "|".join(
        (
            r"[*.xX_#?-]+",
            r"<.*>?|\[.*\]|\{.*\}|\(.*\)",
            r"\$\{.*|\$\(.*|(?-i:\$[A-Z_][A-Z0-9_]*|\$[a-z_]+)|%\(.*|%[sdr]|%[a-z_]+%|@\{.*\}",
            rf"(?:{_ASKING})[-_ ]?.*(?:{_ASKED})\b.*",
            rf"(?:{_WORDS})[.,;:!?]?",
        )
    ),
    ignore_case=True,
)
_CODE: Final = Expression(
    r"(?:os|process|env|self|this|config|settings|req|request|args|secrets)\..*|vault[.:/].*|"
    r"(?:getenv|get_|get[A-Z]|input\(|read_|load_|await |new |f[\"']|lambda|function|std::).*|"
    r"[A-Za-z_][\w.]*\(.*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|(?:https?://|arn:|\./|~/).*|"
    r"(?:/[a-z0-9_.-]+){2,}/?"
)
_EXAMPLE: Final = Expression(
    r"example|your[-_]|x{5}|\.\.\.|<|\*{3}|0{8}|12345678901234|abcdefghijkl|placeholder|dummy",
    ignore_case=True,
)


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for a secret, or fetches it."""
    if len(set(value)) == 1:
        return True
    data = value.encode("utf-8", "replace")
    return _PLACEHOLDER.fits(data) or _CODE.fits(data)


def is_example(token: str) -> bool:
    """Whether a token of a vendor's form is one of its documentation."""
    return _EXAMPLE.within(token.encode())
