"""Starts the operator's configuration beside the real instance, and runs the cases on it."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from legato.app.checks.configuration import load, no_secret
from legato.app.checks.instance import Instance
from legato.app.config.data_dir import DataDir
from legato.app.config.environment import environment
from legato.app.processes.endpoints import read_endpoints
from legato.cli.demo.server import Server, running
from legato.cli.security_check import (
    access_cases,
    audit_cases,
    body_cases,
    canary_case,
    console_case,
    erasure_case,
    identity_cases,
    masking_cases,
    tool_cases,
    upload_case,
)
from legato.cli.security_check.bench import OK, Bench
from legato.cli.security_check.configuration import (
    Caller,
    Keys,
    Urls,
    issuer_of,
    provider_of,
    write_configuration,
)
from legato.cli.security_check.identity_server import IdentityServer
from legato.cli.security_check.masking_cases import Judged
from legato.cli.security_check.model_server import ModelServer
from legato.cli.security_check.probes import Probed, guarded_caller, probe
from legato.cli.security_check.registry import with_registry
from legato.cli.security_check.verdicts import Result, Verdict, not_proven
from legato.core.config import Config
from legato.core.errors import OperatorError

TITLES: Final = MappingProxyType(
    {
        1: "a placeholder split one character a chunk is restored",
        2: "text in a placeholder's form is left alone",
        3: "a placeholder the model invents stays",
        4: "another tenant's placeholder is never restored",
        5: "a placeholder that is cut stays cut",
        6: "every place of a request is redacted",
        7: "restored arguments of tools are valid JSON",
        8: "characters split over packets are exact",
        9: "disguised values are caught",
        10: "a detector that fails stops the request",
        11: "retries and fallbacks see masked text",
        12: "a cache gives nothing of another caller",
        13: "an output rule holds on streams",
        14: "look-alikes are left alone",
        15: "1 MB of a@a@ costs under a second",
        16: "an endless body is refused",
        17: "JSON 100,000 levels deep is refused",
        18: "a second model is refused",
        19: "NaN, huge integers, lone surrogates are refused",
        20: "a gzip bomb is refused",
        21: "inner addresses are refused",
        22: "names that change addresses are refused",
        23: "expressions stay letters or are refused",
        24: "strange keys are unknown keys",
        25: "a caller can't change its own rights",
        26: "another tenant's ids aren't there",
        27: "every route asks for a key",
        28: "forged headers change nothing",
        29: "forged JSON web tokens are refused",
        30: "forged redirections of a login are refused",
        31: "other origins may do nothing",
        32: "planted keys and prompts are nowhere",
        33: "names of uploads lead nowhere",
        34: "the API starts no command",
        35: "a model's output is inert in the console",
        36: "a changed audit log is noticed",
        37: "nothing passes when audit can't be written",
        38: "what is erased can't be read",
        39: "truncated JSON isn't silently completed",
        40: "an injected tool result gets no tool",
    }
)
_MASKING: Final[Mapping[int, Callable[[Bench, Probed], Judged]]] = MappingProxyType(
    {
        1: masking_cases.restored,
        2: masking_cases.like_ones,
        3: masking_cases.invented,
        4: masking_cases.foreign,
        5: masking_cases.cut,
        7: masking_cases.valid_arguments,
        8: masking_cases.split_characters,
    }
)
_OTHERS: Final[Mapping[int, Callable[[Bench], Judged]]] = MappingProxyType(
    {
        10: body_cases.broken_detector,
        13: body_cases.answers_on_their_way,
        14: body_cases.look_alikes,
        15: body_cases.endless_addresses,
        16: body_cases.endless_body,
        17: body_cases.deep,
        18: body_cases.twice,
        19: body_cases.strict,
        20: body_cases.bomb,
        21: access_cases.inner_addresses,
        22: access_cases.names_in_addresses,
        23: body_cases.expressions,
        24: access_cases.strange_keys,
        25: access_cases.own_rights,
        26: access_cases.foreign_ids,
        27: access_cases.without_key,
        28: access_cases.forged_headers,
        29: identity_cases.forged_tokens,
        30: identity_cases.forged_redirections,
        31: identity_cases.other_origins,
        33: upload_case.uploads,
        34: tool_cases.commands,
        35: console_case.inert,
        36: audit_cases.tampered,
        38: erasure_case.erased,
        39: body_cases.truncated,
        40: tool_cases.injected_tools,
    }
)


class Wanted(msgspec.Struct, frozen=True):
    """Whose requests are tried, as far as the command line says it."""

    fields: dict[str, str]
    route: str | None = None
    values: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """What was tried, as whom, what differed from the operator's instance, and the verdicts."""

    caller: Caller
    route: str
    changed: list[str]
    cases: list[Result]


