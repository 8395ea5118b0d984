"""Request bodies of Gemini's dialect judged as Google judges them: what it refuses is refused.

Documents: "Gemini API reference, v1beta: GenerateContent, Content, FunctionCallingConfig,
GenerationConfig" (ai.google.dev/api), "Thought signatures" (ai.google.dev/gemini-api/docs),
"Function calling", and "Vertex AI REST reference, v1", read 2026-11-21.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

SIGNATURE = base64.b64encode(b"signed by the wire server").decode()
SKIP = "skip_thought_signature_validator"
TOP = {"contents", "systemInstruction", "tools", "toolConfig", "safetySettings",
       "generationConfig", "cachedContent"}  # fmt: skip
DATA = {"text", "inlineData", "fileData", "functionCall", "functionResponse"}
CONFIG = {
    "maxOutputTokens": int, "temperature": float, "topP": float, "topK": int, "seed": int,
    "stopSequences": list, "candidateCount": int, "presencePenalty": float,
    "frequencyPenalty": float, "responseLogprobs": bool, "logprobs": int,
    "responseMimeType": str, "responseSchema": dict, "responseJsonSchema": dict,
    "thinkingConfig": dict, "responseModalities": list,
}  # fmt: skip
LEVELS = {"minimal", "low", "medium", "high"}
MODES = {"AUTO", "ANY", "NONE", "VALIDATED"}
CATEGORIES = {"HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH",
              "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_DANGEROUS_CONTENT"}  # fmt: skip
THRESHOLDS = {"BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE",
              "OFF"}  # fmt: skip
FREE = {"args", "response", "parameters", "parametersJsonSchema", "responseSchema",
        "responseJsonSchema"}  # fmt: skip
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")


class Refused(Exception):
    """A request Google answers with 400 INVALID_ARGUMENT."""


def camel(given: Any) -> Any:
    """Field names as documented: JSON of protocol buffers takes the other spelling, too."""
    if isinstance(given, list):
        return [camel(item) for item in given]
    if not isinstance(given, dict):
        return given
    fields = {}
    for name, value in given.items():
        spelled = re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
        fields[spelled] = value if spelled in FREE else camel(value)
    return fields


def check_chat(body: dict[str, Any], model: str, *, vertex: bool) -> None:
    """Raise Refused for the first thing that is wrong with a body of `:generateContent`."""
    known(body, TOP | ({"labels"} if vertex else set()), "")
    require(
        isinstance(body.get("contents"), list) and body["contents"], "contents is not specified"
    )
    thinks_by_level = not re.match(r"gemini-[12]\b", model)
    if "systemInstruction" in body:
        content = body["systemInstruction"]
        known(content, {"role", "parts"}, "system_instruction")
        require(all(set(part) == {"text"} for part in content["parts"]), "system takes text only")
    declared = check_tools(body.get("tools", []))
    check_tool_config(body.get("toolConfig"), declared)
    check_turns(body["contents"], signs=thinks_by_level, vertex=vertex)
    check_config(body.get("generationConfig", {}), by_level=thinks_by_level)
    for setting in body.get("safetySettings", []):
        known(setting, {"category", "threshold"}, "safety_settings")
        require(setting["category"] in CATEGORIES, "invalid category")
        require(setting["threshold"] in THRESHOLDS, "invalid threshold")


def check_turns(contents: list[dict[str, Any]], *, signs: bool, vertex: bool) -> None:
    calls: list[dict[str, Any]] = []
    for content in contents:
        known(content, {"role", "parts"}, "contents")
        require(content.get("role") in {"user", "model"}, "Please use a valid role: user, model.")
        require(bool(content.get("parts")), "must include at least one parts field")
        for part in content["parts"]:
            check_part(part, vertex=vertex)
        answers = [p["functionResponse"] for p in content["parts"] if "functionResponse" in p]
        if calls or answers:
            require(
                len(calls) == len(answers),
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn.",
            )
            for call, answer in zip(calls, answers, strict=True):
                require(call["name"] == answer["name"], "function response of another call")
                require(call.get("id") == answer.get("id"), "function response of another id")
        found = [part for part in content["parts"] if "functionCall" in part]
        if found and signs:
            require(
                "thoughtSignature" in found[0],
                f"Function call `{found[0]['functionCall']['name']}` is missing a "
                "`thought_signature`.",
            )
        calls = [part["functionCall"] for part in found]


def check_part(part: dict[str, Any], *, vertex: bool) -> None:
    known(part, DATA | {"thought", "thoughtSignature"}, "contents.parts")
    require(len(DATA & part.keys()) == 1, "required oneof field 'data' must have one value")
    signature = part.get("thoughtSignature", SKIP)
    require(signature in {SKIP, SIGNATURE}, "Thought signature is not valid.")
    if "text" in part:
        require(isinstance(part["text"], str), "text must be a string")
    if "inlineData" in part:
        check_blob(part["inlineData"])
    if "fileData" in part:
        file = part["fileData"]
        known(file, {"fileUri", "mimeType"}, "file_data")
        require(re.match(r"(https|gs)://", file["fileUri"]) is not None, "Unsupported file uri")
        require(not vertex or bool(file.get("mimeType")), "mimeType parameter must not be empty")
    if "functionCall" in part:
        call = part["functionCall"]
        known(call, {"name", "args", "id"}, "function_call")
        require(isinstance(call.get("args", {}), dict), "args must be an object")
    if "functionResponse" in part:
        answer = part["functionResponse"]
        known(answer, {"name", "response", "id", "parts"}, "function_response")
        require(isinstance(answer.get("response"), dict), "response must be an object")
        for inner in answer.get("parts", []):
            known(inner, {"inlineData", "fileData"}, "function_response.parts")
            if "inlineData" in inner:
                check_blob(inner["inlineData"])


def check_blob(blob: dict[str, Any]) -> None:
    known(blob, {"mimeType", "data"}, "inline_data")
    require(bool(blob.get("mimeType")), "mimeType must not be empty")
    try:
        base64.b64decode(blob["data"], validate=True)
    except binascii.Error:
        raise Refused("Base64 decoding failed") from None


def check_tools(tools: list[dict[str, Any]]) -> set[str]:
    names: set[str] = set()
    for tool in tools:
        known(tool, {"functionDeclarations"}, "tools")
        for function in tool["functionDeclarations"]:
            allowed = {"name", "description", "parameters", "parametersJsonSchema"}
            known(function, allowed, "tools.function_declarations")
            require(NAME.fullmatch(function["name"]) is not None, "Invalid function name.")
            require(isinstance(function.get("description"), str), "description is required")
            require(not {"parameters", "parametersJsonSchema"} <= function.keys(), "both schemas")
            require(function["name"] not in names, "Duplicate function declaration found")
            names.add(function["name"])
    return names


def check_tool_config(config: dict[str, Any] | None, declared: set[str]) -> None:
    if config is None:
        return
    known(config, {"functionCallingConfig"}, "tool_config")
    calling = config["functionCallingConfig"]
    known(calling, {"mode", "allowedFunctionNames"}, "function_calling_config")
    require(calling["mode"] in MODES, "invalid mode")
    require(bool(declared), "Function calling config is set without function_declarations.")
    allowed = set(calling.get("allowedFunctionNames", ()))
    require(not allowed or calling["mode"] in {"ANY", "VALIDATED"}, "allowed names need ANY")
    require(allowed <= declared, "allowed_function_names holds an undeclared function")


def check_config(config: dict[str, Any], *, by_level: bool) -> None:
    known(config, set(CONFIG), "generation_config")
    for name, value in config.items():
        kind = CONFIG[name]
        number = kind is float and type(value) in {int, float}
        require(number or type(value) is kind, f"Invalid value at 'generation_config.{name}'")
    require(0 <= config.get("temperature", 1) <= 2, "temperature must be in [0, 2]")
    require(len(config.get("stopSequences", ())) <= 5, "at most 5 stop sequences")
    require(1 <= config.get("candidateCount", 1) <= 8, "candidateCount must be in [1, 8]")
    require(-(2**31) <= config.get("seed", 0) < 2**31, "seed is no int32")
    require("logprobs" not in config or config.get("responseLogprobs"), "logprobs needs the flag")
    structured = config.keys() & {"responseSchema", "responseJsonSchema"}
    mime = config.get("responseMimeType", "text/plain")
    require(not structured or mime == "application/json", "a schema needs application/json")
    require(len(structured) < 2, "both schemas")
    modalities = set(config.get("responseModalities", ()))
    require(modalities <= {"TEXT", "IMAGE", "AUDIO"}, "invalid response modality")
    thinking = config.get("thinkingConfig", {})
    known(thinking, {"includeThoughts", "thinkingBudget", "thinkingLevel"}, "thinking_config")
    require(not {"thinkingBudget", "thinkingLevel"} <= thinking.keys(), "both budget and level")
    if "thinkingLevel" in thinking:
        require(by_level, "Thinking level is not supported for this model.")
        require(thinking["thinkingLevel"].lower() in LEVELS, "invalid thinking level")
    require(type(thinking.get("thinkingBudget", 0)) is int, "thinkingBudget is no integer")


def known(given: Any, allowed: set[str], place: str) -> None:
    require(isinstance(given, dict), f"Invalid value at '{place}'")
    for name in given:
        require(
            name in allowed,
            f"Invalid JSON payload received. Unknown name \"{name}\" at '{place}': "
            "Cannot find field.",
        )


def require(holds: Any, problem: str) -> None:
    if not holds:
        raise Refused(problem)
