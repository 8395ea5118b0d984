"""No module-level mutable state: what lives at module level is never changed by a function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MUTATORS = {
    "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem",
    "popleft", "put_nowait", "remove", "setdefault", "update",
}  # fmt: skip


def module_names(module: ast.Module) -> set[str]:
    names: set[str] = set()
    for statement in module.body:
        if isinstance(statement, ast.Assign):
            names |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names.add(statement.target.id)
    return names


def own_names(function: ast.AST) -> set[str]:
    """Names a function binds itself: parameters and assignments shadow the module's."""
    return {
        *(node.arg for node in ast.walk(function) if isinstance(node, ast.arg)),
        *(
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ),
    }


def changed_name(node: ast.AST) -> str | None:
    """The plain name whose object this expression changes in place."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        target, changes = node.func.value, node.func.attr in MUTATORS
    elif isinstance(node, ast.Subscript | ast.Attribute):
        target, changes = node.value, isinstance(node.ctx, ast.Store | ast.Del)
    else:
        return None
    return target.id if changes and isinstance(target, ast.Name) else None


def mutated_module_state(source: str) -> Iterator[tuple[int, str]]:
    module = ast.parse(source)
    shared = module_names(module)
    for function in ast.walk(module):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        visible = shared - own_names(function)
        for node in ast.walk(function):
            if (name := changed_name(node)) in visible and name is not None:
                yield node.lineno, name  # type: ignore[attr-defined]
            if isinstance(node, ast.Global):
                yield node.lineno, "global " + ", ".join(node.names)


def test_no_function_changes_module_state(python_files: list[Path], root: Path) -> None:
    source = [path for path in python_files if path.is_relative_to(root / "src")]
    assert source
    found = [f"{path}:{hit}" for path in source for hit in mutated_module_state(path.read_text())]
    assert found == []


def test_changes_are_seen() -> None:
    source = """
SEEN = {}
LIMITS = {"a": 1}
def remember(key): SEEN[key] = 1
def forget(key): SEEN.pop(key)
def read(key): return LIMITS[key]
def local(LIMITS): LIMITS.clear()
def count():
    global TOTAL
"""
    assert list(mutated_module_state(source)) == [(4, "SEEN"), (5, "SEEN"), (9, "global TOTAL")]
