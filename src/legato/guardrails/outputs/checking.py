"""What is wrong with the `output` section of a policy, each problem at its place."""

from collections.abc import Collection, Iterator
from typing import Final

from legato.core.errors import ConfigInvalid
from legato.core.guard_output import OutputChecks
from legato.guardrails.outputs.folding import folded
from legato.guardrails.outputs.language import LANGUAGES
from legato.guardrails.outputs.leaks import FOLDED_MIN
from legato.guardrails.outputs.rules import rules_of
from legato.guardrails.outputs.schemas import Schema, UnusableSchema

WORDS_MIN: Final = 4
"""Of a fragment of a prompt: fewer stand in every text."""


def output_problems(
    checks: OutputChecks, deployments: Collection[str], routes: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """Yield the field and what is wrong with it."""
    judge = None if checks.grounding is None else checks.grounding.judge
    if judge is not None and judge.deployment not in {*deployments, *routes}:
        listed = ", ".join([*sorted(deployments), *sorted(routes)][:20]) or "none"
        told = f"no deployment or alias `{judge.deployment}`; known: {listed}"
        yield "output.grounding.judge.deployment", told
    if checks.json is not None and checks.json.schema is not None:
        try:
            Schema(checks.json.schema)
        except UnusableSchema as error:
            yield "output.json.schema", f"nothing can be held against it: {error}"
    for index, rule in enumerate(checks.json.rules if checks.json is not None else ()):
        try:
            rules_of([rule])
        except ConfigInvalid as error:
            yield f"output.json.rules[{index}].must", error.message
    if checks.leaks is not None:
        words = checks.leaks.system_prompt_words
        if 0 < words < WORDS_MIN:
            told = f"{words} successive words stand in any text: at least {WORDS_MIN}, or 0"
            yield "output.leaks.system_prompt_words", told
        for index, canary in enumerate(checks.leaks.canaries):
            if len(folded(canary)) < FOLDED_MIN:
                told = f"needs {FOLDED_MIN} letters or digits: only these are compared"
                yield f"output.leaks.canaries[{index}]", told
    for index, one in enumerate(checks.language.allowed if checks.language is not None else ()):
        if one not in LANGUAGES:
            told = f"no language `{one}` is recognised; known: {', '.join(sorted(LANGUAGES))}"
            yield f"output.language.allowed[{index}]", told
    if checks.reask_at is not None and checks.reask_at not in deployments:
        listed = ", ".join(sorted(deployments)[:20]) or "none"
        yield "output.reask_at", f"no deployment `{checks.reask_at}`; known: {listed}"
