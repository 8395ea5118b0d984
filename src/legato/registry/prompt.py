"""A prompt as it is stored, and as the request path renders it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from legato.core.chat import ChatRequest, Image, Message, OutputFormat, Role, Text
from legato.core.config_parts import Name
from legato.core.errors import InvalidRequest
from legato.registry.rendering import Allowance
from legato.registry.template import Template, Use, compile_template
from legato.registry.variables import PARAM, Variable, VariableName, accept_all

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)
_STOPS_MAX = 16

MODEL_PREFIX: Final = "prompt:"
"""Begins the name of a model that is a prompt."""

Penalty = Annotated[float, Meta(ge=-2, le=2)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class ImageAddress(_Strict, frozen=True):
    """Where an image is: a template that renders to an http(s) or data URL."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None


class TextPart(_Strict, frozen=True, tag_field="type", tag="text"):
    """Text among parts."""

    text: str


class ImagePart(_Strict, frozen=True, tag_field="type", tag="image_url"):
    """An image among parts."""

    image_url: ImageAddress


class PromptMessage(_Strict, frozen=True):
    """A message; what renders to nothing is left out."""

    role: Literal["system", "user", "assistant"]
    content: str | Annotated[tuple[TextPart | ImagePart, ...], Meta(min_length=1, max_length=100)]


class Parameters(_Strict, frozen=True, omit_defaults=True):
    """Defaults below what the caller sends."""

    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop: str | Annotated[tuple[str, ...], Meta(max_length=_STOPS_MAX)] = ()
    seed: int | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    reasoning_effort: Annotated[str, Meta(pattern="^[a-z]{1,16}$")] | None = None


class Expectation(_Strict, frozen=True):
    """What an answer must hold."""

    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    regex: Annotated[str, Meta(max_length=1000)] = ""
    json: bool = False
    """It is a JSON text, one of the output schema where there is one."""


class PromptTest(_Strict, frozen=True):
    """A call of the prompt with what its answer must hold."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    expect: Expectation
    variables: dict[str, Any] = {}


class PromptSpec(_Strict, frozen=True):
    """The content of a version of a prompt, see `legato.registry.checking`."""

    messages: Annotated[tuple[PromptMessage, ...], Meta(min_length=1, max_length=100)]
    route: Name
    partials: Annotated[dict[VariableName, str], Meta(max_length=100)] = {}
    variables: Annotated[dict[VariableName, Variable], Meta(max_length=100)] = {}
    parameters: Parameters = Parameters()
    output_schema: dict[str, Any] | None = None
    tests: Annotated[tuple[PromptTest, ...], Meta(max_length=1000)] = ()


class _TextTemplate(msgspec.Struct, frozen=True):
    template: Template

    def render(self, values: Mapping[str, Any], allowance: Allowance) -> Text | None:
        text = self.template.render(values, allowance)
        return Text(text) if text and not text.isspace() else None


class _ImageTemplate(msgspec.Struct, frozen=True):
    template: Template
    detail: str | None

    def render(self, values: Mapping[str, Any], allowance: Allowance) -> Image | None:
        url = self.template.render(values, allowance).strip()
        if not url:
            return None
        if url.startswith(("https://", "http://")):
            return Image(url, detail=self.detail)
        match = _DATA_URL.fullmatch(url)
        if match is None:
            names = ", ".join(sorted({_shown(use) for use in self.template.uses}))
            msg = f"{PARAM}: {names or 'the image'} must make an http(s) or base64 data URL"
            raise InvalidRequest(msg, param=PARAM)
        return Image(None, match[1], match[2], self.detail)


class CompiledPrompt(msgspec.Struct, frozen=True, eq=False):
    """A prompt ready to be rendered. Made by `compile_prompt`."""

    route: str
    variables: Mapping[str, Variable]
    system: tuple[_TextTemplate, ...]
    messages: tuple[tuple[Role, tuple[_TextTemplate | _ImageTemplate, ...]], ...]
    parameters: Mapping[str, Any]
    """By their names in the canonical request."""

    def render(self, given: Mapping[str, Any]) -> ChatRequest:
        """Return the prompt with these variables: messages, parameters and output format.

        Raises:
            InvalidRequest: naming the variable and the remedy.
        """
        values, allowance = accept_all(self.variables, given), Allowance()
        system = [
            text for one in self.system if (text := one.render(values, allowance)) is not None
        ]
        messages = []
        for role, templates in self.messages:
            parts = [
                part for one in templates if (part := one.render(values, allowance)) is not None
            ]
            if parts:
                messages.append(Message(role, tuple(parts)))
        return ChatRequest(messages=tuple(messages), system=tuple(system), **self.parameters)


def read_prompt(content: Any) -> PromptSpec:
    """Return a stored prompt; what is to be stored goes through `legato.registry.checking`.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.convert(content, PromptSpec)


def compile_prompt(spec: PromptSpec, name: str = "") -> CompiledPrompt:
    """Compile a prompt's templates. `name` is the output schema's, where there is one.

    Raises:
        TemplateInvalid: one of them can't be.
    """
    system, messages = [], []
    for message in spec.messages:
        templates = tuple(_compiled(part, spec.partials) for part in parts_of(message))
        if message.role == "system":
            system += [one for one in templates if isinstance(one, _TextTemplate)]
        else:
            messages.append((Role(message.role), templates))
    return CompiledPrompt(
        spec.route, spec.variables, tuple(system), tuple(messages), _parameters(spec, name)
    )


def parts_of(message: PromptMessage) -> tuple[TextPart | ImagePart, ...]:
    """Return a message's content as parts."""
    content = message.content
    return (TextPart(text=content),) if isinstance(content, str) else content


def _compiled(
    part: TextPart | ImagePart, partials: Mapping[str, str]
) -> _TextTemplate | _ImageTemplate:
    if isinstance(part, TextPart):
        return _TextTemplate(compile_template(part.text, partials))
    image = part.image_url
    return _ImageTemplate(compile_template(image.url, partials), image.detail)


def _parameters(spec: PromptSpec, name: str) -> dict[str, Any]:
    given = msgspec.structs.asdict(spec.parameters)
    stop, bound = given.pop("stop"), given.pop("max_tokens")
    given |= {"stop": (stop,) if isinstance(stop, str) else stop, "max_output_tokens": bound}
    if spec.output_schema is not None:
        given["output_format"] = OutputFormat(spec.output_schema, _schema_name(name))
    return {field: value for field, value in given.items() if value not in (None, ())}


def _schema_name(name: str) -> str:
    """OpenAI's servers take letters, digits, - and _, 64 of them at most."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "answer"


def _shown(use: Use) -> str:
    return ".".join(use.path) or "."
