"""What an organisation has that the control API names by an id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from running import ADMIN

from legato.core.clock import SystemClock
from legato.core.guard_samples import Sample
from legato.core.ids import IdSource
from legato.core.kept_maps import MapHead
from legato.core.tenant import Tenant
from legato.storage.database.engine import open_engine
from legato.storage.evaluation.live_scores import Alarm, LiveScore, LiveScores, Watched
from legato.storage.kept.guard_samples import GuardSampleIntake, SealedSample
from legato.storage.kept.kept_maps import Asking, KeptMapIntake, KeptMaps, SealedMap
from legato.storage.registry.holdouts import HoldoutStore
from legato.storage.registry.proposals import NewProposal, ProposalStore

if TYPE_CHECKING:
    from running import RunningLegato

V1 = "/api/v1"


def made(legato: RunningLegato, path: str, body: Any, key: str = ADMIN, **headers: str) -> Any:
    answer = legato.post(V1 + path, body, key, headers)
    assert answer.status in {200, 201}, answer.body
    return answer.json


def roles(legato: RunningLegato, org: str, feature_id: str, key: str) -> dict[str, str]:
    """A role of its own, and a key that has it."""
    role = {"name": f"role-of-{org}", "permissions": ["control:ledger:read"]}
    made(legato, "/roles", role, key)
    subject = made(legato, "/keys", {"feature_id": feature_id}, key)["key"]["id"]
    wish = {"subject_kind": "key", "subject_id": subject, "role": role["name"], "org": org}
    return {"role": role["name"], "binding_id": made(legato, "/role-bindings", wish, key)["id"]}


def budget(legato: RunningLegato, org: str, key: str) -> str:
    made_one = made(legato, "/budgets", {"name": f"of-{org}", "org": org, "usd": "1000"}, key)
    found: str = made_one["id"]
    return found


def evaluation(legato: RunningLegato, org: str, key: str) -> str:
    cases = legato.data / f"{org}.jsonl"
    cases.write_text('{"input": "Hi"}\n')
    legato.command("datasets", "import", "few", str(cases), "--org", org, "--label", "draft")
    suite = {"dataset": "few@draft", "models": ["chat"], "scorers": [{"use": "exact"}]}
    found: str = made(legato, "/evaluations", {"suite": suite}, key)["id"]
    return found


def review(legato: RunningLegato, key: str) -> str:
    levels = [{"value": 1, "meaning": "wrong"}, {"value": 5, "meaning": "right"}]
    rubric = {"criteria": [{"name": "right", "question": "Is it right?", "levels": levels}]}
    version = {"spec": {"model": "small", "rubric": rubric}, "labels": ["production"]}
    made(legato, "/registry/objects/judge/grader/versions", version, key)
    wish = {"judge": "grader", "items": [{"answer": "Hello"}]}
    found: str = made(legato, "/reviews", wish, key)["ids"][0]
    return found


def alarm(legato: RunningLegato, org: str) -> str:
    """Raised by a score that is put beside the program: drift takes many answers."""
    ids = IdSource(SystemClock())
    raised = Alarm(ids.new(), "p", "judge", "v", 1, "{}")
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    LiveScores(engine, Tenant(org)).put(
        LiveScore(
            id=ids.new(), policy="p", scorer="judge", request_id=ids.new(), versions="v",
            deployment="small", at_ns=1, value=0.0, sealed=b"", cost=None, scored_at_ns=1,
        ),
        lambda _: Watched("alarmed", raised),
    )  # fmt: skip
    engine.dispose()
    return raised.id


def holdout(legato: RunningLegato, org: str) -> str:
    """Begun beside the program: the API wants traffic that tells what it will cost."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    clock = SystemClock()
    begun = HoldoutStore(engine, clock, IdSource(clock), Tenant(org)).start("chat", 1, "ann", "")
    engine.dispose()
    return begun.id


def guard_sample(legato: RunningLegato, org: str) -> str:
    """Found beside the program: it takes a policy and traffic."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    found = Sample(
        id=IdSource(SystemClock()).new(), at_ns=1, expires_at_ns=2**62, text_until_ns=0, org=org,
        request_id="r", end_user="", policy="p", version="v", rule="r", label="PERSON",
        detector="names", action="flag", mode="enforce", place="input", pointer="/input", first=0,
        last=1, score=0.9, at_least=0.5, point=1,
    )  # fmt: skip
    GuardSampleIntake(engine, 9).put([SealedSample(found, b"")])
    engine.dispose()
    return found.id


def kept_map(legato: RunningLegato, org: str, request_id: str) -> None:
    """Kept and read beside the program: it takes a policy that says so."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    head = MapHead(
        org=org, request_id=request_id, end_user="", at_ns=1, expires_at_ns=2**62, policies=("v",),
        who=None, count=1,
    )  # fmt: skip
    KeptMapIntake(engine).put([SealedMap(head, b"")])
    clock = SystemClock()
    KeptMaps(engine, clock, IdSource(clock), Tenant(org)).read(request_id, Asking("a", None, b""))
    engine.dispose()


def proposal(legato: RunningLegato, org: str) -> str:
    """Made beside the program: it follows from a vendor's change."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    clock = SystemClock()
    store = ProposalStore(engine, clock, IdSource(clock), Tenant(org))
    offered = store.offer(NewProposal("d", "price", "small", "{}", "[]", None, "less"), "ann")
    engine.dispose()
    return offered.id
