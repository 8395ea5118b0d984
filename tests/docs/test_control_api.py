"""The page on the control API names every route with its permission."""

import re
from pathlib import Path

from litestar.handlers import HTTPRouteHandler

from legato.api.control.access import declared_routes
from legato.api.control.application import build_application

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "control-api.md").read_text()


def test_every_route_stands_there_with_its_permission() -> None:
    application = build_application(None)  # type: ignore[arg-type]
    routes = {
        (method, re.sub(r":[a-z]+\}", "}", path), asked(handler))
        for path, method, handler in declared_routes(application)
    }
    stated = re.findall(r"^\| `([A-Z]+) (\S+)` \| `?([a-z:_-]+)`? \|", PAGE, re.MULTILINE)
    assert set(stated) == routes


def asked(handler: HTTPRouteHandler) -> str:
    return "open" if handler.opt.get("open") else str(handler.opt["permission"].value)
