"""One source tree, read file by file: what calls models in it, and what stands there twice."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from legato.code_audit.constants import NO_TEXTS, FileTexts
from legato.code_audit.duplicates import Group, helper_groups, prompt_groups
from legato.code_audit.finding import Finding, Helper, Kind, Parsed, Unparsed
from legato.code_audit.python_code import parse_python
from legato.code_audit.resolving import Resolver
from legato.code_audit.script_code import parse_script
from legato.code_audit.walking import PYTHON, Limits, SourceFile, Walk
from legato.core.errors import InvalidRequest, OperatorError

FINDINGS_MAX: Final = 100_000
_PROBLEMS_MAX: Final = 200
_HINTS: Final = (
    b"openai", b"anthropic", b"claude", b"gpt", b"gemini", b"genai", b"bedrock", b"mistral",
    b"cohere", b"litellm", b"langchain", b"llama", b"prompt", b"api_key", b"apikey", b"sk-",
    b"completions", b"ai-sdk", b"'ai'", b'"ai"', b"groq", b"ollama", b"vertex",
    b"generativelanguage", b"huggingface", b"deepseek", b"openrouter", b"AKIA", b"AIza",
    b"system_instruction", b"grok",
)  # fmt: skip
"""A file without any of these, in small letters, has nothing to find: most files of most trees."""


class Problem(msgspec.Struct, frozen=True):
    """A file that was not read."""

    path: str
    message: str


class CodeAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What a tree holds. `services` are folders with a manifest of their own, else the first."""

    root: str
    files: int
    parsed: int
    ignored: int
    services: list[str]
    counts: dict[str, int]
    vendors: dict[str, int]
    """Calls and clients by vendor."""
    models: dict[str, int]
    findings: list[Finding]
    duplicates: list[Group]
    problems: list[Problem]
    complete: bool


def audit_code(
    root: Path, limits: Limits | None = None, *, told: Callable[[int], None] = lambda _: None
) -> CodeAudit:
    """Read a folder; nothing of it is run.

    Raises:
        InvalidRequest: it is no folder.
    """
    if not root.is_dir():
        raise InvalidRequest(f"{root} is no folder: name one that holds source code")
    walk = Walk(root, limits or Limits())
    findings: list[Finding] = []
    helpers: list[tuple[Helper, str]] = []
    problems: list[Problem] = []
    services: dict[str, str] = {}
    texts: dict[str, FileTexts] = {}
    files = parsed = 0
    missing: set[str] = set()
    for file in walk.files():
        files += 1
        told(files)
        services[file.path] = file.service
        try:
            found = _read(root, file)
        except Unparsed as error:
            problems.append(Problem(file.path, str(error)))
            continue
        except OperatorError as error:
            missing.add(error.message)
            continue
        if found is None:
            continue
        parsed += 1
        texts[file.path] = found.texts
        findings += found.findings
        helpers += [(one, file.service) for one in found.helpers]
        if len(findings) > FINDINGS_MAX:
            break
    findings = Resolver(texts, services, lambda path: _texts(root, path)).completed(findings)
    problems += [Problem(path, "it is larger than 2 MiB, as files of tools are")
                 for path in walk.too_large]  # fmt: skip
    problems += [Problem(".", one) for one in sorted(missing)]
    prompts = [(one, services[one.path]) for one in findings if one.kind is Kind.PROMPT]
    used = (Kind.MODEL_CALL, Kind.CLIENT, Kind.RAW_HTTP)
    named = [one.name if one.kind is Kind.MODEL_NAME else "" for one in findings]
    return CodeAudit(
        root=str(root),
        files=files,
        parsed=parsed,
        ignored=walk.ignored,
        services=sorted({services[one.path] for one in findings if one.kind in used}),
        counts={kind.value: sum(one.kind is kind for one in findings) for kind in Kind},
        vendors=dict(Counter(one.vendor for one in findings if one.kind in used).most_common()),
        models=dict(Counter(filter(None, named)).most_common()),
        findings=findings,
        duplicates=prompt_groups(prompts) + helper_groups(helpers),
        problems=problems[:_PROBLEMS_MAX],
        complete=not walk.cut_off and len(findings) <= FINDINGS_MAX,
    )


def _texts(root: Path, path: str) -> FileTexts:
    """Return the texts of a file that has nothing else to find; none of one that can't be read."""
    try:
        source = (root / path).read_text("utf-8", "replace")
        return _parsed(path, source).texts
    except (OSError, Unparsed, OperatorError):
        return NO_TEXTS


def _read(root: Path, file: SourceFile) -> Parsed | None:
    """Return what a file holds, None where its words say already that it is nothing."""
    try:
        data = (root / file.path).read_bytes()
    except OSError as error:
        raise Unparsed(f"it can't be read: {error.strerror}") from None
    lowered = data.lower()
    if not any(hint.lower() in lowered for hint in _HINTS):
        return None
    return _parsed(file.path, data.decode("utf-8", "replace"))


def _parsed(path: str, source: str) -> Parsed:
    if Path(path).suffix in PYTHON:
        return parse_python(path, source)
    return parse_script(path, source)
