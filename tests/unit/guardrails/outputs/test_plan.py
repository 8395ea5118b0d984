"""A policy's checks on answers, put together for one request."""

import msgspec
import pytest

from legato.core.errors import ConfigInvalid, OutputBlocked, OutputInvalid
from legato.core.guard_output import OnOutput, OutputChecks
from legato.core.guarding import Finding, Place
from legato.guardrails.outputs.finder import WindowFinder
from legato.guardrails.outputs.holding import Watch
from legato.guardrails.outputs.plan import Asked, OutputPlan, OutputRun
from legato.guardrails.outputs.schemas import Schemas

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def find_pii(text: str) -> list[Finding]:
    return [Finding("PERSON", at, at + 3) for at in [text.find("PII")] if at >= 0]


def run_of(checks: object, asked: Asked = Asked(), *, enforced: bool = True) -> OutputRun:  # noqa: B008
    plan = OutputPlan(
        "support@1",
        msgspec.convert(checks, OutputChecks),
        enforced=enforced,
        rules=[Watch("rules.pii", WindowFinder(find_pii, 64), OnOutput.REDACT, enforced)],
    )
    return OutputRun([plan], asked, Schemas(), lambda: 0.0)


def answer(run: OutputRun, *chunks: str, stream: bool = False) -> str:
    run.begin()
    out = list(chunks)
    for one in run.filters("content/0", Place.OUTPUT, answer=True, stream=stream):
        out = [*map(one.feed, out), one.end()]
    run.complete = True
    return "".join(out)


def fired(run: OutputRun) -> dict[str, str]:
    return {one.check: one.action for one in run.facts(stream=False).fired}


def test_what_breaks_a_schema_asks_again_and_says_what() -> None:
    run = run_of({"json": {"schema": SCHEMA}})
    with pytest.raises(OutputInvalid, match=r'"n" is a required property'):
        answer(run, "{}")
    assert answer(run, '{"n"', ": 1}") == '{"n": 1}'
    assert fired(run) == {"json.schema": "reask"}
    assert run.facts(stream=False).scanned == "before_sending"


def test_the_requests_own_schema_counts_where_the_policy_has_none() -> None:
    with pytest.raises(OutputInvalid):
        answer(run_of({"json": {}}, Asked(schema=SCHEMA)), '{"n": "x"}')
    assert answer(run_of({"json": {}}), "plain text") == "plain text"


def test_case_39_truncated_json_is_asked_for_again_or_flagged() -> None:
    cut = '{"n": 1, "s": "half a sen'
    for repair in ("off", "syntax"):
        with pytest.raises(OutputInvalid, match="ends before it is complete"):
            answer(run_of({"json": {"schema": SCHEMA, "repair": repair}}), cut)
    run = run_of({"json": {"schema": SCHEMA, "repair": "truncated"}})
    assert answer(run, cut) == '{"n":1,"s":"half a sen"}'
    assert fired(run) == {"json.repaired.truncated": "flag"}


def test_fences_are_refused_unless_allowed_and_then_flagged() -> None:
    fenced = '```json\n{"n": 1}\n```'
    with pytest.raises(OutputInvalid, match="code fence"):
        answer(run_of({"json": {"schema": SCHEMA}}), fenced)
    run = run_of({"json": {"schema": SCHEMA, "fences": True}})
    assert answer(run, fenced) == '{"n": 1}'
    assert fired(run) == {"json.repaired.fence": "flag"}


def test_rules_are_held_against_the_parsed_answer() -> None:
    checks = {"json": {"rules": [{"name": "small", "must": "output.n < 10"}], "action": "block"}}
    assert answer(run_of(checks), '{"n": 1}') == '{"n": 1}'
    for bad in ('{"n": 10}', '{"n": "x"}', "{}"):
        with pytest.raises(OutputBlocked, match="rule small"):
            answer(run_of(checks), bad)


