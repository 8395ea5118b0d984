"""The items of an answer while they grow: each writes its own frames and ends as an object."""

from typing import Any

import msgspec

from legato.api.openai.annotations import output_annotation
from legato.api.openai.responses.custom_tools import custom_input
from legato.api.openai.responses.frames import Frames, delta_head
from legato.api.openai.responses.ids import output_id
from legato.api.openai.responses.reasoning import Sealed, encrypted_content
from legato.core.chat import Citation, Thinking
from legato.core.citations import moved


class Item:
    """What all items share. `object` is the item as it stands."""

    kind = ""

    def __init__(self, frames: Frames, identity: str, index: int) -> None:
        self.frames = frames
        self.index = index
        self.id = output_id(self.kind, identity, index)
        self.open = True
        self.object: dict[str, Any] = {}

    def place(self, **more: Any) -> dict[str, Any]:
        """Return the fields that say where in the answer an event belongs."""
        return {"item_id": self.id, "output_index": self.index, **more}

    def added(self) -> bytes:
        """Return the frame that announces the item."""
        return self.frames.event(
            "response.output_item.added", output_index=self.index, item=self.object
        )

    def done(self, status: str) -> bytes:
        """End the item and return its last frames."""
        if not self.open:
            return b""
        self.open = False
        ending = self.ended(status)
        item = self.object
        return ending + self.frames.event(
            "response.output_item.done", output_index=self.index, item=item
        )

    def ended(self, status: str) -> bytes:
        """Bring `object` to its end and return the frames that belong before it."""
        raise NotImplementedError


