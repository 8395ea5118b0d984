from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from legato.core.erasure import KeyDestroyed
from legato.core.errors import Forbidden, InvalidRequest, NotFound, StorageUnavailable
from legato.core.principal import Principal
from legato.core.registry import CANDIDATE, CHAMPION, Kind, ObjectName, Selector, digest_of
from legato.registry.prompts import PromptRegistry
from legato.registry.registry import sealing_context
from legato.routing.assignment import slices_of
from legato.storage.registry.records import LabelledVersion, RunningRollout, VersionRecord

if TYPE_CHECKING:
    from collections.abc import Callable


class Kept:
    """The database's side: labels of versions, in memory."""

    def __init__(self) -> None:
        self.number = 0
        self.labels: dict[tuple[str, str, str], VersionRecord] = {}
        self.is_away = False
        self.reads = 0
        self.running: list[RunningRollout] = []
        self.unlabelled: list[VersionRecord] = []
        self.found = 0

    def save(self, name: str, text: str) -> str:
        """Keep a version that no label points to; return its digest."""
        spec = {"messages": [{"role": "user", "content": text}], "route": "chat"}
        self.number += 1
        kept = version(name, spec, self.number)
        self.unlabelled.append(kept)
        return kept.digest

    def find(self, org: str, name: ObjectName, wanted: Selector) -> VersionRecord:
        self.found += 1
        if self.is_away:
            raise StorageUnavailable("away")
        digits = wanted.digest_prefix
        for one in self.unlabelled:
            by_digits = digits and one.digest.startswith(digits)
            if org == "o" and one.name == name and (by_digits or one.number == wanted.number):
                return one
        raise NotFound("none")

    def put(self, name: str, text: str, label: str = "production", org: str = "o") -> str:
        """Point a label to a version with this text; return its digest."""
        spec = {"messages": [{"role": "user", "content": text}], "route": "chat"}
        self.number += 1
        kept = version(name, spec, self.number)
        self.labels[org, name, label] = kept
        return kept.digest

    def roll_out(self, name: str, text: str, share_bp: int, label: str = "production") -> str:
        """Let a share of callers have a version with this text; return its digest."""
        spec = {"messages": [{"role": "user", "content": text}], "route": "chat"}
        self.number += 1
        candidate = version(name, spec, self.number)
        slices = slices_of({CANDIDATE: share_bp, CHAMPION: 10_000 - share_bp})
        arms = {CANDIDATE: candidate}
        rollout = RunningRollout("o", "r1", candidate.name, label, slices, arms)
        self.running = [rollout] if share_bp else []
        return candidate.digest

    def rollouts(self) -> list[RunningRollout]:
        return self.running

    def version(self) -> int:
        if self.is_away:
            raise StorageUnavailable("away")
        return self.number

    def read(self) -> tuple[int, list[LabelledVersion]]:
        self.reads += 1
        labelled = self.labels.items()
        return self.number, [LabelledVersion(org, label, one) for (org, _, label), one in labelled]


class Sealing:
    """Lets everything be read where it belongs, and counts how often."""

    def __init__(self) -> None:
        self.opened = 0
        self.destroyed = False

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        del org
        return context + b"\n" + data

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        del org
        self.opened += 1
        if self.destroyed:
            raise KeyDestroyed
        bound, _, data = sealed.partition(b"\n")
        if bound != context:
            raise ValueError("altered")
        return data


def version(name: str, spec: Any, number: int) -> VersionRecord:
    object_name = ObjectName(Kind.PROMPT, name)
    digest = digest_of(Kind.PROMPT, spec)
    sealed = Sealing().seal("o", msgspec.json.encode(spec), sealing_context(object_name, digest))
    return VersionRecord(object_name, digest, number, sealed, "a", "", 0)


def spec_of(text: str) -> Any:
    return {"messages": [{"role": "user", "content": text}], "route": "chat"}


