from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from legato.app.checks.configuration import load, no_secret, storage_secret
from legato.app.config.problems import ConfigProblems, Problem
from legato.core.config_parts import SecretRef
from legato.core.errors import ConfigInvalid

Write = Callable[[str], Path]
ISSUER_AT_NO_ADDRESS = """\
token_issuers:
  - {name: x, issuer: x, audience: a, keys: [{key: ci}], jwks_url: 'http://[x'}
"""
SHAPE = """\
config_version: 1
server: {host: 127.0.0.1, port: 8790}
providers:
  - {name: upstream, kind: openai_compatible, base_url: "http://127.0.0.1:9001/v1", api_key: {env: UPSTREAM_KEY}}
deployments:
  - {name: small, provider: upstream, model: small-1, price: {input_per_mtok: "0.15", output_per_mtok: "0.60"}}
  - {name: large, provider: upstream, model: large-1, price: {input_per_mtok: "5", output_per_mtok: "15"}}
routes:
  - {alias: chat, baseline: large, strategy: ordered, deployments: [small, large]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CI_KEY}}
"""  # noqa: E501 - the shape tools rely on, as published
SECRETS = {"UPSTREAM_KEY": "sk-upstream", "CI_KEY": "lg-ci"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(text: str) -> Path:
        file = tmp_path / "legato.yaml"
        file.write_text(text)
        return file

    return _write


def problems_of(
    file: Path, environment: Mapping[str, str] = SECRETS, **more: Any
) -> tuple[Problem, ...]:
    with pytest.raises(ConfigProblems) as caught:
        load(file, environment, **more)
    return caught.value.problems


def one_problem(file: Path, environment: Mapping[str, str] = SECRETS, **more: Any) -> str:
    (problem,) = problems_of(file, environment, **more)
    return str(problem)


def test_the_published_shape_loads(write: Write) -> None:
    loaded = load(write(SHAPE), SECRETS)
    assert loaded.config.routes[0].baseline == "large"
    assert loaded.config.deployments[0].price.input_per_mtok == "0.15"
    assert loaded.secret(SecretRef(env="CI_KEY")) == "lg-ci"


def test_without_a_file_the_defaults_hold() -> None:
    loaded = load(None, {})
    assert loaded.config.server.port == 8790
    assert loaded.sources == {}


def test_later_layers_win_and_are_named(write: Write) -> None:
    file = write(SHAPE)
    environment = SECRETS | {"LEGATO_SERVER__PORT": "9000", "LEGATO_SERVER__DRAIN_S": "2.5"}
    loaded = load(file, environment, {"server.port": (9100, "flag --port")})
    assert loaded.config.server.port == 9100
    assert loaded.config.server.drain_s == 2.5
    assert loaded.sources["server.port"] == "flag --port"
    assert loaded.sources["server.drain_s"] == "environment LEGATO_SERVER__DRAIN_S"
    assert loaded.sources["server.host"] == f"{file}:2:16"


def test_the_environment_reaches_into_lists(write: Write) -> None:
    environment = SECRETS | {
        "LEGATO_PROVIDERS__0__BASE_URL": "http://127.0.0.1:7/v1",
        "LEGATO_PROVIDERS__1__NAME": "second",
        "LEGATO_PROVIDERS__1__KIND": "anthropic",
    }
    loaded = load(write(SHAPE), environment)
    assert loaded.config.providers[0].base_url == "http://127.0.0.1:7/v1"
    assert loaded.config.providers[1].name == "second"


def test_an_unknown_variable_is_refused_and_a_secret_of_ours_is_not(write: Write) -> None:
    environment = SECRETS | {"LEGATO_SERVR__PORT": "1", "LEGATO_ADMIN_KEY": "lg-x"}
    said = one_problem(write(SHAPE), environment)
    assert "LEGATO_SERVR__PORT" in said
    assert "Did you mean `server`?" in said


def test_an_address_of_a_database_that_nothing_reads_is_told(write: Write) -> None:
    environment = SECRETS | {"LEGATO_DATABASE": "postgresql://u:p@db/legato"}
    said = one_problem(write(SHAPE), environment)
    assert "storage: {url: {env: LEGATO_DATABASE}}" in said
    assert "u:p" not in said
    named = write(SHAPE + "storage: {url: {env: LEGATO_DATABASE}}\n")
    assert load(named, environment).config.storage.url is not None


def test_a_variable_past_the_end_of_a_list_is_refused(write: Write) -> None:
    environment = SECRETS | {"LEGATO_PROVIDERS__7__NAME": "x"}
    assert "no such place" in one_problem(write(SHAPE), environment)


def test_every_problem_is_told_at_once_with_its_place(write: Write) -> None:
    file = write(
        "config_version: 1\n"
        "server: {prot: 1}\n"
        "deployments:\n"
        "  - {name: a, provider: up, model: m}\n"
        "  - name: b\n"
        "    provider: up\n"
        "    model: m\n"
        "    price: {input_per_mtok: cheap}\n"
        "    slots: 0\n"
    )
    said = [str(problem) for problem in problems_of(file)]
    assert len(said) == 3
    assert said[0].startswith(f"{file}:2:10: server.prot: unknown key")
    assert "Did you mean `port`?" in said[0]
    assert said[1].startswith(f"{file}:8:29: deployments[1].price.input_per_mtok: `cheap`")
    assert said[2].startswith(f"{file}:9:12: deployments[1].slots: 0 is out of range")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("port: 8790", "port: 70000", "Give a number <= 65535"),
        ("port: 8790", 'port: "8790"', "expected a whole number, found text"),
        ("port: 8790", "port: true", "expected a whole number, found true or false"),
        ("alias: chat", "alias: 7", "expected text, found a whole number"),
        ("alias: chat", "alias: 'a b'", "not a usable name"),
        ("alias: chat, ", "", "routes[0].alias: missing"),
        ("strategy: ordered", "strategy: orderd", "Did you mean `ordered`?"),
        ("deployments: [small, large]", "deployments: []", "an empty list"),
        ("deployments: [small, large]", "deployments: small", "expected a list, found text"),
        ("server: {host: 127.0.0.1, port: 8790}", "server: 8790", "expected a mapping"),
        ("deployments: [small, large]", "deployments: [smal]", "Did you mean `small`?"),
        ("deployments: [small, large]", "deployments: [small, small]", "listed twice"),
        ("baseline: large", "baseline: huge", "no deployment `huge`"),
        ("alias: chat", "alias: 'prompt:chat'", "`prompt:chat` would be a prompt"),
        ("alias: chat", "alias: small", "also the name of a deployment"),
        ("name: large", "name: small", "`small` is taken at"),
        ("kind: openai_compatible", "kind: openai_compatibel", "Did you mean `openai_compatible`"),
        ('base_url: "http://127.0.0.1:9001/v1", ', "", "providers[0].base_url: missing"),
        ("http://127.0.0.1:9001/v1", "ftp://127.0.0.1/v1", "not an http(s) address"),
        ("http://127.0.0.1:9001/v1", "http://169.254.169.254/v1", "link-local or metadata"),
        ("http://127.0.0.1:9001/v1", "http://2130706433/v1", "as four decimal numbers"),
        ("http://127.0.0.1:9001/v1", "http://[::ffff:127.0.0.1]/v1", "the IPv4 address itself"),
        ("routes:", "egress: {allow: [http://x/]}\nroutes:", "no host name, address or network"),
        ("routes:", "egress: {private: refuse}\nroutes:", "127.0.0.1 is at a private address"),
        ("http://127.0.0.1:9001/v1", "https://user:word@host/v1", "not an http(s) address"),
        ("http://127.0.0.1:9001/v1", "http://[nowhere/v1", "not an http(s) address"),
        ("routes:", ISSUER_AT_NO_ADDRESS + "routes:", "not an http(s) address"),
        ("{env: CI_KEY}", "{}", "exactly one of env, file, hashicorp and aws_secret"),
        ("{env: CI_KEY}", "{env: CI_KEY, file: x}", "names exactly one of env, file"),
        ("{env: CI_KEY}", "{vault: ci}", "names exactly one of env, file"),
        ("{env: UPSTREAM_KEY}", "{env: A, vault: b}", "aws_secret and vault"),
        ("{env: CI_KEY}", "{env: NO_KEY}", "NO_KEY is not set"),
        ("{env: CI_KEY}", "{file: /no/such}", "can't be read: no such file"),
        ("team: platform", "team: platform, models: [chta]", "Did you mean `chat`?"),
        ("name: ci", "name: ci, name: cd", "written twice, first at"),
        ("config_version: 1", "config_version: 2", "Install a newer Legato"),
        ("config_version: 1", "config_version: 0", "not a version"),
        ("config_version: 1\n", "", "config_version: missing"),
        ('"0.15"', '"0.1234567"', "at most 6 decimals"),
        ('"0.15"', "1e-3", "not an amount of dollars"),
        ("alias: chat", "alias: !!python/name:os.system", "is not read"),
    ],
)
def test_a_problem_names_its_remedy(write: Write, old: str, new: str, said: str) -> None:
    assert old in SHAPE
    found = problems_of(write(SHAPE.replace(old, new)))
    assert any(said in str(problem) for problem in found), [str(problem) for problem in found]


