from __future__ import annotations

import re
import socket
import tomllib
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from pytest_socket import SocketConnectBlockedError

if TYPE_CHECKING:
    from pathlib import Path

MARKED = re.compile(r"mark\.(soak|chaos|frameworks|alone)\b")


def module_missing_for(test: Path, root: Path) -> Path | None:
    """The module a unit test should mirror, when there is none."""
    folder = test.relative_to(root / "tests" / "unit").parent
    wanted = root / "src" / "legato" / folder / test.name.removeprefix("test_")
    package = wanted.with_suffix("")
    return None if wanted.is_file() or package.is_dir() else wanted


def test_every_unit_test_mirrors_a_module(tree: list[Path], root: Path) -> None:
    tests = [path for path in tree if path.is_relative_to(root / "tests" / "unit")]
    tests = [path for path in tests if path.name.startswith("test_")]
    assert tests
    missing = {str(path): module_missing_for(path, root) for path in tests}
    assert {test: module for test, module in missing.items() if module is not None} == {}


def test_a_unit_test_without_a_module_is_seen(root: Path) -> None:
    unit = root / "tests" / "unit"
    assert module_missing_for(unit / "core" / "test_tasks.py", root) is None
    assert module_missing_for(unit / "core" / "test_nothing.py", root) is not None


def test_test_files_have_a_name_pytest_collects(tree: list[Path], root: Path) -> None:
    python = [path for path in tree if path.is_relative_to(root / "tests") and path.suffix == ".py"]
    strays = [path for path in python if not path.name.startswith("test_") and has_tests(path)]
    assert strays == []


def test_marks_of_the_soak_stand_in_files_of_tests(tree: list[Path], root: Path) -> None:
    """`tools/soak` finds its files by them."""
    python = [path for path in tree if path.is_relative_to(root / "tests") and path.suffix == ".py"]
    marked = [path for path in python if MARKED.search(path.read_text())]
    assert [path for path in marked if not path.name.startswith("test_")] == []
    assert len(marked) > 10


def has_tests(path: Path) -> bool:
    return any(
        line.startswith(("def test_", "async def test_")) for line in path.read_text().splitlines()
    )


def test_every_module_can_be_imported(root: Path) -> None:
    source = root / "src"
    modules = [
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        for path in (source / "legato").rglob("*.py")
        if path.name != "__main__.py" and "migrations" not in path.parts
    ]
    assert "legato.core.config" in modules
    for module in modules:
        import_module(module)


def test_every_provider_kind_is_declared_and_loads(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"]["legato.providers"]
    for target in declared.values():
        module, _, attribute = target.partition(":")
        assert callable(getattr(import_module(module), attribute)), target
    folders = (root / "src" / "legato" / "providers").glob("*/__init__.py")
    kinds = {path.parent.name for path in folders if defines_a_factory(path.parent)}
    assert kinds == set(declared)


def defines_a_factory(package: Path) -> bool:
    return any("\ndef factory(" in path.read_text() for path in package.glob("*.py"))


def test_a_socket_cannot_leave_this_machine() -> None:
    with (
        socket.socket() as outward,
        pytest.warns(UserWarning, match="192.0.2.1"),
        pytest.raises(SocketConnectBlockedError),
    ):
        outward.connect(("192.0.2.1", 80))


def test_a_socket_may_reach_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
