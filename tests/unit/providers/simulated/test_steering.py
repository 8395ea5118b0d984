import pytest

from legato.providers.simulated.refusal import Refusal
from legato.providers.simulated.settings import Behaviour
from legato.providers.simulated.steering import steered


def test_short_forms() -> None:
    behaviour = steered(
        Behaviour(),
        [("cut-after", "5"), ("cut-style", "eof"), ("stall-s", "2"), ("wrong-usage", "zero")],
    )
    assert (behaviour.cut_rate, behaviour.cut_after_events, behaviour.cut_style) == (1, 5, "eof")
    assert (behaviour.stall_rate, behaviour.stall_s) == (1, 2)
    assert (behaviour.wrong_usage_rate, behaviour.wrong_usage_shape) == (1, "zero")
    assert steered(Behaviour(), [("status", "429")]).rate429 == 1
    failing = steered(Behaviour(fault_calls_max=0), [("status", "502")])
    assert (failing.error_rate, failing.error_status, failing.fault_calls_max) == (1, 502, None)
    assert steered(Behaviour(), [("call-tool", "true")]).tool_call_marker == ""


def test_any_field_by_its_name() -> None:
    behaviour = steered(Behaviour(), [("latency-ms", "12.5"), ("output-tokens", "7")])
    assert (behaviour.latency_ms, behaviour.output_tokens) == (12.5, 7)


@pytest.mark.parametrize("pair", [("nonsense", "1"), ("status", "200"), ("latency-ms", "soon")])
def test_bad_headers_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(Refusal):
        steered(Behaviour(), [pair])
