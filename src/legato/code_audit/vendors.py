"""What vendors' packages, classes, calls, hosts and models are called."""

import re
from typing import Final

PACKAGES: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google.genai": "google",
    "google.generativeai": "google",
    "vertexai": "google",
    "google.cloud.aiplatform": "google",
    "mistralai": "mistral",
    "cohere": "cohere",
    "litellm": "litellm",
    "groq": "groq",
    "together": "together",
    "ollama": "ollama",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "langchain": "langchain",
    "langchain_openai": "openai",
    "langchain_anthropic": "anthropic",
    "langchain_google_genai": "google",
    "langchain_google_vertexai": "google",
    "langchain_mistralai": "mistral",
    "langchain_cohere": "cohere",
    "langchain_aws": "aws",
    "langchain_groq": "groq",
    "langchain_ollama": "ollama",
    "langchain_community.chat_models": "langchain",
    "langchain_community.llms": "langchain",
    "llama_index.llms": "llama-index",
    "llama_index.embeddings": "llama-index",
    "huggingface_hub": "huggingface",
    # JavaScript and TypeScript
    "@anthropic-ai/sdk": "anthropic",
    "@anthropic-ai/bedrock-sdk": "aws",
    "@google/genai": "google",
    "@google/generative-ai": "google",
    "@google-cloud/vertexai": "google",
    "@mistralai/mistralai": "mistral",
    "cohere-ai": "cohere",
    "groq-sdk": "groq",
    "together-ai": "together",
    "@azure/openai": "azure",
    "@azure-rest/ai-inference": "azure",
    "@aws-sdk/client-bedrock-runtime": "aws",
    "@langchain/openai": "openai",
    "@langchain/anthropic": "anthropic",
    "@langchain/google-genai": "google",
    "@langchain/mistralai": "mistral",
    "@langchain/aws": "aws",
    "@langchain/ollama": "ollama",
    "@langchain/community": "langchain",
    "ai": "ai-sdk",
    "@ai-sdk/openai": "openai",
    "@ai-sdk/anthropic": "anthropic",
    "@ai-sdk/google": "google",
    "@ai-sdk/mistral": "mistral",
    "@ai-sdk/azure": "azure",
    "@ai-sdk/amazon-bedrock": "aws",
    "llamaindex": "llama-index",
    "@llamaindex/openai": "llama-index",
}
"""A package, or what a package's path begins with, and whose models it calls."""
CLIENTS: Final = re.compile(
    r"^(?:Async)?(?:OpenAI|AzureOpenAI|Anthropic|AnthropicBedrock|AnthropicVertex|Mistral|MistralAI"
    r"|Groq|Together|Client|ClientV2|CohereClient|CohereClientV2|ChatCompletionsClient|OpenAIClient"
    r"|InferenceClient|GenerativeModel|GoogleGenAI|GoogleGenerativeAI|VertexAI|BedrockRuntimeClient"
    r"|BedrockRuntime|Ollama|Bedrock|BedrockConverse|AzureChatOpenAI|Gemini|Cohere"
    r"|Chat[A-Z]\w+|\w+Embeddings?|init_chat_model|createOpenAI|createAnthropic|createAzure"
    r"|createGoogleGenerativeAI|createMistral|createAmazonBedrock)$"
)
NOT_CLIENTS: Final = re.compile(
    r"^Chat(?:PromptTemplate|Message\w*|Completion\w*|History|Response)$"
)
CALLS: Final = {
    "chat.completions.create": "chat",
    "chat.completions.parse": "chat",
    "chat.completions.stream": "chat",
    "beta.chat.completions.parse": "chat",
    "beta.chat.completions.stream": "chat",
    "completions.create": "chat",
    "responses.create": "chat",
    "responses.parse": "chat",
    "responses.stream": "chat",
    "messages.create": "chat",
    "messages.stream": "chat",
    "messages.parse": "chat",
    "beta.messages.create": "chat",
    "models.generate_content": "chat",
    "models.generate_content_stream": "chat",
    "models.generateContent": "chat",
    "models.generateContentStream": "chat",
    "generate_content": "chat",
    "generate_content_async": "chat",
    "generateContent": "chat",
    "generateContentStream": "chat",
    "chat.complete": "chat",
    "chat.complete_async": "chat",
    "chat.stream": "chat",
    "embeddings.create": "other",
    "models.embed_content": "other",
    "images.generate": "other",
    "audio.transcriptions.create": "other",
    "audio.speech.create": "other",
    "chat_stream": "chat",
    "chatStream": "chat",
    "invoke_model": "chat",
    "invoke_model_with_response_stream": "chat",
    "converse": "chat",
    "converse_stream": "chat",
    "getChatCompletions": "chat",
}
"""Ends of a call that are a vendor's; those of one word count only on a known client."""
SURE: Final = frozenset(
    {
        "chat.completions.create",
        "chat.completions.parse",
        "chat.completions.stream",
        "beta.chat.completions.parse",
        "beta.chat.completions.stream",
        "models.generate_content",
        "models.generateContent",
    }
)
"""So much a vendor's own that they count on an object of unknown origin, if a model is named."""
MODEL_ARGUMENTS: Final = ("model", "model_name", "modelName", "modelId", "model_id", "engine",
                          "deployment", "azure_deployment")  # fmt: skip
