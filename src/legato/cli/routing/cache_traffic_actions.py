"""What `legato cache what-if` and `legato cache warm` do: recorded requests, met by the cache."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import msgspec

from legato.app.caches.cache_traffic import Met, Traffic, logged, warmed
from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.route_preview import unserved_routes
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.guards.told_answers import told_answers
from legato.app.models.served_models import ServedModels
from legato.app.models.vaults import open_data_keys
from legato.cache.semantic.entry import names
from legato.cache.semantic.sealing import seal
from legato.cli.options import print_json
from legato.cli.spans import Moment
from legato.core.clock import SystemClock
from legato.core.config_cache import SemanticCache
from legato.core.errors import NotFound, OperatorError
from legato.core.ids import IdSource
from legato.core.money import NanoUSD, display_usd
from legato.core.principal import Principal
from legato.core.semantic_records import Kept
from legato.core.tenant import Tenant
from legato.embedding.base import KINDS, Embedder
from legato.embedding.loading import load_embedder
from legato.evaluation.cache_what_if import Recording, WhatIf
from legato.gateway.directory import Route
from legato.gateway.semantic.asked import NotEligible
from legato.insights.captures import Capture, Captures
from legato.matching.bound import BoundSettings
from legato.matching.verifier import trust_in
from legato.storage.kept.captures import CaptureFilter
from legato.storage.tenants.key_records import principal
from legato.vault.envelope import Envelopes

_AT_ONCE: Final = 100
_MIB: Final = 1024 * 1024
_SEED: Final = 1


class _Opened(NamedTuple):
    """What both commands work with."""

    instance: Instance
    stored: StoredData
    said: SemanticCache
    routes: dict[str, Route]
    keys: dict[str, Principal]
    sealing: Envelopes
    org: str

    @property
    def traffic(self) -> Traffic:
        """Return what takes captures apart."""
        return Traffic(self.routes, self.keys, SystemClock())

    def captures(self, since: Moment | None, until: Moment | None) -> Iterator[Capture]:
        """Yield what is captured, oldest first."""
        now_ns = SystemClock().now_ns()
        wanted = CaptureFilter(
            since_ns=since.before(now_ns) if since else None,
            until_ns=until.before(now_ns) if until else None,
        )
        self.stored.reads(self.org, "capture.read", used_for="cache")
        return Captures(self.stored.captures(Tenant(self.org)), self.sealing).all(wanted)

    def embedder(self, kind: str | None) -> Embedder:
        """Return one that runs here. Raises EmbedderUnavailable, OperatorError."""
        named = kind or self.said.embedder
        if named not in KINDS:
            told = f"{named} is a deployment: say --embedder, one of {', '.join(KINDS)}"
            raise OperatorError(told)
        return load_embedder(named, self.instance.data.models)


@contextmanager
def _opened(config_file: Path | None, data: Path, org: str) -> Iterator[_Opened]:
    instance = find_instance(data, config_file)
    said = instance.loaded.config.cache.semantic
    if said is None:
        raise OperatorError("the configuration has no `cache.semantic`")
    with stored_data(instance) as stored:
        keys = {one.id: principal(one, None) for one in stored.keys().list() if one.spec.org == org}
        sealing = Envelopes(open_data_keys(instance.loaded, instance.data, stored.data_keys()))
        config = stored.served(instance).config
        unpriced = ServedModels(config, dict.fromkeys(one.name for one in config.deployments))
        routes = dict(unserved_routes(unpriced, weights=instance.data.models))
        yield _Opened(instance, stored, said, routes, keys, sealing, org)


def what_if(
    config_file: Path | None,
    data: Path,
    *,
    org: str,
    as_json: bool,
    route: str | None,
    embedder: str | None,
    since: Moment | None,
    until: Moment | None,
    **bounds: Any,
) -> None:
    """Print what another bound would have done with what was captured."""
    with _opened(config_file, data, org) as opened:
        traffic = opened.traffic
        met = [logged(one) for one in traffic.met(opened.captures(since, until), route)]
        if not met:
            raise OperatorError(f"nothing captured can be looked up: {_counted(traffic.left_out)}")
        model = opened.embedder(embedder)
        trust = trust_in(model.name)
        settings = BoundSettings(**bounds, evidence=trust.evidence, prior=trust.prior)
        recording = Recording(met, model.embed([one.text for one in met]), model.name)
        memory = opened.said.memory_mib * _MIB
        least, most = (
            recording.replay(settings, memory, _SEED, differing_is_right=right)
            for right in (False, True)
        )
    told = {
        "embedder": model.name,
        "bound": settings.bound,
        "left_out": dict(traffic.left_out),
        "differing_is_wrong": msgspec.to_builtins(least),
        "differing_is_right": msgspec.to_builtins(most),
    }
    if as_json:
        print_json(told)
        return
    _print(settings, traffic.left_out, least, most)


def _print(settings: BoundSettings, left_out: Counter[str], least: WhatIf, most: WhatIf) -> None:
    click.echo(f"{least.requests} requests looked up, {least.exact} the exact cache's")
    if left_out:
        click.echo(f"left out: {_counted(left_out)}")
    for one, words in (
        (least, "answers in other words taken for wrong"),
        (most, "answers in other words taken for right"),
    ):
        saved, cost = (display_usd(NanoUSD(value)) for value in (one.saved, one.cost))
        share = one.hits / max(one.requests, 1)
        click.echo(
            f"bound {settings.bound:g}, {words}: {one.hits} hits ({share:.1%}), {one.same_words} "
            f"in the same words, {one.checked} checked; ${saved} of ${cost} saved"
        )


def warm(
    config_file: Path | None,
    data: Path,
    *,
    org: str,
    file: Path | None,
    from_captures: bool,
    key: str | None,
    route: str | None,
    **when: Moment | None,
) -> None:
    """Keep recorded answers as entries; `when` narrows captures, `since` and `until`."""
    if (file is None) == (not from_captures):
        raise OperatorError("say a file or --from-captures: one of them")
    with _opened(config_file, data, org) as opened:
        traffic = opened.traffic
        if file is None:
            count = _keep(opened, traffic, traffic.met(opened.captures(**when), route))
        else:
            named = _named(opened, key, route)
            with file.open("rb") as lines:
                told = told_answers(
                    lines,
                    *named,
                    new_id=IdSource(SystemClock()).new,
                    now_ns=SystemClock().now_ns(),
                )
                count = _keep(opened, traffic, traffic.met(told))
    click.echo(f"{count} {'entry' if count == 1 else 'entries'} warmed")
    if traffic.left_out:
        click.echo(f"left out: {_counted(traffic.left_out)}")


def _named(opened: _Opened, key: str | None, route: str | None) -> tuple[Route, Principal]:
    """Return the route and the key of a file's questions. Raises NotFound, OperatorError."""
    if key is None or route is None:
        raise OperatorError("of a file say --route and --key: for whom its answers are")
    if route not in opened.routes:
        raise NotFound(f"There is no route {route!r}.", param="route")
    found = next((one for one in opened.keys.values() if key in {one.name, one.key_id}), None)
    if found is None:
        raise NotFound(f"There is no key {key!r} in {opened.org}.", param="key")
    return opened.routes[route], found


