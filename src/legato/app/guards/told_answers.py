"""Questions with their answers from a file, as if they had been captured."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from legato.core.captured import CapturedContent, CapturedHead
from legato.core.errors import InvalidRequest
from legato.core.principal import Principal
from legato.gateway.directory import Route
from legato.gateway.shortening import chars_of
from legato.insights.captures import Capture

_CHARS_PER_TOKEN: Final = 4
_NS_PER_S: Final = 1_000_000_000
_OK: Final = 200


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a file: a question in words, or the whole body of a chat completion."""

    answer: str
    question: str = ""
    request: dict[str, Any] = {}


def told_answers(
    lines: Iterable[bytes],
    route: Route,
    key: Principal,
    *,
    new_id: Callable[[], str],
    now_ns: int,
) -> Iterator[Capture]:
    """Yield a capture for each line. Tokens are estimated, at four characters each.

    Raises:
        InvalidRequest: naming the line that can't be read.
    """
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            line = msgspec.json.decode(raw, type=_Line)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise InvalidRequest(f"line {number}: {error}", param="file") from None
        if bool(line.question) == bool(line.request):
            msg = f"line {number}: give either a `question` or a whole `request`"
            raise InvalidRequest(msg, param="file")
        head, content = _captured(line, route, key, (new_id(), now_ns))
        yield Capture(number, head, content)


def _captured(
    line: _Line, route: Route, key: Principal, place: tuple[str, int]
) -> tuple[CapturedHead, CapturedContent]:
    request_id, now_ns = place
    body = line.request or {"messages": [{"role": "user", "content": line.question}]}
    body = {"model": route.alias, **body}
    deployment = route.deployments[0]
    tokens_in = chars_of(body.get("messages")) // _CHARS_PER_TOKEN + 1
    tokens_out = len(line.answer) // _CHARS_PER_TOKEN + 1
    head = CapturedHead(
        request_id=request_id,
        at_ns=now_ns,
        expires_at_ns=now_ns,
        org=key.org,
        team=key.team,
        feature=key.feature,
        key_id=key.key_id,
        end_user="",
        tags=key.tags,
        surface="chat_completions",
        model_requested=route.alias,
        route=route.alias,
        deployment=deployment.name,
        model_served=deployment.model,
        versions=route.version,
        arm="",
        http_status=_OK,
        error_code="",
        stream=False,
        cache="",
        cost=None,
        baseline_cost=None,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        total_us=0,
    )
    answer = _completion(line.answer, head)
    return head, CapturedContent(msgspec.json.encode(body), b"", answer, frames=False)


def _completion(text: str, head: CapturedHead) -> bytes:
    message = {"role": "assistant", "content": text}
    return msgspec.json.encode(
        {
            "id": f"chatcmpl-{head.request_id}",
            "object": "chat.completion",
            "created": head.at_ns // _NS_PER_S,
            "model": head.model_served,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": head.input_tokens,
                "completion_tokens": head.output_tokens,
                "total_tokens": head.input_tokens + head.output_tokens,
            },
        }
    )