def check(
    data_folder: Path, config_file: Path | None, wanted: Wanted, said: Callable[[str], None]
) -> Report:
    """Run the cases on a configuration. Nothing of the operator's is called or changed.

    Raises:
        ConfigInvalid: the configuration can't be read.
        OperatorError: it names no model, or the program didn't start with it.
    """
    config = load(config_file, environment(), secrets=no_secret).config
    config, told = with_registry(config, data_folder, config_file)
    caller, route = _who(config, wanted)
    keys, models, identity = Keys(), ModelServer(), IdentityServer()
    with (
        tempfile.TemporaryDirectory(prefix="legato-security-") as name,
        models.serving(),
        identity.serving(),
    ):
        folder, urls = Path(name), Urls(models.url, identity.url)
        file, changed = write_configuration(config, folder, urls, caller=caller, keys=keys)
        data = DataDir(folder / "data")
        data.create()
        instance = Instance(data, file, load(file, {}))
        server = Server(instance, log=folder / "log")
        with running(server):
            said("Starting your configuration beside the real instance ...")
            url = server.await_ready()
            endpoints = read_endpoints(data)
            bench = Bench(
                config=config,
                caller=caller,
                keys=keys,
                route=route,
                url=url,
                models=models,
                identity=identity,
                issuer=issuer_of(config),
                provider=provider_of(config),
                endpoints=endpoints,
                folder=folder,
                pid=server.pid,
            )
            _await_key(bench)
            probed = probe(bench, wanted.values)
            results = dict(_run(bench, probed, said))
            given_away = canary_case.plant(bench)
            canary_case.keep_metrics(bench)
        results[32] = canary_case.search(bench, probed, given_away)
    cases = [Result(case, TITLES[case], *results[case]) for case in sorted(TITLES)]
    return Report(caller, route, [*changed, *told], cases)


def _who(config: Config, wanted: Wanted) -> tuple[Caller, str]:
    caller, route = guarded_caller(config)
    caller = msgspec.structs.replace(caller, **wanted.fields)
    names = [one.alias for one in config.routes] + [one.name for one in config.deployments]
    if not names:
        raise OperatorError("The configuration names no deployment, so there is nothing to ask.")
    named = wanted.route or route or names[0]
    if named not in names:
        raise OperatorError(f"The configuration has no route or deployment {named!r}.")
    return caller, named


def _await_key(bench: Bench) -> None:
    """Raise OperatorError where the caller's key isn't taken."""
    answer = bench.send("GET", "/v1/models", None, {"authorization": f"Bearer {bench.keys.caller}"})
    if answer.status != OK:
        raise OperatorError(f"The key of this run was refused: {answer.code}.")


def _run(
    bench: Bench, probed: Probed, said: Callable[[str], None]
) -> Iterator[tuple[int, tuple[Verdict, str]]]:
    without, leaking = masking_cases.unmasked(probed), masking_cases.leaking(probed)
    for case, masking in _MASKING.items():
        said(f"Case {case} ...")
        yield case, without or _judged(masking, bench, probed)
    for case, about in (
        (6, masking_cases.every_place),
        (9, masking_cases.disguised),
    ):
        said(f"Case {case} ...")
        if probed.masked or probed.blocked:
            yield case, _judged(about, bench, probed)
        else:
            yield case, leaking or without or not_proven("no value could be sent")
    for case, judge in _OTHERS.items():
        said(f"Case {case} ...")
        yield case, _judged(judge, bench)
    yield 12, _judged(masking_cases.cached, bench, probed)
    yield 11, leaking or without or _judged(masking_cases.elsewhere, bench, probed)
    said("Case 37 ...")
    yield 37, _judged(audit_cases.unwritable, bench)  # last: what it takes away may be missed


def _judged(judge: Callable[..., Judged], *given: Any) -> Judged:
    """Run a case; an answer of a form that it can't read is a verdict, too."""
    try:
        return judge(*given)
    except (KeyError, IndexError, TypeError, ValueError, OSError) as error:
        return Verdict.FAILED, f"an answer had an unexpected form ({type(error).__name__})"
