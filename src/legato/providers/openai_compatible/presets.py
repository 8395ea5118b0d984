"""Vendors that speak OpenAI's dialect: where they are and how they deviate, as data."""

from typing import Literal

import msgspec

from legato.core.errors import ConfigInvalid

OutputBound = Literal["max_tokens", "max_completion_tokens"]


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One vendor. All but `base_url` can be overridden under the provider's `settings`."""

    base_url: str = ""
    key_header: str = "authorization"
    """Empty: the key is not sent, for a provider that signs with it."""
    key_prefix: str = "Bearer "
    output_bound: OutputBound = "max_tokens"
    """The field that bounds the answer where we set one ourselves."""
    renames: dict[str, str] = {}
    """Request fields the vendor knows under another name (not applied over one that is set)."""
    stream_usage: bool = True
    """Takes `stream_options.include_usage`; a vendor that refuses it reports usage anyway."""
    top_k: bool = False
    """Has `top_k` beyond OpenAI's own fields."""
    reasoning_content: bool = False
    """Takes an assistant's earlier reasoning back under `reasoning_content`."""
    reasoning_details: bool = False
    """Takes an assistant's signed and encrypted reasoning back under `reasoning_details`."""
    labels: tuple[str, ...] = ()
    """Fields for OpenAI's own books that the vendor refuses; left out, they change no answer."""
    unsupported: tuple[str, ...] = ()
    """Fields the vendor refuses or, worse, passes over; refused by us, or dropped by policy."""
    mistral_messages: bool = False
    """Messages and answers in Mistral's form: reasoning as a part of the content, tool calls
    named by nine letters and digits, no developer role."""
    batches: bool = False
    """Has OpenAI's own files and batches; others have none, or another form of them."""


_TO_MAX_TOKENS = {"max_completion_tokens": "max_tokens"}
_OPENAI_LABELS = ("safety_identifier", "store", "user", "prompt_cache_retention")
# Each vendor's deviations. On 2026-11-21 these were looked up: Groq's and Ollama's pages, and
# Mistral's types in its own package. All others are what is commonly known of the page named;
# none was called.
PRESETS = {
    # platform.openai.com/docs/api-reference/chat: reasoning models refuse max_tokens, the others
    # take either.
    "openai": Preset(
        "https://api.openai.com/v1", output_bound="max_completion_tokens", batches=True
    ),
    # docs.mistral.ai/api and the vendor's package mistralai 3.7: unknown fields are 422, the seed
    # is random_seed, usage comes without being asked for.
    "mistral": Preset(
        "https://api.mistral.ai/v1",
        renames={**_TO_MAX_TOKENS, "seed": "random_seed"},
        stream_usage=False,
        top_k=True,
        labels=_OPENAI_LABELS,
        unsupported=("audio", "logit_bias", "modalities", "verbosity", "web_search_options"),
        mistral_messages=True,
    ),
    # console.groq.com/docs/openai: refuses these three, and n beyond 1; usage in x_groq, too.
    "groq": Preset(
        "https://api.groq.com/openai/v1",
        output_bound="max_completion_tokens",
        unsupported=("logit_bias", "logprobs", "n", "top_logprobs"),
        batches=True,  # console.groq.com/docs/batch: OpenAI's files and batches
    ),
    # docs.together.ai/reference/chat-completions
    "together": Preset("https://api.together.xyz/v1", renames=_TO_MAX_TOKENS, top_k=True),
    # openrouter.ai/docs/api-reference/parameters: reasoning under `reasoning`, errors inside 200.
    # openrouter.ai/docs/use-cases/reasoning-tokens: what is signed comes, and goes back, in
    # reasoning_details.
    "openrouter": Preset("https://openrouter.ai/api/v1", top_k=True, reasoning_details=True),
    # api-docs.deepseek.com/api/create-chat-completion: cached input in prompt_cache_hit_tokens.
    "deepseek": Preset(
        "https://api.deepseek.com/v1",
        renames=_TO_MAX_TOKENS,
        reasoning_content=True,
        unsupported=("n",),
    ),
    # docs.x.ai/docs/api-reference: usage on every chunk, reasoning counted beside the completion.
    "xai": Preset("https://api.x.ai/v1", output_bound="max_completion_tokens"),
    # docs.fireworks.ai/api-reference/post-chatcompletions
    "fireworks": Preset(
        "https://api.fireworks.ai/inference/v1", renames=_TO_MAX_TOKENS, top_k=True
    ),
    # docs.perplexity.ai/api-reference/chat-completions-post: usage on every chunk, sources in
    # citations and search_results.
    "perplexity": Preset(
        "https://api.perplexity.ai",
        renames=_TO_MAX_TOKENS,
        stream_usage=False,
        top_k=True,
        unsupported=("logit_bias", "n", "seed"),
    ),
    # docs.ollama.com/api/openai-compatibility: passes over what it hasn't.
    "ollama": Preset(
        "http://127.0.0.1:11434/v1",
        renames=_TO_MAX_TOKENS,
        unsupported=("logit_bias", "n", "tool_choice"),
    ),
    # docs.vllm.ai/en/latest/serving/openai_compatible_server
    "vllm": Preset("http://127.0.0.1:8000/v1", top_k=True, reasoning_content=True),
    # huggingface.co/docs/text-generation-inference/messages_api: n and logit_bias are unused.
    "tgi": Preset(
        "http://127.0.0.1:8080/v1", renames=_TO_MAX_TOKENS, unsupported=("logit_bias", "n")
    ),
}
_GENERIC = Preset(batches=True)


def preset_for(name: str | None, overrides: dict[str, object], *, place: str) -> Preset:
    """Return the preset, with a provider's own `settings` laid over it.

    Raises:
        ConfigInvalid: an unknown preset or setting.
    """
    if name is not None and name not in PRESETS:
        raise ConfigInvalid(f"{place}.preset: {name!r} is none of {', '.join(sorted(PRESETS))}")
    preset = PRESETS[name] if name is not None else _GENERIC
    if not overrides:
        return preset
    if "base_url" in overrides:
        raise ConfigInvalid(f"{place}.settings: base_url belongs beside settings, not inside")
    try:
        return msgspec.convert({**msgspec.to_builtins(preset), **overrides}, Preset)
    except msgspec.ValidationError as problem:
        raise ConfigInvalid(f"{place}.settings: {problem}") from None
