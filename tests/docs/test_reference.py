"""What the program has, the reference names: settings, defaults, error codes."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest

import legato
from legato.app.checks.configuration import load, no_secret
from legato.core.config import CONFIG_VERSION, Config
from legato.core.errors import LegatoError

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
CONFIGURATION = (DOCS / "reference" / "configuration.md").read_text()
ERRORS = (DOCS / "reference" / "errors.md").read_text()
# A tree that stands in several places is described once, at the top.
DESCRIBED_AT_THE_TOP = {"timeouts", "retry"}
SECRET = {"env", "file", "vault", "hashicorp", "aws_secret"}


def struct_in(annotation: Any) -> tuple[type[msgspec.Struct] | None, bool]:
    """The configuration struct inside a type such as `list[Route]` or `Budget | None`."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation, False
    for inner in get_args(annotation):
        struct, _ = struct_in(inner)
        if struct is not None:
            return struct, getattr(annotation, "__origin__", None) is list
    return None, False


def settings(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(struct):
        if prefix and field.name in DESCRIBED_AT_THE_TOP:
            yield f"{prefix}{field.name}", field
            continue
        inner, many = struct_in(field.type)
        if inner is None or set(inner.__struct_fields__) == SECRET:
            yield f"{prefix}{field.name}", field
        else:
            yield from settings(inner, f"{prefix}{field.name}{'[]' if many else ''}.")


def described(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `([\w.\[\]]+)` \| (.+?) \|", text, re.MULTILINE))


def test_every_setting_is_described() -> None:
    paths = {path for path, _ in settings(Config)} - {"config_version"}
    assert "server.port" in paths
    assert "routes[].cache.ttl_s" in paths
    assert paths - described(CONFIGURATION).keys() == set()


def test_no_described_setting_is_gone() -> None:
    paths = {path for path, _ in settings(Config)}
    parents = {path.rpartition(".")[0] for path in paths}
    assert described(CONFIGURATION).keys() - paths - parents == set()


def test_plain_defaults_are_the_described_ones() -> None:
    stated = described(CONFIGURATION)
    wrong = {
        path: (stated[path], field.default)
        for path, field in settings(Config)
        if path in stated
        and isinstance(field.default, int | float)
        and stated[path].strip("`") != f"{field.default:g}".lower()
        and stated[path].strip("`") != str(field.default).lower()
    }
    assert wrong == {}


def every_error() -> set[type[LegatoError]]:
    for module in walk_packages(legato.__path__, "legato."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found: set[type[LegatoError]] = {LegatoError}
    waiting = [LegatoError]
    while waiting:
        subclasses = set(waiting.pop().__subclasses__()) - found
        found |= subclasses
        waiting.extend(subclasses)
    return {error for error in found if error.__module__.startswith("legato.")}


def test_every_error_code_is_described() -> None:
    codes = {error.code for error in every_error()}
    assert "budget_exceeded" in codes
    assert {code for code in codes if f"`{code}`" not in ERRORS} == set()


def test_described_statuses_and_retries_are_the_real_ones() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (yes|no) \|", ERRORS, re.MULTILINE)
    real = {error.code: (error.http_status, error.retryable) for error in every_error()}
    assert rows
    wrong = {
        code: (status, retry)
        for code, status, retry in rows
        if real.get(code) != (int(status), retry == "yes")
    }
    assert wrong == {}


def configurations() -> list[pytest.ParameterSet]:
    blocks = [
        (page, block)
        for page in sorted([*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")])
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        if "config_version:" in block
    ]
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for number, (page, block) in enumerate(blocks)
    ]


@pytest.mark.parametrize("block", configurations())
def test_every_configuration_shown_is_one_the_program_takes(block: str, tmp_path: Path) -> None:
    file = tmp_path / "legato.yaml"
    file.write_text(block.replace("kind: signed_vendor", "kind: anthropic"))  # the sample package's
    assert load(file, {}, secrets=no_secret).config.config_version == CONFIG_VERSION
