"""Prompts that stand behind names: constants, texts put together, imports of other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from legato.code_audit.finding import Kind
from legato.code_audit.scanning import CodeAudit, audit_code

if TYPE_CHECKING:
    from pathlib import Path

SAID = "You are a patient assistant of an insurer and answer customers in two sentences."
RULES = "Never promise a payment, never name a person, and ask for the number of the claim."
CALL = """\
from openai import OpenAI
{imports}
client = OpenAI(timeout=5)
def ask(question):
    return client.chat.completions.create(model="gpt-4o", max_tokens=50, messages=[
        {{"role": "system", "content": {prompt}}}, {{"role": "user", "content": question}}])
"""
SCRIPT = """\
import OpenAI from "openai";
{imports}
const client = new OpenAI({{timeout: 5}});
export const ask = () => client.chat.completions.create({{
  model: "gpt-4o", max_tokens: 50, messages: [{{role: "system", content: {prompt}}}] }});
"""


def audited(root: Path, files: dict[str, str]) -> CodeAudit:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for service in {name.partition("/")[0] for name in files}:
        (root / service / "pyproject.toml").write_text("[project]\n")
    return audit_code(root)


def prompts(found: CodeAudit) -> list[tuple[str, str]]:
    return [(one.path, one.text) for one in found.findings if one.kind is Kind.PROMPT]


def python(prompt: str, imports: str = "") -> str:
    return CALL.format(prompt=prompt, imports=imports)


def script(prompt: str, imports: str = "") -> str:
    return SCRIPT.format(prompt=prompt, imports=imports)


def test_a_constant_of_another_file_is_the_prompt_it_says(tmp_path: Path) -> None:
    files = {
        "billing/app/texts.py": f'GREETING = "{SAID}"\n',  # names no model: nothing else to find
        "billing/app/main.py": python("GREETING", "from .texts import GREETING"),
        "claims/app/main.py": python(f'"{SAID}"'),
    }
    found = audited(tmp_path, files)
    assert prompts(found) == [("billing/app/texts.py", SAID), ("claims/app/main.py", SAID)]
    (group,) = found.duplicates[:1]
    assert (group.what, group.alike, group.services) == ("prompt", 1.0, ["billing", "claims"])


@pytest.mark.parametrize(
    ("prompt", "imports"),
    [
        ('f"{GREETING} {RULES}"', "from app.texts import GREETING, RULES"),
        ('GREETING + " " + RULES', "from app.texts import GREETING, RULES"),
        ('" ".join([texts.GREETING, texts.RULES])', "from app import texts"),
        ("texts.BOTH.strip()", "import app.texts as texts"),
        ("Texts.BOTH", "from app import Texts"),
        ("BOTH", f'GREETING = "{SAID}"\nBOTH = f"{{GREETING}} {RULES}"'),
    ],
)
def test_what_is_put_together_is_found_whole(tmp_path: Path, prompt: str, imports: str) -> None:
    both = 'BOTH = f"{GREETING} {RULES}"'
    files = {
        "billing/app/__init__.py": "from .texts import Texts\n",
        "billing/app/texts.py": f'GREETING = "{SAID}"\nRULES = """{RULES}"""\n{both}\n'
        f"class Texts:\n    {both}\n",
        "billing/app/main.py": python(prompt, imports),
        "claims/app/main.py": python(f'"""{SAID}\n{RULES}"""'),
    }
    found = audited(tmp_path, files)
    assert [text.split() for _, text in prompts(found)] == [f"{SAID} {RULES}".split()] * 2
    (group,) = [one for one in found.duplicates if one.what == "prompt"]
    assert (group.alike, group.services) == (1.0, ["billing", "claims"])


@pytest.mark.parametrize(
    ("prompt", "imports"),
    [
        ("GREETING", 'import { GREETING } from "./texts";'),
        ("hello.trim()", 'import { GREETING as hello } from "./texts.js";'),
        ("texts.GREETING", 'import * as texts from "@/texts";'),
        ("TEXTS.greeting", 'import { TEXTS } from "./index";'),
        ("`${texts.START} ${texts.END}`", 'const texts = require("./texts");'),
        ('START + " " + END', 'import { START, END } from "./texts";'),
        ("standard", 'import standard from "./texts";'),
    ],
)
def test_scripts_as_well(tmp_path: Path, prompt: str, imports: str) -> None:
    middle = SAID.index(" and ")
    start, end = SAID[:middle], SAID[middle + 1 :]
    texts = f"""\
export const START = "{start}";
export const END = '{end}';
export const GREETING = `${{START}} {end}`;
export const TEXTS = {{ greeting: "{SAID}" }};
export default `{SAID}`;
"""
    files = {
        "web/src/texts.ts": texts,
        "web/src/index.ts": 'export { TEXTS } from "./texts";',
        "web/src/ask.ts": script(prompt, imports),
        "claims/app/main.py": python(f'"{SAID}"'),
    }
    found = audited(tmp_path, files)
    assert SAID in [text for path, text in prompts(found) if path.startswith("web")]
    (group,) = [one for one in found.duplicates if one.what == "prompt"]
    assert (group.alike, group.services) == (1.0, ["claims", "web"])


def test_a_name_that_may_be_two_texts_or_none_is_left_open(tmp_path: Path) -> None:
    files = {
        "one/main.py": python("TEXT", f'TEXT = "{SAID}"\nTEXT = "{RULES}"'),
        "two/main.py": python("missing", "from .nowhere import missing"),
        "three/main.py": python("A", "A = B\nB = A"),
        "four/main.py": python("load()", ""),
        "five/a/texts.py": f'TEXT = "{SAID}"\n',
        "five/b/texts.py": f'TEXT = "{RULES}"\n',
        "five/main.py": python("TEXT", "from texts import TEXT"),
    }
    assert prompts(audited(tmp_path, files)) == []


def test_what_one_file_puts_together_is_no_duplicate_of_its_own_constants(tmp_path: Path) -> None:
    constant = f'SYSTEM_PROMPT = "{SAID} {RULES}"'
    found = audited(tmp_path, {"one/main.py": python('f"{SYSTEM_PROMPT} Be brief."', constant)})
    (shown,) = [one for one in found.findings if one.kind is Kind.PROMPT and one.made_of]
    assert shown.text == f"{SAID} {RULES} Be brief."
    assert shown.made_of == (("one/main.py", 2),)
    assert found.duplicates == []
