"""Published scores of well-known models: MMLU, share of questions answered right.

MMLU (Hendrycks et al. 2021, arXiv:2009.03300) is the one measure that vendors reported for nearly
all models of these years. The figures were written down from what is commonly known of the vendors'
announcements and technical reports, which were not read again on 2026-11-21, and they differ in
method (five examples, none, with reasoning): correct them where you know better. They only say
where to begin; six judged answers of your own weigh as much as one of them.

- OpenAI: github.com/openai/simple-evals, README; openai.com/index/gpt-4-1
- Anthropic: anthropic.com/news/claude-3-family, claude-3-5-sonnet, 3-5-models-and-computer-use
- Google: Gemini 1.5 report (arXiv:2403.05530); Gemma 2 report (arXiv:2408.00118)
- Meta: The Llama 3 herd of models (arXiv:2407.21783)
- Mistral: Mixtral of experts (arXiv:2401.04088); mistral.ai/news
- DeepSeek: V2.5 model card, V3 report (arXiv:2412.19437), R1 report (arXiv:2501.12948)
- Alibaba: Qwen2.5 report (arXiv:2412.15115)
"""

from collections.abc import Mapping
from types import MappingProxyType

KNOWN_SCORES: Mapping[str, float] = MappingProxyType(
    {
        "gpt-3.5-turbo": 0.70,
        "gpt-4": 0.864,
        "gpt-4-turbo": 0.865,
        "gpt-4-1106-preview": 0.847,
        "gpt-4o": 0.887,
        "gpt-4o-mini": 0.82,
        "gpt-4.1": 0.902,
        "gpt-4.1-mini": 0.875,
        "gpt-4.1-nano": 0.801,
        "o1": 0.918,
        "o1-mini": 0.852,
        "o1-preview": 0.908,
        "o3-mini": 0.869,
        "claude-3-haiku": 0.752,
        "claude-3-sonnet": 0.79,
        "claude-3-opus": 0.868,
        "claude-3-5-sonnet": 0.887,
        "gemini-1.5-flash": 0.789,
        "gemini-1.5-pro": 0.859,
        "gemma-2-9b-it": 0.713,
        "gemma-2-27b-it": 0.752,
        "meta-llama-3.1-8b-instruct": 0.73,
        "meta-llama-3.1-70b-instruct": 0.86,
        "meta-llama-3.1-405b-instruct": 0.886,
        "llama-3.1-8b-instant": 0.73,
        "llama-3.3-70b-versatile": 0.86,
        "mixtral-8x7b-instruct-v0.1": 0.706,
        "mistral-large": 0.84,
        "deepseek-v2.5": 0.804,
        "deepseek-v3": 0.885,
        "deepseek-chat": 0.885,
        "deepseek-r1": 0.908,
        "deepseek-reasoner": 0.908,
        "qwen2.5-7b-instruct": 0.742,
        "qwen2.5-72b-instruct": 0.861,
    }
)
