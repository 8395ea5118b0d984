from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
BYTES_MAX = 512 * 1024
WEIGHTS_BYTES_MAX = {"names.bin": 2 * 1024 * 1024}
"""What a script in tools/ makes and the package ships."""
BUILT = {".whl", ".gz", ".zip", ".so", ".pyc", ".gguf"}
CODE = {".py", ".ts", ".tsx", ".js", ".css", ".sh"}


def long_functions(source: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.name, lines


def test_no_file_is_longer_than_its_limit(tree: list[Path]) -> None:
    lengths = {path: len(path.read_bytes().splitlines()) for path in tree if path.suffix in CODE}
    assert lengths
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def test_nothing_built_or_downloaded_is_kept(tree: list[Path]) -> None:
    assert [path for path in tree if path.suffix in BUILT] == []
    sizes = {path: path.stat().st_size for path in tree}
    most = {path: WEIGHTS_BYTES_MAX.get(path.name, BYTES_MAX) for path in tree}
    assert {path: size for path, size in sizes.items() if size > most[path]} == {}


def test_no_function_is_longer_than_its_limit(python_files: list[Path]) -> None:
    too_long = [
        f"{path}: {name} has {lines} lines"
        for path in python_files
        for name, lines in long_functions(path.read_text())
    ]
    assert too_long == []


def test_a_long_function_is_seen() -> None:
    body = "    pass\n"
    assert list(long_functions("def fits():\n" + body * 59)) == []
    assert list(long_functions("class A:\n  async def long(self):\n" + body * 60)) == [("long", 61)]
