"""OpenAI's dialect in front: chat completions and embeddings."""