BOUND_METHODS: Final = {
    "langchain": ("invoke", "ainvoke", "stream", "astream", "batch", "abatch", "predict"),
    "llama-index": ("complete", "acomplete", "chat", "achat", "stream_chat", "stream_complete"),
    "cohere": ("chat", "embed", "rerank", "generate"),
    "ollama": ("chat", "generate", "embed"),
    "huggingface": ("chat_completion", "text_generation"),
    "azure": ("complete",),
    "google": ("send_message", "send_message_stream", "sendMessage", "sendMessageStream"),
    "aws": ("send",),
}
"""Methods that are calls on an object whose class is known to be of such a kind."""
FUNCTIONS: Final = {
    "litellm": frozenset(
        {"completion", "acompletion", "embedding", "aembedding", "text_completion", "responses"}
    ),
    "ollama": frozenset({"chat", "generate", "embed"}),
    "ai-sdk": frozenset(
        {"generateText", "streamText", "generateObject", "streamObject", "embed", "embedMany"}
    ),
}
"""Functions of packages that are calls themselves."""
TOKEN_LIMITS: Final = frozenset(
    {
        "max_tokens", "max_completion_tokens", "max_output_tokens", "maxTokens", "maxOutputTokens",
        "max_new_tokens", "max_tokens_to_sample", "maxCompletionTokens", "num_predict",
        "inferenceConfig", "generation_config", "generationConfig", "config", "body",
        "additionalModelRequestFields",
    }
)  # fmt: skip
"""Where a call may say how long its answer may get; what is in an object of its own is believed."""
TIMEOUTS: Final = frozenset(
    {"timeout", "request_timeout", "http_client", "httpClient", "timeoutMs", "timeout_ms",
     "http_options", "httpOptions", "config", "signal", "abortSignal", "fetch"}
)  # fmt: skip
PROMPT_ARGUMENTS: Final = frozenset(
    {"system", "prompt", "instructions", "system_prompt", "systemPrompt", "system_instruction",
     "systemInstruction", "input", "contents", "template", "system_message", "preamble"}
)  # fmt: skip
PROMPT_NAMES: Final = re.compile(r"prompt|instruction|system_?message|preamble", re.IGNORECASE)
PROMPT_MAKERS: Final = frozenset(
    {"from_template", "from_messages", "fromTemplate", "fromMessages", "PromptTemplate",
     "SystemMessage", "HumanMessage", "SystemMessagePromptTemplate", "ChatPromptTemplate"}
)  # fmt: skip
HOSTS: Final = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google",
    "aiplatform.googleapis.com": "google",
    "api.mistral.ai": "mistral",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.groq.com": "groq",
    "api.together.xyz": "together",
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "xai",
    "api.perplexity.ai": "perplexity",
    "api.fireworks.ai": "fireworks",
    "api-inference.huggingface.co": "huggingface",
}
_MODEL_NAME_MAX: Final = 100
_HOST: Final = re.compile(r"https?://([\w.-]+)(/[^\s\"'`]*)?")
_AZURE: Final = re.compile(r"\.(?:openai\.azure|services\.ai\.azure|inference\.ai\.azure)\.com$")
_BEDROCK: Final = re.compile(r"^bedrock-runtime[\w.-]*\.amazonaws\.com$")
_PREFIX: Final = (
    r"(?:(?:openai|azure|azure_ai|anthropic|bedrock|vertex_ai|gemini|google|mistral|mistralai|groq|"
    r"cohere|deepseek|xai|x-ai|openrouter|together_ai|ollama|ollama_chat|models|meta-llama)/){0,2}"
)
_MODEL: Final = re.compile(
    _PREFIX
    + r"(?:gpt-(?:3\.5|4|5)[\w.:-]*|chatgpt-4o-latest|o[134](?:-(?:mini|pro|preview)[\w-]*)?"
    r"(?:-20\d\d-\d\d-\d\d)?|text-embedding-(?:3|ada|0)[\w-]*|text-davinci-\d+|davinci-002"
    r"|dall-e-[23]|gpt-image-1[\w-]*|whisper-1|tts-1(?:-hd)?"
    r"|(?:[a-z]{2}\.)?anthropic\.claude-[\w.:-]+|claude-(?:\d|instant|opus|sonnet|haiku|v)[\w.@:-]*"
    r"|gemini-(?:\d|pro|ultra|flash)[\w.-]*|gemma-?\d[\w.:-]*"
    r"|(?:open-)?(?:mistral|mixtral|ministral|codestral|pixtral|magistral)-[\w.]+[\w.-]*"
    r"|command(?:-(?:r|a|light|nightly)[\w.-]*)|embed-(?:english|multilingual)-[\w.-]+"
    r"|rerank-[\w.-]+|(?:amazon\.)(?:titan|nova)-[\w.:-]+|meta\.llama[\w.:-]+"
    r"|[Ll]lama-?[234][\w.:-]*|deepseek-(?:chat|reasoner|coder|v\d|r\d)[\w.-]*|grok-\d[\w.-]*"
    r"|qwen-?\d[\w.:-]*|phi-?[34][\w.:-]*)",
    re.IGNORECASE,
)


def vendor_of_package(name: str) -> str:
    """Return whose models a package calls, "" for other packages."""
    parts = re.split(r"([./])", name)
    for end in range(len(parts), 0, -2):
        if found := PACKAGES.get("".join(parts[:end])):
            return found
    return ""


def vendor_of_url(text: str) -> tuple[str, str]:
    """Return whose API a text that begins with an address names, and the address."""
    found = _HOST.match(text)
    if found is None:
        return "", ""
    host = found[1].lower()
    if vendor := HOSTS.get(host) or (
        "google" if host.endswith("-aiplatform.googleapis.com") else ""
    ):
        return vendor, found[0][:200]
    if _AZURE.search(host):
        return "azure", found[0][:200]
    return ("aws", found[0][:200]) if _BEDROCK.match(host) else ("", "")


def is_model(text: str) -> bool:
    """Whether a text is a model's name and nothing else."""
    return len(text) <= _MODEL_NAME_MAX and _MODEL.fullmatch(text) is not None


def is_client(name: str) -> bool:
    """Whether a class or function of a vendor's package makes what calls models."""
    return CLIENTS.match(name) is not None and not NOT_CLIENTS.match(name)
