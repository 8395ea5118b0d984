"""Links to tasks in messages: a small page for the person they were sent to.

A GET shows and decides nothing, since programs that scan messages follow links; the page's form
posts what its person says, once.
"""

import asyncio
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from litestar import Request
from litestar.di import NamedDependency as Given
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter
from litestar.response import Response

from legato.api.control.access import open_make, open_read
from legato.api.control.forms import moment
from legato.api.control.services import Services
from legato.api.control.task_page import HEADERS, read_ruling, task_page, told_page
from legato.core.errors import Conflict, Erased, Forbidden, InvalidRequest, NotFound
from legato.storage.tasks.records import Task
from legato.workflows.people.links import Opened

_HTML: Final = "text/html"
_OVER: Final = "This link doesn't work any more"
_FIELDS_MAX: Final = 500
Token = Annotated[str, PathParameter(description="As the message has it.")]


def _pages(**told: str) -> dict[int, ResponseSpec]:
    return {
        int(status.removeprefix("as_")): ResponseSpec(
            str, media_type=_HTML, description=description, generate_examples=False
        )
        for status, description in told.items()
    }


@open_read(
    "/task-links/{token:str}",
    tags=["tasks"],
    media_type=_HTML,
    responses=_pages(as_404="The link was used, is too old or unknown: a page says so."),
)
def show_task_link(services: Given[Services], token: Token) -> Response[str]:
    """Show the page of a link that was sent to somebody; nothing is decided by it."""
    try:
        opened = services.task_links.open(token)
    except NotFound as error:
        return _told(404, _OVER, error.message)
    return _asking(opened)


@open_make(
    "/task-links/{token:str}",
    tags=["tasks"],
    media_type=_HTML,
    status_code=200,
    sync_to_thread=None,
    responses=_pages(
        as_404="The link was used, is too old or unknown: a page says so.",
        as_409="The task has ended, or wants another person: a page says so.",
        as_422="What was sent isn't what the task asks for: the page, and what is wrong.",
    ),
)
async def decide_by_task_link(
    request: Request[Any, Any, Any], services: Given[Services], token: Token
) -> Response[str]:
    """Take what the page's form says, once, as the person whom the link was sent to."""
    raw = (await request.body()).decode("utf-8", "replace")
    return await asyncio.to_thread(_decided, services, token, raw)


HANDLERS = (show_task_link, decide_by_task_link)


def _decided(services: Services, token: str, raw: str) -> Response[str]:
    desk = services.task_links
    try:
        opened = desk.look(token)
    except NotFound as error:
        return _told(404, _OVER, error.message)
    if opened.question is None:
        return _told(409, _OVER, "What it asked was erased.")
    try:
        sent = dict(parse_qsl(raw, keep_blank_values=True, max_num_fields=_FIELDS_MAX))
        task = desk.decide(token, read_ruling(opened.question, sent))
    except NotFound as error:
        return _told(404, _OVER, error.message)
    except (Conflict, Forbidden, Erased) as error:
        return _told(409, "Nothing was decided", error.message)
    except InvalidRequest as error:
        return _asking(opened, error.message)
    except ValueError:
        return _asking(opened, "the form has too many fields")
    services.wake_runs()
    return _told(200, "Thank you", _came_to(task))


def _came_to(task: Task) -> str:
    if task.state == "open":
        return "What you said is kept; the task waits for more people."
    return f"The task is {task.state}: {task.port}."


def _asking(opened: Opened, told: str = "") -> Response[str]:
    if opened.question is None:
        return _told(404, _OVER, "What it asked was erased.")
    question = opened.question
    page = task_page(
        question,
        person=opened.decider.login,
        deadline=moment(opened.link.expires_at_ns),
        told=told,
    )
    return Response(
        content=page, media_type=_HTML, status_code=422 if told else 200, headers=HEADERS
    )


def _told(status: int, title: str, told: str) -> Response[str]:
    page = told_page(title, told)
    return Response(content=page, media_type=_HTML, status_code=status, headers=HEADERS)
