"""What expressions come to, held against the Rust implementation of CEL as an oracle."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from legato.core.errors import ConfigInvalid
from legato.core.expressions import FAILURES, context_of, program_of
from legato.flow.cel.bound import ExpressionFailed, TooCostly
from legato.flow.expressions import compile_expression

VALUES: dict[str, Any] = {
    "a": 7,
    "b": -3,
    "f": 2.5,
    "s": "text",
    "t": True,
    "n": None,
    "l": [1, 2, 3],
    "m": {"x": 1, "y": {"z": "deep"}},
}
FAILED = "failed"


def value_of(source: str, values: dict[str, Any] | None = None) -> Any:
    return compile_expression(source).value(VALUES if values is None else values)


def ours(source: str) -> Any:
    try:
        return value_of(source)
    except ExpressionFailed:
        return FAILED


def theirs(source: str) -> Any:
    try:
        return program_of(source).execute(context_of(VALUES))
    except FAILURES:
        return FAILED


def numbers(inner: some.SearchStrategy[str]) -> some.SearchStrategy[str]:
    joined = some.tuples(inner, some.sampled_from("+-*/%"), inner)
    return joined.map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})")


INTEGERS = some.recursive(
    some.sampled_from(["a", "b", "2", "0", "l[0]", "m.x", "size(s)", "l[9]", "m.q"]), numbers
)
COMPARED = some.tuples(INTEGERS, some.sampled_from(["==", "!=", "<", "<=", ">", ">="]), INTEGERS)
CONDITIONS = some.recursive(
    some.one_of(
        COMPARED.map(" ".join),
        some.sampled_from(
            ["t", "n == null", "s.contains('ex')", "s == 'text'", "has(m.q)", "a in l", "'x' in m"]
        ),
    ),
    lambda inner: some.one_of(
        some.tuples(inner, some.sampled_from(["&&", "||"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        inner.map(lambda one: f"!({one})"),
        some.tuples(inner, inner, inner).map(
            lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(some.one_of(INTEGERS, CONDITIONS))
def test_it_agrees_with_another_implementation(source: str) -> None:
    try:
        expected = theirs(source)
    except ConfigInvalid:  # larger than routing rules may be
        return
    found = ours(source)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("l.map(x, x * 2)", [2, 4, 6]),
        ("l.map(x, x > 1, x * 2)", [4, 6]),
        ("l.filter(x, x != 2)", [1, 3]),
        ("l.all(x, x > 0) && l.exists(x, x == 3) && l.exists_one(x, x == 1)", True),
        ("[1, 0].exists(x, 1 / x == 1)", True),
        ("m.map(k, k)", ["x", "y"]),
        ("l.map(x, l.map(y, x * y))", [[1, 2, 3], [2, 4, 6], [3, 6, 9]]),
        ("l.map(l, l + a)", [8, 9, 10]),
        ("{'k': s + '!', 'l': [a]}", {"k": "text!", "l": [7]}),
        ("1 + 1.5", 2.5),
        ("true == 1", False),
        ("[1, 2] == [1.0, 2.0]", True),
        ("m.y['z']", "deep"),
        ("string(1.5) + string(true) + string(2)", "1.5true2"),
        ("'a, b'.split(', ').map(x, x.upperAscii()).join('-')", "A-B"),
        ("[1, 2].sum() + [1, 2].max() + [[1], [2]].flatten().min()", 6),
        ("'Ab 12'.matches('^[A-Z]b \\\\d+$')", True),
        ("'hello'.substring(1, 3) + 'hello'.replace('l', 'L')", "elheLLo"),
        ("timestamp('2026-01-01T01:00:00+01:00') + duration('1h30m')", "2026-01-01T01:30:00Z"),
        ("timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z')", 86_400.0),
        ("timestamp('2026-01-02T00:00:00Z') > timestamp(0)", True),
        ("-9 / 2 == -4 && -9 % 4 == -1", True),
        ("r'a\\d' + \"\\u00e9\" + '\\x41'", "a\\déA"),
        ("0x10 + 1e1 // a note", 26.0),
    ],
)
def test_what_expressions_come_to(source: str, expected: Any) -> None:
    assert value_of(source) == expected


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("m.q", "no field 'q'"),
        ("s.q", "a string has no field"),
        ("q", "no 'q' here"),
        ("1 + 'a'", r"int \+ string"),
        ("9223372036854775807 + 1", "64 bits"),
        ("1 / 0", "division by zero"),
        ("1.0 / 0.0", "division by zero"),
        ("a && t", "true or false, not a int"),
        ("l[3]", "no place in a list of 3"),
        ("int('x')", "integer"),
        ("'a'.matches('(')", "RE2"),
        ("{a: 1}", "keys of a map are strings"),
        ("1e308 * 10.0", "too large"),
        ("[1e308, 1e308].sum()", "too large"),
        ("double('nan')", "a text that is one"),
        ("int(double('inf'))", "a text that is one"),
        ("string(timestamp('0001-01-01T00:00:00+14:00'))", "timestamp wants"),
    ],
)
def test_what_doesnt_fit_is_told(source: str, told: str) -> None:
    with pytest.raises(ExpressionFailed, match=told):
        value_of(source)


LONG = list(range(10_000))
DOUBLED = "[s]" + ".map(x, x + x)" * 40
HOSTILE = {
    "nested loops": "l.map(a, l.map(b, l.map(c, c)))",
    "loops that build": "l.map(a, l.map(b, b))",
    "loops that compare": "l.all(a, l.exists(b, b == -1) || true)",
    "text doubled": "[s]" + ".map(x, x + x)" * 40,
    "lists doubled": "[l]" + ".map(x, x + x)" * 40,
    "text joined": "l.map(a, s).map(b, s + b).join(s)",
    "one list in many places": "l.map(a, l)",
    "lists compared": "l.all(a, [l, l] == [l, l])",
    "what replaces": "s.replace('x', s).replace('x', s)",
    "patterns": "l.all(a, !s.matches('(x+x+)+y'))",
    "members": "l.all(a, !(-1 in l))",
    "a long text that gets short": "l.all(a, b.replace('x', '') == '')",
    "a search that begins anew at each place": (
        "l.all(a, !r.contains('x' + r.substring(0, 750) + 'y' + r.substring(0, 248)))"
    ),
    "what joins nothing": "l.all(a, z.join() == '')",
    "what flattens nothing": "l.all(a, e.flatten() == [])",
    "a map looped over for its first key": "l.all(a, m.exists(k, true))",
    "a pattern too large for its cache": "l.all(a, !s.matches('(x?){900}x{900}y'))",
    "a pattern for each element": "l.all(a, !s.matches('(x?){100}x{10}y' + string(a)))",
    "a map as a time": "l.all(a, l.exists(b, timestamp(m) == timestamp(0)) || true)",
    "a map as a place": "l.all(a, l.exists(b, l[m] == 1) || true)",
    "a map as a key": "l.all(a, l.exists(b, m[m] == 1) || true)",
}
IN_A_BOUNDED_PROCESS = """
import json, resource, sys
from time import process_time
from legato.flow.cel.bound import ExpressionFailed
from legato.flow.expressions import compile_expression

