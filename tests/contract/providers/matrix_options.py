"""Options of a request: how each caller says them, what becomes of them at each provider."""

from __future__ import annotations

from matrix import QUESTION, SCHEMA, At, Feature, Left, Refused, everywhere

NAMED = "A schema's `name`, `description` and `strict` reach OpenAI"
DISABLED = (
    "`thinking` of type `disabled` or `adaptive` leaves a model of another dialect its default"
)
LABELS = "`metadata`, `prompt_cache_key` and `safety_identifier` are OpenAI's to book by"
LABEL = "`user` is left out at Google and Cohere"

OPTIONS = {
    "stop": Feature(
        {"chat": {"stop": ["END"]}, "messages": {"stop_sequences": ["END"]}},
        {
            "openai": At("stop", ["END"]),
            "anthropic": At("stop_sequences", ["END"]),
            "gemini": At("generationConfig.stopSequences", ["END"]),
            "converse": At("inferenceConfig.stopSequences", ["END"]),
            "cohere": At("stop_sequences", ["END"]),
        },
    ),
    "schema": Feature(
        {
            "chat": {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "place", "schema": SCHEMA},
                }
            },
            "responses": {
                "text": {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA}}
            },
            "messages": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        },
        {
            "openai": At("response_format.json_schema.schema", SCHEMA),
            "anthropic": At("output_config.format.schema", SCHEMA),
            "gemini": At("generationConfig.responseJsonSchema", SCHEMA),
            "converse": At("outputConfig.textFormat.structure.jsonSchema.schema"),
            "cohere": At("response_format.json_schema", SCHEMA),
        },
    ),
    "any_json": Feature(
        {
            "chat": {"response_format": {"type": "json_object"}},
            "responses": {"text": {"format": {"type": "json_object"}}},
        },
        {
            "openai": At("response_format", {"type": "json_object"}),
            "anthropic": Refused("response_format"),
            "gemini": At("generationConfig.responseMimeType", "application/json"),
            "converse": Refused("response_format"),
            "cohere": At("response_format", {"type": "json_object"}),
        },
    ),
    "a_strict_schema": Feature(
        {
            "chat": {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "place", "schema": SCHEMA, "strict": True},
                }
            },
            "responses": {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "place",
                        "schema": SCHEMA,
                        "strict": True,
                    }
                }
            },
        },
        everywhere(
            Left(NAMED),
            openai=At("response_format.json_schema.strict", value=True),
            converse=At("outputConfig.textFormat.structure.jsonSchema.name", "place"),
        ),
    ),
    "no_thinking": Feature(
        {"messages": {"thinking": {"type": "disabled"}}}, everywhere(Left(DISABLED))
    ),
    "labels": Feature({"chat": {"safety_identifier": "s-1"}}, everywhere(Left(LABELS))),
    "default_verbosity": Feature(
        {"chat": {"verbosity": "medium"}, "responses": {"text": {"verbosity": "medium"}}},
        {
            "openai": At("verbosity", "medium"),
            "anthropic": At("messages.0.content", QUESTION),
            "gemini": At("contents.0.parts.0.text", QUESTION),
            "converse": At("messages.0.content.0.text", QUESTION),
            "cohere": At("messages.0.content", QUESTION),
        },
    ),
    "effort": Feature(
        {
            "chat": {"reasoning_effort": "high"},
            "responses": {"reasoning": {"effort": "high"}},
            "messages": {"output_config": {"effort": "high"}},
        },
        {
            "openai": At("reasoning_effort", "high"),
            "anthropic": At("output_config.effort", "high"),
            "gemini": At("generationConfig.thinkingConfig.thinkingLevel", "high"),
            "converse": At("outputConfig.effort", "high"),
            "cohere": At("thinking", {"type": "enabled"}),
        },
    ),
    "thinking_budget": Feature(
        {
            "messages": {
                "thinking": {"type": "enabled", "budget_tokens": 2048},
                "max_tokens": 4096,
            }
        },
        {
            "openai": At("reasoning_effort", "low"),
            "anthropic": At("thinking.budget_tokens", 2048),
            "gemini": At("generationConfig.thinkingConfig.thinkingBudget", 2048),
            "converse": At("additionalModelRequestFields.thinking.budget_tokens", 2048),
            "cohere": At("thinking.token_budget", 2048),
        },
    ),
    "seed": Feature(
        {"chat": {"seed": 7}},
        {
            "openai": At("seed", 7),
            "anthropic": Refused("seed"),
            "gemini": At("generationConfig.seed", 7),
            "converse": Refused("seed"),
            "cohere": At("seed", 7),
        },
    ),
    "choices": Feature(
        {"chat": {"n": 2}},
        everywhere(
            Refused("n"), openai=At("n", 2), gemini=At("generationConfig.candidateCount", 2)
        ),
    ),
    "logprobs": Feature(
        {
            "chat": {"logprobs": True},
            "responses": {"include": ["message.output_text.logprobs"]},
        },
        {
            "openai": At("logprobs", value=True),
            "anthropic": Refused("logprobs"),
            "gemini": At("generationConfig.responseLogprobs", value=True),
            "converse": Refused("logprobs"),
            "cohere": At("logprobs", value=True),
        },
    ),
    "top_logprobs": Feature(
        {"chat": {"logprobs": True, "top_logprobs": 3}, "responses": {"top_logprobs": 3}},
        {
            "openai": At("top_logprobs", 3),
            "anthropic": Refused("logprobs"),
            "gemini": At("generationConfig.logprobs", 3),
            "converse": Refused("logprobs"),
            "cohere": Refused("top_logprobs"),
        },
    ),
    "penalty": Feature(
        {"chat": {"presence_penalty": 0.5}, "responses": {"presence_penalty": 0.5}},
        {
            "openai": At("presence_penalty", 0.5),
            "anthropic": Refused("presence_penalty"),
            "gemini": At("generationConfig.presencePenalty", 0.5),
            "converse": Refused("presence_penalty"),
            "cohere": At("presence_penalty", 0.5),
        },
    ),
    "high_temperature": Feature(
        {"chat": {"temperature": 1.5}, "responses": {"temperature": 1.5}},
        everywhere(
            Refused("temperature"),
            openai=At("temperature", 1.5),
            gemini=At("generationConfig.temperature", 1.5),
        ),
    ),
    "top_p": Feature(
        {one: {"top_p": 0.5} for one in ("chat", "responses", "messages")},
        {
            "openai": At("top_p", 0.5),
            "anthropic": At("top_p", 0.5),
            "gemini": At("generationConfig.topP", 0.5),
            "converse": At("inferenceConfig.topP", 0.5),
            "cohere": At("p", 0.5),
        },
    ),
    "top_k": Feature(
        {"messages": {"top_k": 5}},
        {
            "openai": Refused("top_k"),
            "anthropic": At("top_k", 5),
            "gemini": At("generationConfig.topK", 5),
            "converse": At("additionalModelRequestFields.top_k", 5),
            "cohere": At("k", 5),
        },
    ),
    "bound": Feature(
        {
            "chat": {"max_completion_tokens": 9},
            "responses": {"max_output_tokens": 9},
            "messages": {"max_tokens": 9},
        },
        {
            "openai": At("max_completion_tokens", 9),
            "anthropic": At("max_tokens", 9),
            "gemini": At("generationConfig.maxOutputTokens", 9),
            "converse": At("inferenceConfig.maxTokens", 9),
            "cohere": At("max_tokens", 9),
        },
    ),
    "verbosity": Feature(
        {"chat": {"verbosity": "low"}, "responses": {"text": {"verbosity": "low"}}},
        everywhere(
            Refused("verbosity"),
            openai=At("verbosity", "low"),
        ),
    ),
    "user": Feature(
        {
            "chat": {"user": "u-1"},
            "responses": {"user": "u-1"},
            "messages": {"metadata": {"user_id": "u-1"}},
        },
        {
            "openai": At("user", "u-1"),
            "anthropic": At("metadata.user_id", "u-1"),
            "gemini": Left(LABEL),
            "converse": At("requestMetadata.user", "u-1"),
            "cohere": Left(LABEL),
        },
    ),
    "text_alone": Feature(
        {"chat": {"modalities": ["text"]}},
        everywhere(
            At("messages.0.content", QUESTION),
            gemini=At("contents.0.parts.0.text", QUESTION),
            converse=At("messages.0.content.0.text", QUESTION),
        ),
    ),
    "pictures_asked_for": Feature(
        {"chat": {"modalities": ["image", "text"]}},
        everywhere(
            Refused("modalities"),
            gemini=At("generationConfig.responseModalities", ["IMAGE", "TEXT"]),
        ),
    ),
    "sound_asked_for": Feature(
        {"chat": {"modalities": ["text", "audio"]}}, everywhere(Refused("modalities"))
    ),
    "a_field_of_the_dialects_own": Feature(
        {
            "chat": {"logit_bias": {"1": 2}},
            "responses": {"truncation": "auto"},
            "messages": {"service_tier": "standard_only"},
        },
        everywhere(Refused("")),
    ),
}
