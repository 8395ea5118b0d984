"""OpenAI's responses in front of any provider: always translated, kept where the caller asks."""