async def in_thread(work: Callable[[], Any]) -> Any:
    await asyncio.sleep(0)
    return work()


def loaded(kept: Kept, sealing: Sealing | None = None) -> PromptRegistry:
    prompts = PromptRegistry(kept, sealing or Sealing(), in_thread)
    prompts.load()
    return prompts


def caller(*models: str, org: str = "o") -> Principal:
    names = frozenset(models or ("*",))
    return Principal(key_id="k", name="k", org=org, team="t", feature="f", models=names)


def text_of(prompts: PromptRegistry, model: str, principal: Principal | None = None) -> str:
    (message,) = prompts.resolve(model, principal or caller(), "").render({}).messages
    part: Any = message.parts[0]
    text: str = part.text
    return text


def test_a_version_is_named_by_label_number_or_digest() -> None:
    kept = Kept()
    old = kept.put("p", "old", "before")
    new = kept.put("p", "new")
    prompts = loaded(kept)
    for model in ("prompt:p", "prompt:p@production", "prompt:p@2", f"prompt:p@{new[:8]}"):
        assert text_of(prompts, model) == "new"
    for model in ("prompt:p@before", "prompt:p@1", f"prompt:p@{old}"):
        assert text_of(prompts, model) == "old"
    assert prompts.resolve("prompt:p", caller(), "").shown == f"prompt/p@{new[:12]}"


