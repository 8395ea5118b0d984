from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest

from legato.code_audit.finding import Kind
from legato.code_audit.sarif import as_sarif
from legato.code_audit.scanning import audit_code
from legato.code_audit.walking import Limits
from legato.core.errors import InvalidRequest

LABELLED = Path(__file__).parent / "labelled"
MARK = re.compile(r"(?:#|//)= ([\w ]+)$", re.MULTILINE)
KEY = "sk-proj-Zx81kQ0aLmN4pR7sT2uV5wY8zB3cD6eF9gH1jK2"


def laid_out(folder: Path) -> set[tuple[str, int, str]]:
    """Write the labelled files without their labels; return what is to be found."""
    wanted = set()
    for file in LABELLED.glob("*.txt"):
        text = file.read_text(encoding="utf-8")
        name = file.name.removesuffix(".txt")
        for number, line in enumerate(text.splitlines(), start=1):
            if marked := MARK.search(line):
                wanted |= {(name, number, kind) for kind in marked[1].split()}
        (folder / name).write_text(MARK.sub("", text), encoding="utf-8")
    return wanted


def test_the_labelled_files_are_found_and_nothing_else(tmp_path: Path) -> None:
    wanted = laid_out(tmp_path)
    audit = audit_code(tmp_path)
    found = {(one.path, one.line, one.kind.value) for one in audit.findings}
    assert found - wanted == set()
    assert wanted - found == set()
    assert set(Counter(kind for _, _, kind in wanted)) == {kind.value for kind in Kind}
    assert not audit.problems


def test_no_secret_is_shown(tmp_path: Path) -> None:
    laid_out(tmp_path)
    audit = audit_code(tmp_path)
    (key,) = (one for one in audit.findings if one.kind is Kind.KEY)
    assert KEY not in repr(audit)
    assert KEY not in repr(as_sarif(audit))
    assert key.name.startswith("sk-p")


def test_the_same_prompt_in_two_services_and_two_languages(tmp_path: Path) -> None:
    laid_out(tmp_path)
    for service in ("shop", "mail"):
        (tmp_path / service).mkdir()
        (tmp_path / service / "pyproject.toml").write_text("")
    text = "You sort letters into {kinds}. Be strict, be brief, and never explain your choice."
    (tmp_path / "shop" / "a.py").write_text(f'PROMPT = "{text}"\n')
    other = text.replace("{kinds}", "${list}").replace("strict", "fair").upper()
    (tmp_path / "mail" / "b.ts").write_text(f"const sortPrompt = `{other}`;\n")
    groups = [one for one in audit_code(tmp_path).duplicates if one.what == "prompt"]
    near = next(one for one in groups if set(one.services) == {"shop", "mail"})
    assert 0.6 <= near.alike < 1
    same = [one for one in groups if one.alike == 1]
    assert any("support agent" in one.text and len(one.places) == 2 for one in same)


def test_the_same_helper_in_two_files(tmp_path: Path) -> None:
    body = """
def {name}({argument}):
    from openai import OpenAI
    {client} = OpenAI(timeout=3)
    done = {client}.chat.completions.create(model="gpt-4o", messages=[], max_tokens=3)
    return done.choices[0].message.content.strip()
"""
    for name, client in (("ask", "client"), ("question", "llm")):
        text = body.format(name=name, argument=name[0], client=client)
        (tmp_path / f"{name}.py").write_text(text)
    (group,) = (one for one in audit_code(tmp_path).duplicates if one.what == "helper")
    assert [place.path for place in group.places] == ["ask.py", "question.py"]


def test_what_is_not_its_own_is_passed_over(tmp_path: Path) -> None:
    call = "import openai\nopenai.OpenAI(timeout=1)\n"
    kept = ("a.py", "src/b.py", "src/keep/c.py")
    gone = ("node_modules/x/d.py", "made/e.py", "src/f_pb2.py", "src/keep/not.py", "deep/logs/g.py")
    for name in (*kept, *gone):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(call)
    (tmp_path / ".gitignore").write_text("/made/\n*_pb2.py\n**/logs\n# a.py\n")
    (tmp_path / "src" / "keep" / ".gitignore").write_text("*\n!c.py\n")
    (tmp_path / "link").symlink_to(tmp_path)
    audit = audit_code(tmp_path)
    assert sorted(one.path for one in audit.findings) == sorted(kept)
    assert audit.ignored == len(gone)


@pytest.mark.parametrize(
    "text",
    [
        "import openai\n" + "(" * 5_000,
        "import openai\nx = " + "-" * 100_000 + "1\n",
        "import openai\nx = " + "1+" * 50_000 + "1\n",
        "import openai\n\0\n",
        "import openai\ndef f(:\n",
        "# openai\n" + "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_hostile_python_ends_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    (tmp_path / "good.py").write_text("import openai\nopenai.OpenAI(timeout=1)\n")
    audit = audit_code(tmp_path)
    assert [one.path for one in audit.findings] == ["good.py"]
    assert all(one.path == "bad.py" for one in audit.problems)


@pytest.mark.parametrize(
    "text",
    [
        "const openai = " + "(" * 20_000,
        "`openai ${" * 5_000,
        "openai " + "<a>" * 20_000,
        "}}}" * 9_999,
    ],
)
def test_hostile_scripts_end_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.tsx").write_text(text + " openai")
    assert not audit_code(tmp_path).findings


def test_large_trees_and_files_are_bounded(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number:02d}.py").write_text("import openai\n")
    (tmp_path / "big.py").write_text("# openai\n" + "x = 1\n" * 500_000)
    audit = audit_code(tmp_path, Limits(files_max=10))
    assert not audit.complete
    assert audit.files == 10
    whole = audit_code(tmp_path)
    assert whole.complete
    assert [one.path for one in whole.problems] == ["big.py"]
    with pytest.raises(InvalidRequest, match="is no folder"):
        audit_code(tmp_path / "00.py")


def test_time_is_linear_in_what_is_read(tmp_path: Path) -> None:
    part = 'x = client.chat.completions.create(model="gpt-4o", messages=[])\n'
    text = "from openai import OpenAI\nclient = OpenAI()\n"

    def took(lines: int) -> float:
        (tmp_path / "a.py").write_text(text + part * lines)
        began = time.perf_counter()
        assert audit_code(tmp_path).counts["model_call"] == lines
        return time.perf_counter() - began

    took(100)
    assert took(8_000) < 10 * 8 * max(took(1_000), 0.01)


def test_sarif_has_a_rule_for_each_result(tmp_path: Path) -> None:
    laid_out(tmp_path)
    (run,) = as_sarif(audit_code(tmp_path))["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} <= rules
    for result in run["results"]:
        (location,) = result["locations"]
        assert location["physicalLocation"]["region"]["startLine"] >= 1
