import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.api.form import PARTS_MAX, body_of, read_form
from legato.core.errors import InvalidRequest
from legato.core.wire import FormPart
from legato.providers.openai_compatible.media import write_form

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=20)
FILES = st.builds(
    FormPart,
    name=NAMES.filter(lambda name: "%" not in name and "\\" not in name),
    value=st.binary(max_size=200),
    filename=NAMES.filter(lambda name: not {"%", "\\", "/"} & set(name)),
    content_type=st.just("audio/mpeg"),
)


@given(st.lists(FILES, min_size=1, max_size=5))
def test_a_form_written_anew_reads_the_same(parts: list[FormPart]) -> None:
    content_type, body = write_form(tuple(parts), "whisper-1")
    read = read_form(content_type, body)
    assert [(part.value, part.content_type) for part in read] == [
        (part.value, part.content_type) for part in parts
    ]
    assert [part.filename.replace("%22", '"') for part in read] == [p.filename for p in parts]


def test_only_the_field_of_the_model_is_changed() -> None:
    form = (
        FormPart("model", b"chat"),
        FormPart("prompt", b"chat"),
        FormPart("model", b"chat", "model", "text/plain"),
    )
    content_type, body = write_form(form, "whisper-1")
    assert [part.value for part in read_form(content_type, body)] == [
        b"whisper-1",
        b"chat",
        b"chat",
    ]


def test_nothing_can_be_smuggled_into_the_head_of_a_part() -> None:
    evil = FormPart('a"\r\nx: y', b"v", 'f"\r\n\r\n.mp3', "audio/mpeg\r\nx: y")
    content_type, body = write_form((evil,), "m")
    [part] = read_form(content_type, body)
    assert part.value == b"v"
    assert b"\r\nx: y" not in body


@pytest.mark.parametrize("content_type", [None, b"application/json", b"multipart/form-data"])
def test_what_is_no_form_is_refused(content_type: bytes | None) -> None:
    with pytest.raises(InvalidRequest, match="multipart/form-data"):
        read_form(content_type, b"{}")


def test_a_form_of_too_many_parts_is_refused() -> None:
    content_type, body = write_form((FormPart("a", b""),) * (PARTS_MAX + 1), "m")
    with pytest.raises(InvalidRequest, match="not well formed"):
        read_form(content_type, body)


@pytest.mark.parametrize("name", ["n", "stream", "n[]", "temperature"])
def test_a_file_is_no_field_and_a_field_no_file(name: str) -> None:
    fields = (FormPart("model", b"a"), FormPart("temperature", b"1"))
    with pytest.raises(InvalidRequest, match="is a field"):
        body_of((*fields, FormPart(name, b"10", "f", "text/plain")))


def test_fields_read_as_a_json_body_has_them() -> None:
    form = (
        FormPart("model", b"m"),
        FormPart("stream", b"true"),
        FormPart("n", b"2"),
        FormPart("granularities[]", b"word"),
        FormPart("granularities[]", b"segment"),
        FormPart("file", b"\xff", "a.mp3"),
    )
    assert body_of(form) == {"model": "m", "stream": True, "n": 2, "granularities[]": "segment"}


@pytest.mark.parametrize(
    "form",
    [
        (FormPart("model", b"a"), FormPart("model", b"b")),
        (FormPart("model", b"\xff"),),
        (FormPart("model", b"a"), FormPart("model", b"dear", "f", "text/plain")),
        (FormPart("model", b"a"), FormPart("model[]", b"dear")),
    ],
)
def test_a_field_twice_or_not_utf8_is_refused_by_name(form: tuple[FormPart, ...]) -> None:
    with pytest.raises(InvalidRequest, match="model"):
        body_of(form)