class MessageItem(Item):
    """A message of texts and refusals."""

    kind = "message"

    def __init__(self, frames: Frames, identity: str, index: int) -> None:
        super().__init__(frames, identity, index)
        self.object = {
            "id": self.id,
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        self._parts: list[dict[str, Any]] = []
        self._texts: list[str] = []
        self._logprobs: list[dict[str, Any]] = []
        self._head = b""

    def text(self, delta: str, logprobs: list[dict[str, Any]]) -> bytes:
        """Add text."""
        opening = self._ensure("output_text")
        self._texts.append(delta)
        if not logprobs:
            return opening + self.frames.delta(self._head, delta)
        self._logprobs += logprobs
        frame = self.frames.event(
            "response.output_text.delta",
            **self.place(content_index=len(self._parts) - 1),
            delta=delta,
            logprobs=logprobs,
        )
        return opening + frame

    def cite(self, citation: Citation, chars: int) -> bytes:
        """Annotate the text; `chars` are those of the answer so far, in which spans count.

        A span in an earlier text, whose item has ended, is told as one that isn't known.
        """
        opening = self._ensure("output_text")
        own_chars = sum(map(len, self._texts))
        own = moved(citation, own_chars - chars)
        if own.span is not None and own.span[0] < 0:
            own = msgspec.structs.replace(own, span=None)
        annotation = output_annotation(own, own_chars)
        annotations = self._parts[-1]["annotations"]
        annotations.append(annotation)
        return opening + self.frames.event(
            "response.output_text.annotation.added",
            **self.place(content_index=len(self._parts) - 1),
            annotation_index=len(annotations) - 1,
            annotation=annotation,
        )

    def refusal(self, delta: str) -> bytes:
        """Add to a refusal."""
        opening = self._ensure("refusal")
        self._texts.append(delta)
        return opening + self.frames.delta(self._head, delta)

    def ended(self, status: str) -> bytes:
        """End the last part."""
        ending = self._end_part()
        self.object = {**self.object, "status": status, "content": self._parts}
        return ending

    def _ensure(self, kind: str) -> bytes:
        if self._parts and self._parts[-1]["type"] == kind:
            return b""
        ending = self._end_part()
        part: dict[str, Any] = {"type": "refusal", "refusal": ""}
        if kind == "output_text":
            part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        place = self.place(content_index=len(self._parts))
        self._parts.append(part)
        if kind == "output_text":
            self._head = delta_head("response.output_text.delta", **place, logprobs=[])
        else:
            self._head = delta_head("response.refusal.delta", **place)
        return ending + self.frames.event("response.content_part.added", **place, part=part)

    def _end_part(self) -> bytes:
        if not self._parts:
            return b""
        text, part = "".join(self._texts), self._parts[-1]
        place = self.place(content_index=len(self._parts) - 1)
        if part["type"] == "refusal":
            part = {"type": "refusal", "refusal": text}
            done = self.frames.event("response.refusal.done", **place, refusal=text)
        else:
            part = {**part, "text": text, "logprobs": self._logprobs}
            done = self.frames.event(
                "response.output_text.done", **place, text=text, logprobs=self._logprobs
            )
        self._parts[-1] = part
        self._texts, self._logprobs = [], []
        return done + self.frames.event("response.content_part.done", **place, part=part)


class ReasoningItem(Item):
    """Reasoning: as a summary where one was asked for, else as the text it is."""

    kind = "reasoning"

    def __init__(self, frames: Frames, identity: str, index: int, *, summary: bool) -> None:
        super().__init__(frames, identity, index)
        self.object = {"id": self.id, "type": "reasoning", "summary": []}
        self._summary = summary
        self._texts: list[str] = []
        self._head = b""
        self.signature = ""
        self.sealed: Sealed | None = None

    def text(self, delta: str) -> bytes:
        """Add to the reasoning."""
        opening = b"" if self._texts else self._begin()
        self._texts.append(delta)
        return opening + self.frames.delta(self._head, delta)

    def ended(self, status: str) -> bytes:
        """End the text, and add what the vendor wants to see again."""
        del status  # this item has none
        text = "".join(self._texts)
        ending = self._end(text) if text else b""
        part = {"type": "summary_text" if self._summary else "reasoning_text", "text": text}
        item = dict(self.object)
        if text:
            item["summary" if self._summary else "content"] = [part]
        sealed = encrypted_content(self.sealed or Thinking(text, self.signature))
        if sealed is not None:
            item["encrypted_content"] = sealed
        self.object = item
        return ending

    def _begin(self) -> bytes:
        if self._summary:
            place = self.place(summary_index=0)
            self._head = delta_head("response.reasoning_summary_text.delta", **place)
            part = {"type": "summary_text", "text": ""}
            kind = "response.reasoning_summary_part.added"
        else:
            place = self.place(content_index=0)
            self._head = delta_head("response.reasoning_text.delta", **place)
            part = {"type": "reasoning_text", "text": ""}
            kind = "response.content_part.added"
        return self.frames.event(kind, **place, part=part)

    def _end(self, text: str) -> bytes:
        if self._summary:
            place = self.place(summary_index=0)
            kinds = ("response.reasoning_summary_text.done", "response.reasoning_summary_part.done")
            part = {"type": "summary_text", "text": text}
        else:
            place = self.place(content_index=0)
            kinds = ("response.reasoning_text.done", "response.content_part.done")
            part = {"type": "reasoning_text", "text": text}
        done = self.frames.event(kinds[0], **place, text=text)
        return done + self.frames.event(kinds[1], **place, part=part)


class CallItem(Item):
    """A call of a function."""

    kind = "function_call"

    def __init__(self, frames: Frames, identity: str, index: int, *, call: tuple[str, str]) -> None:
        super().__init__(frames, identity, index)
        call_id, name = call
        self.object = {
            "id": self.id,
            "type": "function_call",
            "status": "in_progress",
            "call_id": call_id,
            "name": name,
            "arguments": "",
        }
        self._texts: list[str] = []
        self._head = delta_head("response.function_call_arguments.delta", **self.place())

    def arguments(self, delta: str) -> bytes:
        """Add to the arguments."""
        self._texts.append(delta)
        return self.frames.delta(self._head, delta)

    def ended(self, status: str) -> bytes:
        """End the arguments; a call without any has an empty object."""
        text = "".join(self._texts)
        opening = b"" if text else self.arguments("{}")
        arguments = text or "{}"
        self.object = {**self.object, "status": status, "arguments": arguments}
        return opening + self.frames.event(
            "response.function_call_arguments.done",
            **self.place(),
            name=self.object["name"],
            arguments=arguments,
        )


class CustomCallItem(Item):
    """A call of a custom tool: its text is known when the function's arguments are whole."""

    kind = "custom_tool_call"

    def __init__(self, frames: Frames, identity: str, index: int, *, call: tuple[str, str]) -> None:
        super().__init__(frames, identity, index)
        call_id, name = call
        self.object = {
            "id": self.id,
            "type": "custom_tool_call",
            "status": "in_progress",
            "call_id": call_id,
            "name": name,
            "input": "",
        }
        self._texts: list[str] = []

    def arguments(self, delta: str) -> bytes:
        """Add to the arguments."""
        self._texts.append(delta)
        return b""

    def ended(self, status: str) -> bytes:
        """Tell the text at once."""
        text = custom_input("".join(self._texts))
        self.object = {**self.object, "status": status, "input": text}
        told = self.frames.event(
            "response.custom_tool_call_input.delta", **self.place(), delta=text
        )
        return told + self.frames.event(
            "response.custom_tool_call_input.done", **self.place(), input=text
        )
