from pathlib import Path

from legato.core.clock import ManualClock
from legato.providers.local.bench import BenchResult
from legato.providers.local.measured import FILE, keep, kept, measured, this_machine
from legato.providers.local.options import LocalModelSettings

RESULT = BenchResult(
    rounds=1, slots=2, prompt_tokens=500, generated_tokens=64, prompt_per_s=400.0,
    prompt_per_s_spread=(390.0, 410.0), generation_per_s=50.0, generation_per_s_spread=(49.0, 51.0),
    all_slots_generation_per_s=80.0, first_token_ms=20.0,
)  # fmt: skip


def test_what_was_measured_is_kept_with_its_machine_in_order(tmp_path: Path) -> None:
    assert kept(tmp_path / "data") == []
    clock = ManualClock()
    for name in ("smollm2-135m", "other"):
        keep(tmp_path / "data", measured(LocalModelSettings(model=name), RESULT, clock))
    found = kept(tmp_path / "data")
    assert [one.model for one in found] == ["smollm2-135m", "other"]
    assert found[0].result == RESULT
    assert found[0].machine == this_machine()
    assert found[0].machine.cpus >= 1


def test_a_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    keep(tmp_path, measured(LocalModelSettings(model="m"), RESULT, ManualClock()))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"model": "half')
    assert [one.model for one in kept(tmp_path)] == ["m"]


def test_a_file_of_weights_is_named_without_its_folder() -> None:
    settings = LocalModelSettings(path="/somewhere/private/w.gguf")
    assert measured(settings, RESULT, ManualClock()).model == "w.gguf"
