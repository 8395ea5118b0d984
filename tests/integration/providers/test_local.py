"""The truth about the wire of the real model in its child process."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.providers.local.bench import measure
from legato.providers.local.catalogue import known
from legato.providers.local.launch import (
    LaunchCommand,
    launch_command,
    read_ready_line,
)
from legato.providers.local.options import LocalModelSettings, ServerReady
from legato.providers.local.wire import check_request, normalise_error

SETTINGS = LocalModelSettings(model="smollm2-135m", context_tokens=2048, slots=2, seed=1)
ASK = [{"role": "user", "content": "Name three colours."}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
SECRET_TEXT = "xylophone-4711"


class Child:
    """The child as a supervisor holds it, with a plain HTTP client."""

    def __init__(self, process: subprocess.Popen[bytes], command: LaunchCommand) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(command.stdin)
        process.stdin.close()
        self.process = process
        self.key = command.api_key
        self.ready: ServerReady = read_ready_line(process.stdout.readline())

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.ready.port, timeout=60)

    def call(self, body: Any, path: str = "/v1/chat/completions") -> tuple[int, Any]:
        status, text = self.raw(json.dumps(body).encode(), path)
        return status, json.loads(text)

    def raw(self, body: bytes, path: str = "/v1/chat/completions") -> tuple[int, bytes]:
        connection = self.connection()
        connection.request("POST", path, body, self.headers())
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text

    def chat(self, **fields: Any) -> Any:
        status, answer = self.call({"messages": ASK, "max_tokens": 8, **fields})
        assert status == 200, answer
        return answer

    def stream(self, **fields: Any) -> list[Any]:
        body = {"messages": ASK, "max_tokens": 8, "stream": True, **fields}
        _, text = self.raw(json.dumps(body).encode())
        data = [line[6:] for line in text.decode().splitlines() if line.startswith("data: ")]
        assert data[-1] == "[DONE]"
        assert data.count("[DONE]") == 1
        return [json.loads(item) for item in data[:-1]]

    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}", "content-type": "application/json"}

    def is_busy(self) -> bool:
        return self.metric("llamacpp:requests_processing") > 0

    def metric(self, name: str) -> float:
        connection = self.connection()
        connection.request("GET", "/metrics", headers=self.headers())
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def eventually(holds: Callable[[], bool], within_s: float = 10.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "model.log"


@pytest.fixture(scope="module")
def child(local_data: Path, log_file: Path) -> Iterator[Child]:
    command = launch_command(SETTINGS, local_data, log_file=log_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[3] / "src"))
        process = subprocess.Popen(
            command.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    with process:
        yield Child(process, command)
        process.kill()


# ------------------------------------------------------------------ the same as OpenAI's


def test_an_answer_is_openais(child: Child) -> None:
    answer = child.chat()
    assert answer["object"] == "chat.completion"
    choice = answer["choices"][0]
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] == "length"
    usage = answer["usage"]
    assert usage["completion_tokens"] == 8
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_the_models_own_chat_template_is_applied(child: Child) -> None:
    _, answer = child.call({"messages": ASK}, "/apply-template")
    assert answer["prompt"].endswith("<|im_start|>assistant\n")
    assert "<|im_start|>user\nName three colours.<|im_end|>\n" in answer["prompt"]


def test_the_models_stop_token_ends_an_answer_and_is_not_shown(child: Child) -> None:
    say_hi = [{"role": "user", "content": "Reply with one word: hi"}]
    answer = child.chat(messages=say_hi, temperature=0, max_tokens=300)
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert "<|im_" not in answer["choices"][0]["message"]["content"]


def test_a_stream_carries_usage_only_if_asked(child: Child) -> None:
    asked = child.stream(stream_options={"include_usage": True})
    assert asked[-1]["choices"] == []
    assert asked[-1]["usage"]["completion_tokens"] == 8
    assert all("usage" not in chunk for chunk in asked[:-1])
    assert all("usage" not in chunk for chunk in child.stream())


def test_a_stream_has_role_first_and_one_finish_reason_last(child: Child) -> None:
    chunks = child.stream()
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["length"]
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_stop_words_end_an_answer_unseen(child: Child) -> None:
    whole = child.chat(temperature=0, max_tokens=20)["choices"][0]["message"]["content"]
    word = whole.split()[3]
    for stop in (word, [word]):
        choice = child.chat(temperature=0, max_tokens=20, stop=stop)["choices"][0]
        assert choice["finish_reason"] == "stop"
        assert choice["message"]["content"] == whole[: whole.index(word)]


def test_a_seed_repeats_an_answer(child: Child) -> None:
    first, second = (child.chat(seed=7, max_tokens=20) for _ in range(2))
    assert first["choices"] == second["choices"]


def test_both_names_of_the_output_bound_hold(child: Child) -> None:
    _, answer = child.call({"messages": ASK, "max_completion_tokens": 3})
    assert answer["usage"]["completion_tokens"] == 3


def test_structured_output_is_enforced(child: Child) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}
    answer = child.chat(response_format=form, max_tokens=60)
    assert json.loads(answer["choices"][0]["message"]["content"])["colour"] in {"red", "green"}


def test_logprobs_come_for_each_token(child: Child) -> None:
    answer = child.chat(logprobs=True, top_logprobs=2, max_tokens=3)
    tokens = answer["choices"][0]["logprobs"]["content"]
    assert len(tokens) == 3
    assert all(len(token["top_logprobs"]) == 2 for token in tokens)
    assert "id" in tokens[0]  # not OpenAI's


def _leave(child: Child, *, stream: bool) -> None:
    """Ask for an answer of many seconds and hang up once it is under way."""
    connection = child.connection()
    body = {"messages": ASK, "max_tokens": 2000, "ignore_eos": True, "stream": stream}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), child.headers())
    assert eventually(child.is_busy)
    connection.close()


def test_a_caller_who_leaves_a_stream_stops_it_at_once(child: Child) -> None:
    _leave(child, stream=True)
    assert eventually(lambda: not child.is_busy(), within_s=1)


def test_a_caller_who_leaves_an_idle_server_stops_it_within_a_second(child: Child) -> None:
    _leave(child, stream=False)
    time.sleep(1.5)
    assert not child.is_busy()


# ------------------------------------------------------------------ different, so known


def test_usage_of_two_choices_counts_one_so_two_are_refused(child: Child) -> None:
    answer = child.chat(n=2, ignore_eos=True)
    assert len(answer["choices"]) == 2
    assert answer["usage"]["completion_tokens"] == 8  # OpenAI: 16
    chunks = child.stream(n=2, stream_options={"include_usage": True})
    assert sum(1 for chunk in chunks if "usage" in chunk) == 2  # OpenAI: one
    status, _ = child.call({"messages": ASK, "n": SETTINGS.slots + 1})
    assert status == 400
    with pytest.raises(InvalidRequest):
        check_request({"messages": ASK, "n": 2}, known("smollm2-135m").capabilities)


def test_a_caller_who_leaves_a_busy_server_without_a_stream_is_not_noticed(child: Child) -> None:
    # It looks whether the caller is there only after a second in which *no* answer to anybody
    # went out, so another stream, or these questions, keep it generating. Ask for streams.
    _leave(child, stream=False)
    assert not eventually(lambda: not child.is_busy(), within_s=2)
    time.sleep(1.5)
    assert not child.is_busy()


def test_tools_are_ignored_so_they_are_refused(child: Child) -> None:
    request = {"messages": ASK, "max_tokens": 8, "tools": [TOOL], "tool_choice": "required"}
    status, answer = child.call(request)
    assert status == 200
    assert "tool_calls" not in answer["choices"][0]["message"]
    assert answer["usage"]["prompt_tokens"] == child.chat()["usage"]["prompt_tokens"]
    assert child.ready.tools is False
    with pytest.raises(InvalidRequest):
        check_request(request, known("smollm2-135m").capabilities)


@pytest.mark.parametrize("stream", [True, False])
def test_context_overflow_is_a_400_before_any_stream(child: Child, *, stream: bool) -> None:
    body = {"messages": [{"role": "user", "content": "word " * 2500}], "stream": stream}
    status, text = child.raw(json.dumps(body).encode())
    assert status == 400
    error = json.loads(text)["error"]
    assert error["type"] == "exceed_context_size_error"
    assert error["code"] == 400  # a number; OpenAI: "context_length_exceeded"
    assert "param" not in error
    assert normalise_error(status, text).code == "context_length_exceeded"


def test_an_image_for_a_text_model_is_a_500_that_we_mend(child: Child) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    request = {"messages": [{"role": "user", "content": [image]}]}
    status, text = child.raw(json.dumps(request).encode())
    assert status == 500
    assert normalise_error(status, text).status == 400


def test_errors_quote_the_conversation_so_we_cut_them(child: Child) -> None:
    broken = b'{"messages":[{"role":"user","content":"' + SECRET_TEXT.encode() + b' \xff"}]}'
    without_role = json.dumps({"messages": [{"content": SECRET_TEXT}]}).encode()
    for body in (broken, without_role):
        status, text = child.raw(body)
        assert SECRET_TEXT.encode() in text
        assert SECRET_TEXT not in normalise_error(status, text).message


def test_the_model_asked_for_is_not_looked_at(child: Child) -> None:
    assert child.chat(model="gpt-9")["model"] == "smollm2-135m"
    assert {chunk["model"] for chunk in child.stream(model="gpt-9")} == {"smollm2-135m"}


def test_what_openai_refuses_is_accepted(child: Child) -> None:
    assert child.call({"messages": [], "max_tokens": 1})[0] == 200
    assert child.call({"messages": [{"role": "wizard", "content": "x"}], "max_tokens": 1})[0] == 200
    assert child.chat(frobnicate=1)["object"] == "chat.completion"
    assert child.chat(max_tokens=0)["usage"]["completion_tokens"] == 1
    twice = b'{"messages":[],"max_tokens":1,"max_tokens":2,"ignore_eos":true}'
    assert json.loads(child.raw(twice)[1])["usage"]["completion_tokens"] == 2


def test_sampling_defaults_are_llama_cpps(child: Child) -> None:
    connection = child.connection()
    connection.request("GET", "/props", headers=child.headers())
    defaults = json.loads(connection.getresponse().read())["default_generation_settings"]["params"]
    connection.close()
    found = [defaults[name] for name in ("temperature", "top_k", "top_p", "min_p", "max_tokens")]
    assert found == pytest.approx([0.8, 40, 0.95, 0.05, -1])


def test_answers_carry_fields_of_their_own(child: Child) -> None:
    child.chat()
    answer = child.chat()
    assert answer["timings"]["predicted_n"] == 8
    assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
    assert child.stream()[0]["choices"][0]["delta"]["content"] is None


def test_there_are_no_embeddings(child: Child) -> None:
    assert child.call({"input": "hello"}, "/v1/embeddings")[0] == 501


@pytest.mark.slow
def test_more_requests_than_slots_wait_while_health_answers(child: Child) -> None:
    connections = [child.connection() for _ in range(6)]
    body = json.dumps({"messages": ASK, "max_tokens": 60, "ignore_eos": True})
    for connection in connections:
        connection.request("POST", "/v1/chat/completions", body, child.headers())
    started = time.monotonic()
    connection = child.connection()
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200
    assert time.monotonic() - started < 1
    connection.close()
    assert [connection.getresponse().status for connection in connections] == [200] * 6
    for connection in connections:
        connection.close()


# ------------------------------------------------------------------ privacy


def test_nobody_without_the_key_gets_in(child: Child) -> None:
    for headers in ({}, {"authorization": "Bearer no"}, {"authorization": f"Basic {child.key}"}):
        connection = child.connection()
        connection.request("GET", "/v1/models", headers=headers)
        assert connection.getresponse().status == 401
        connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_key_is_in_no_argument_and_no_environment(child: Child) -> None:
    process = Path("/proc", str(child.process.pid))
    for name in ("cmdline", "environ"):
        assert child.key.encode() not in (process / name).read_bytes()


def test_no_prompt_text_reaches_the_log(child: Child, log_file: Path) -> None:
    ask = [{"role": "user", "content": SECRET_TEXT}]
    for body in (
        {"messages": ask, "max_tokens": 1},
        {"messages": [{"content": SECRET_TEXT}]},
        {"messages": ask, "tool_choice": SECRET_TEXT},
        {"messages": [{"role": "user", "content": SECRET_TEXT * 900}]},
        {"messages": ask, "response_format": {"type": SECRET_TEXT}},
        {"messages": ask, "seed": SECRET_TEXT},
    ):
        child.call(body)
    child.raw(b'{"messages":[{"role":"user","content":"' + SECRET_TEXT.encode() + b"\xff")
    assert SECRET_TEXT not in log_file.read_text(errors="replace")


def test_the_prompts_in_progress_are_not_listed(child: Child) -> None:
    connection = child.connection()
    connection.request("GET", "/slots", headers=child.headers())
    assert connection.getresponse().status == 501
    connection.close()


@pytest.mark.slow
def test_the_bench_measures(child: Child) -> None:
    result = measure(child.ready, child.key, rounds=1, prompt_items=20)
    assert result.generated_tokens == 64
    assert result.prompt_tokens > 50
    assert min(result.prompt_per_s, result.generation_per_s, result.first_token_ms) > 0
    assert result.all_slots_generation_per_s > 0