def test_broken_yaml_is_placed(write: Write) -> None:
    assert "legato.yaml:4:1: this is not valid YAML" in one_problem(
        write("config_version: 1\nserver:\n  a: [\n")
    )


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert "no such file" in one_problem(tmp_path / "nowhere.yaml")


def test_expanding_aliases_end(write: Write) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    assert "more than" in one_problem(write("\n".join(lines)))


@pytest.mark.parametrize(
    ("scorers", "said"),
    [
        ("[{use: judg}]", "scorers[0].use: name one of"),
        ("[{use: regex}]", "scorers[0].pattern"),
        ("[{use: exact}]", "no scorer is called `grader`"),
        ("[]", "an empty list"),
    ],
)
def test_scorers_of_live_answers_are_read_at_the_start(
    write: Write, scorers: str, said: str
) -> None:
    policy = f"{{name: p, key: ci, usd_per_day: '1', feedback: grader, scorers: {scorers}}}"
    found = problems_of(write(f"{SHAPE}live_scoring: [{policy}]\n"))
    assert any(said in str(problem) for problem in found), [str(problem) for problem in found]


@pytest.mark.parametrize("written", ["0.15", "0.150", "3", "10.000001"])
def test_money_without_quotes_keeps_its_digits(write: Write, written: str) -> None:
    loaded = load(write(SHAPE.replace('"0.15"', written)), SECRETS)
    assert loaded.config.deployments[0].price.input_per_mtok == written