def _keep(opened: _Opened, traffic: Traffic, met: Iterator[Met]) -> int:
    """Write entries that aren't there yet, sealed; return how many."""
    model = opened.embedder(None)
    store, ids = opened.stored.semantic_entries(), IdSource(SystemClock())
    purges = [(one.at_ns, one.selection) for one in store.purges(-1)]
    count, seen = 0, set[tuple[bytes, str]]()
    while some := list(islice(met, _AT_ONCE)):
        kept = []
        for one in some:
            question = (one.asked.partition, one.asked.text)
            try:
                entry = warmed(one, ids.new(), SystemClock().now_ns())
            except NotEligible as why:
                traffic.left_out[str(why)] += 1
                continue
            gone = (names(what, entry) for at, what in purges if entry.created_ns <= at)
            reason = "asked_again" if question in seen else "purged" if any(gone) else ""
            if reason:
                traffic.left_out[reason] += 1
                continue
            seen.add(question)
            sealed = seal(opened.sealing, entry, model.embed([entry.text])[0])
            origin = (entry.request_id, entry.user)
            kept.append(
                Kept(entry.id, entry.org, entry.created_ns, entry.expires_ns, sealed, *origin)
            )
        count += store.warm(model.name, opened.org, kept)
    return count


def _counted(left_out: Counter[str]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in left_out.most_common()) or "none"