sources = json.load(sys.stdin)
values = {
    "l": list(range(10_000)),
    "s": "x" * 10_000,
    "b": "x" * 2_000_000,
    "r": "x" * 2_000,
    "z": [""] * 10_000,
    "e": [[]] * 10_000,
    "m": {str(number): number for number in range(100_000)},
}
with open("/proc/self/statm") as sizes:
    size = int(sizes.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 256 * 1024 * 1024,) * 2)
told = {}
for name, source in sources.items():
    began = process_time()
    try:
        compile_expression(source).value(values)
        told[name] = "came to its end", 0
    except ExpressionFailed as error:
        told[name] = error.message, process_time() - began
json.dump(told, sys.stdout)
"""


def test_hostile_expressions_end_at_their_bounds_of_time_and_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_BOUNDED_PROCESS],
        input=json.dumps(HOSTILE),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert set(told) == set(HOSTILE)
    for name, (message, seconds) in told.items():
        assert "MiB" in message or "operations" in message, f"{name}: {message}"
        assert seconds < 10, f"{name} took {seconds} s of computing"


def test_a_loop_over_ten_thousand_is_no_trouble() -> None:
    expression = compile_expression("l.filter(x, x % 2 == 0).map(x, {'value': x, 'next': x + 1})")
    assert len(expression.value({"l": LONG})) == 5_000


def test_no_attribute_of_a_value_can_be_reached() -> None:
    for source in ("s.__class__", "l.append", "m.__init__", "s['__class__']"):
        with pytest.raises(ExpressionFailed):
            value_of(source)


def test_what_is_too_costly_isnt_made_up_for_by_the_other_side() -> None:
    with pytest.raises(TooCostly):
        value_of("true && (l.all(a, l.all(b, true)) || true)", {"l": LONG})


def test_deep_values_are_told_and_dont_end_the_process() -> None:
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(ExpressionFailed, match="too deep"):
        value_of("d == d", {"d": deep})