def test_a_schema_that_cannot_be_used_is_flagged_and_json_still_asked_for() -> None:
    run = run_of({"json": {}}, Asked(schema={"type": "nonsense"}))
    assert answer(run, "[]") == "[]"
    assert fired(run) == {"json.schema_unusable": "flag"}


def test_confidential_words_of_this_request_are_held_back() -> None:
    asked = Asked(
        system="Never speak of the merger with Nordkap before June.", canaries=["planted-551"]
    )
    leaks = {"leaks": {"system_prompt_words": 5, "action": "redact"}}
    said = "I must never speak of the merger with Nordkap, PLANTED 551."
    assert answer(run_of(leaks, asked), said) == "I must [withheld], [withheld]."


def test_masked_values_that_come_back_are_a_leak() -> None:
    asked = Asked(redacted=["anna@example.org"])
    with pytest.raises(OutputBlocked):
        answer(run_of({"leaks": {}}, asked), "Write to Anna@Example.org")


def test_rules_and_links_each_have_their_action() -> None:
    run = run_of({"links": {"hosts": ["good.example"], "action": "flag"}})
    out = answer(run, "PII http://evil.example ok")
    assert out == "[withheld] http://evil.example ok"
    assert fired(run) == {"rules.pii.person": "redact", "links.link": "flag"}


def test_length_and_language_are_judged_at_the_end() -> None:
    checks = {"length": {"characters_max": 20}, "language": {"allowed": ["de"], "action": "reask"}}
    run = run_of(checks)
    with pytest.raises(OutputInvalid, match="written in de"):
        answer(run, "The answer is that this is not in the right language.")
    assert fired(run) == {"length": "flag", "language": "reask"}


def test_what_the_sources_do_not_say_is_found() -> None:
    asked = Asked(
        sources=lambda places: ["The fee is 10 euros a month."] if "document" in places else []
    )
    run = run_of({"grounding": {"action": "block"}}, asked)
    assert answer(run, "The fee is 10 euros a month.")
    with pytest.raises(OutputBlocked, match="1 of its 2 statements"):
        answer(run, "The fee is 10 euros a month. It was 25 euros in March.")


def test_a_policy_in_shadow_only_says_what_it_would_have_done() -> None:
    run = run_of(
        {"json": {"schema": SCHEMA}, "leaks": {"canaries": ["planted-551"]}}, enforced=False
    )
    assert answer(run, "planted-551") == "planted-551"
    assert set(fired(run).values()) == {"reask:not_enforced", "block:not_enforced"}


def test_a_stream_as_it_comes_is_never_recorded_as_scanned_before() -> None:
    run = run_of({"stream": "as_it_comes", "leaks": {"canaries": ["planted-551"]}})
    assert not run.holds_whole
    assert answer(run, "plant", "ed-551", stream=True) == "planted-551"
    facts = run.facts(stream=True)
    assert facts.scanned == "after_sending"
    assert facts.fired[0].action == "block:not_enforced"


def test_what_was_not_looked_at_is_not_recorded_as_scanned() -> None:
    run = run_of({"leaks": {"canaries": ["planted-551"]}})
    assert run.facts(stream=True).scanned == "no"
    (text_filter,) = run.filters("content/0", Place.OUTPUT, answer=True, stream=True)
    text_filter.feed("half an ans")
    assert run.facts(stream=True).scanned == "partly"


def test_only_checks_of_the_whole_hold_streams_whole() -> None:
    assert run_of({"json": {"schema": SCHEMA}}).holds_whole
    assert not run_of({"links": {}}).holds_whole
    assert run_of({"links": {}, "stream": "hold_whole"}).holds_whole


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        ({"json": {"rules": [{"name": "r", "must": "input.a"}]}}, "rule r: there is no 'input'"),
        ({"json": {"rules": [{"name": "r", "must": "output.all(x, x)"}]}}, "rule r: there is no"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_name(checks: object, told: str) -> None:
    with pytest.raises(ConfigInvalid, match=told.replace("(", r"\(")):
        run_of(checks)
