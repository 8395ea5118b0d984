"""Documents: how each caller sends them, what becomes of them at each provider."""

from __future__ import annotations

import base64
from typing import Any

from matrix import Always, At, Feature, Left, Refused, everywhere
from matrix_contents import content, results, text

PDF = base64.b64encode(b"%PDF-1.7 ....").decode()
PDF_URL = f"data:application/pdf;base64,{PDF}"
AT = "https://example.org/sky.pdf"
PLAIN = "Blue light scatters most."
PLAIN_BYTES = base64.b64encode(PLAIN.encode()).decode()
PLAIN_URL = f"data:text/plain;base64,{PLAIN_BYTES}"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TITLE = "the sky"
TAGGED = f'<document title="{TITLE}">\n{PLAIN}\n</document>'
BARE = f"<document>\n{PLAIN}\n</document>"
TITLES = "A PDF's title doesn't reach Google"


def file_part(**fields: str) -> dict[str, Any]:
    return {"type": "file", "file": fields}


def input_file(**fields: str) -> dict[str, Any]:
    return {"type": "input_file", **fields}


def document(source: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "document", "source": source, **more}


def sent(chat: Any, responses: Any, messages: Any) -> dict[str, dict[str, Any]]:
    """A question with a document behind it."""
    said: dict[str, dict[str, Any]] = {}
    if chat:
        said["chat"] = {"messages": content(text(), chat)}
    if responses:
        said["responses"] = {"input": content(text("input_text"), responses)}
    if messages:
        said["messages"] = {"messages": content(text(), messages)}
    return said


def pdf_source() -> dict[str, str]:
    return {"type": "base64", "media_type": "application/pdf", "data": PDF}


def text_source() -> dict[str, str]:
    return {"type": "text", "media_type": "text/plain", "data": PLAIN}


def in_a_result() -> dict[str, dict[str, Any]]:
    """A tool answers with a document."""
    said = results(image=True)
    for block in said["messages"]["messages"][2]["content"]:
        block["content"] = [{"type": "text", "text": "It is."}, document(pdf_source())]
    return said


SEARCHED = {
    "type": "search_result",
    "source": AT,
    "title": TITLE,
    "content": [{"type": "text", "text": PLAIN}],
}
FOUND = f'<document title="{TITLE}" source="{AT}">\n{PLAIN}\n</document>'