def test_a_date_in_a_model_name_stays_text(write: Write) -> None:
    loaded = load(write(SHAPE.replace("model: small-1", "model: 2026-08-06")), SECRETS)
    assert loaded.config.deployments[0].model == "2026-08-06"


def test_secrets_are_never_shown(write: Write, tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text("from-a-file\n")
    text = SHAPE.replace("{env: CI_KEY}", f"{{file: {secret_file}}}")
    loaded = load(write(text), SECRETS)
    reference = SecretRef(file=str(secret_file))
    assert loaded.secret(reference) == "from-a-file"
    shown = f"{loaded!r} {loaded.secrets[reference]} {loaded.secrets!r}"
    assert "from-a-file" not in shown
    assert "sk-upstream" not in shown


def test_commands_read_only_the_secrets_they_need(write: Write) -> None:
    text = SHAPE + "storage: {url: {env: DB_URL}}\n"
    file = write(text)
    assert load(file, {}, secrets=no_secret).secrets == {}
    assert "DB_URL is not set" in one_problem(file, {}, secrets=storage_secret)
    loaded = load(file, {"DB_URL": "postgresql://x"}, secrets=storage_secret)
    assert loaded.secret(loaded.config.storage.url) == "postgresql://x"
    assert loaded.secret(None) is None


def test_the_hash_follows_settings_and_not_secrets_or_layout(write: Write) -> None:
    first = load(write(SHAPE), SECRETS).content_hash
    assert load(write(SHAPE + "\n# a remark\n"), SECRETS | {"CI_KEY": "b"}).content_hash == first
    assert load(write(SHAPE.replace("0.15", "0.16")), SECRETS).content_hash != first


def test_problems_are_an_operator_error(write: Write) -> None:
    with pytest.raises(ConfigInvalid, match="has 1 problem"):
        load(write(SHAPE), {"CI_KEY": "x"})


def test_an_empty_file_is_the_defaults(write: Write) -> None:
    assert load(write(""), {}).config.server.host == "127.0.0.1"
    assert isinstance(write("- a"), Path)
    assert "not a mapping" in one_problem(write("- a"))