@pytest.mark.parametrize(
    ("model", "error", "told"),
    [
        ("prompt:q", NotFound, "There is no prompt 'prompt:q'; this key can call: prompt:p."),
        ("prompt:p@staging", NotFound, "no version 'staging' here; it has: canary (version 1)."),
        ("prompt:p@2", NotFound, "no version '2' here"),
        ("prompt:p@0123456789", NotFound, "no version '0123456789' here"),
        ("prompt:p", NotFound, "prompt:p has no label 'production' here; it has: canary"),
        ("prompt:p@", InvalidRequest, "a version stands behind @"),
        ("prompt:p@a b", InvalidRequest, "model: label: 'a b' can't be one"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(
    model: str, error: type[Exception], told: str
) -> None:
    kept = Kept()
    kept.put("p", "text", "canary")
    with pytest.raises(error) as refused:
        loaded(kept).resolve(model, caller(), "")
    assert told in str(refused.value)


def test_a_key_calls_the_prompts_it_names_and_sees_no_others() -> None:
    kept = Kept()
    kept.put("p", "p")
    kept.put("q", "q")
    prompts = loaded(kept)
    for models in (("prompt:p",), ("prompt:*",), ("*",)):
        assert text_of(prompts, "prompt:p", caller(*models)) == "p"
        assert text_of(prompts, "prompt:p@1", caller(*models)) == "p"
    with pytest.raises(Forbidden, match="may not call 'prompt:q'"):
        prompts.resolve("prompt:q", caller("prompt:p"), "")
    for version in ("nope", "7", "00000000", ""):
        with pytest.raises(Forbidden, match="may not call 'prompt:q'"):
            prompts.resolve(f"prompt:q@{version}", caller("prompt:p"), "")
    with pytest.raises(NotFound, match=r"can call: prompt:p\."):
        prompts.resolve("prompt:x", caller("prompt:p"), "")
    with pytest.raises(NotFound, match="can call: none"):
        prompts.resolve("prompt:p", caller(org="other"), "")


def test_organisations_have_prompts_of_the_same_name() -> None:
    kept = Kept()
    kept.put("p", "ours")
    kept.put("p", "theirs", org="other")
    prompts = loaded(kept)
    assert text_of(prompts, "prompt:p") == "ours"
    assert text_of(prompts, "prompt:p", caller(org="other")) == "theirs"


def test_what_is_compiled_is_opened_again_only_with_a_change() -> None:
    kept, sealing = Kept(), Sealing()
    kept.put("p", "p")
    prompts = loaded(kept, sealing)
    prompts.load()
    assert (kept.reads, sealing.opened) == (1, 1)
    kept.put("q", "q")
    prompts.load()
    assert (kept.reads, sealing.opened) == (2, 3)


def test_a_prompt_whose_key_was_destroyed_is_called_no_more() -> None:
    kept, sealing = Kept(), Sealing()
    kept.put("p", "p")
    prompts = loaded(kept, sealing)
    assert text_of(prompts, "prompt:p") == "p"
    sealing.destroyed = True
    kept.put("q", "q")
    prompts.load()
    with pytest.raises(StorageUnavailable):
        prompts.resolve("prompt:p", caller(), "").render({})


def test_a_prompt_that_cannot_be_read_leaves_the_others_in_force() -> None:
    kept = Kept()
    digest = kept.put("p", "p")
    kept.put("q", "q")
    broken = msgspec.structs.replace(kept.labels["o", "p", "production"], sealed=b"x\n{}")
    kept.labels["o", "p", "production"] = broken
    kept.labels["o", "r", "production"] = version("r", {"messages": "none"}, 3)
    prompts = loaded(kept)
    assert text_of(prompts, "prompt:q") == "q"
    with pytest.raises(StorageUnavailable, match=f"prompt/p@{digest[:12]} can't be read"):
        prompts.resolve("prompt:p", caller(), "").render({})
    with pytest.raises(StorageUnavailable):
        _ = prompts.resolve("prompt:r", caller(), "").route


async def test_changes_are_followed_and_the_last_snapshot_stays_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("legato.core.watching.POLL_S", 0)
    kept = Kept()
    prompts = PromptRegistry(kept, Sealing(), in_thread)
    with pytest.raises(StorageUnavailable, match="could not be loaded yet"):
        prompts.resolve("prompt:p", caller(), "")
    watching = asyncio.create_task(prompts.follow())
    try:
        for text in ("a", "b"):
            kept.put("p", text)
            await asyncio.sleep(0.01)
            assert text_of(prompts, "prompt:p") == text
        kept.is_away = True
        kept.put("p", "c")
        await asyncio.sleep(0.01)
        assert text_of(prompts, "prompt:p") == "b"
        kept.is_away = False
        await asyncio.sleep(0.01)
        assert text_of(prompts, "prompt:p") == "c"
    finally:
        watching.cancel()


async def looked_up(prompts: PromptRegistry, model: str, principal: Principal | None = None) -> str:
    """What a call of this name is answered with."""
    awaited = prompts.look_up(model, principal or caller())
    if awaited is not None:
        await awaited
    return text_of(prompts, model, principal)


async def test_a_version_that_is_named_itself_needs_no_label() -> None:
    kept = Kept()
    kept.put("p", "live")
    digest = kept.save("p", "draft")
    kept.save("q", "never live")
    prompts = loaded(kept)
    for model in ("prompt:p@2", f"prompt:p@{digest[:8]}"):
        assert await looked_up(prompts, model) == "draft"
    assert await looked_up(prompts, "prompt:q@3") == "never live"
    assert kept.found == 3
    for model in ("prompt:p@2", "prompt:p@1", "prompt:p", "prompt:p@production"):
        assert prompts.look_up(model, caller()) is None  # nothing has to be asked for


async def test_what_is_nowhere_is_asked_for_once_until_something_changes() -> None:
    kept = Kept()
    kept.put("p", "live")
    prompts = loaded(kept)
    for _ in range(3):
        with pytest.raises(NotFound, match="no version '7' here"):
            await looked_up(prompts, "prompt:p@7")
    assert kept.found == 1
    kept.number = 6
    kept.save("p", "seven")
    prompts.load()
    assert await looked_up(prompts, "prompt:p@7") == "seven"


async def test_only_who_may_call_a_prompt_has_it_looked_up() -> None:
    kept = Kept()
    kept.put("p", "live")
    kept.save("p", "draft")
    prompts = loaded(kept)
    with pytest.raises(Forbidden):
        await looked_up(prompts, "prompt:p@2", caller("prompt:q"))
    assert kept.found == 0
    with pytest.raises(NotFound):
        await looked_up(prompts, "prompt:p@2", caller(org="other"))


async def test_what_was_loaded_is_served_while_the_database_is_away() -> None:
    kept = Kept()
    digest = kept.put("p", "live")
    kept.save("p", "draft")
    prompts = loaded(kept)
    kept.is_away = True
    assert await looked_up(prompts, f"prompt:p@{digest[:8]}") == "live"
    with pytest.raises(StorageUnavailable):
        await looked_up(prompts, "prompt:p@2")


def test_a_rollout_gives_a_share_of_callers_the_candidate() -> None:
    kept = Kept()
    champion = kept.put("p", "old")
    candidate = kept.roll_out("p", "new", 2_500)
    prompts = loaded(kept)
    units = [f"user {number}" for number in range(2_000)]
    chosen = {unit: prompts.resolve("prompt:p", caller(), unit) for unit in units}
    arms = {one.arm: one.digest for one in chosen.values()}
    assert arms == {"r1/candidate": candidate, "r1/champion": champion}
    share = sum(one.digest == candidate for one in chosen.values()) / len(units)
    assert 0.22 < share < 0.28
    for unit in units[:50]:
        again = prompts.resolve("prompt:p@production", caller(), unit)
        assert (again.arm, again.digest) == (chosen[unit].arm, chosen[unit].digest)
    kept.roll_out("p", "new", 5_000)
    prompts.load()
    for unit in units:  # who has it keeps it
        if chosen[unit].digest == candidate:
            assert prompts.resolve("prompt:p", caller(), unit).digest == candidate


def test_an_experiment_divides_callers_among_several_versions() -> None:
    kept = Kept()
    kept.put("p", "old")
    weights = {"v2": 2_000, "v3": 3_000, CHAMPION: 5_000}
    arms = {arm: version("p", spec_of(arm), int(arm[1:])) for arm in ("v2", "v3")}
    name = ObjectName(Kind.PROMPT, "p")
    kept.running = [RunningRollout("o", "r1", name, "production", slices_of(weights), arms)]
    prompts = loaded(kept)
    found = [prompts.resolve("prompt:p", caller(), f"user {number}") for number in range(4_000)]
    assert {one.arm: one.number for one in found} == {"r1/v2": 2, "r1/v3": 3, "r1/champion": 1}
    for arm, weight in weights.items():
        share = sum(one.arm == f"r1/{arm}" for one in found) / len(found)
        assert abs(share - weight / 10_000) < 0.03


def test_a_version_that_is_named_itself_is_in_no_arm() -> None:
    kept = Kept()
    champion = kept.put("p", "old")
    kept.roll_out("p", "new", 10_000)
    prompts = loaded(kept)
    for model in (f"prompt:p@{champion[:8]}", "prompt:p@1"):
        found = prompts.resolve(model, caller(), "u")
        assert (found.digest, found.arm) == (champion, "")


def test_an_evaluation_is_in_no_arm_of_a_label_either() -> None:
    kept = Kept()
    champion = kept.put("p", "old")
    kept.roll_out("p", "new", 10_000)
    evaluation = msgspec.structs.replace(caller(), live=False)
    for model in ("prompt:p", "prompt:p@production"):
        found = loaded(kept).resolve(model, evaluation, "u")
        assert (found.digest, found.arm) == (champion, "")


def test_a_rollout_that_ends_leaves_its_label() -> None:
    kept = Kept()
    champion = kept.put("p", "old")
    kept.roll_out("p", "new", 10_000)
    prompts = loaded(kept)
    kept.roll_out("p", "new", 0)
    prompts.load()
    found = prompts.resolve("prompt:p", caller(), "u")
    assert (found.digest, found.arm) == (champion, "")
