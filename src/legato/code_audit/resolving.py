"""Prompts that code gives by name, or puts together of constants: found as what they say."""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from legato.code_audit.constants import Bound, FileTexts, Piece
from legato.code_audit.finding import Finding, Kind
from legato.code_audit.texts import Literal, text_findings

Load = Callable[[str], FileTexts]
Place = tuple[str, int]
_HOPS_MAX: Final = 8
_TEXT_MAX: Final = 20_000
_SCRIPTS: Final = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
_ALIASES: Final = ("@/", "~/")


class Resolver:
    """Over the files of one tree; `load` reads one that nothing else had to be read of."""

    def __init__(self, texts: Mapping[str, FileTexts], paths: Iterable[str], load: Load) -> None:
        self._texts = dict(texts)
        self._load = load
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._paths = set(paths)
        for path in self._paths:
            self._by_name[posixpath.basename(path)].append(path)

    def completed(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return findings with prompts that were given by name, and whole instead of in pieces."""
        kept = list(findings)
        prompts = {(one.path, one.line) for one in kept if one.kind is Kind.PROMPT}
        added: list[Finding] = []
        instead: set[Place] = set()
        for path in sorted(self._texts):
            for use in self._texts[path].uses:
                text, places = self._said(path, use.pieces, _HOPS_MAX)
                if not places:
                    continue
                plain = len(use.pieces) == 1
                where = places[0] if plain else (path, use.line)
                if plain and where in prompts:
                    continue  # it was found where it is written
                name = use.pieces[0].name if plain else use.name
                found = list(text_findings(*where, Literal(text[:_TEXT_MAX], name, prompt=True)))
                prompts.add(where)
                if not plain:
                    instead |= {(path, one.line) for one in use.pieces} | {where}
                    found = [msgspec.structs.replace(one, made_of=tuple(places)) for one in found]
                added += [one for one in found if one.kind is Kind.PROMPT]
        left = [one for one in kept
                if one.kind is not Kind.PROMPT or (one.path, one.line) not in instead]  # fmt: skip
        return sorted([*left, *added], key=lambda one: (one.path, one.line, one.kind))

    def _said(self, path: str, pieces: Iterable[Piece], hops: int) -> tuple[str, list[Place]]:
        """Return a text with its constants put in, and where these are written."""
        text, places = "", list[Place]()
        for piece in pieces:
            found = self._bound(path, piece.name, hops) if piece.name else None
            if found is None or hops <= 0:
                text += piece.text
            else:
                at, bound = found
                said, within = self._said(at, bound.pieces, hops - 1)
                text += said
                places += [(at, bound.line), *within]
            if len(text) > _TEXT_MAX:
                break
        return text, list(dict.fromkeys(places))

    def _bound(self, path: str, name: str, hops: int) -> tuple[str, Bound] | None:
        texts = self._of(path)
        if name in texts.constants:
            return path, texts.constants[name]
        if hops <= 0:
            return None
        for head, rest in _heads(name):
            if head in texts.imports:
                module, there = texts.imports[head]
                for at, wanted in self._elsewhere(path, module, there, rest):
                    if (found := self._bound(at, wanted, hops - 1)) is not None:
                        return found
        return None

    def _elsewhere(
        self, path: str, module: str, there: str, rest: str
    ) -> Iterator[tuple[str, str]]:
        """Yield files that an import may mean, with the name to look for."""
        wanted = rest if there == "*" else f"{there}.{rest}".rstrip(".")
        at = self._located(path, module)
        if at is not None and wanted:
            yield at, wanted
        if path.endswith(".py") and rest and there != "*":  # from package import module
            inner = self._located(path, module + ("" if module.endswith(".") else ".") + there)
            if inner is not None:
                yield inner, rest

    def _located(self, path: str, module: str) -> str | None:
        if path.endswith((".py", ".pyi")):
            return self._python_module(path, module)
        return self._script_module(path, module)

    def _python_module(self, path: str, module: str) -> str | None:
        plain = module.lstrip(".")
        stem = plain.replace(".", "/")
        ups = len(module) - len(plain)
        if ups:
            folder = posixpath.dirname(path)
            for _ in range(ups - 1):
                folder = posixpath.dirname(folder)
            stem = posixpath.normpath(posixpath.join(folder, stem)) if stem else folder
            return next((one for one in (f"{stem}.py", posixpath.join(stem, "__init__.py"))
                         if one in self._paths), None)  # fmt: skip
        return self._nearest(path, [f"{stem}.py", f"{stem}/__init__.py"])

    def _script_module(self, path: str, module: str) -> str | None:
        stem = module
        if module.startswith("."):
            stem = posixpath.normpath(posixpath.join(posixpath.dirname(path), module))
        bare = stem.rsplit(".", 1)[0] if stem.endswith(_SCRIPTS) else stem
        wanted = [stem, *(f"{bare}{end}" for end in _SCRIPTS)]
        wanted += [f"{bare}/index{end}" for end in _SCRIPTS]
        if module.startswith("."):
            return next((one for one in wanted if one in self._paths), None)
        if module.startswith(_ALIASES):
            return self._nearest(path, [one[2:] for one in wanted])
        return None

    def _nearest(self, path: str, ends: Iterable[str]) -> str | None:
        """Return the file with such an end that is nearest; None where two are as near."""
        found = [
            one
            for end in ends
            for one in self._by_name.get(posixpath.basename(end), ())
            if one == end or one.endswith(f"/{end}")
        ]
        shared = {one: len(posixpath.commonprefix([one, path])) for one in found}
        best = [one for one in found if shared[one] == max(shared.values())]
        return best[0] if len(best) == 1 else None

    def _of(self, path: str) -> FileTexts:
        if path not in self._texts:
            self._texts[path] = self._load(path)
        return self._texts[path]


def _heads(name: str) -> Iterator[tuple[str, str]]:
    """Yield `a.b` and `c`, then `a` and `b.c`: a module's name may have dots itself."""
    head, rest = name, ""
    while head:
        yield head, rest
        head, _, tail = head.rpartition(".")
        rest = f"{tail}.{rest}" if rest else tail
