from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from legato.core.errors import Forbidden, InvalidRequest, NotFound, StorageUnavailable
from legato.core.principal import Principal
from legato.core.registry import Kind, ObjectName, digest_of
from legato.registry.prompts import PromptRegistry
from legato.registry.registry import sealing_context
from legato.storage.registry_records import LabelledVersion, RunningRollout, VersionRecord

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
        rollout = RunningRollout("o", "r1", candidate.name, label, candidate, share_bp)
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

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        del org
        return context + b"\n" + data

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        del org
        self.opened += 1
        bound, _, data = sealed.partition(b"\n")
        if bound != context:
            raise ValueError("altered")
        return data


def version(name: str, spec: Any, number: int) -> VersionRecord:
    object_name = ObjectName(Kind.PROMPT, name)
    digest = digest_of(Kind.PROMPT, spec)
    sealed = Sealing().seal("o", msgspec.json.encode(spec), sealing_context(object_name, digest))
    return VersionRecord(object_name, digest, number, sealed, "a", "", 0)


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


def test_nothing_is_read_or_opened_twice() -> None:
    kept, sealing = Kept(), Sealing()
    kept.put("p", "p")
    prompts = loaded(kept, sealing)
    prompts.load()
    assert (kept.reads, sealing.opened) == (1, 1)
    kept.put("q", "q")
    prompts.load()
    assert (kept.reads, sealing.opened) == (2, 2)


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
    monkeypatch.setattr("legato.registry.prompts.POLL_S", 0)
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


def test_a_version_that_is_named_itself_is_in_no_arm() -> None:
    kept = Kept()
    champion = kept.put("p", "old")
    kept.roll_out("p", "new", 10_000)
    prompts = loaded(kept)
    for model in (f"prompt:p@{champion[:8]}", "prompt:p@1"):
        found = prompts.resolve(model, caller(), "u")
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
