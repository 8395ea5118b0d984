"""What a run will cost, roughly, before it starts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from legato.core.price import Price
from legato.core.usage import Usage
from legato.economics.cost import cost
from legato.evaluation.plans import Plan, Subject
from legato.registry.prompt import PromptSpec

OUTPUT_TOKENS: Final = 256
"""Of an answer whose length nothing bounds: a guess, which the estimate says."""
_CHARACTERS_PER_TOKEN: Final = 4


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What the answers will cost; what scorers that call models add isn't in it."""

    answers: int
    cost: int | None
    """Nano-USD, None where nothing is priced."""
    unpriced: tuple[str, ...]
    """Subjects that no price is known for: they add nothing to the cost."""
    output_tokens: tuple[int, ...]
    """Of one answer, by subject, as assumed; 0 of a workflow."""


def estimate(
    plan: Plan,
    prompts: Mapping[str, PromptSpec],
    price_of: Callable[[str], Price | None],
    run_cost: Callable[[str], int | None],
) -> Estimate:
    """Reckon four characters a token, and answers as long as `max_tokens` lets them be.

    `price_of` returns the price of what is called first for a route or deployment, `run_cost` what
    a run of a workflow's version is expected to cost, nano-USD.
    """
    each = -(-plan.answers // len(plan.subjects))
    total, unpriced, lengths = 0, [], []
    for subject in plan.subjects:
        if subject.workflow:
            expected = run_cost(subject.workflow)
            lengths.append(0)
            total += each * (expected or 0)
            unpriced += [subject.label] if expected is None else []
            continue
        prompt = prompts.get(subject.version)
        output = _output_tokens(plan, prompt)
        lengths.append(output)
        price = price_of(_called(subject, prompt))
        if price is None:
            unpriced.append(subject.label)
            continue
        characters = plan.characters / plan.cases + _characters(prompt)
        usage = Usage(in_uncached=round(characters / _CHARACTERS_PER_TOKEN), out_text=output)
        total += each * cost(usage, price)
    known = len(unpriced) < len(plan.subjects)
    return Estimate(
        answers=plan.answers,
        cost=total if known else None,
        unpriced=tuple(unpriced),
        output_tokens=tuple(lengths),
    )


def _called(subject: Subject, prompt: PromptSpec | None) -> str:
    if subject.route or prompt is None:
        return subject.route or subject.model
    return prompt.route


def _output_tokens(plan: Plan, prompt: PromptSpec | None) -> int:
    asked: Sequence[object] = (
        plan.parameters.get("max_tokens"),
        plan.parameters.get("max_completion_tokens"),
        None if prompt is None else prompt.parameters.max_tokens,
    )
    return next((one for one in asked if isinstance(one, int)), OUTPUT_TOKENS)


def _characters(prompt: PromptSpec | None) -> int:
    return 0 if prompt is None else len(msgspec.json.encode(prompt.messages))
