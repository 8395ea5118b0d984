import msgspec

from legato.insights.answer_text import text_of_stream, text_of_whole


def test_the_text_of_an_answer_is_found_whole_and_in_pieces() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello."}}
    assert text_of_whole(msgspec.json.encode({"choices": [choice]})) == "Hello."
    frames = (
        b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\r\n\r\n'
        b'data: {"choices":[{"index":1,"delta":{"content":"no"}}]}\n\n'
        b": a comment\n"
        b'data: {"choices":[{"index":0,"delta":{"content":"lo."}}]}\n\n'
        b'data: {"choices":[],"usage":{}}\n\ndata: [DONE]\n\n'
    )
    assert text_of_stream(frames) == "Hello."


def test_an_answer_without_text_has_none() -> None:
    tools = {"index": 0, "message": {"content": None, "tool_calls": []}}
    assert text_of_whole(msgspec.json.encode({"choices": [tools]})) == ""
    assert text_of_whole(b"{}") == ""
