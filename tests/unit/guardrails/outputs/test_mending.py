"""JSON that is nearly right is mended and told; what was cut is never silently whole."""

import json
import random

import pytest

from legato.guardrails.outputs.mending import COMMA, CUT, FENCE, QUOTES, mended, parsed


@pytest.mark.parametrize(
    ("text", "value", "changes"),
    [
        ('{"a": [1, 2]}', {"a": [1, 2]}, ()),
        ('{"a": [1, 2,],}', {"a": [1, 2]}, (COMMA,)),
        ("{'a': 'it\\'s \"x\"'}", {"a": 'it\'s "x"'}, (QUOTES,)),
        ('```json\n{"a": 1}\n```', {"a": 1}, (FENCE,)),
        ("```\n{'a': 1,}\n```\n", {"a": 1}, (FENCE, QUOTES, COMMA)),
        ('{"a": "b, }"}', {"a": "b, }"}, ()),
    ],
)
def test_small_faults_are_mended_and_told(
    text: str, value: object, changes: tuple[str, ...]
) -> None:
    found = mended(text)
    assert found is not None
    assert (found.value, found.changes) == (value, changes)
    assert json.loads(found.text) == value


@pytest.mark.parametrize("text", ["no", "{a: 1}", '{"a" 1}', '{"a": 1}}', "{]", '"abc', ""])
def test_other_faults_stay(text: str) -> None:
    assert mended(text, complete=True) is None


def test_case_39_a_cut_text_is_never_silently_valid() -> None:
    """Whatever was cut off, it is refused; or, where completing is asked for, told."""
    rng = random.Random(39)
    value = {
        "name": 'quo"te \\ ünï 🙂',
        "list": [1, -2.5e3, True, None, "x", {"deep": ["a", {"b": {}}]}],
        "empty": [],
        "text": "comma, } ] : \u2028 end",
    }
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only, indent=rng.choice([None, 2]))
        for cut in range(len(text)):
            part = text[:cut]
            assert parsed(part) is None
            assert mended(part) is None
            found = mended(part, complete=True)
            if found is not None:
                assert CUT in found.changes


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "b', {"a": "b"}),
        ('{"a": tru', {}),
        ('{"a": 1, "b', {"a": 1}),
        ('{"a": 1, "b":', {"a": 1}),
        ('{"a": [1, 2', {"a": [1]}),
        ('{"a": {"b": "c\\u00', {"a": {"b": "c"}}),
        ('```json\n{"a": [1, "x', {"a": [1, "x"]}),
    ],
)
def test_completing_makes_nothing_up(text: str, value: object) -> None:
    found = mended(text, complete=True)
    assert found is not None
    assert found.value == value
    assert CUT in found.changes
