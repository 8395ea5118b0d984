"""A model on this machine: llama.cpp's server (xllamacpp) in a child process, weights pinned.

The child speaks OpenAI's chat completions well enough that the `openai_compatible` provider
drives it; this folder brings the weights, starts the child and knows where its wire differs.
Each line below is held by a test in tests/integration/providers/test_local.py.

Same as OpenAI: `usage` on every answer; `stream_options.include_usage` sends one last chunk with
empty `choices`, and without it no chunk carries usage; role chunk first, `finish_reason` null
until the one that ends, one `[DONE]`; `stop`, `seed` (same answer on an idle server),
`max_tokens` and `max_completion_tokens`, `logprobs`; `response_format` json_schema is enforced by
a grammar; a caller who leaves a stream stops the generation at once.

Different:

- `n` > 1: usage counts one choice only, a stream sends a usage chunk *per choice*, and `n` above
  the number of slots is a 400. `wire.check_request` refuses `n` > 1.
- A caller who leaves without `stream` is noticed only after a whole second in which the server
  answered nobody: a busy server generates on to the bound. Ask it for streams.
- Tools: dropped without a word, `tool_choice: required` too, where the model's template has no
  place for them (SmolLM2). `wire.check_request` refuses them then.
- Error bodies carry a number as `code`, no `param`; context overflow is a 400 of type
  `exceed_context_size_error`; an image for a text model, or a message without a role, is a 500.
  Messages may quote the caller. `wire.normalise_error` mends all of it.
- `model` in the request is not looked at; answers carry the alias the child was started with.
- `messages: []`, unknown roles, unknown fields, duplicate keys: accepted. `max_tokens: 0`
  generates one token, -1 means no bound; without a bound it generates until the context is full.
- Defaults while sampling are llama.cpp's (temperature 0.8, top_k 40, min_p 0.05).
- Answers carry `timings`, `usage.prompt_tokens_details.cached_tokens`, and in `logprobs` an `id`.
- The role chunk's `content` is null, where OpenAI sends "".
- `/v1/embeddings` is a 501: the child serves one chat model.
- More requests than slots wait inside, in order, without a bound but `connections_max`.
"""