DOCUMENTS = {
    "pdf": Feature(
        sent(
            file_part(filename="sky.pdf", file_data=PDF_URL),
            input_file(filename="sky.pdf", file_data=PDF_URL),
            document(pdf_source(), title="sky.pdf"),
        ),
        {
            "openai": At(
                "messages.0.content.1",
                file_part(filename="sky.pdf", file_data=PDF_URL),
            ),
            "anthropic": At("messages.0.content.1", document(pdf_source(), title="sky.pdf")),
            "gemini": At(
                "contents.0.parts.1.inlineData", {"mimeType": "application/pdf", "data": PDF}
            ),
            "converse": At(
                "messages.0.content.1.document",
                {"format": "pdf", "name": "sky pdf", "source": {"bytes": PDF}},
            ),
            "cohere": Always("messages.0"),
        },
    ),
    "a_pdfs_title": Feature(
        sent(
            file_part(filename="sky.pdf", file_data=PDF_URL),
            input_file(filename="sky.pdf", file_data=PDF_URL),
            document(pdf_source(), title="sky.pdf"),
        ),
        {
            "openai": At("messages.0.content.1.file.filename", "sky.pdf"),
            "anthropic": At("messages.0.content.1.title", "sky.pdf"),
            "gemini": Left(TITLES),
            "converse": At("messages.0.content.1.document.name", "sky pdf"),
            "cohere": Always("messages.0"),
        },
    ),
    "a_files_detail": Feature(
        sent(None, input_file(filename="sky.pdf", file_data=PDF_URL, detail="low"), None),
        everywhere(Left("`detail` of a file is left out"), cohere=Always("messages.0")),
    ),
    "pdf_by_url": Feature(
        sent(None, input_file(file_url=AT), document({"type": "url", "url": AT})),
        {
            "openai": Always("messages.0"),
            "anthropic": At("messages.0.content.1.source", {"type": "url", "url": AT}),
            "gemini": At(
                "contents.0.parts.1.fileData", {"fileUri": AT, "mimeType": "application/pdf"}
            ),
            "converse": Always("messages.0"),
            "cohere": Always("messages.0"),
        },
    ),
    "a_document_in_s3": Feature(
        sent(
            None,
            input_file(file_url="s3://bucket/sky.pdf"),
            document({"type": "url", "url": "s3://bucket/sky.pdf"}),
        ),
        everywhere(
            Always("messages.0"),
            anthropic=At("messages.0.content.1.source.url", "s3://bucket/sky.pdf"),
            converse=At(
                "messages.0.content.1.document.source.s3Location", {"uri": "s3://bucket/sky.pdf"}
            ),
        ),
    ),
    "a_text_document": Feature(
        sent(
            file_part(filename=TITLE, file_data=PLAIN_URL),
            input_file(filename=TITLE, file_data=PLAIN_URL),
            document(text_source(), title=TITLE),
        ),
        {
            "openai": At("messages.0.content.1", {"type": "text", "text": TAGGED}),
            "anthropic": At("messages.0.content.1", document(text_source(), title=TITLE)),
            "gemini": At("contents.0.parts.1", {"text": TAGGED}),
            "converse": At(
                "messages.0.content.1.document",
                {"format": "txt", "name": TITLE, "source": {"bytes": PLAIN_BYTES}},
            ),
            "cohere": At("messages.0.content.1", {"type": "text", "text": TAGGED}),
        },
    ),
    "a_document_of_blocks": Feature(
        sent(
            None,
            None,
            document({"type": "content", "content": [{"type": "text", "text": PLAIN}]}),
        ),
        everywhere(
            At("messages.0.content.1.text", BARE),
            gemini=At("contents.0.parts.1.text", BARE),
            converse=At("messages.0.content.1.document.source.bytes", PLAIN_BYTES),
        ),
    ),
    "a_documents_context": Feature(
        sent(None, None, document(text_source(), context="A lecture.")),
        everywhere(
            At("messages.0.content.1.text", BARE.replace("t>", 't context="A lecture.">', 1)),
            gemini=At("contents.0.parts.1.text", BARE.replace("t>", 't context="A lecture.">', 1)),
            converse=At("messages.0.content.1.document.context", "A lecture."),
        ),
    ),
    "a_sheet": Feature(
        sent(
            file_part(filename="sky", file_data=f"data:{SHEET};base64,{PDF}"),
            input_file(filename="sky", file_data=f"data:{SHEET};base64,{PDF}"),
            None,
        ),
        everywhere(
            Always("messages.0"),
            converse=At("messages.0.content.1.document.format", "xlsx"),
        ),
    ),
    "a_document_to_be_cited": Feature(
        sent(None, None, document(text_source(), citations={"enabled": True})),
        everywhere(
            Refused("messages.0"),
            converse=At("messages.0.content.1.document.citations.enabled", value=True),
        ),
    ),
    "a_search_result": Feature(
        sent(None, None, SEARCHED),
        everywhere(
            At("messages.0.content.1.text", FOUND),
            gemini=At("contents.0.parts.1.text", FOUND),
            converse=At(
                "messages.0.content.1.searchResult",
                {"source": AT, "title": TITLE, "content": [{"text": PLAIN}]},
            ),
        ),
    ),
    "a_document_in_a_result": Feature(
        in_a_result(),
        {
            "openai": At("messages.4.content.1.file.file_data", PDF_URL),
            "anthropic": At("messages.2.content.1.content.1", document(pdf_source())),
            "gemini": At("contents.2.parts.1.functionResponse.parts.0.inlineData.data", PDF),
            "converse": At("messages.2.content.1.toolResult.content.1.document.name", "document 2"),
            "cohere": Always("messages.2"),
        },
    ),
    "a_file_kept_for_chat": Feature(
        sent(file_part(file_id="f-1"), None, None),
        everywhere(Always("messages.0.content.1.file.file_id")),
    ),
    "a_file_kept_for_responses": Feature(
        sent(None, input_file(file_id="f-1"), None),
        everywhere(Always("input.0.content.1.file_id")),
    ),
    "a_file_kept_for_messages": Feature(
        sent(None, None, document({"type": "file", "file_id": "f-1"})),
        everywhere(Always("messages.0.content.1.source.type")),
    ),
}
