from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from legato.app.guards.guard_sampling import excerpt_of
from legato.core.config_guardrails import Detect, GuardPolicy, GuardRule, KeptSamples
from legato.core.guarding import Action, Finding, Mode, Piece
from legato.gateway.guards.sampling import SampleOffer, Sampler
from legato.guardrails.policy.compiling import compiled_policy
from legato.guardrails.policy.deciding import Verdict, verdict_of

TEXT = "call Ann Example at jo@example.com today"
NAME, MAIL = Finding("PERSON", 5, 16, 0.8, "names"), Finding("EMAIL_ADDRESS", 20, 34)
HOUR_NS = 3_600_000_000_000


class Taken:
    def __init__(self) -> None:
        self.offers: list[SampleOffer] = []

    def offer(self, offer: SampleOffer) -> None:
        self.offers.append(offer)


def policy(name: str, label: str, action: Action, mode: Mode = Mode.ENFORCE) -> Any:
    rule = GuardRule(name="r", detect=Detect(labels=[label]), action=action)
    return compiled_policy(GuardPolicy(name=name, mode=mode, rules=[rule]), f"guardrail/{name}@1")


FLAGS = policy("flags", "PERSON", Action.FLAG)
WATCHES = policy("watches", "PERSON", Action.BLOCK, Mode.SHADOW)
ALLOWS = policy("allows", "PERSON", Action.ALLOW, Mode.SHADOW)
REDACTS = policy("redacts", "EMAIL_ADDRESS", Action.REDACT)
BLOCKS = policy("blocks", "EMAIL_ADDRESS", Action.BLOCK)


def verdict(*policies: Any) -> Verdict:
    return verdict_of(policies, [(Piece(TEXT, "/messages/0/content"), (NAME, MAIL))])


def call(captured_ns: int = 0, *, at_ns: int = 1, live: bool = True) -> Any:
    caller = SimpleNamespace(org="acme", live=live)
    return SimpleNamespace(
        caller=caller, request_id="q", user="u", arrived_ns=at_ns, captured_for_ns=captured_ns,
        captured_redacted=False,
    )  # fmt: skip


def sampler(taken: Taken, *points: int, per_rule: int = 2) -> Sampler:
    drawn = iter(points or range(100))
    terms = KeptSamples(per_rule=per_rule, retention_days=1)
    return Sampler(terms, taken, lambda: "id", lambda _bits: next(drawn))


def test_what_only_watches_or_flags_is_sampled() -> None:
    taken = Taken()
    sampler(taken).take(call(), verdict(FLAGS, WATCHES, ALLOWS, REDACTS))
    found = [(one.sample.policy, one.sample.label, one.sample.mode) for one in taken.offers]
    assert found == [("flags", "PERSON", "enforce"), ("watches", "PERSON", "shadow")]
    assert {(one.sample.first, one.sample.last, one.sample.score) for one in taken.offers} == {
        (5, 16, 0.8)
    }
    nothing = Taken()
    sampler(nothing).take(call(live=False), verdict(FLAGS))
    sampler(nothing, per_rule=0).take(call(), verdict(FLAGS))
    assert not nothing.offers


def test_text_is_kept_only_of_what_is_captured_and_masked_as_that_is() -> None:
    taken = Taken()
    chooses = sampler(taken, per_rule=9)
    chooses.take(call(), verdict(FLAGS))
    chooses.take(call(5), verdict(FLAGS, BLOCKS))
    assert [(one.text, one.sample.text_until_ns) for one in taken.offers] == [("", 0)] * 2
    chooses.take(call(5), verdict(FLAGS, REDACTS))
    kept = taken.offers[-1]
    assert (kept.text, kept.sample.text_until_ns) == (TEXT, 6)
    excerpt = excerpt_of(kept)
    assert (excerpt.before, excerpt.found) == ("call ", "Ann Example")
    assert excerpt.after == " at [EMAIL_ADDRESS] today"


def test_a_value_that_a_cut_would_split_is_masked_whole() -> None:
    text = "4111 1111 1111 1111 " + "x" * 65 + " Ann Example"
    find = Finding("PERSON", len(text) - 11, len(text), 0.8, "names")
    found = [(Piece(text, "/input"), (find,))]
    taken = Taken()
    captured = call(5)
    captured.captured_redacted = True
    sampler(taken).take(captured, verdict_of([FLAGS], found))
    (kept,) = taken.offers
    assert excerpt_of(kept).before == "[CREDIT_CARD] " + "x" * 65 + " "


def test_a_worker_offers_what_may_be_among_the_lowest_of_an_hour() -> None:
    taken = Taken()
    chooses = sampler(taken, 5, 3, 9, 1, 4, 8)
    for _ in range(5):
        chooses.take(call(), verdict(FLAGS))
    assert [one.sample.point for one in taken.offers] == [5, 3, 1]
    chooses.take(call(at_ns=HOUR_NS), verdict(FLAGS))
    assert taken.offers[-1].sample.point == 8
