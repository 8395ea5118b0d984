"""Checks the names in templates against the declared variables, without any values."""

from collections.abc import Mapping, Sequence

from legato.registry.reading import Problem
from legato.registry.template import Use
from legato.registry.variables import TEXT, Variable


class NameCheck:
    """Follows the names of a prompt's templates; knows in the end which variables none uses."""

    def __init__(self, declared: Mapping[str, Variable], problems: list[Problem]) -> None:
        self.declared = declared
        self._root = Variable(type="object", properties=dict(declared))
        self._problems = problems
        self.used: set[str] = set()

    def check(self, uses: Sequence[Use], place: str) -> None:
        """Check the names of the template at a place."""
        self._check(uses, [self._root], place)

    def _check(self, uses: Sequence[Use], scopes: list[Variable], place: str) -> None:
        for use in uses:
            found = self._found(use, scopes, place)
            if found is None:
                continue
            inner = scopes
            if use.sigil == "#":
                inner = [*scopes, (found.items or TEXT) if found.type == "list" else found]
            self._check(use.inner, inner, place)

    def _found(self, use: Use, scopes: list[Variable], place: str) -> Variable | None:
        if not use.path:
            if len(scopes) == 1:
                self._add(place, use, "`.` means an item, so it stands within a section only")
                return None
            return scopes[-1]
        first = use.path[0]
        for scope in reversed(scopes):
            if first in scope.properties:
                if scope is self._root:
                    self.used.add(first)
                return self._below(scope.properties[first], use, place)
        known = sorted({name for scope in scopes for name in scope.properties})
        declared = ", ".join(known[:50]) or "none"
        self._add(place, use, f"`{first}` is no variable; declared: {declared}")
        return None

    def _below(self, found: Variable, use: Use, place: str) -> Variable | None:
        for step, name in enumerate(use.path[1:], start=1):
            if name not in found.properties:
                owner, known = ".".join(use.path[:step]), ", ".join(sorted(found.properties))
                remedy = f"its properties: {known}" if known else "declare its properties"
                self._add(place, use, f"`{owner}` has no property `{name}`; {remedy}")
                return None
            found = found.properties[name]
        return found

    def _add(self, place: str, use: Use, message: str) -> None:
        self._problems.append(Problem(place, f"{use.place}: {message}"))
