"""Reading YAML without losing where each value stands.

PyYAML's composer gives nodes with marks; the safe constructor resolves scalars only, so a file
can't name a Python object. Duplicate keys, which YAML takes silently, are problems here.
"""

from pathlib import Path as FilePath
from typing import Any

import yaml

from legato.app.config.problems import ConfigProblems, Path, Problem
from legato.app.config.tree import Node, Value

FILE_BYTES_MAX = 4 * 1024 * 1024
NODES_MAX = 200_000  # aliases of aliases grow without bound
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(file: FilePath) -> Node:
    """Read a YAML file into a tree of places.

    Raises:
        ConfigProblems: not readable, not YAML, or with duplicate keys.
    """
    name = str(file)
    try:
        with file.open("rb") as stream:
            raw = stream.read(FILE_BYTES_MAX + 1)
        text = raw.decode()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problem = Problem((), name, f"can't be read: {reason}", "Name the file with --config.")
        raise ConfigProblems([problem]) from error
    except UnicodeDecodeError as error:
        problem = Problem((), name, "is not UTF-8 text", "Save the file as UTF-8.")
        raise ConfigProblems([problem]) from error
    if len(raw) > FILE_BYTES_MAX:
        problem = Problem((), name, f"is over {FILE_BYTES_MAX} bytes", "Is it the right file?")
        raise ConfigProblems([problem])
    return parse_yaml(text, name)


def parse_yaml(text: str, name: str) -> Node:
    """Parse one YAML document; `name` is how places call it."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        reader = _Reader(loader, name)
        tree = Node({}, name) if root is None else reader.read(root, ())
    except yaml.YAMLError as error:
        raise ConfigProblems([_syntax_problem(error, name)]) from error
    finally:
        loader.dispose()
    if reader.problems:
        raise ConfigProblems(reader.problems)
    return tree


def parse_scalar(text: str, place: str) -> Node:
    """Read a value from the environment as YAML would: `9000`, `true`, `[a, b]`, plain text."""
    try:
        tree = parse_yaml(text, place)
    except ConfigProblems:
        return Node(text, place, text)
    return _moved(tree, place) if text.strip() else Node("", place, text)


def _moved(tree: Node, place: str) -> Node:
    if isinstance(tree.value, dict):
        return Node({name: _moved(node, place) for name, node in tree.value.items()}, place)
    if isinstance(tree.value, list):
        return Node([_moved(node, place) for node in tree.value], place)
    return Node(tree.value, place, tree.text)


def _syntax_problem(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    what = getattr(error, "problem", None) or str(error)
    return Problem((), place, f"this is not valid YAML: {what}", "Check indentation and quotes.")


class _Reader:
    def __init__(self, loader: yaml.SafeLoader, name: str) -> None:
        self.problems: list[Problem] = []
        self._loader = loader
        self._name = name
        self._count = 0

    def read(self, node: yaml.Node, path: Path) -> Node:
        self._count += 1
        if self._count > NODES_MAX:
            raise yaml.YAMLError(f"more than {NODES_MAX} values")
        if isinstance(node, yaml.MappingNode):
            return Node(self._mapping(node, path), self._place(node))
        if isinstance(node, yaml.SequenceNode):
            items = [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            return Node(list(items), self._place(node))
        return Node(self._scalar(node, path), self._place(node), str(node.value))

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            if key == "<<" or not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, (*path, key), "merge keys and composed keys are not read")
            elif key in found:
                first = found[key].place
                self._refuse(key_node, (*path, key), f"written twice, first at {first}")
            else:
                found[key] = self.read(value_node, (*path, key))
                found[key].key_place = self._place(key_node)
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> Value:
        if node.tag == "tag:yaml.org,2002:timestamp":
            return str(node.value)  # nothing here is a date: 2026-08-06 is part of a model's name
        try:
            value: Any = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            self._refuse(node, path, f"the tag {node.tag} is not read")
            return None
        if value is None or isinstance(value, str | bool | int | float):
            return value
        self._refuse(node, path, f"the tag {node.tag} is not read")
        return None

    def _place(self, node: yaml.Node) -> str:
        mark = node.start_mark
        return f"{self._name}:{mark.line + 1}:{mark.column + 1}"

    def _refuse(self, node: yaml.Node, path: Path, message: str) -> None:
        remedy = "Write it out once, as a plain value."
        self.problems.append(Problem(path, self._place(node), message, remedy))
