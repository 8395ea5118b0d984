"""Checks that need all of an answer's text."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from legato.core.errors import OutputBlocked, OutputInvalid
from legato.core.guard_output import (
    JsonCheck,
    LanguageCheck,
    LengthCheck,
    OnOutput,
)
from legato.core.guarding import BREAK
from legato.guardrails.outputs.decoding import decoded
from legato.guardrails.outputs.findings import Found
from legato.guardrails.outputs.grounded import Complaint, Grounded
from legato.guardrails.outputs.language import language_of
from legato.guardrails.outputs.mending import FENCE, Mended, mended, parsed, unfenced
from legato.guardrails.outputs.rules import OutputRule, broken

if TYPE_CHECKING:
    from legato.guardrails.outputs.schemas import Schema  # its library is for policies alone

_RANK: Final = {"": 0, "flag": 1, "reask": 2, "block": 3}


class JsonTest(NamedTuple):
    """What JSON must be like. `schema` is None where any will do."""

    setting: JsonCheck
    schema: "Schema | None"
    rules: tuple[OutputRule, ...] = ()

    def on(self, text: str) -> tuple[str, list[Complaint]]:
        """Return the text, mended where that is allowed, and what is wrong with it."""
        setting, complaints = self.setting, []
        found = _read(text, setting)
        if found is None:
            return text, [Complaint("json", setting.action, _not_json(text))]
        complaints += [Complaint(f"json.repaired.{change}", "flag", "") for change in found.changes]
        problems = [] if self.schema is None else self.schema.problems(found.value)
        if problems:
            said = "It breaks its schema. " + "; ".join(map(str, problems)) + "."
            complaints.append(Complaint("json.schema", setting.action, said))
        complaints += [
            Complaint(f"json.rule.{name}", setting.action, f"It breaks the rule {name}.")
            for name in broken(self.rules, found.value)
        ]
        return found.text, complaints


class WholeChecks(NamedTuple):
    """One policy's checks of all of an answer's text, for one request."""

    enforced: bool = True
    json: JsonTest | None = None
    length: LengthCheck | None = None
    language: LanguageCheck | None = None
    grounded: Grounded | None = None

    def on(self, text: str) -> tuple[str, list[Complaint]]:
        """Return the text, mended where that is allowed, and what is wrong with it."""
        complaints: list[Complaint] = []
        if self.json is not None:
            written, complaints = self.json.on(text)
            text = written if self.enforced else text
        if self.length is not None:
            complaints += _length(self.length, len(text))
        if self.language is not None:
            language = language_of(decoded(text).text)
            if language and language not in self.language.allowed:
                said = f"It must be written in {' or '.join(self.language.allowed)}."
                complaints.append(Complaint("language", self.language.action, said))
        if self.grounded is not None:
            view = decoded(text)
            held = self.grounded.context.held_against(view.text)
            lacking = self.grounded.complaints(self.grounded.lacking(held), len(held))
            complaints += [one.at(view.original) for one in lacking]
        return text, complaints


class WholeText:
    """A TextFilter that holds all of a text back until it is checked.

    With `pass_on` it holds nothing, and what is wrong is only written down.
    """

    def __init__(
        self,
        checks: tuple[WholeChecks, ...],
        found: Found,
        *,
        where: str,
        pass_on: bool = False,
        now_ms: Callable[[], float],
    ) -> None:
        """`where` names the text in findings."""
        self._checks = checks
        self._found = found
        self._where = where
        self._pass_on = pass_on
        self._now_ms = now_ms
        self._parts: list[str] = []
        self._since_ms = 0.0
        found.open += 1

    def feed(self, text: str) -> str:
        """Take more of it."""
        if not self._parts:
            self._since_ms = self._now_ms()
        self._parts.append(text)
        return text if self._pass_on else ""

    def end(self) -> str:
        """Return all of it. Raises OutputInvalid: ask again; OutputBlocked."""
        text = "".join(self._parts)
        plain = text.replace(BREAK, "")
        if plain.strip():
            began_ms = self._now_ms()
            checked = self._checked(plain)
            if checked != plain:  # mended: all of it stands in the first block
                text = checked + BREAK * text.count(BREAK)
            self._found.check_ms += self._now_ms() - began_ms
        self._found.open -= 1
        self._found.ended += 1
        if self._pass_on:
            return ""
        if self._parts:
            self._found.held(self._now_ms() - self._since_ms)
        return text

    def _checked(self, text: str) -> str:
        complained: list[Complaint] = []
        for checks in self._checks:
            text, complaints = checks.on(text)
            enforced = checks.enforced and not self._pass_on
            note(self._found, complaints, self._where, enforced=enforced)
            complained += complaints if enforced else ()
        refuse(complained)
        return text


def note(found: Found, complaints: Sequence[Complaint], where: str, *, enforced: bool) -> None:
    """Write down what is wrong with the text at a place."""
    for one in complaints:
        action = one.action if enforced else f"{one.action}:not_enforced"
        found.add(one.check, action, where, one.span)


def refuse(complaints: Sequence[Complaint]) -> None:
    """Withhold an answer where that is asked. Raises OutputInvalid: ask again; OutputBlocked."""
    told = " ".join(one.said for one in complaints if one.said)
    worst = max((one.action for one in complaints), key=_RANK.__getitem__, default="")
    if worst == OnOutput.BLOCK:
        raise OutputBlocked(f"The answer was withheld: {told}")
    if worst == OnOutput.REASK:
        refused = OutputInvalid(f"The answer is not valid: {told}")
        refused.told = refused.message
        raise refused


def _read(text: str, setting: JsonCheck) -> Mended | None:
    if setting.repair != "off":
        return mended(text, complete=setting.repair == "truncated")
    found = parsed(text)
    inside = unfenced(text) if found is None and setting.fences else None
    if inside is not None and (found := parsed(inside)) is not None:
        return found._replace(changes=(FENCE,))
    return found


def _not_json(text: str) -> str:
    if unfenced(text) is not None:
        return "It must be JSON alone, without a code fence around it."
    begun = text.lstrip()[:1]
    if begun and begun in "{[" and text.rstrip()[-1:] not in {"}", "]"}:
        return "It is no JSON: it ends before it is complete."
    return "It must be JSON alone, and can't be read as JSON."


def _length(check: LengthCheck, characters: int) -> list[Complaint]:
    most = check.characters_max
    if most is not None and characters > most:
        said = f"It has {characters} characters and may have {most}."
    elif characters < check.characters_min:
        said = f"It has {characters} characters and must have {check.characters_min}."
    else:
        return []
    return [Complaint("length", check.action, said)]
