"""A Legato provider for a vendor that speaks OpenAI's interface and wants its requests signed."""
