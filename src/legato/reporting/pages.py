"""Documents laid out by typst, from a template of this package and data.

The same template, data and time give the same bytes: nothing is read of the machine, neither its
fonts (typst brings its own) nor its clock. Data are values to a template, never its source.
"""

import subprocess
import sys
from datetime import UTC, datetime
from importlib.resources import as_file, files
from importlib.util import find_spec
from typing import Any, Final

import msgspec

from legato.core.errors import LegatoError, OperatorError

_INSTALL: Final = "a PDF needs typst: pip install 'legato[reports]'"
_APART_S: Final = 60.0
_TOLD_CHARACTERS: Final = 2_000
_NS_PER_S: Final = 1_000_000_000


class PageFault(LegatoError):
    """A template and its data don't fit together: a defect of ours."""


def render_pdf(template: str, data: object, *, made_ns: int) -> bytes:
    """Return a template of `reporting/templates`, filled with data, as a PDF (tagged, PDF 1.7).

    The template reads `json(bytes(sys.inputs.data))`; `data` is all that JSON can say. `made_ns`
    is the time that stands in the document's properties.

    Raises:
        OperatorError: the extra `legato[reports]` isn't installed.
        PageFault: the template can't be laid out with these data.
    """
    return _render(template, data, made_ns, format="pdf")[0]


class Wanted(msgspec.Struct, frozen=True):
    """What a process of its own is asked to lay out."""

    template: str
    data: Any
    made_ns: int


def render_pdf_apart(template: str, data: object, *, made_ns: int) -> bytes:
    """Return the same, made by a process of its own, which takes its 90 MiB along as it ends.

    Raises:
        OperatorError: as `render_pdf`, or it took longer than a minute.
        PageFault: as `render_pdf`, or the process was killed.
    """
    if find_spec("typst") is None:
        raise OperatorError(_INSTALL)
    wanted = msgspec.json.encode(Wanted(template, data, made_ns))
    command = [sys.executable, "-m", "legato.reporting"]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=wanted, capture_output=True, check=False, timeout=_APART_S
        )
    except subprocess.TimeoutExpired:
        raise OperatorError(f"the report took longer than {_APART_S:.0f} s: ask again") from None
    if done.returncode != 0:
        told = done.stderr.decode("utf-8", "replace")[-_TOLD_CHARACTERS:]
        raise PageFault(told or f"laying it out ended with {done.returncode}")
    return done.stdout


def render_pngs(template: str, data: object, *, made_ns: int, ppi: int = 96) -> list[bytes]:
    """Return the same, each page as a PNG of so many pixels an inch. Raises as `render_pdf`."""
    return _render(template, data, made_ns, format="png", ppi=float(ppi))


def _render(template: str, data: object, made_ns: int, **options: Any) -> list[bytes]:
    try:
        import typst  # noqa: PLC0415 - an extra, and heavy
    except ImportError:
        raise OperatorError(_INSTALL) from None
    with as_file(files("legato.reporting") / "templates") as root:
        try:
            made = typst.compile(
                root / f"{template}.typ",
                root=root,
                font_paths=typst.Fonts(include_system_fonts=False),
                sys_inputs={"data": msgspec.json.encode(data).decode()},
                timestamp=datetime.fromtimestamp(made_ns // _NS_PER_S, UTC),
                **options,
            )
        except typst.TypstError as error:
            raise PageFault(f"the template {template} can't be laid out: {error.message}") from None
    if made is None:
        raise PageFault(f"the template {template} has no page")
    return made if isinstance(made, list) else [made]
