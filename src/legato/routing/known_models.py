"""What well-known models can do. As of 2026-11-21.

Context windows are those of genai-prices 0.2.3 where it has them. All else was written down from
what is commonly known of the vendors' model pages, which were not read again on that day: check
it there, and correct it here or in the configuration
(platform.openai.com/docs/models, docs.claude.com/en/docs/about-claude/models,
docs.cohere.com/docs/models, docs.mistral.ai/getting-started/models, api-docs.deepseek.com,
console.groq.com/docs/models). A field that isn't given is unknown, which is neither yes nor no;
a model that isn't here is unknown altogether. The configuration's word goes over all of it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from legato.core.config import Capabilities

AS_OF = "2026-11-21"

_EMBEDDER = Capabilities(
    chat=False,
    embeddings=True,
    rerank=False,
    tools=False,
    vision=False,
    json_object=False,
    json_schema=False,
    streaming=False,
    reasoning=False,
    modalities_in=["text"],
    modalities_out=["embedding"],
)
_RERANKER = replace(_EMBEDDER, embeddings=False, rerank=True, modalities_out=["text"])
_CHAT = Capabilities(chat=True, embeddings=False, rerank=False, streaming=True)
_TOOLED = replace(_CHAT, tools=True, parallel_tools=True, json_object=True, modalities_out=["text"])
_SEEING = replace(_TOOLED, json_schema=True, vision=True, modalities_in=["text", "image"])
# developers.openai.com/api/docs/guides/file-inputs: PDFs from gpt-4o on, where a model sees.
_OPENAI_SEEING = replace(_SEEING, modalities_in=["text", "image", "file"])
_THINKING = replace(_OPENAI_SEEING, reasoning=True)
# Anthropic has no mode for JSON without a schema; schemas came with the later models.
_CLAUDE = Capabilities(
    chat=True,
    embeddings=False,
    rerank=False,
    tools=True,
    parallel_tools=True,
    vision=True,
    json_object=False,
    streaming=True,
    modalities_in=["text", "image", "file"],
    modalities_out=["text"],
)
_CLAUDE_3 = replace(_CLAUDE, json_schema=False, reasoning=False, context_tokens=200_000)
_CLAUDE_4 = replace(_CLAUDE, reasoning=True, context_tokens=200_000)
_DEEPSEEK = replace(_TOOLED, vision=False, json_schema=False, modalities_in=["text"])
_LLAMA = replace(_TOOLED, vision=False, reasoning=False, modalities_in=["text"])

_OPENAI = {
    "gpt-3.5-turbo": replace(
        _LLAMA, json_schema=False, context_tokens=16_385, output_tokens_max=4_096
    ),
    "gpt-4": replace(
        _CHAT,
        tools=True,
        vision=False,
        json_object=False,
        json_schema=False,
        reasoning=False,
        context_tokens=8_192,
        output_tokens_max=8_192,
        modalities_in=["text"],
        modalities_out=["text"],
    ),
    "gpt-4-turbo": replace(
        _SEEING,
        json_schema=False,
        reasoning=False,
        context_tokens=128_000,
        output_tokens_max=4_096,
    ),
    "gpt-4o": replace(
        _OPENAI_SEEING, reasoning=False, context_tokens=128_000, output_tokens_max=16_384
    ),
    "gpt-4o-mini": replace(
        _OPENAI_SEEING, reasoning=False, context_tokens=128_000, output_tokens_max=16_384
    ),
    "o1": replace(
        _THINKING, parallel_tools=False, context_tokens=200_000, output_tokens_max=100_000
    ),
    "o3": replace(
        _THINKING, parallel_tools=False, context_tokens=200_000, output_tokens_max=100_000
    ),
    "o3-mini": replace(
        _THINKING,
        parallel_tools=False,
        vision=False,
        modalities_in=["text"],
        context_tokens=200_000,
        output_tokens_max=100_000,
    ),
    "o4-mini": replace(
        _THINKING, parallel_tools=False, context_tokens=200_000, output_tokens_max=100_000
    ),
    "text-embedding-3-small": replace(_EMBEDDER, context_tokens=8_192),
    "text-embedding-3-large": replace(_EMBEDDER, context_tokens=8_192),
    "text-embedding-ada-002": replace(_EMBEDDER, context_tokens=8_192),
}
_OPENAI |= {
    name: replace(
        _OPENAI_SEEING, reasoning=False, context_tokens=1_047_576, output_tokens_max=32_768
    )
    for name in ("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano")
}
_OPENAI |= {
    name: replace(_THINKING, context_tokens=400_000, output_tokens_max=128_000)
    for name in ("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5.1", "gpt-5.2")
}

_ANTHROPIC = {
    "claude-3-haiku": replace(_CLAUDE_3, output_tokens_max=4_096),
    "claude-3-opus": replace(_CLAUDE_3, output_tokens_max=4_096),
    "claude-3-5-haiku": replace(_CLAUDE_3, output_tokens_max=8_192),
    "claude-3-5-sonnet": replace(_CLAUDE_3, output_tokens_max=8_192),
    "claude-3-7-sonnet": replace(_CLAUDE_4, json_schema=False),
    "claude-opus-4": replace(_CLAUDE_4, json_schema=False, output_tokens_max=32_000),
    "claude-opus-4-0": replace(_CLAUDE_4, json_schema=False, output_tokens_max=32_000),
    "claude-opus-4-1": replace(_CLAUDE_4, output_tokens_max=32_000),
    "claude-opus-4-5": replace(_CLAUDE_4, json_schema=True, output_tokens_max=64_000),
    "claude-haiku-4-5": replace(_CLAUDE_4, json_schema=True, output_tokens_max=64_000),
    # a beta header lets these two read a million tokens, so their context stays unstated
    "claude-sonnet-4": replace(_CLAUDE_4, context_tokens=None, output_tokens_max=64_000),
    "claude-sonnet-4-5": replace(
        _CLAUDE_4, json_schema=True, context_tokens=None, output_tokens_max=64_000
    ),
}
_ANTHROPIC |= {
    name: replace(_CLAUDE_4, json_schema=True, context_tokens=1_000_000)
    for name in ("claude-opus-4-6", "claude-opus-4-7", "claude-sonnet-4-6")
}

_OTHERS = {
    "mistral-embed": replace(_EMBEDDER, context_tokens=8_192),
    "codestral-embed": replace(_EMBEDDER, context_tokens=8_000),
    "mistral-large": _TOOLED,
    "mistral-medium": _TOOLED,
    "mistral-small": _TOOLED,
    "mistral-nemo": replace(_LLAMA, json_schema=None),
    "pixtral-large": _SEEING,
    "magistral-medium": replace(_TOOLED, reasoning=True),
    "magistral-small": replace(_TOOLED, reasoning=True),
    "command-r": replace(_LLAMA, context_tokens=128_000, output_tokens_max=4_096),
    "command-r-plus": replace(_LLAMA, context_tokens=128_000, output_tokens_max=4_096),
    "command-r7b": replace(_LLAMA, context_tokens=128_000, output_tokens_max=4_096),
    "command-a": replace(_LLAMA, json_schema=True, context_tokens=256_000, output_tokens_max=8_192),
    "command-a-reasoning": replace(
        _LLAMA, json_schema=True, reasoning=True, context_tokens=256_000, output_tokens_max=32_768
    ),
    "command-a-vision": replace(
        _CHAT,
        tools=False,
        vision=True,
        reasoning=False,
        context_tokens=128_000,
        output_tokens_max=8_192,
        modalities_in=["text", "image"],
        modalities_out=["text"],
    ),
    "embed-v4.0": replace(
        _EMBEDDER, vision=None, context_tokens=128_000, modalities_in=["text", "image"]
    ),
    "embed-english-v3.0": replace(_EMBEDDER, context_tokens=512),
    "embed-multilingual-v3.0": replace(_EMBEDDER, context_tokens=512),
    "rerank-v3.5": _RERANKER,
    "rerank-english-v3.0": _RERANKER,
    "rerank-multilingual-v3.0": _RERANKER,
    "deepseek-chat": _DEEPSEEK,
    "deepseek-reasoner": replace(_DEEPSEEK, reasoning=True),
    "llama-3.3-70b-versatile": replace(_LLAMA, context_tokens=131_072, output_tokens_max=32_768),
    "llama-3.1-8b-instant": replace(_LLAMA, context_tokens=131_072, output_tokens_max=131_072),
    "gpt-oss-120b": replace(_LLAMA, reasoning=True, context_tokens=131_072),
    "gpt-oss-20b": replace(_LLAMA, reasoning=True, context_tokens=131_072),
    "sonar": replace(_CHAT, tools=False, context_tokens=128_000),
    "sonar-pro": replace(_CHAT, tools=False, context_tokens=200_000),
    "sonar-reasoning-pro": replace(_CHAT, tools=False, reasoning=True, context_tokens=128_000),
}

KNOWN_MODELS: Mapping[str, Capabilities] = MappingProxyType({**_OPENAI, **_ANTHROPIC, **_OTHERS})
